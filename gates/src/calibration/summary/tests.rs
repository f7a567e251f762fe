//! A calibration over scripted comparisons: what goes in is known, and every figure follows from it by hand.

use super::*;
use crate::design::Design;

fn terms(family: usize) -> Terms {
    let design = Design::new(&[16, 24, 32, 40], 0.05, 0.01);
    let margins = Margins { m0: libm::log(1.01), m1: libm::log(1.05) };
    Terms { rule: Rule::new(design, FailOn::Standard), margins: vec![margins; family], fail: 0.01 }
}

/// `n` pairs about `centre` that swing by `swing`, without a trend.
fn pairs(n: usize, centre: f64, swing: f64) -> Vec<f64> {
    const PATTERN: [f64; 8] = [1.0, -0.7, 0.3, -1.0, 0.7, -0.3, 0.1, -0.1];
    (0..n).map(|pair| centre + swing * PATTERN[(pair * 3) % 8]).collect()
}

fn trial(planted: f64, seconds: f64, centre: f64) -> Trial {
    Trial { planted, seconds, log_ratios: vec![pairs(16, centre, 0.01)] }
}

/// 200 comparisons of a build with itself, of which `n_false` look 20 % slower, and 40 with 5 % planted, of which `n_missed`
/// look like nothing.
fn calibration(n_false: usize, n_missed: usize) -> Summary {
    let alike = (0..200).map(|idx| trial(0.0, 16.0, if idx < n_false { 0.2 } else { 0.0 }));
    let slowed = (0..40).map(|idx| trial(0.05, 17.0, if idx < n_missed { 0.0 } else { 0.07 }));
    let trials: Vec<Trial> = alike.chain(slowed).collect();
    summary(&trials, &[0.0, 0.05], &terms(1))
}

#[test]
fn rates_count_the_verdicts_of_the_rule_and_nothing_else() {
    let found = calibration(1, 2);
    assert!(found.holds);
    let [alike, slowed] = &found.groups[..] else { panic!("two shares were asked for") };
    assert_eq!(alike.fail, Rate { hits: 1, n: 200 });
    assert_eq!((alike.pass.hits, alike.inconclusive.hits, alike.improved.hits), (199, 0, 0));
    assert_eq!((slowed.fail.hits, slowed.pass.hits), (38, 2));
    assert_eq!((alike.mean_pairs, alike.mean_seconds), (Some(16.0), Some(16.0)));
    assert_eq!(found.seconds_per_pair, Some(1.0));
}

#[test]
fn a_false_alarm_too_many_or_a_slowdown_missed_too_often_breaks_it() {
    for (n_false, n_missed, holds) in [(5, 0, true), (6, 0, false), (0, 2, true), (0, 3, false)] {
        assert_eq!(
            calibration(n_false, n_missed).holds,
            holds,
            "{n_false} false, {n_missed} missed"
        );
    }
}

#[test]
fn what_was_asked_for_and_never_run_is_not_met() {
    let trials = vec![trial(0.0, 16.0, 0.0); 20];
    assert!(summary(&trials, &[0.0], &terms(1)).holds);
    let cut_short = summary(&trials, &[0.0, 0.05], &terms(1));
    assert!(!cut_short.holds);
    assert_eq!(cut_short.groups[1].fail, Rate { hits: 0, n: 0 });
    // 3 % lies between the margins: any verdict is right, and none is demanded.
    assert!(summary(&trials, &[0.0, 0.03], &terms(1)).holds);
    let nothing = summary(&[], &[0.0], &terms(1));
    assert!(!nothing.holds && nothing.seconds_per_pair.is_none());
    assert_eq!(nothing.noise[0].smallest, [None; 4]);
}

#[test]
fn a_rule_that_fails_only_beyond_the_margin_owes_nothing_on_it() {
    let mut terms = terms(1);
    terms.rule.fail_on = FailOn::Unacceptable;
    assert_eq!(demand(0.05, &terms), None);
}

#[test]
fn the_realised_slowdown_is_of_first_looks_alone() {
    // Later pairs of an undecided comparison lie far off; they say nothing about the other comparisons.
    let mut trials = vec![trial(0.05, 17.0, 0.07); 40];
    for trial in &mut trials[..20] {
        trial.log_ratios[0].extend([0.5; 8]);
    }
    let found = summary(&trials, &[0.05], &terms(1));
    let realised = found.groups[0].realised[0].as_ref().expect("forty comparisons");
    assert!((realised.estimate - 0.07).abs() < 1e-9, "{realised:?}");
    let (low, high) = realised.interval.expect("forty comparisons");
    assert!(low <= 0.07 + 1e-9 && high >= 0.07 - 1e-9);
}

#[test]
fn noise_is_that_of_a_build_with_itself() {
    let found = calibration(0, 0);
    let (sd, low, high) = found.noise[0].pair_sd.expect("3200 pairs");
    // Of eight equal shares 0.001, 0.001, 0.003, 0.003, 0.007, 0.007, 0.01, 0.01 from the centre 0: the median is 0.005.
    assert!((sd - 1.482_602_218_505_602 * 0.005).abs() < 1e-9 && low <= sd && sd <= high, "{sd}");
    assert_eq!(found.noise[0].n_pairs, 3200);
    // 60, 120, 300 and 600 pairs of a second.
    let smallest: Vec<f64> = found.noise[0].smallest.iter().flatten().copied().collect();
    assert!(smallest.len() == 4 && smallest.is_sorted_by(|a, b| a > b), "{smallest:?}");
    assert!(smallest[3] > libm::log(1.01));
}

#[test]
fn in_a_family_one_slow_metric_is_enough_and_a_missing_one_decides_nothing() {
    let two = |second: Vec<f64>| Trial {
        planted: 0.0,
        seconds: 16.0,
        log_ratios: vec![pairs(16, 0.0, 0.01), second],
    };
    let verdict = |trial: &Trial| trial.judged(&terms(2).margins, &terms(2).rule).verdict;
    assert_eq!(verdict(&two(pairs(16, 0.0, 0.01))), MetricVerdict::Pass);
    assert_eq!(verdict(&two(pairs(16, 0.2, 0.01))), MetricVerdict::Fail);
    assert_eq!(verdict(&two(Vec::new())), MetricVerdict::Inconclusive);
    assert_eq!(verdict(&two(vec![f64::NAN; 16])), MetricVerdict::Inconclusive);
}
