//! Variance components against a matrix solution and their known errors; the prediction bound against its level.

#[path = "common/noise.rs"]
mod noise;

use gates::stats::{
    VarianceComponents,
    prediction::{NewSession, StoredSessions},
    student,
    variance::shrunk,
};
use noise::Noise;

/// `n` sessions of `p` processes of `i` iterations, with these standard deviations.
fn sessions(noise: &mut Noise, [n, p, i]: [usize; 3], [m, s, e]: [f64; 3]) -> Vec<Vec<Vec<f64>>> {
    let mut session = || {
        let level = m * noise.normal();
        let mut process = || {
            let level = level + s * noise.normal();
            (0..i).map(|_| level + e * noise.normal()).collect()
        };
        (0..p).map(|_| process()).collect()
    };
    (0..n).map(|_| session()).collect()
}

#[test]
fn unequal_sizes_are_solved_as_the_matrices_say() {
    let data = vec![
        vec![vec![0.10, 0.14, 0.12], vec![0.20, 0.22], vec![]],
        vec![vec![0.31, 0.29, 0.33, 0.30], vec![0.41], vec![0.38, 0.36]],
        vec![vec![0.05, 0.09], vec![0.02, 0.01, 0.06]],
        vec![],
        vec![vec![0.25, 0.21, 0.27]],
    ];
    let got = VarianceComponents::of(&data).expect("logs");
    // numpy 2.4.6: solve tr(Q_i V_j) s_j = y'Q_i y, with Q the differences of the projections onto processes, sessions and
    // the mean, and V = Z Z' of each level. No formula is shared with the code.
    let want = [0.000_511_805_555_555_558, 0.002_331_565_656_565_665, 0.017_072_107_202_158_57];
    for (got, want) in [got.iteration, got.process, got.session].into_iter().zip(want) {
        let got = got.expect("repeated");
        assert!((got - want).abs() < 1e-12, "{got} is not {want}");
    }
    assert_eq!((got.n_sessions, got.n_processes, got.n_iterations), (4, 8, 20));
}

#[test]
fn components_are_recovered_within_their_standard_error() {
    let (sizes, [m, s, e]) = ([40, 6, 8], [0.03, 0.02, 0.05]);
    let mut noise = Noise::new(1);
    let n_replications = 300;
    let mut sums = [0.0; 3];
    let mut n_within = [0; 3];
    // Searle et al. 1992, §3.6: a mean square varies as 2 E² / df, and the components are differences of mean squares.
    let e2 = e * e;
    let ms_p = e2 + 8.0 * s * s;
    let ms_m = ms_p + 48.0 * m * m;
    let variance = |ms: f64, df: f64| 2.0 * ms * ms / df;
    let (v_e, v_p, v_m) = (variance(e2, 1680.0), variance(ms_p, 200.0), variance(ms_m, 39.0));
    let errors = [v_e.sqrt(), (v_p + v_e).sqrt() / 8.0, (v_m + v_p).sqrt() / 48.0];
    let truth = [e2, s * s, m * m];
    for _ in 0..n_replications {
        let got = VarianceComponents::of(&sessions(&mut noise, sizes, [m, s, e])).expect("logs");
        let got = [got.iteration, got.process, got.session].map(|value| value.expect("repeated"));
        for level in 0..3 {
            sums[level] += got[level];
            n_within[level] += u32::from((got[level] - truth[level]).abs() <= 2.0 * errors[level]);
        }
    }
    for level in 0..3 {
        let mean = sums[level] / f64::from(n_replications);
        let error = errors[level] / f64::from(n_replications).sqrt();
        println!("level {level}: {mean:.3e} of {:.3e} ± {error:.1e}", truth[level]);
        assert!((mean - truth[level]).abs() < 3.0 * error, "level {level}: {mean}");
        // Two standard errors hold 95 % of a normal estimator; chi-square ones are a little off.
        assert!(n_within[level] >= 276, "level {level}: {} of 300", n_within[level]);
    }
}

#[test]
fn what_is_not_repeated_has_no_component_and_negative_ones_are_cut() {
    let one = VarianceComponents::of(&[vec![vec![1.0]]]).expect("a log");
    assert_eq!((one.session, one.process, one.iteration), (None, None, None));
    let session = VarianceComponents::of(&[vec![vec![1.0, 2.0], vec![1.0, 2.0]]]).expect("logs");
    assert_eq!((session.session, session.process), (None, Some(0.0)), "equal means: cut at 0");
    assert!(session.iteration.is_some_and(|value| (value - 0.5).abs() < 1e-12));
    assert_eq!(VarianceComponents::of(&[]), None);
    assert_eq!(VarianceComponents::of(&[vec![vec![]], vec![]]), None);
    for bad in [f64::NAN, f64::INFINITY, 1e300] {
        assert_eq!(VarianceComponents::of(&[vec![vec![1.0, bad]]]), None);
    }
}

#[test]
fn the_suite_weighs_ten_sessions_and_no_session_has_no_weight() {
    for (k, want) in [(0, 4.0), (10, 3.0), (30, 2.5)] {
        let got = shrunk(2.0, 4.0, k).expect("variances");
        assert!((got - want).abs() < 1e-12, "{k}: {got}");
    }
    assert_eq!(shrunk(-1.0, 4.0, 3), None);
    assert_eq!(shrunk(1.0, f64::NAN, 3), None);
}

const LEVEL_MISSED: f64 = 0.01;

/// How often a new session with nothing changed lies under a bound; each bound a function from the inputs to its p.
struct Coverage {
    as_shipped: f64,
    without_1_over_n: f64,
    without_sessions: f64,
    drawn_to_a_quarter: f64,
    drawn_to_the_truth: f64,
}

const N_PROCESSES: usize = 16;

fn coverage(k: usize, [m, s]: [f64; 2], n_replications: u32) -> Coverage {
    let mut noise = Noise::new(77 + u64::try_from(k).expect("small"));
    let mut under = [0_u32; 5];
    for _ in 0..n_replications {
        let mut all = sessions(&mut noise, [k + 1, N_PROCESSES, 1], [m, s, 0.0]);
        let number = |session: &[Vec<f64>]| session.iter().flatten().sum::<f64>() / 16.0;
        let new = number(&all.pop().expect("the new one"));
        let numbers: Vec<f64> = all.iter().map(|session| number(session)).collect();
        let s_e2 = VarianceComponents::of(&all).and_then(|c| c.process).expect("processes");
        let stored = StoredSessions::of(&numbers).expect("two or more");
        let now = NewSession { s_e2, n_now: N_PROCESSES };
        let bound = stored.predict(now).expect("a bound");
        let at = |variance: f64| student::p_above(new, bound.expected, variance.sqrt(), bound.df);
        let drawn = |median: f64| {
            let stored = stored.shrunk_toward(median).expect("a variance");
            stored.predict(now).expect("a bound").p_slower(new)
        };
        let truth = m * m + s * s / 16.0;
        let p_values = [
            bound.p_slower(new),
            at(stored.s_run2 + s_e2 / 16.0),
            at(s_e2 / 16.0),
            drawn(truth / 4.0),
            drawn(truth),
        ];
        for (count, p) in under.iter_mut().zip(p_values) {
            *count += u32::from(p > LEVEL_MISSED);
        }
    }
    let [a, b, c, d, e] = under.map(|count| f64::from(count) / f64::from(n_replications));
    Coverage {
        as_shipped: a,
        without_1_over_n: b,
        without_sessions: c,
        drawn_to_a_quarter: d,
        drawn_to_the_truth: e,
    }
}

/// Three binomial standard errors of a share of .99.
fn error(n_replications: u32) -> f64 {
    3.0 * (0.99 * 0.01 / f64::from(n_replications)).sqrt()
}

#[test]
fn a_new_session_lies_under_the_bound_as_often_as_it_says() {
    let n = 4_000;
    for k in [3, 5, 10, 20] {
        // Sessions dominate: the bound is exact. Processes dominate: it errs to the wide side.
        let exact = coverage(k, [0.03, 0.002], n);
        let wide = coverage(k, [0.0, 0.03], n);
        println!(
            "k {k}: {:.4}, processes alone {:.4}, drawn to the truth {:.4}, to a quarter {:.4}",
            exact.as_shipped, wide.as_shipped, exact.drawn_to_the_truth, exact.drawn_to_a_quarter
        );
        assert!((exact.as_shipped - 0.99).abs() <= error(n), "k {k}: {}", exact.as_shipped);
        assert!(wide.as_shipped >= 0.99 - error(n), "k {k}: {}", wide.as_shipped);
        assert!(exact.drawn_to_the_truth >= 0.99 - error(n), "k {k}: drawn to the truth");
        assert!(exact.drawn_to_a_quarter >= 0.96, "k {k}: a suite four times as quiet");
    }
}

#[test]
fn a_bound_without_one_of_its_parts_is_missed_visibly() {
    let n = 40_000;
    let found = coverage(3, [0.03, 0.002], n);
    println!(
        "k 3: {:.4}; without 1/n {:.4}; without sessions {:.4}",
        found.as_shipped, found.without_1_over_n, found.without_sessions
    );
    assert!((found.as_shipped - 0.99).abs() <= error(n), "{}", found.as_shipped);
    // In theory: P(t₂ < 6.965·√(3/4)) = .987 without 1/n; six standard errors below .99.
    assert!(found.without_1_over_n < 0.99 - error(n), "{}", found.without_1_over_n);
    assert!(found.without_sessions < 0.9, "{}", found.without_sessions);
}
