//! Replay over series with a known answer, and over planted faults that must turn its demands red.
//!
//! Data are scripted here, from seeds; a bound on a share is a demand of `docs/statistics.md` or the row's own exact
//! interval, which must hold the truth that the script put in.

use std::fmt::Write as _;

use baselines::import::{Imported, import};
use gates::replay::{Foreign, Replay, Row, replay};

const N_DAYS: usize = 13;
const N_RUNS: usize = 25;
const N_BENCHMARKS: usize = 10;

/// `SplitMix64` (Steele, Lea, Flood 2014) with normals by Box and Muller 1958.
struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from(u32::try_from((z ^ (z >> 31)) >> 32).expect("32 bits")) / 4_294_967_296.0
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// Thirteen days of noise with an SD of 1 % per run: `[day][benchmark][run]`, in logs.
fn logs(seed: u64) -> Vec<Vec<Vec<f64>>> {
    let mut noise = Noise(seed);
    let mut runs = || (0..N_RUNS).map(|_| 0.01 * noise.normal()).collect();
    (0..N_DAYS).map(|_| (0..N_BENCHMARKS).map(|_| runs()).collect()).collect()
}

/// One day as Go benchmark text, run after run.
fn day(logs: &[Vec<f64>]) -> Imported {
    let mut text = "goos: linux\npkg: example.org/scripted\n".to_owned();
    for run in 0..N_RUNS {
        for (benchmark, logs) in logs.iter().enumerate() {
            let time = 1e6 * logs[run].exp();
            writeln!(text, "BenchmarkB{benchmark}-8 10 {time} ns/op 8 B/op").expect("memory");
        }
    }
    import(text.as_bytes()).expect("Go benchmark text")
}

fn replay_days(logs: &[Vec<Vec<f64>>]) -> Replay {
    let days: Vec<(String, Imported)> =
        logs.iter().enumerate().map(|(n, logs)| (format!("days/{n:02}.txt"), day(logs))).collect();
    let files: Vec<Foreign<'_>> =
        days.iter().map(|(path, imported)| Foreign { path, imported }).collect();
    replay(&files)
}

fn row<'a>(replay: &'a Replay, property: &str) -> &'a Row {
    let found = replay.rows.iter().find(|row| row.property == property);
    found.unwrap_or_else(|| panic!("no row {property:?} in\n{replay}"))
}

/// The row's interval holds `truth`.
fn assert_holds_truth(replay: &Replay, property: &str, truth: f64) {
    let row = row(replay, property);
    assert!((row.low..=row.high).contains(&truth), "{truth} is not within {row:?}");
}

#[test]
fn identical_days_hold_every_demand() {
    let replayed = replay_days(&logs(1));
    assert!(replayed.holds(), "{replayed}");
    let comparisons = u64::try_from((N_DAYS - 1) * N_BENCHMARKS).expect("small");
    assert_eq!(row(&replayed, "adjacent days: false slower").n, comparisons);
    assert_eq!(row(&replayed, "day pairs with any false slower").demand, "≤ 2 of 12");
    // 25 pairs of SD 1.4 %: 3 % is within the margins and nearly always passes, 5 % is on the margin, 10 % far out.
    assert_holds_truth(&replayed, "adjacent days × 1.05: pass", 0.05);
    assert!(row(&replayed, "adjacent days × 1.05: fail").measured > 0.9);
    assert!(row(&replayed, "adjacent days × 1.03: pass").measured > 0.9);
    assert_holds_truth(&replayed, "adjacent days: interval covers 0", 0.95);
    assert_holds_truth(&replayed, "days, Welch at 5 %, no margin", 0.05);
    // The median distance of 25 values is 4.5 % short of its limit (numpy 2.4.6, 400,000 draws: 0.955).
    assert_holds_truth(&replayed, "quiet box: SD of a run", 0.009_55);
    assert_holds_truth(&replayed, "odd/even × 1.05: false pass", 0.05);
    let mut properties: Vec<&str> = replayed.rows.iter().map(|row| row.property.as_str()).collect();
    properties.sort_unstable();
    assert!(properties.windows(2).all(|two| two[0] != two[1]), "{properties:?}");
    let text = replayed.to_string();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn a_day_that_really_is_8_percent_slower_fires() {
    let mut shifted = logs(2);
    for runs in &mut shifted[6][..3] {
        runs.iter_mut().for_each(|log| *log += 1.08_f64.ln());
    }
    let replayed = replay_days(&shifted);
    let slower = row(&replayed, "adjacent days: false slower");
    // The three benchmarks on the day that becomes slower; on the next day they are faster, which is no alarm.
    assert!((slower.measured * 120.0 - 3.0).abs() < 1e-9, "{slower:?}");
    assert_eq!(slower.holds, Some(false));
    assert!(!replayed.holds());
    // One such day pair is allowed, three are not.
    assert_eq!(row(&replayed, "day pairs with any false slower").holds, Some(true));
    for (day, benchmark) in [(2, 0), (4, 1), (8, 2)] {
        shifted[day][benchmark].iter_mut().for_each(|log| *log += 1.08_f64.ln());
    }
    let any = replay_days(&shifted);
    assert_eq!(row(&any, "day pairs with any false slower").holds, Some(false));
}

#[test]
fn runs_paired_by_size_instead_of_order_break_the_coverage() {
    let mut sorted = logs(3);
    for runs in sorted.iter_mut().flatten() {
        runs.sort_by(f64::total_cmp);
    }
    let replayed = replay_days(&sorted);
    assert_eq!(row(&replayed, "adjacent days: interval covers 0").holds, Some(false), "{replayed}");
    assert!(row(&replayed, "half/half runs: interval covers 0").measured < 0.92, "{replayed}");
}

#[test]
fn pairing_in_order_takes_out_what_both_days_share_and_a_mispaired_day_does_not() {
    // Every day warms up alike, by 1 % a run.
    let mut drifting = logs(4);
    for runs in drifting.iter_mut().flatten() {
        let mut drift = 0.0;
        for log in runs {
            *log += drift;
            drift += 0.01;
        }
    }
    let in_order = row(&replay_days(&drifting), "adjacent days: pass").measured;
    for runs in drifting.iter_mut().skip(1).step_by(2).flatten() {
        runs.reverse();
    }
    let mispaired = row(&replay_days(&drifting), "adjacent days: pass").measured;
    assert!(in_order >= 0.999 && mispaired < 0.5, "{in_order} {mispaired}");
}

#[test]
fn a_drift_within_the_day_breaks_the_halves_and_spares_the_alternation() {
    let mut drifting = logs(5);
    for runs in drifting.iter_mut().flatten() {
        let mut drift = 0.0;
        for log in runs {
            *log += drift;
            drift += 0.002;
        }
    }
    let replayed = replay_days(&drifting);
    assert!(row(&replayed, "half/half runs: interval covers 0").measured < 0.92, "{replayed}");
    assert_eq!(row(&replayed, "odd/even runs: false slower").measured.to_bits(), 0);
}

/// 2,000 runs on two CPU models, one 20 % slower; two times share 10 % of noise and have 1 % of their own.
fn hosted(seed: u64) -> Imported {
    let mut noise = Noise(seed);
    let mut text = "timestamp_s,revision,cpu,metric,value,unit\n".to_owned();
    for run in 0..2_000 {
        let slow = noise.uniform() < 0.5;
        let (cpu, offset) = if slow { ("Slow", 1.2_f64.ln()) } else { ("Fast", 0.0) };
        let shared = offset + 0.1 * noise.normal();
        for metric in ["work/a", "work/b"] {
            let time = 1e3 * (shared + 0.01 * noise.normal()).exp();
            writeln!(text, "{run},r{run},{cpu},{metric},{time},ms").expect("memory");
        }
        writeln!(text, "{run},r{run},{cpu},work/memory,335,MB").expect("memory");
    }
    import(text.as_bytes()).expect("a table")
}

#[test]
fn a_hosted_history_shows_what_was_put_into_it() {
    let imported = hosted(6);
    let replayed = replay(&[Foreign { path: "hosted.csv", imported: &imported }]);
    let mut properties: Vec<&str> = replayed.rows.iter().map(|row| row.property.as_str()).collect();
    properties.sort_unstable();
    assert!(properties.windows(2).all(|two| two[0] != two[1]), "{properties:?}");
    assert_holds_truth(&replayed, "consecutive runs change CPU", 0.5);
    assert_holds_truth(&replayed, "stored, CPU of last run: abstains", 0.5);
    assert_holds_truth(&replayed, "SD of a run, main time, CPU stays", 0.0101_f64.sqrt());
    assert_holds_truth(&replayed, "SD of a run, ÷ a time of its kind", 2.0_f64.sqrt() * 0.01);
    assert_eq!(row(&replayed, "SD of a run, all memory").measured.to_bits(), 0);
    let main = |name: &str| row(&replayed, &format!("SD of a run, main time, {name}")).measured;
    assert!(main("CPU changes") > 1.5 * main("CPU stays"), "{replayed}");
    // The prediction interval is exact for normal values: 1 %, and a control lets it see 5 % where time alone cannot.
    assert_holds_truth(&replayed, "stored, own CPU's past: false alarm", 0.01);
    assert_holds_truth(&replayed, "stored, any CPU, ÷ control: false alarm", 0.01);
    assert!(row(&replayed, "stored, any CPU, × 1.05: found").measured < 0.1, "{replayed}");
    assert!(row(&replayed, "stored, any CPU, ÷ control, × 1.05: found").measured > 0.7);
    let flat = row(&replayed, "runs of one CPU in a drawn order: a change");
    assert_eq!(flat.holds, Some(true), "{flat:?}");
    let found = row(&replayed, "runs of one CPU + 3 SD, 20 on both sides: found");
    assert_eq!((found.demand.as_str(), found.holds), ("≥ 95 %", Some(true)), "{found:?}");
    assert!(row(&replayed, "main time: 110 % of previous").measured > 0.2);
}

#[test]
fn the_order_of_the_paths_counts_and_no_other() {
    let days: Vec<Imported> = logs(8)[..4].iter().map(|logs| day(logs)).collect();
    let paths = ["d/1", "d/2", "d/3", "e/1"];
    let files: Vec<Foreign<'_>> =
        paths.iter().zip(&days).map(|(path, imported)| Foreign { path, imported }).collect();
    let backwards: Vec<Foreign<'_>> = files.iter().rev().copied().collect();
    let replayed = replay(&files);
    assert_eq!(replayed, replay(&backwards));
    assert_eq!(replayed.to_string(), replay(&backwards).to_string());
    assert_eq!(
        row(&replayed, "day pairs with any false slower").n,
        2,
        "another folder is another build"
    );
}

#[test]
fn nothing_replayed_holds_nothing() {
    assert!(!replay(&[]).holds());
    let alone = day(&logs(7)[0][..1]);
    let replayed = replay(&[Foreign { path: "day.txt", imported: &alone }]);
    assert_eq!(row(&replayed, "adjacent days: false slower").n, 0);
    assert_eq!(row(&replayed, "adjacent days: false slower").holds, Some(false));
    let one =
        import(b"timestamp_s,revision,cpu,metric,value,unit\n1,a,X,build,0,ms\n").expect("a table");
    assert!(!replay(&[Foreign { path: "one.csv", imported: &one }]).holds());
}

#[test]
fn flat_days_have_no_change_and_planted_steps_are_found() {
    let replayed = replay_days(&logs(9));
    for (property, demand) in [
        ("its odd runs: a change that even runs lack", "≤ 1 %"),
        ("days in a drawn order: has a change", "≤ 1 %"),
        ("days + 4 SD, 5 on both sides: found", "≥ 95 %"),
        ("days + 5 SD, 5 on both sides: found", "≥ 95 %"),
    ] {
        let row = row(&replayed, property);
        assert_eq!((row.demand.as_str(), row.holds), (demand, Some(true)), "{replayed}");
    }
    assert_eq!(row(&replayed, "days as a history: has a change").measured.to_bits(), 0);
    assert_eq!(row(&replayed, "days in a drawn order: has a change").n, 20 * 10);
    let found =
        |step| row(&replayed, &format!("days + {step} SD, 5 on both sides: found")).measured;
    assert!(found(2) < found(3) && found(3) <= found(4), "{replayed}");
}

#[test]
fn a_step_in_every_run_is_a_change_and_one_in_odd_runs_alone_is_a_false_alarm() {
    let shifted = |nth_run: usize| {
        let mut shifted = logs(10);
        for runs in shifted[6..].iter_mut().flat_map(|day| &mut day[..2]) {
            runs.iter_mut().step_by(nth_run).for_each(|log| *log += 0.05);
        }
        replay_days(&shifted)
    };
    let lack = "its odd runs: a change that even runs lack";
    let (every, odd) = (shifted(1), shifted(2));
    assert!(
        (row(&every, "days as a history: has a change").measured - 0.2).abs() < 1e-9,
        "{every}"
    );
    assert_eq!(row(&every, lack).holds, Some(true), "{every}");
    assert!(every.notes.iter().any(|note| note.contains("before day 7")), "{every}");
    assert!((row(&odd, lack).measured - 0.2).abs() < 1e-9, "{odd}");
    assert_eq!(row(&odd, lack).holds, Some(false));
}

#[test]
fn days_that_alternate_hide_planted_steps() {
    // Neighbours lie 2 SD apart: a detector that reads noise from differences takes it for 1.4 times what it is.
    let mut alternating = logs(11);
    for runs in alternating.iter_mut().step_by(2).flatten() {
        runs.iter_mut().for_each(|log| *log += 0.05);
    }
    let replayed = replay_days(&alternating);
    let found = row(&replayed, "days + 4 SD, 5 on both sides: found");
    assert_eq!(found.holds, Some(false), "{replayed}");
}
