//! Sessions by the thousand, each judged by the rule as it stands. In: a cell, a truth, a rule. Out: how they ended.

use rayon::prelude::*;

use super::{Plan, cell::Cell, noise::Noise};
use crate::{
    decision::{Decided, Decision, Margins, Rule, decide},
    verdict::MetricVerdict,
};

/// The margins that ship: 1 and 5 %.
pub(super) const MARGINS: (f64, f64) = (1.01, 1.05);

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) cell: &'static Cell,
    /// Pair SD.
    pub(super) sd: f64,
    /// True ratio, head ÷ base, of the first metric.
    pub(super) ratio: f64,
    /// True ratio of all others.
    pub(super) others: f64,
    /// Metrics in the family.
    pub(super) family: usize,
    /// Both margins, as ratios.
    pub(super) margins: (f64, f64),
}

impl Case {
    /// One metric, the margins that ship.
    pub(super) fn one(cell: &'static Cell, sd: f64, ratio: f64) -> Self {
        Self { cell, sd, ratio, others: 1.0, family: 1, margins: MARGINS }
    }

    /// Eight metrics, all but the first `others`.
    pub(super) fn eight(cell: &'static Cell, sd: f64, ratio: f64, others: f64) -> Self {
        Self { family: 8, others, ..Self::one(cell, sd, ratio) }
    }

    /// For the table: what, and how noisy.
    pub(super) fn name(&self) -> String {
        let ratio = |ratio: f64| format!("{:+}", ((ratio - 1.0) * 1e3).round() / 10.0);
        let family = match (self.family, self.others) {
            (1, _) => String::new(),
            (n, others) if others.to_bits() == self.ratio.to_bits() => {
                format!(", {n} metrics alike")
            }
            (n, _) => format!(", one of {n} metrics"),
        };
        let ratio = ratio(self.ratio).replace("+0", "0");
        format!("{}, SD {} %, D {ratio} %{family}", self.cell.name, self.sd * 100.0)
    }
}

/// How the sessions of a case ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) n: u64,
    /// Any metric failed.
    pub(super) fail: u64,
    /// The first metric failed.
    pub(super) first_fails: u64,
    /// The first metric passed.
    pub(super) first_passes: u64,
    /// The session neither failed nor passed as a whole.
    pub(super) inconclusive: u64,
    /// Every metric was decided at the first look.
    pub(super) at_first_look: u64,
}

impl Ends {
    fn of(decided: &Decided, first_pairs: usize) -> Self {
        let verdict = |found: &Option<Decision>| {
            found.as_ref().map_or(MetricVerdict::Missing, |found| found.verdict)
        };
        let first = verdict(&decided.metrics[0]);
        let any = |of: MetricVerdict| decided.metrics.iter().any(|found| verdict(found) == of);
        let fail = any(MetricVerdict::Fail);
        let at_first = |found: &Decision| {
            found.n_pairs == first_pairs && found.verdict != MetricVerdict::Inconclusive
        };
        Self {
            n: 1,
            fail: u64::from(fail),
            first_fails: u64::from(first == MetricVerdict::Fail),
            first_passes: u64::from(first == MetricVerdict::Pass),
            inconclusive: u64::from(!fail && any(MetricVerdict::Inconclusive)),
            at_first_look: u64::from(decided.metrics.iter().flatten().all(at_first)),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            n: self.n + other.n,
            fail: self.fail + other.fail,
            first_fails: self.first_fails + other.first_fails,
            first_passes: self.first_passes + other.first_passes,
            inconclusive: self.inconclusive + other.inconclusive,
            at_first_look: self.at_first_look + other.at_first_look,
        }
    }
}

/// The rule that is tried: the right one, or with the plan's fault in it.
pub(super) fn tried(plan: Plan, rule: Rule) -> Rule {
    match plan.fault {
        Some(fault) => fault.plant(rule),
        None => rule,
    }
}

/// Runs a case under `rule`. `simulation` keys its draws.
pub(super) fn sessions(plan: Plan, simulation: u64, case: &Case, rule: &Rule) -> Ends {
    let n_pairs = rule.design.last().pairs;
    let margins = Margins { m0: libm::log(case.margins.0), m1: libm::log(case.margins.1) };
    let run = |session: u32| {
        let mut noise = Noise::new(plan.seed, simulation, session);
        let metrics: Vec<Vec<f64>> = (0..case.family)
            .map(|metric| {
                let truth = libm::log(if metric == 0 { case.ratio } else { case.others });
                let mut pairs = (case.cell.draw)(&mut noise, case.sd, n_pairs);
                pairs.iter_mut().for_each(|pair| *pair += truth);
                pairs
            })
            .collect();
        let family: Vec<(Option<&[f64]>, Margins)> =
            metrics.iter().map(|pairs| (Some(&pairs[..]), margins)).collect();
        Ends::of(&decide(&family, rule), rule.design.first().pairs)
    };
    (0..plan.sessions).into_par_iter().map(run).reduce(Ends::default, Ends::plus)
}

/// Counts the sessions of `n_pairs` pairs with no difference for which `holds`.
pub(super) fn count(
    plan: Plan,
    simulation: u64,
    cell: &Cell,
    sd: f64,
    n_pairs: usize,
    holds: impl Fn(&[f64]) -> bool + Sync,
) -> u64 {
    let run = |session: u32| {
        let mut noise = Noise::new(plan.seed, simulation, session);
        u64::from(holds(&(cell.draw)(&mut noise, sd, n_pairs)))
    };
    (0..plan.sessions).into_par_iter().map(run).sum()
}
