//! The decision: a family of paired metrics, looked at as the design says, until each has its verdict.
//!
//! In: log ratios of each metric's pairs, in the order taken; margins; the rule. Out: for each metric the verdict, the look
//! it fell at and the numbers it rests on. Sources: Schuirmann 1987 (two one-sided tests), Holm 1979, [`crate::design`].
//!
//! At each look PASS is asked first. A verdict, once fallen, stays; what later pairs say cannot take it back. The session is
//! over when a metric has failed or none is open, so that pairs beyond that look change nothing.

use crate::{
    design::{Design, Look},
    policy::{FailOn, Policy},
    stats::{Location, holm, yuen::as_f64},
    verdict::MetricVerdict,
};

/// Logs of the two margins of one metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Margins {
    /// A slow-down up to here is nothing.
    pub m0: f64,
    /// One from here on must not pass.
    pub m1: f64,
}

/// How a session is judged.
#[derive(Clone, Debug)]
pub struct Rule {
    /// When, and at which levels.
    pub design: Design,
    /// What fails.
    pub fail_on: FailOn,
    /// The test of one metric.
    pub(crate) locate: fn(&[f64]) -> Option<Location>,
    /// The level of a family's FAIL shared among its metrics; `false` only in a rule that is shown to be wrong.
    pub(crate) family_wise: bool,
}

impl Rule {
    /// The rule of these looks and levels.
    #[must_use]
    pub fn new(design: Design, fail_on: FailOn) -> Self {
        Self { design, fail_on, locate: Location::of_pairs, family_wise: true }
    }

    /// The rule of a policy.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        Self::new(policy.design(), policy.verdict.fail_on)
    }

    /// The bound that FAIL must be proven to lie beyond.
    #[must_use]
    pub fn fail_bound(&self, margins: Margins) -> f64 {
        if self.fail_on == FailOn::Unacceptable { margins.m1 } else { margins.m0 }
    }

    /// The level that the first metric of a family of `n` must reach to fail at `look`.
    #[must_use]
    pub fn fail_level(&self, look: Look, n: usize) -> f64 {
        if self.family_wise { look.fail / as_f64(n.max(1)) } else { look.fail }
    }

    /// The least true log ratio that ends in FAIL 9 times in 10 by the last look, in a family of `n`, if the spread of
    /// `found` stays as it is.
    #[must_use]
    pub fn detectable(&self, found: &Decision, margins: Margins, n: usize) -> f64 {
        let last = self.design.last();
        let level = self.fail_level(last, n);
        let beyond =
            self.fail_bound(margins) + found.location.distance_at(last.pairs, found.n_pairs, level);
        // PASS is asked first: a slow-down within the unacceptable margin may end in it; one on the margin does so one time
        // in twenty at most.
        beyond.max(margins.m1)
    }

    /// The greatest true log ratio that ends in PASS 9 times in 10 by the last look.
    #[must_use]
    pub fn passable(&self, found: &Decision, margins: Margins) -> f64 {
        let last = self.design.last();
        margins.m1 - found.location.distance_at(last.pairs, found.n_pairs, last.pass)
    }
}

/// What became of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// PASS, FAIL or INCONCLUSIVE.
    pub verdict: MetricVerdict,
    /// The look at which it fell, or the last one the session came to. `None`: it has not come to the first.
    pub look: Option<Look>,
    /// Pairs it rests on.
    pub n_pairs: usize,
    /// Estimate and test.
    pub location: Location,
    /// One-sided p against "not slower than the bound that FAIL needs".
    pub p_fail: f64,
    /// One-sided p against "slower by the unacceptable margin or more".
    pub p_pass: f64,
    /// Whether "not slower than the bound that FAIL needs" is rejected: with PASS, a slow-down within the margin.
    pub proven_slower: bool,
}

/// A family, decided as far as its pairs reach.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// In the order given; `None` for a metric without two finite log ratios.
    pub metrics: Vec<Option<Decision>>,
    /// Whether more pairs can change a verdict: a metric is open, none has failed, and looks remain.
    pub open: bool,
}

/// Decides a family. A metric that is missing (`None`) keeps its place in it: leaving it out would loosen the level of the
/// others. Looks beyond the pairs at hand have not come yet.
#[must_use]
pub fn decide(family: &[(Option<&[f64]>, Margins)], rule: &Rule) -> Decided {
    let n_pairs = family.iter().filter_map(|(pairs, _)| pairs.map(<[f64]>::len)).min().unwrap_or(0);
    let mut metrics: Vec<Option<Decision>> = vec![None; family.len()];
    let is_open = |decision: &Option<Decision>| {
        decision.as_ref().is_none_or(|found| found.verdict == MetricVerdict::Inconclusive)
    };
    for look in rule.design.looks().iter().filter(|look| look.pairs <= n_pairs) {
        let mut now: Vec<Option<Decision>> = family
            .iter()
            .zip(&metrics)
            .map(|((pairs, margins), before)| {
                let pairs = pairs.filter(|_| is_open(before))?;
                tested(&pairs[..look.pairs], *margins, rule, Some(*look))
            })
            .collect();
        judge(&mut now, *look, rule);
        for (decision, now) in metrics.iter_mut().zip(now) {
            *decision = now.or_else(|| decision.take());
        }
        if over(&metrics, family, is_open) {
            return Decided { metrics, open: false };
        }
    }
    if n_pairs < rule.design.first().pairs {
        metrics =
            family.iter().map(|(pairs, margins)| tested((*pairs)?, *margins, rule, None)).collect();
    }
    Decided { open: n_pairs < rule.design.last().pairs, metrics }
}

/// Whether the session is at its end: something failed, or nothing that has pairs is open.
fn over(
    metrics: &[Option<Decision>],
    family: &[(Option<&[f64]>, Margins)],
    is_open: impl Fn(&Option<Decision>) -> bool,
) -> bool {
    let failed = |decision: &Decision| decision.verdict == MetricVerdict::Fail;
    let any_failed = metrics.iter().flatten().any(failed);
    any_failed
        || metrics.iter().zip(family).all(|(found, (pairs, _))| pairs.is_none() || !is_open(found))
}

/// Estimate and p-values of one metric; open as yet.
fn tested(pairs: &[f64], margins: Margins, rule: &Rule, look: Option<Look>) -> Option<Decision> {
    let location = (rule.locate)(pairs)?;
    Some(Decision {
        verdict: MetricVerdict::Inconclusive,
        look,
        n_pairs: pairs.len(),
        p_fail: location.p_above(rule.fail_bound(margins)),
        p_pass: location.p_below(margins.m1),
        location,
        proven_slower: false,
    })
}

/// Gives the metrics that are open at `look` their verdicts. Before the last look each FAIL must reach the first step of
/// Holm, since what the others will say is not known yet; at the last, Holm walks over the family.
fn judge(now: &mut [Option<Decision>], look: Look, rule: &Rule) {
    let p_values: Vec<f64> =
        now.iter().map(|found| found.as_ref().map_or(1.0, |found| found.p_fail)).collect();
    let rejected: Vec<bool> = if look == rule.design.last() && rule.family_wise {
        holm::rejected(&p_values, look.fail)
    } else {
        let level = rule.fail_level(look, now.len());
        p_values.iter().map(|p| *p <= level).collect()
    };
    for (found, rejected) in now.iter_mut().zip(rejected) {
        let Some(found) = found else { continue };
        found.proven_slower = rejected;
        let passes = found.p_pass <= look.pass;
        found.verdict = match (passes, rejected) {
            (true, true) if rule.fail_on == FailOn::Any => MetricVerdict::Fail,
            (true, _) => MetricVerdict::Pass,
            (false, true) => MetricVerdict::Fail,
            (false, false) => MetricVerdict::Inconclusive,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::{Decided, Margins, MetricVerdict, Rule, decide};
    use crate::{design::Design, policy::FailOn};

    fn rule() -> Rule {
        Rule::new(Design::new(&[16, 24, 32, 40], 0.05, 0.01), FailOn::Standard)
    }

    /// `n` pairs about `centre` that swing by `swing` in a pattern without a trend.
    fn pairs(n: usize, centre: f64, swing: f64) -> Vec<f64> {
        const PATTERN: [f64; 8] = [1.0, -0.7, 0.3, -1.0, 0.7, -0.3, 0.1, -0.1];
        (0..n).map(|pair| centre + swing * PATTERN[(pair * 3) % 8]).collect()
    }

    fn decided(family: &[Vec<f64>], rule: &Rule) -> Decided {
        let margins = Margins { m0: 1.01_f64.ln(), m1: 1.05_f64.ln() };
        let family: Vec<_> = family.iter().map(|pairs| (Some(&pairs[..]), margins)).collect();
        decide(&family, rule)
    }

    fn verdicts(found: &Decided) -> Vec<(MetricVerdict, usize)> {
        found.metrics.iter().flatten().map(|metric| (metric.verdict, metric.n_pairs)).collect()
    }

    #[test]
    fn quiet_pairs_pass_at_the_first_look_and_end_the_session() {
        let found = decided(&[pairs(40, 0.0, 0.01)], &rule());
        assert_eq!(verdicts(&found), [(MetricVerdict::Pass, 16)]);
        assert!(!found.open);
    }

    #[test]
    fn a_verdict_that_fell_stays_whatever_later_pairs_say() {
        let mut quiet = pairs(16, 0.0, 0.01);
        quiet.extend([0.5; 24]);
        let noisy = pairs(40, 0.0, 0.12);
        let found = decided(&[quiet, noisy], &rule());
        assert_eq!(verdicts(&found)[0], (MetricVerdict::Pass, 16));
    }

    #[test]
    fn a_failure_ends_the_session_for_all() {
        let found = decided(&[pairs(40, 0.3, 0.02), pairs(40, 0.0, 0.4)], &rule());
        assert_eq!(
            verdicts(&found),
            [(MetricVerdict::Fail, 16), (MetricVerdict::Inconclusive, 16)]
        );
        assert!(!found.open);
    }

    #[test]
    fn noise_goes_on_until_the_looks_are_used_up() {
        let noise = pairs(40, 0.03, 0.3);
        for (n, open) in [(15, true), (16, true), (24, true), (39, true), (40, false)] {
            let found = decided(&[noise[..n].to_vec()], &rule());
            assert_eq!(found.open, open, "{n} pairs");
            assert_eq!(verdicts(&found)[0].0, MetricVerdict::Inconclusive, "{n} pairs");
        }
        let found = decided(&[noise[..12].to_vec()], &rule());
        assert_eq!(
            (found.metrics[0].as_ref().and_then(|found| found.look), found.open),
            (None, true)
        );
    }

    #[test]
    fn a_metric_without_pairs_is_none_and_holds_nothing_up() {
        let margins = Margins { m0: 0.01, m1: 0.05 };
        let quiet = pairs(16, 0.0, 0.01);
        let found = decide(&[(Some(&quiet), margins), (None, margins)], &rule());
        assert_eq!((found.metrics[1].is_none(), found.open), (true, false));
        assert!(decide(&[(None, margins)], &rule()).metrics[0].is_none());
        let nan = [f64::NAN; 16];
        assert!(decide(&[(Some(&nan), margins)], &rule()).metrics[0].is_none());
    }

    #[test]
    fn constant_pairs_are_decided_without_a_division() {
        for (value, verdict) in [
            (0.0, MetricVerdict::Pass),
            (1.05_f64.ln() + 1e-9, MetricVerdict::Fail),
            // On m1 "slower by m1 or more" is the truth, and cannot be rejected.
            (1.05_f64.ln(), MetricVerdict::Fail),
            (1.03_f64.ln(), MetricVerdict::Pass),
        ] {
            let found = decided(&[vec![value; 16]], &rule());
            assert_eq!(verdicts(&found)[0].0, verdict, "{value}");
        }
    }

    #[test]
    fn any_fails_what_is_proven_slower_within_the_margin() {
        let slower = pairs(40, 1.03_f64.ln(), 0.002);
        let standard = decided(std::slice::from_ref(&slower), &rule());
        assert_eq!(verdicts(&standard), [(MetricVerdict::Pass, 16)]);
        assert!(standard.metrics[0].as_ref().is_some_and(|found| found.proven_slower));
        let any = decided(&[slower], &Rule { fail_on: FailOn::Any, ..rule() });
        assert_eq!(verdicts(&any), [(MetricVerdict::Fail, 16)]);
    }
}
