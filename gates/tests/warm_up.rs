//! Warm-up and evidence class of whole sessions: cut or flagged where it was planted, said in the row, never in the estimate.

use baselines::{
    Evidence, RunRecord,
    record::pair_log_ratio,
    testing::{Size, reseal, sized_evidence},
};
use gates::{
    DEFAULT_POLICY, Policy, Row, Verdict, compare_arms, derive,
    stats::{EvidenceClass, Location},
};

/// 40 iterations of each workload: enough to tell a level by.
const SIZE: Size = Size { n_pairs: 16, iterations: Some(40), decode_tokens: 8 };

fn session(seed: u64) -> Evidence {
    sized(seed, SIZE)
}

fn sized(seed: u64, size: Size) -> Evidence {
    Evidence { policy: DEFAULT_POLICY.to_owned(), ..sized_evidence(seed, 1.0, size) }
}

/// The iterations of `range` in every series of `record`'s processes that `plants` says, `factor` times as long.
fn plant(
    record: &mut RunRecord,
    range: std::ops::Range<usize>,
    factor: f64,
    plants: impl Fn(usize) -> bool,
) {
    let processes = record.processes.iter_mut().enumerate().filter(|(place, _)| plants(*place));
    for series in processes.flat_map(|(_, process)| &mut process.series) {
        let per_iteration = usize::try_from(series.per_iteration).expect("few");
        for sample in &mut series.samples[range.start * per_iteration..range.end * per_iteration] {
            *sample = (*sample * factor).round();
        }
    }
}

fn rows(evidence: &Evidence) -> Vec<Row> {
    let policy = Policy::parse(&evidence.policy).expect("it ships");
    compare_arms(&evidence.base, &evidence.head, &policy)
}

#[test]
fn a_quiet_session_is_class_a_and_nothing_is_cut() {
    for row in rows(&session(1)) {
        assert_eq!((row.warm_up.class, row.warm_up.n_too_short), (Some(EvidenceClass::A), 0));
        assert_eq!((row.warm_up.n_processes, row.warm_up.median_cut), (32, Some(0.0)), "{row:?}");
        assert!(!row.reason.contains("evidence class"), "{}", row.reason);
    }
}

#[test]
fn a_warm_up_of_a_fifth_in_every_process_is_cut_where_it_ends() {
    for seed in 0..4 {
        let mut evidence = session(seed);
        for record in [&mut evidence.base, &mut evidence.head] {
            plant(record, 0..10, 1.2, |_| true);
        }
        for row in rows(&evidence) {
            let cut = row.warm_up.median_cut.expect("some are steady");
            // A step of 20 SD: the fit is within an iteration, its median on it.
            assert!((cut - 10.0).abs() <= 1.0, "seed {seed}: {row:?}");
            assert_eq!(row.warm_up.class, Some(EvidenceClass::A), "steady for 30 of 40");
        }
    }
}

#[test]
fn processes_that_never_settle_are_class_b_from_more_than_a_fifth_on_and_said_in_row_and_json() {
    // Faster at the end, so that the samples still fit in the wall time of their process.
    let planted = |n: usize| {
        let mut evidence = session(5);
        for record in [&mut evidence.base, &mut evidence.head] {
            plant(record, 30..40, 0.8, |place| place < n);
        }
        reseal(&mut evidence);
        evidence
    };
    for row in rows(&planted(2)) {
        // 4 of 32, and of the other 28 noise flags one in twenty-five at most (`tests/steady.rs`).
        assert_eq!(row.warm_up.class, Some(EvidenceClass::A), "{row:?}");
        assert!((4..=6).contains(&row.warm_up.n_flagged), "{row:?}");
    }
    let evidence = planted(8);
    let derived = derive(&evidence).expect("the policy is read");
    assert_eq!(derived.refusals, []);
    for row in &derived.rows {
        let n_flagged = row.warm_up.n_flagged;
        assert_eq!(row.warm_up.class, Some(EvidenceClass::B), "{row:?}");
        assert!((16..=19).contains(&n_flagged), "{row:?}");
        let warning = format!(
            "; evidence class B: {n_flagged} of 32 processes still change by +5.0 % or more in their last third"
        );
        assert!(row.reason.ends_with(&warning), "{}", row.reason);
    }
    assert_eq!(derived.verdict, Verdict::Pass, "a warning, and no verdict");
    let gate: serde_json::Value =
        serde_json::from_slice(&derived.perf_gate.to_json()).expect("it is JSON");
    let warm_up = &gate["values"]["baseline_comparison"]["rows"][0]["warm_up"];
    assert_eq!(warm_up["class"], "B", "{warm_up}");
    assert_eq!(warm_up["n_flagged"], derived.rows[0].warm_up.n_flagged, "{warm_up}");
}

#[test]
fn a_row_of_few_iterations_has_no_class_rather_than_a_good_one() {
    let derived = derive(&sized(6, Size::SCRIPT)).expect("the policy is read");
    let of = |metric: &str| derived.rows.iter().find(|row| row.metric == metric).expect("gated");
    // The script takes 5 iterations of `load` and 200 of `matmul`.
    assert_eq!((of("load_ns").warm_up.class, of("load_ns").warm_up.n_too_short), (None, 32));
    assert_eq!(of("matmul_ns").warm_up.class, Some(EvidenceClass::A));
}

#[test]
fn the_estimate_is_that_of_the_pair_ratios_whatever_is_flagged() {
    let mut evidence = session(7);
    // Only the head warms up: a cut would take the difference away.
    plant(&mut evidence.head, 0..12, 1.5, |_| true);
    let (base, head) = (&evidence.base, &evidence.head);
    for row in rows(&evidence) {
        let series = |record: &RunRecord, pair: u64| {
            let process = record.processes.iter().find(|process| process.pair == pair);
            let series = &process.expect("every pair has both").series;
            let found = series
                .iter()
                .find(|series| series.workload == row.workload && series.metric == row.metric);
            found.expect("gated").clone()
        };
        let ratios: Vec<f64> = base
            .processes
            .iter()
            .map(|process| {
                let (a, b) = (series(base, process.pair), series(head, process.pair));
                pair_log_ratio(&base.suite, &a, &b).expect("they match")
            })
            .collect();
        let want = Location::of_pairs(&ratios).expect("finite").estimate();
        let found = row.comparison.as_ref().expect("compared").estimate;
        assert!((found - want).abs() < 1e-15, "{row:?}: {want}");
        assert!(row.warm_up.median_cut > Some(0.0), "{row:?}");
    }
}
