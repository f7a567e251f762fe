//! PELT against a naive dynamic programme, and steady state on noise and on planted warm-ups.
//!
//! Rates on noise: the long test asserts them on 2,000 runs each, the short one allows its own binomial error on top:
//! `cargo test -p tritgate-gates --test steady -- --ignored --nocapture`.

#[path = "common/kinds.rs"]
mod kinds;
#[path = "common/noise.rs"]
mod noise;

use gates::stats::{EvidenceClass, SteadyState, pelt};
use kinds::{KINDS, Kind};
use noise::Noise;

/// Optimal partitioning (Jackson 2005): every start at every end, each segment's error summed anew.
fn naive_cost(values: &[f64], penalty: f64, min_segment: usize) -> f64 {
    let n = values.len();
    let mut best = vec![f64::INFINITY; n + 1];
    best[0] = -penalty;
    for end in min_segment..=n {
        for start in 0..=end - min_segment {
            best[end] = best[end].min(best[start] + squared_error(&values[start..end]) + penalty);
        }
    }
    best[n]
}

fn squared_error(values: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "short series")]
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| (value - mean).powi(2)).sum()
}

/// The cost that the starts themselves have.
fn cost_of(values: &[f64], starts: &[usize], penalty: f64) -> f64 {
    let n = values.len();
    let ends = starts.iter().skip(1).chain([&n]);
    let errors: f64 =
        starts.iter().zip(ends).map(|(start, end)| squared_error(&values[*start..*end])).sum();
    errors + penalty * f64::from(u32::try_from(starts.len() - 1).expect("few"))
}

#[test]
fn pelt_costs_what_a_search_over_all_segmentations_costs() {
    for seed in 0..400 {
        let mut noise = Noise::new(seed);
        let kind = KINDS[usize::try_from(seed % 4).expect("small")];
        // Up to five blocks of starts, and every length about the edges of the first two.
        let n = 10 + usize::try_from(seed % 71 + 71 * (seed / 299)).expect("small");
        let mut values = kind.series(&mut noise, n);
        for value in &mut values[n / 3..n / 2] {
            *value += 2.0;
        }
        let penalty = [0.1, 1.0, 4.0, 12.0][usize::try_from(seed / 4 % 4).expect("small")];
        for min_segment in [1, 3, 5] {
            let fit = pelt::fit(&values, penalty, min_segment);
            let want = naive_cost(&values, penalty, min_segment);
            let again = cost_of(&values, &fit.starts, penalty);
            let context = format!("seed {seed} {kind:?} n {n} penalty {penalty} min {min_segment}");
            // Both sum at most 151 squares of size ≤ 1e3: 1e-9 is far above their rounding, far below one penalty.
            assert!(
                (fit.cost - want).abs() < 1e-9 * (1.0 + want.abs()),
                "{context}: {fit:?} {want}"
            );
            assert!((fit.cost - again).abs() < 1e-9 * (1.0 + want.abs()), "{context}: {again}");
            let ends = fit.starts.iter().skip(1).chain([&n]);
            let shortest = fit.starts.iter().zip(ends).map(|(start, end)| end - start).min();
            assert!(shortest >= Some(min_segment), "{context}: {fit:?}");
        }
    }
}

/// Of `n_series` runs of `n` iterations of noise alone: (not steady from the first on, not steady at all).
fn splits(kind: Kind, n: usize, n_series: u64) -> (u32, u32) {
    let mut counts = (0, 0);
    for seed in 500_000..500_000 + n_series {
        let logs = scaled(kind.series(&mut Noise::new(seed), n), 0.02);
        match SteadyState::of(&logs).expect("logs") {
            SteadyState::Steady { start: 0 } => {}
            SteadyState::Steady { .. } => counts.0 += 1,
            SteadyState::NotSteady { .. } => counts = (counts.0 + 1, counts.1 + 1),
            SteadyState::TooShort => panic!("{n} are enough"),
        }
    }
    counts
}

fn scaled(values: Vec<f64>, by: f64) -> Vec<f64> {
    values.into_iter().map(|value| by * value).collect()
}

#[test]
fn noise_alone_seldom_has_a_warm_up_and_is_hardly_ever_flagged() {
    for (n, n_series) in [(20, 300_u32), (50, 300), (200, 300), (1_000, 60)] {
        for kind in KINDS {
            let (split, flagged) = splits(kind, n, n_series.into());
            println!("n {n} {kind:?}: of {n_series}, {split} start later, {flagged} not steady");
            // The rates of the long test below, and three binomial errors.
            let is_hard = matches!(kind, Kind::Ar1) && n <= 50;
            let within = |rate: f64| {
                let n = f64::from(n_series);
                n * rate + 3.0 * (n * rate * (1.0 - rate)).sqrt()
            };
            assert!(f64::from(split) <= within(if is_hard { 0.15 } else { 0.07 }), "{kind:?} {n}");
            assert!(
                f64::from(flagged) <= within(if is_hard { 0.07 } else { 0.04 }),
                "{kind:?} {n}"
            );
        }
    }
}

#[test]
#[ignore = "a minute: 2,000 runs of each kind and length"]
fn long_noise_alone_seldom_has_a_warm_up() {
    for n in [20, 50, 200, 1_000] {
        for kind in KINDS {
            let (split, flagged) = splits(kind, n, 2_000);
            println!("n {n} {kind:?}: of 2000, {split} start later, {flagged} not steady");
            let is_hard = matches!(kind, Kind::Ar1) && n <= 50;
            assert!(split <= if is_hard { 300 } else { 140 }, "{kind:?} {n}: {split}");
            assert!(flagged <= if is_hard { 140 } else { 80 }, "{kind:?} {n}: {flagged}");
        }
    }
}

#[test]
fn a_planted_warm_up_ends_within_three_iterations_of_where_it_does() {
    for kind in [Kind::Normal, Kind::LogNormal, Kind::Stragglers, Kind::Ar1] {
        for (n, warm, n_series) in [(60, 10, 200_u32), (200, 30, 200), (1_000, 300, 40)] {
            let mut near = 0;
            for seed in 0..n_series.into() {
                let mut logs = scaled(kind.series(&mut Noise::new(seed), n), 0.02);
                for log in &mut logs[..warm] {
                    *log += 0.2;
                }
                if let SteadyState::Steady { start } = SteadyState::of(&logs).expect("logs") {
                    near += u32::from(start.abs_diff(warm) <= 3);
                }
            }
            println!("{kind:?} {warm} of {n} slower by 20 %: {near} of {n_series} within 3");
            // A step of 10 SD. What misses is a second split, at the rate of noise alone, or a straggler at the edge.
            assert!(100 * near >= 85 * n_series, "{kind:?} {warm} of {n}: {near}");
        }
    }
}

#[test]
fn a_decaying_warm_up_leaves_a_median_within_a_tenth_of_the_noise() {
    let mut close = 0;
    for seed in 0..200 {
        let mut logs = scaled(Kind::Normal.series(&mut Noise::new(seed), 400), 0.02);
        for (nth, log) in logs.iter_mut().enumerate() {
            *log += 0.5 * (-f64::from(u32::try_from(nth).expect("small")) / 15.0).exp();
        }
        let start = SteadyState::of(&logs).expect("logs").first_kept();
        let left = baselines::quantile::median(&logs[start..]).expect("some");
        // Standard error of a median of 300: 1.25 · .02 / √300 = .0014; three of them.
        close += u32::from(left.abs() < 0.0043 && start > 10);
    }
    println!("decay over 15 iterations, of 400: {close} of 200 with no warm-up left in the median");
    assert!(close >= 190, "{close}");
}

#[test]
fn a_level_that_began_too_late_is_flagged_and_kept() {
    let mut logs = scaled(Kind::Normal.series(&mut Noise::new(1), 100), 0.02);
    for log in &mut logs[80..] {
        *log += 0.2;
    }
    let state = SteadyState::of(&logs).expect("logs");
    let SteadyState::NotSteady { last_start } = state else { panic!("{state:?}") };
    assert!(last_start.abs_diff(80) <= 2 && state.first_kept() == 0, "{state:?}");
}

#[test]
fn levels_that_differ_by_less_than_what_matters_are_one() {
    // A quiet long run whose level moves by 1 % and back, a late change of 1 % and an early one of 10 %.
    let mut logs = scaled(Kind::Normal.series(&mut Noise::new(3), 300), 0.002);
    for (nth, log) in logs.iter_mut().enumerate() {
        *log += match nth {
            0..40 => 0.1,
            120..150 | 260.. => 0.01,
            _ => 0.0,
        };
    }
    let start = |state: Option<SteadyState>| match state.expect("logs") {
        SteadyState::Steady { start } => start,
        other => panic!("{other:?}"),
    };
    assert!(matches!(SteadyState::of(&logs), Some(SteadyState::NotSteady { .. })));
    assert!(start(SteadyState::within(&logs, 0.05)).abs_diff(40) <= 2);
    assert_eq!(start(SteadyState::within(&logs, 0.2)), 0);
    // A late change that matters is flagged, whatever lies before it.
    for log in &mut logs[260..] {
        *log += 0.06;
    }
    assert!(matches!(SteadyState::within(&logs, 0.05), Some(SteadyState::NotSteady { .. })));
}

#[test]
fn constants_are_steady_and_few_or_broken_values_are_said_to_be() {
    assert_eq!(SteadyState::of(&[1.5; 40]), Some(SteadyState::Steady { start: 0 }));
    let mut spiked = [1.5; 40];
    spiked[35] = 9.0;
    assert_eq!(SteadyState::of(&spiked), Some(SteadyState::Steady { start: 0 }), "one spike");
    let mut stepped = [1.5; 40];
    stepped[..10].fill(2.5);
    assert_eq!(SteadyState::of(&stepped), Some(SteadyState::Steady { start: 10 }), "exact step");
    for few in [&[][..], &[1.0], &[1.0; 9]] {
        assert_eq!(SteadyState::of(few), Some(SteadyState::TooShort));
    }
    for bad in [f64::NAN, f64::INFINITY, 1e300] {
        assert_eq!(SteadyState::of(&[bad; 20]), None, "{bad}");
    }
}

#[test]
fn more_than_a_fifth_flagged_is_class_b() {
    let steady = SteadyState::Steady { start: 0 };
    let flagged = SteadyState::NotSteady { last_start: 90 };
    let of = |n_flagged: usize, n_steady: usize, n_short: usize| {
        let mut states = vec![flagged; n_flagged];
        states.extend(vec![steady; n_steady]);
        states.extend(vec![SteadyState::TooShort; n_short]);
        EvidenceClass::of(&states).name()
    };
    assert_eq!(of(2, 8, 0), "A", "exactly 20 %");
    assert_eq!(of(3, 9, 0), "B");
    assert_eq!(of(1, 3, 10), "B", "those too short to judge do not dilute");
    assert_eq!(of(0, 0, 4), "A");
    assert_eq!(of(0, 0, 0), "A");
}
