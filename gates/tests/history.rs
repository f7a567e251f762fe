//! The history detectors on noise and on planted steps.
//!
//! Demand: pure noise of 100 points has a change in at most 1 % of series; a step of 5 % in noise of SD 1.5 %, 20 points on each
//! side, is found in 95 %. A history of 10,000 points is searched in blocks: noise of it has a change in at most 2 %. The short versions run always and allow three binomial errors; the long ones are ignored:
//! `cargo test -p tritgate-gates --test history -- --ignored --nocapture`.

#[path = "common/kinds.rs"]
mod kinds;
#[path = "common/noise.rs"]
mod noise;

use gates::{
    history::{Change, Point, changes, energy, piecewise, vote::Found, window},
    stats::{student, yuen_welch::YuenWelch},
};
use kinds::{KINDS, Kind};
use noise::Noise;
use rayon::prelude::*;

const SD: f64 = 0.015;

fn points(values: &[f64]) -> Vec<Point> {
    let label = |nth: usize| format!("c{nth}");
    values
        .iter()
        .enumerate()
        .map(|(nth, value)| Point { value: *value, label: label(nth) })
        .collect()
}

fn found(values: &[f64]) -> Vec<Change> {
    changes(&points(values), 7).expect("logs")
}

/// Noise of SD 1.5 % about levels: (log level, points).
fn series(seed: u64, kind: Kind, levels: &[(f64, usize)]) -> Vec<f64> {
    let level = levels.iter().flat_map(|(level, n)| std::iter::repeat_n(*level, *n));
    let n = levels.iter().map(|(_, n)| n).sum();
    kind.series(&mut Noise::new(seed), n)
        .iter()
        .zip(level)
        .map(|(z, level)| SD * z + level)
        .collect()
}

/// The same number of series for each kind, and how many of them `fires` holds for.
fn count(kind: Kind, seeds: std::ops::Range<u64>, n: usize, fires: impl Fn(&[f64]) -> bool) -> u32 {
    seeds.map(|seed| u32::from(fires(&series(seed, kind, &[(0.0, n)])))).sum()
}

/// Largest count that a true rate of 1 % reaches within three binomial standard errors.
fn allowed(n: u32) -> f64 {
    f64::from(n) * 0.01 + 3.0 * (f64::from(n) * 0.01 * 0.99).sqrt()
}

#[test]
fn noise_of_a_hundred_points_has_a_change_in_one_series_of_a_hundred_at_most() {
    for kind in [Kind::Normal, Kind::LogNormal, Kind::Stragglers] {
        let fired = count(kind, 0..300, 100, |values| !found(values).is_empty());
        println!("{kind:?}: {fired} of 300");
        assert!(f64::from(fired) <= allowed(300), "{kind:?}: {fired} of 300");
    }
}

#[test]
#[ignore = "a minute: 5,000 series of each kind, and each detector alone"]
fn long_noise_has_a_change_in_at_most_one_series_of_a_hundred() {
    let n = 5_000;
    for kind in KINDS {
        for length in [30, 100] {
            let seeds = 1_000_000..1_000_000 + u64::from(n);
            let of = |fires: &dyn Fn(&[f64]) -> bool| count(kind, seeds.clone(), length, fires);
            let vote = of(&|values| !found(values).is_empty());
            let energy = of(&|values| !energy::change_points(values, 7).is_empty());
            let fit = of(&|values| !piecewise::change_points(values).is_empty());
            let windows = of(&|values| !window::change_points(values).is_empty());
            println!(
                "{kind:?}, {length} points: vote {vote}, energy {energy}, fit {fit}, windows {windows} of {n}"
            );
            // AR(1) is measured, not promised, since shuffling takes correlation for change: 5.2 % of 30 points, 1.2 % of
            // 100, and three binomial standard errors.
            let demand = match (kind, length) {
                (Kind::Ar1, 30) => n * 62 / 1_000,
                (Kind::Ar1, _) => n * 17 / 1_000,
                _ => n / 100,
            };
            assert!(vote <= demand, "{kind:?}, {length}: {vote} of {n}");
            // The level .005 of exchangeable values, whatever their distribution, and three binomial standard errors.
            let is_exchangeable = !matches!(kind, Kind::Ar1);
            assert!(!is_exchangeable || energy <= 40, "{kind:?}, {length}: energy {energy} of {n}");
        }
    }
}

/// The planted fault: the largest of all splits against the quantile of one split.
fn naive_split_fires(values: &[f64]) -> bool {
    (3..=values.len() - 3).any(|place| {
        let split = YuenWelch::of(&values[..place], &values[place..]).expect("finite");
        let p = student::p_above(split.estimate.abs(), 0.0, split.standard_error, split.df);
        2.0 * p <= 0.05
    })
}

#[test]
fn one_detector_with_the_critical_value_of_a_place_chosen_beforehand_fires_on_noise() {
    let n = 100;
    let t_test = count(Kind::Normal, 0..n, 60, naive_split_fires);
    // The penalty of a place known beforehand is the square of 1.96 SDs; without ln n it is about one tenth.
    let fit = count(Kind::Normal, 0..n, 100, |values| {
        !piecewise::change_points_at(values, 3.84 / 100_f64.ln()).is_empty()
    });
    println!("naive: t-test at the best split {t_test}, fit {fit} of {n}");
    // Max-split then t-test fires on 43 % of series of 60 points (shared measurement of the project; here trimmed).
    assert!(t_test >= 30 && fit >= 50, "{t_test} {fit}");
}

/// Of `n` series, those with a change within two points of the step, those of them whose interval holds it, and those with
/// a change elsewhere.
fn power(kind: Kind, n: u64, step: f64, before: usize, after: usize) -> (u32, u32, u32) {
    let mut counts = (0, 0, 0);
    for seed in 90_000..90_000 + n {
        let values = series(seed, kind, &[(0.0, before), (step, after)]);
        let near = |change: &&Change| change.place.abs_diff(before) <= 2;
        let found = found(&values);
        counts.2 += u32::from(found.iter().any(|change| !near(&change)));
        if let Some(change) = found.iter().find(near) {
            let (low, high) = change.interval_95.expect("an interval");
            counts.0 += 1;
            counts.1 += u32::from(low <= step && step <= high);
        }
    }
    counts
}

/// Requirement: C4.
#[test]
fn a_step_of_five_percent_is_found_where_it_is() {
    let (hits, covered, elsewhere) = power(Kind::Normal, 150, 1.05_f64.ln(), 20, 20);
    println!(
        "5 % in SD 1.5 %, 20 + 20: {hits} of 150, interval holds it in {covered}, elsewhere {elsewhere}"
    );
    assert!(hits >= 143, "{hits} of 150 is under 95 %");
    assert!(covered >= 134, "{covered}: three binomial errors under 95 %");
}

#[test]
#[ignore = "two minutes: power by kind, step and points since"]
fn long_power_by_step_and_points_since() {
    let n = 1_000;
    for kind in KINDS {
        for (step, before, after) in [
            (0.05, 20, 20),
            (0.05, 40, 3),
            (0.05, 40, 5),
            (0.05, 40, 8),
            (0.03, 60, 40),
            (0.02, 60, 40),
        ] {
            let (hits, covered, elsewhere) = power(kind, n, f64::ln_1p(step), before, after);
            println!(
                "{kind:?}, step {step}, {before} + {after}: {hits} of {n}, covered {covered}, elsewhere {elsewhere}"
            );
            let is_demand = matches!(kind, Kind::Normal) && (before, after) == (20, 20);
            assert!(!is_demand || 100 * u64::from(hits) >= 95 * n, "{hits} of {n}");
        }
    }
}

#[test]
fn a_change_names_its_commits_its_size_and_who_saw_it() {
    let values = series(3, Kind::Normal, &[(4.0, 30), (4.2, 30)]);
    let found = found(&values);
    let [change] = &found[..] else { panic!("{found:?}") };
    assert_eq!((change.place, &*change.last_good, &*change.first_bad), (30, "c29", "c30"));
    assert_eq!((change.after, change.before), (29, 30));
    let (low, high) = change.interval_95.expect("an interval");
    assert!(low < 0.2 && 0.2 < high && high - low < 0.04, "{change:?}");
    let votes = change.votes;
    assert_eq!([votes.energy, votes.piecewise, votes.window], [Some(30); 3]);
}

#[test]
fn two_steps_are_two_changes() {
    let twice = found(&series(5, Kind::Normal, &[(0.0, 25), (0.1, 25), (0.05, 25)]));
    let [up, down] = &twice[..] else { panic!("{twice:?}") };
    assert!(up.place.abs_diff(25) <= 2 && down.place.abs_diff(50) <= 2, "{twice:?}");
    assert!(up.log_ratio > 0.0 && down.log_ratio < 0.0, "{twice:?}");
}

/// Normal noise with three steps of 3 SD, one in each third, and where they are.
fn long_series(seed: u32) -> (Vec<f64>, [usize; 3]) {
    let places = [2_000, 5_000, 8_000].map(|place| place + 37 * seed as usize % 512);
    let [a, b, c] = places;
    let levels = [(0.0, a), (3.0 * SD, b - a), (6.0 * SD, c - b), (3.0 * SD, 10_000 - c)];
    (series(seed.into(), Kind::Normal, &levels), places)
}

/// Changes within two points of the step, and all others.
fn hits(found: &[Change], places: &[usize]) -> (usize, usize) {
    let near = |place: &usize| found.iter().any(|change| change.place.abs_diff(*place) <= 2);
    let hits = places.iter().filter(|place| near(place)).count();
    (hits, found.len() - hits)
}

#[test]
fn the_steps_of_a_long_history_are_found_where_they_are_with_the_levels_between_them() {
    let mut all = (0, 0);
    for seed in 0..30 {
        let (values, places) = long_series(seed);
        let found = found(&values);
        let (near, elsewhere) = hits(&found, &places);
        all = (all.0 + near, all.1 + elsewhere);
        for change in found {
            // Levels of thousands of points, not of a block: standard error 1.5 % · √(2/2,000) = .05 %.
            assert!((change.log_ratio.abs() - 3.0 * SD).abs() < 0.002, "seed {seed}: {change:?}");
            assert!(change.after < change.place && change.place <= change.before, "{change:?}");
            assert_eq!(change.last_good, format!("c{}", change.after));
        }
    }
    println!("10,000 points: {} of 90 steps within 2, {} elsewhere", all.0, all.1);
    assert!(all.0 >= 85 && all.1 <= 5, "{all:?}");
}

#[test]
fn a_step_at_the_border_of_two_blocks_is_found_as_often_as_any_other() {
    let of = |places: [std::ops::Range<usize>; 2]| {
        let mut all = (0, 0);
        for place in places.into_iter().flatten() {
            let levels = [(0.0, place), (3.0 * SD, 1_500 - place)];
            let found = found(&series(place as u64, Kind::Normal, &levels));
            let (near, elsewhere) = hits(&found, &[place]);
            all = (all.0 + near, all.1 + elsewhere);
        }
        all
    };
    // Blocks of 512 that begin every 256 points: borders at 384 and 640, middles of blocks at 512 and 768.
    let at_borders = of([369..399, 625..655]);
    let in_middle = of([497..527, 753..783]);
    println!("of 60 each: at borders {at_borders:?}, in the middle {in_middle:?}");
    for (near, elsewhere) in [at_borders, in_middle] {
        assert!(near >= 55 && elsewhere + near <= 60, "{at_borders:?} {in_middle:?}");
    }
}

#[test]
fn noise_of_thousands_of_points_seldom_has_a_change() {
    for kind in [Kind::Normal, Kind::LogNormal, Kind::Stragglers] {
        let fired = count(kind, 0..60, 5_000, |values| !found(values).is_empty());
        println!("{kind:?}: {fired} of 60");
        assert!(fired <= 3, "{kind:?}: {fired} of 60");
    }
}

#[test]
#[ignore = "three minutes: noise by length"]
fn long_noise_of_any_length_has_a_change_in_at_most_two_series_of_a_hundred() {
    let n = 5_000;
    for kind in KINDS {
        for length in [100, 512, 513, 1_000, 2_500, 10_000] {
            let seeds = 5_000_000..5_000_000 + n;
            let finds = |seed| found(&series(seed, kind, &[(0.0, length)])).len();
            let all: Vec<usize> = seeds.into_par_iter().map(finds).collect();
            let fired = all.iter().filter(|finds| **finds > 0).count();
            let finds: usize = all.iter().sum();
            println!(
                "{kind:?}, {length} points: {fired} of {n} series, {finds} finds in {} thousand points",
                n * u64::try_from(length).expect("small") / 1_000
            );
            let is_demand = !matches!(kind, Kind::Ar1);
            assert!(!is_demand || fired <= 100, "{kind:?}, {length}: {fired} of {n}");
        }
    }
}

#[test]
#[ignore = "a release build: 20 histories of 10,000 points"]
#[expect(clippy::disallowed_methods, reason = "a test that times the crate takes the time itself")]
fn long_twenty_histories_of_ten_thousand_points_take_a_second() {
    let all: Vec<_> = (0..20).map(long_series).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("two threads");
    let start = std::time::Instant::now();
    let found: Vec<_> = pool.install(|| all.par_iter().map(|(values, _)| found(values)).collect());
    let took = start.elapsed();
    let near: usize =
        found.iter().zip(&all).map(|(found, (_, places))| hits(found, places).0).sum();
    println!("{took:?}, {near} of 60 steps within 2 points");
    assert!(took.as_secs_f64() < 1.2 && near >= 57, "{took:?}, {near}");
}

#[test]
fn what_two_detectors_agree_on_is_dropped_if_it_goes_away_within_five_points() {
    let mut n_agreed = 0;
    for seed in 0..40 {
        let spell = series(seed, Kind::Normal, &[(0.0, 40), (0.15, 5), (0.0, 4)]);
        let by_detector = Found {
            energy: energy::change_points(&spell, 7),
            piecewise: piecewise::change_points(&spell),
            window: window::change_points(&spell),
        };
        n_agreed += u32::from(!by_detector.agreed().is_empty());
        assert!(found(&spell).is_empty(), "seed {seed}: {:?}", found(&spell));
        let lasts = series(seed, Kind::Normal, &[(0.0, 40), (0.15, 9)]);
        assert!(!found(&lasts).is_empty(), "seed {seed}");
    }
    println!("without the filter, {n_agreed} of 40 spells of five points are a change");
    assert!(n_agreed >= 20, "{n_agreed} of 40: too few to try the filter on");
}

#[test]
fn the_same_history_has_the_same_changes_on_every_thread() {
    let values = series(11, Kind::Stragglers, &[(0.0, 40), (0.08, 40)]);
    let want = format!("{:?}", found(&values));
    assert!(want.contains("place"), "{want}");
    std::thread::scope(|scope| {
        let runs: Vec<_> =
            (0..4).map(|_| scope.spawn(|| format!("{:?}", found(&values)))).collect();
        for run in runs {
            assert_eq!(run.join().expect("no panic"), want);
        }
    });
}

#[test]
fn short_constant_exact_and_broken_histories_do_not_panic() {
    for n in 0..8 {
        assert!(found(&vec![0.3; n]).is_empty(), "{n}");
    }
    assert!(found(&[0.1; 50]).is_empty());
    let mut exact = [0.0; 40];
    exact[20..].fill(0.1);
    let [change] = &found(&exact)[..] else { panic!("an exact step is one change") };
    assert_eq!((change.place, change.log_ratio, change.interval_95), (20, 0.1, Some((0.1, 0.1))));
    // Ticks: two values, no order.
    let ticks: Vec<f64> = (0..60).map(|nth| f64::from(nth % 3 / 2) * 0.1).collect();
    assert!(found(&ticks).is_empty());
    for bad in [f64::NAN, f64::INFINITY, 1e300] {
        assert_eq!(changes(&points(&[0.0, bad, 0.0]), 7), None, "{bad}");
    }
    let huge: Vec<f64> = (0..40).map(|nth| if nth % 2 == 0 { 700.0 } else { -700.0 }).collect();
    assert!(found(&huge).len() < 40);
}
