//! All comparisons of a calibration together: rates with exact intervals, what was planted and what it came to, the spread
//! of a pair, and whether the demands hold.
//!
//! In: trials, the rule and margins that judge them, what was asked for. Out: a [`Summary`].

use super::{
    rate::{Demand, Rate},
    trial::{Judged, Trial, first},
    within::{pairs_within, smallest_slowdown},
};
use crate::{
    decision::{Margins, Rule},
    policy::FailOn,
    replay::Spread,
    stats::{
        Location,
        quantile::median,
        yuen::{as_f64, mean},
    },
    verdict::MetricVerdict,
};

/// Share of comparisons slowed by the unacceptable margin or more that must be found.
const FOUND: f64 = 0.95;
/// The lengths of a session that the smallest slow-down is computed for.
pub const MINUTES: [f64; 4] = [1.0, 2.0, 5.0, 10.0];

/// What a calibration is judged by.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The rule of the policy.
    pub rule: Rule,
    /// Margins of the metrics of the family.
    pub margins: Vec<Margins>,
    /// Its rate of false alarms: the policy's `levels.fail`.
    pub fail: f64,
}

/// Everything that a calibration says.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// For each share that was asked for, in that order.
    pub groups: Vec<Group>,
    /// For each metric, from the comparisons of a build with itself.
    pub noise: Vec<Noise>,
    /// Mean over the comparisons of a build with itself; `None` without any.
    pub seconds_per_pair: Option<f64>,
    /// Whether every demand is met.
    pub holds: bool,
}

/// The comparisons with one share planted.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The share; 0 of a build with itself.
    pub planted: f64,
    /// FAIL: a false alarm where nothing was planted.
    pub fail: Rate,
    /// What is demanded of it, if anything is.
    pub demand: Option<Demand>,
    /// PASS.
    pub pass: Rate,
    /// Neither.
    pub inconclusive: Rate,
    /// A metric was claimed to be faster.
    pub improved: Rate,
    /// Mean number of pairs; `None` without comparisons.
    pub mean_pairs: Option<f64>,
    /// Mean wall time of a comparison.
    pub mean_seconds: Option<f64>,
    /// For each metric the log ratio that was measured; `None` for fewer than two comparisons.
    pub realised: Vec<Option<Realised>>,
}

/// A log ratio over comparisons, of their estimates at the first look.
#[derive(Clone, Debug, PartialEq)]
pub struct Realised {
    /// Estimate, of one value a comparison.
    pub estimate: f64,
    /// Its two-sided 95 % interval; `None` for fewer than six comparisons.
    pub interval: Option<(f64, f64)>,
}

/// How much pairs of a build with itself scatter, and what that lets a gate see.
#[derive(Clone, Debug, PartialEq)]
pub struct Noise {
    /// Robust standard deviation of a pair's log ratio, with its 95 % interval; `None` below six pairs.
    pub pair_sd: Option<(f64, f64, f64)>,
    /// Pairs behind it.
    pub n_pairs: u64,
    /// For each of [`MINUTES`] the least log ratio that is gated 9 times in 10, computed; `None` where the policy's first
    /// look is not reached.
    pub smallest: Vec<Option<f64>>,
}

impl Group {
    /// Whether its demand is met; `None` where there is none.
    #[must_use]
    pub fn holds(&self) -> Option<bool> {
        self.demand.map(|demand| demand.holds(self.fail))
    }
}

/// Sums up `trials`. `shares`: those that were asked for; a demand on one that was never run is not met.
#[must_use]
pub fn summary(trials: &[Trial], shares: &[f64], terms: &Terms) -> Summary {
    let judged: Vec<(&Trial, Judged)> =
        trials.iter().map(|trial| (trial, trial.judged(&terms.margins, &terms.rule))).collect();
    let with = |share: f64| -> Vec<&(&Trial, Judged)> {
        judged.iter().filter(|(trial, _)| is_share(trial.planted, share)).collect()
    };
    let groups: Vec<Group> =
        shares.iter().map(|share| group(*share, &with(*share), terms)).collect();
    let alike = with(0.0);
    let n_pairs: usize = alike.iter().map(|(_, judged)| judged.n_pairs).sum();
    let seconds: f64 = alike.iter().map(|(trial, _)| trial.seconds).sum();
    let seconds_per_pair = (n_pairs > 0).then(|| seconds / as_f64(n_pairs));
    let noise = (0..terms.margins.len())
        .map(|metric| noise(metric, &alike, seconds_per_pair, terms))
        .collect();
    let holds = groups.iter().all(|group| group.holds() != Some(false));
    Summary { groups, noise, seconds_per_pair, holds }
}

/// Whether two shares are one: they come from the same text, or from a file that was written from it.
fn is_share(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

fn group(planted: f64, found: &[&(&Trial, Judged)], terms: &Terms) -> Group {
    let rate = |verdict| Rate::of(found.iter().map(|(_, judged)| judged.verdict == verdict));
    let over = |value: fn(&(&Trial, Judged)) -> f64| {
        let values: Vec<f64> = found.iter().map(|found| value(found)).collect();
        (!values.is_empty()).then(|| mean(&values))
    };
    Group {
        planted,
        fail: rate(MetricVerdict::Fail),
        demand: demand(planted, terms),
        pass: rate(MetricVerdict::Pass),
        inconclusive: rate(MetricVerdict::Inconclusive),
        improved: Rate::of(found.iter().map(|(_, judged)| judged.improved)),
        mean_pairs: over(|(_, judged)| as_f64(judged.n_pairs)),
        mean_seconds: over(|(trial, _)| trial.seconds),
        realised: (0..terms.margins.len()).map(|metric| realised(metric, found)).collect(),
    }
}

/// A build compared with itself fails no oftener than the policy allows. A slow-down that must not pass is found; one within
/// the margins may end in any verdict, by design, and so may one on the bound that FAIL must be proven to lie beyond.
fn demand(planted: f64, terms: &Terms) -> Option<Demand> {
    if planted <= 0.0 {
        return Some(Demand::Plausible(terms.fail));
    }
    let reaches = |margins: &Margins| libm::log1p(planted) >= margins.m1 - 1e-12;
    let found = terms.rule.fail_on != FailOn::Unacceptable && terms.margins.iter().any(reaches);
    found.then_some(Demand::AtLeast(FOUND))
}

fn realised(metric: usize, found: &[&(&Trial, Judged)]) -> Option<Realised> {
    let estimates: Vec<f64> = found
        .iter()
        .filter_map(|(_, judged)| judged.first.get(metric)?.as_ref().map(Location::estimate))
        .collect();
    let location = Location::of_pairs(&estimates)?;
    Some(Realised { estimate: location.estimate(), interval: location.interval_95() })
}

/// Of the pairs of first looks, and the typical standard error over comparisons: it holds what the test makes of tails and of
/// pairs that depend on each other, which the spread of a pair does not.
fn noise(
    metric: usize,
    alike: &[&(&Trial, Judged)],
    seconds_per_pair: Option<f64>,
    terms: &Terms,
) -> Noise {
    let firsts = || {
        alike
            .iter()
            .filter_map(|(trial, _)| Some(first(trial.log_ratios.get(metric)?, &terms.rule)))
    };
    let pairs: Vec<f64> = firsts().flatten().copied().collect();
    let errors: Vec<f64> = firsts()
        .filter_map(|pairs| {
            Some(Location::of_pairs(pairs)?.standard_error() * as_f64(pairs.len()).sqrt())
        })
        .collect();
    let noise = median(&errors).unwrap_or(f64::NAN);
    let smallest = |minutes: f64| {
        let n_pairs = pairs_within(minutes, seconds_per_pair?);
        smallest_slowdown(noise, n_pairs, &terms.rule, terms.margins[metric], terms.margins.len())
    };
    Noise {
        pair_sd: Spread::of(&pairs).map(|spread| (spread.sd, spread.low, spread.high)),
        n_pairs: pairs.len() as u64,
        smallest: MINUTES.into_iter().map(smallest).collect(),
    }
}

#[cfg(test)]
mod tests;
