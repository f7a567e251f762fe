//! The rule of a stored baseline on noise: how often it fails what did not change, what it finds, and what a bound without
//! the spread between sessions would do. Seeded; each bound is the demand plus three binomial standard errors.

use rayon::prelude::*;

use super::rule::{Decision, Found, Measured, Rule, decide};
use crate::{
    decision::Margins,
    policy::{DEFAULT_POLICY, FailOn, Policy},
    verdict::MetricVerdict,
};

#[path = "../../tests/common/noise.rs"]
mod noise;
use noise::Noise;

const N_PROCESSES: usize = 10;
/// Between processes of a session.
const PROCESS_SD: f64 = 0.01;
const N: u32 = 4_000;

/// What is simulated: sessions whose levels are known.
#[derive(Clone, Copy)]
struct Case<'a> {
    n_sessions: usize,
    /// SD between sessions of each metric.
    session_sds: &'a [f64],
    /// Share of a session's level that all metrics have in common.
    shared: f64,
    /// True ratio of the new session to the past, every metric.
    ratio: f64,
}

/// How `N` new sessions ended.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    fail: u32,
    pass: u32,
    /// The first metric.
    first_fail: u32,
    first_pass: u32,
}

impl Ends {
    fn plus(self, other: Self) -> Self {
        Self {
            fail: self.fail + other.fail,
            pass: self.pass + other.pass,
            first_fail: self.first_fail + other.first_fail,
            first_pass: self.first_pass + other.first_pass,
        }
    }
}

fn rate(count: u32) -> f64 {
    f64::from(count) / f64::from(N)
}

/// `share` and three binomial standard errors of it.
fn at_most(share: f64) -> f64 {
    share + 3.0 * (share * (1.0 - share) / f64::from(N)).sqrt()
}

fn rule() -> Rule {
    Rule::of(&Policy::parse(DEFAULT_POLICY).expect("it ships"))
}

fn margins() -> Margins {
    Margins { m0: 1.01_f64.ln(), m1: 1.05_f64.ln() }
}

fn family(case: Case<'_>, noise: &mut Noise) -> Vec<Option<Measured>> {
    let mut session = |ratio: f64| -> Vec<Vec<f64>> {
        let common = noise.normal();
        let mut metric = |sd: &f64| {
            let own = case.shared.sqrt() * common + (1.0 - case.shared).sqrt() * noise.normal();
            let level = ratio.ln() + sd * own;
            (0..N_PROCESSES).map(|_| level + PROCESS_SD * noise.normal()).collect()
        };
        case.session_sds.iter().map(&mut metric).collect()
    };
    let past: Vec<Vec<Vec<f64>>> = (0..case.n_sessions).map(|_| session(1.0)).collect();
    let now = session(case.ratio);
    let of = |metric: usize| Measured {
        past: past.iter().map(|session| session[metric].clone()).collect(),
        now: now[metric].clone(),
        margins: margins(),
    };
    (0..case.session_sds.len()).map(|metric| Some(of(metric))).collect()
}

fn ends(case: Case<'_>, rule: &Rule) -> Ends {
    let one = |session: u32| {
        let decisions = decide(&family(case, &mut Noise::new(u64::from(session))), rule);
        let is = |decision: &Decision, verdict: MetricVerdict| matches!(decision, Decision::Judged(found) if found.verdict == verdict);
        let (fail, pass) = (MetricVerdict::Fail, MetricVerdict::Pass);
        Ends {
            fail: u32::from(decisions.iter().any(|decision| is(decision, fail))),
            pass: u32::from(decisions.iter().all(|decision| is(decision, pass))),
            first_fail: u32::from(is(&decisions[0], fail)),
            first_pass: u32::from(is(&decisions[0], pass)),
        }
    };
    // Counts: their sum is the same in any order.
    (0..N).into_par_iter().map(one).reduce(Ends::default, Ends::plus)
}

/// In the order of difficulty: alone; six metrics that vary alike, apart or together; one that varies more than its suite.
const SUITES: [(&str, &[f64], f64); 5] = [
    ("one metric", &[0.04], 0.0),
    ("six, apart", &[0.04; 6], 0.0),
    ("six, half shared", &[0.04; 6], 0.5),
    ("six, the first four times as noisy", &[0.04, 0.01, 0.01, 0.01, 0.01, 0.01], 0.5),
    ("one, processes alone vary", &[0.0], 0.0),
];

#[test]
fn what_did_not_change_seldom_fails() {
    for n_sessions in [3, 5, 10, 20] {
        for (name, session_sds, shared) in SUITES {
            // Nothing changed, or no more than the negligible margin.
            for ratio in [1.0, 1.01] {
                let found = ends(Case { n_sessions, session_sds, shared, ratio }, &rule());
                let (fail, pass) = (rate(found.fail), rate(found.pass));
                println!("k {n_sessions}, {name}, × {ratio}: {fail:.4} fail, {pass:.4} pass");
                assert!(fail <= at_most(0.01), "k {n_sessions}, {name}, × {ratio}: {found:?}");
            }
        }
    }
}

#[test]
fn what_is_slower_by_the_unacceptable_margin_seldom_passes() {
    for n_sessions in [3, 5, 10, 20] {
        for sd in [0.005, 0.01, 0.04] {
            let case = Case { n_sessions, session_sds: &[sd], shared: 0.0, ratio: 1.05 };
            let pass = rate(ends(case, &rule()).pass);
            println!("k {n_sessions}, SD {sd}, × 1.05: {pass:.4} pass");
            assert!(pass <= at_most(0.01), "k {n_sessions}, SD {sd}: {pass}");
        }
    }
}

#[test]
fn a_slow_down_beyond_the_noise_is_found() {
    // Least rates: those seen (gates/docs/statistics.md) less three binomial standard errors, rounded down.
    for (n_sessions, ratio, sd, one_least, six_least) in [
        (5, 1.2, 0.04, 0.58, 0.26),
        (10, 1.1, 0.04, 0.25, 0.17),
        (10, 1.2, 0.04, 0.85, 0.86),
        (20, 1.2, 0.04, 0.92, 0.96),
        (10, 1.1, 0.02, 0.83, 0.84),
    ] {
        for (name, session_sds, least) in
            [("one metric", &[sd][..], one_least), ("six", &[sd; 6], six_least)]
        {
            let found = ends(Case { n_sessions, session_sds, shared: 0.5, ratio }, &rule());
            let (any, first) = (rate(found.fail), rate(found.first_fail));
            println!("k {n_sessions}, {name}, SD {sd}, × {ratio}: {any:.3} fail, first {first:.3}");
            assert!(any >= least, "k {n_sessions}, {name}, SD {sd}, × {ratio}: {found:?}");
        }
    }
}

#[test]
fn green_takes_a_quiet_machine() {
    // As above; the last is a machine too noisy to say anything: at most what was seen plus three standard errors.
    for (n_sessions, sd, least, most) in [
        (5, 0.005, 0.89, 1.0),
        (10, 0.005, 0.99, 1.0),
        (10, 0.01, 0.61, 1.0),
        (20, 0.04, 0.0, 0.01),
    ] {
        let case = Case { n_sessions, session_sds: &[sd; 6], shared: 0.5, ratio: 1.0 };
        let pass = rate(ends(case, &rule()).pass);
        println!("k {n_sessions}, six, SD {sd}, × 1: {pass:.3} pass");
        assert!((least..=most).contains(&pass), "k {n_sessions}, SD {sd}: {pass}");
    }
}

#[test]
fn a_bound_without_the_spread_between_sessions_fails_what_did_not_change() {
    let planted = Rule { with_sessions: false, ..rule() };
    for n_sessions in [5, 10] {
        let case = Case { n_sessions, session_sds: &[0.04], shared: 0.0, ratio: 1.0 };
        let (found, planted) = (rate(ends(case, &rule()).fail), rate(ends(case, &planted).fail));
        println!("k {n_sessions}: {found:.4} fail, {planted:.3} without the sessions");
        assert!(found <= at_most(0.01) && planted > 0.1, "k {n_sessions}: {found}, {planted}");
    }
}

#[test]
fn a_metric_that_varies_more_than_its_suite_keeps_its_levels() {
    let session_sds = &[0.04, 0.01, 0.01, 0.01, 0.01, 0.01];
    for n_sessions in [5, 10, 20] {
        let case = |ratio| Case { n_sessions, session_sds, shared: 0.5, ratio };
        let pass = rate(ends(case(1.05), &rule()).first_pass);
        let fail = rate(ends(case(1.01), &rule()).first_fail);
        println!("k {n_sessions}: {pass:.4} pass at × 1.05, {fail:.4} fail at × 1.01");
        // A PASS has a level of its own, a FAIL its share of the family's.
        assert!(pass <= at_most(0.01), "k {n_sessions}: {pass}");
        assert!(fail <= at_most(0.01 / 6.0), "k {n_sessions}: {fail}");
    }
}

fn first(family: &[Option<Measured>]) -> Found {
    match decide(family, &rule())[0] {
        Decision::Judged(found) => found,
        other => panic!("expected a judged metric, found {other:?}"),
    }
}

#[test]
fn a_slow_down_as_large_as_the_printed_one_is_found_nine_times_in_ten() {
    for (n_sessions, sd) in [(5, 0.02), (10, 0.04)] {
        let found = |session: u32| {
            let case = Case { n_sessions, session_sds: &[sd], shared: 0.0, ratio: 1.0 };
            let mut family = family(case, &mut Noise::new(u64::from(session)));
            let detectable = first(&family).detectable();
            for log in family.iter_mut().flatten().flat_map(|measured| &mut measured.now) {
                *log += detectable;
            }
            u32::from(first(&family).proven_slower)
        };
        let found = (0..N).into_par_iter().map(found).sum::<u32>();
        let power = f64::from(found) / f64::from(N);
        println!("k {n_sessions}, SD {sd}: {power:.4}");
        // 90 % where sessions dominate; more, as one share of process noise is counted twice.
        assert!((0.89..0.97).contains(&power), "k {n_sessions}: {power}");
    }
}

#[test]
fn the_bound_is_that_of_the_formula() {
    // Sessions of two processes .01 apart about 0, .01, .02, .03; now .08 and .09. Mean .02, s_run² = 5e-4/3, s_e² = 5e-5,
    // df 3: .0049505 (two digits of ln 1.01 are .00995) + t(.99; 3)·√(s_run²·1.25 + s_e²/2). scipy 1.17.1: t.ppf(.99, 3).
    let past = [0.0, 0.01, 0.02, 0.03].map(|level| vec![level, level + 0.01]).to_vec();
    let measured = Measured { past, now: vec![0.08, 0.09], margins: margins() };
    let found = first(&[Some(measured)]);
    let want = 1.01_f64.ln() + 4.540_702_858_568_132 * (5e-4_f64 / 3.0 * 1.25 + 5e-5 / 2.0).sqrt();
    assert!((found.bound() - want).abs() < 1e-9, "{} is not {want}", found.bound());
    assert!((found.change - 0.065).abs() < 1e-12 && found.n_sessions == 4, "{found:?}");
}

#[test]
fn a_metric_that_is_missing_or_broken_keeps_its_place_and_the_rest_is_judged() {
    let past = |k: usize| -> Vec<Vec<f64>> {
        (0..k).map(|place| vec![[0.0, 0.01, 0.02][place % 3]; 4]).collect()
    };
    let of = |k: usize, now: f64| {
        Some(Measured { past: past(k), now: vec![now; 4], margins: margins() })
    };
    let decisions = decide(
        &[of(9, 0.01), None, of(2, 0.0), of(9, f64::NAN), of(0, 0.0), of(9, 1e300)],
        &rule(),
    );
    let level = match &decisions[0] {
        Decision::Judged(found) => found.level_fail,
        other => panic!("{other:?}"),
    };
    assert!((level - 0.01 / 6.0).abs() < 1e-15, "{level}");
    let rest = [
        Decision::Missing,
        Decision::TooFew(2),
        Decision::Missing,
        Decision::Missing,
        Decision::Missing,
    ];
    assert_eq!(decisions[1..], rest);
    assert!(decide(&[], &rule()).is_empty());
}

#[test]
fn no_spread_and_what_fails_are_decided_as_in_a_pair() {
    let verdict = |change: f64, fail_on| {
        let measured = Measured { past: vec![vec![0.0]; 3], now: vec![change], margins: margins() };
        match decide(&[Some(measured)], &Rule { fail_on, ..rule() })[0] {
            Decision::Judged(found) => found.verdict,
            other => panic!("{other:?}"),
        }
    };
    for (change, standard, any, unacceptable) in [
        (0.0, MetricVerdict::Pass, MetricVerdict::Pass, MetricVerdict::Pass),
        (0.03, MetricVerdict::Pass, MetricVerdict::Fail, MetricVerdict::Pass),
        (0.06, MetricVerdict::Fail, MetricVerdict::Fail, MetricVerdict::Fail),
    ] {
        let found =
            [FailOn::Standard, FailOn::Any, FailOn::Unacceptable].map(|on| verdict(change, on));
        assert_eq!(found, [standard, any, unacceptable], "{change}");
    }
}
