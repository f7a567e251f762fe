//! Whole sessions in, verdicts out: each verdict reached by the evidence that deserves it.

mod common;

use baselines::testing::reseal;
use common::{rewrite, session};
use gates::{DEFAULT_POLICY, MetricVerdict, Outcome, Tally, Verdict, derive};

/// Requirement: T1–T3.
#[test]
fn the_same_build_twice_passes_and_goes_to_the_next_stage() {
    for seed in 0..8 {
        let derived = derive(&session(seed, 1.0)).expect("the policy is read");
        assert_eq!(derived.refusals, [], "seed {seed}");
        assert_eq!(derived.verdict, Verdict::Pass, "seed {seed}: {:?}", derived.rows);
        assert_eq!(
            (derived.counts.compared, derived.counts.regressed, derived.counts.missing),
            (6, 0, 0)
        );
        assert_eq!(derived.route.to, "docs-reviewer");
        assert_eq!(
            (derived.benchmarks_gate.conclusion, derived.perf_gate.conclusion),
            ("success", "success")
        );
    }
}

#[test]
fn a_fifth_slower_fails_with_exit_2_and_goes_to_the_perf_fixer() {
    let derived = derive(&session(1, 1.2)).expect("the policy is read");
    assert_eq!((derived.verdict, derived.verdict.exit_code()), (Verdict::Fail, 2));
    assert_eq!(derived.counts.regressed, 6);
    assert_eq!(derived.route.to, "perf-fixer");
    assert_eq!(derived.route.open.len(), 6);
    assert_eq!(derived.perf_gate.conclusion, "failure");
    assert_eq!(derived.benchmarks_gate.conclusion, "success", "it was measured, all of it");
}

#[test]
fn one_slower_metric_is_enough() {
    let mut evidence = session(2, 1.0);
    rewrite(&mut evidence.head, "decode_step_ns", |_, ns| (ns * 1.2).round());
    for process in &mut evidence.head.processes {
        process.wall_ns += 45_000_000;
    }
    let derived = derive(&evidence).expect("the policy is read");
    assert_eq!(derived.verdict, Verdict::Fail, "{:?}", derived.refusals);
    let regressed: Vec<&str> = derived
        .rows
        .iter()
        .filter(|row| row.outcome == Outcome::Regressed)
        .map(|row| row.metric.as_str())
        .collect();
    assert_eq!(regressed, ["decode_step_ns"]);
}

#[test]
fn a_fifth_faster_is_improved() {
    let derived = derive(&session(3, 0.8)).expect("the policy is read");
    assert_eq!((derived.verdict, derived.counts.improved), (Verdict::Pass, 6));
}

#[test]
fn three_percent_slower_passes_within_the_margin_and_fails_on_any() {
    let mut evidence = session(4, 1.03);
    let derived = derive(&evidence).expect("the policy is read");
    assert_eq!(derived.verdict, Verdict::Pass, "{:?}", derived.rows);
    let row = &derived.rows[2];
    assert_eq!((row.verdict, row.outcome), (MetricVerdict::Pass, Outcome::Unchanged));
    assert!(
        row.reason.starts_with("pass, proven slower by +")
            && row.reason.contains("over 16 pairs, within the margin of +5.0 %; 40 pairs find"),
        "{}",
        row.reason
    );

    evidence.policy = DEFAULT_POLICY.replace("fail_on = \"standard\"", "fail_on = \"any\"");
    assert_eq!(derive(&evidence).expect("the policy is read").verdict, Verdict::Fail);
}

#[test]
fn fail_on_unacceptable_lets_go_what_is_not_proven_beyond_the_margin() {
    let mut evidence = session(5, 1.055);
    assert_eq!(derive(&evidence).expect("the policy is read").verdict, Verdict::Fail);
    evidence.policy =
        DEFAULT_POLICY.replace("fail_on = \"standard\"", "fail_on = \"unacceptable\"");
    let derived = derive(&evidence).expect("the policy is read");
    assert_eq!(derived.verdict, Verdict::Inconclusive, "{:?}", derived.rows);
    evidence = session(5, 1.2);
    evidence.policy =
        DEFAULT_POLICY.replace("fail_on = \"standard\"", "fail_on = \"unacceptable\"");
    assert_eq!(derive(&evidence).expect("the policy is read").verdict, Verdict::Fail);
}

/// A head whose process level swings by ±15 % from pair to pair.
fn noisy() -> baselines::Evidence {
    let mut evidence = session(6, 1.0);
    for metric in ["decode_step_ns", "e2e_ns"] {
        rewrite(&mut evidence.head, metric, |place, ns| {
            (ns * if place % 2 == 0 { 1.15 } else { 0.87 }).round()
        });
    }
    for process in &mut evidence.head.processes {
        process.wall_ns += 80_000_000;
    }
    evidence
}

#[test]
fn noise_is_inconclusive_and_says_what_would_decide_it() {
    let derived = derive(&noisy()).expect("the policy is read");
    assert_eq!(derived.refusals, []);
    assert_eq!((derived.verdict, derived.verdict.exit_code()), (Verdict::Inconclusive, 3));
    assert_eq!(derived.route.to, "regression-detector");
    let row = derived.rows.iter().find(|row| row.metric == "decode_step_ns").expect("it is gated");
    assert!(row.pairs_needed.is_some_and(|pairs| pairs > 16), "{row:?}");
    assert!(row.reason.contains("9 times in 10"), "{}", row.reason);
    assert_eq!(derived.perf_gate.conclusion, "action_required");

    let mut evidence = noisy();
    evidence.policy = DEFAULT_POLICY.replace("\"action_required\"", "\"neutral\"");
    assert_eq!(derive(&evidence).expect("the policy is read").perf_gate.conclusion, "neutral");
}

/// Requirement: S4, C2.
#[test]
fn nothing_compared_is_exit_5_and_never_a_pass() {
    let mut evidence = session(7, 1.0);
    for record in common::arms(&mut evidence) {
        for process in &mut record.processes {
            process.series.clear();
            process.challenges.clear();
        }
    }
    reseal(&mut evidence);
    let derived = derive(&evidence).expect("the policy is read");
    assert_eq!((derived.verdict, derived.verdict.exit_code()), (Verdict::Incomparable, 5));
    assert_eq!(derived.counts, Tally { missing: 6, ..Tally::default() });
    assert_eq!(derived.route.to, "blocked");
}

#[test]
fn no_process_at_all_is_never_a_pass() {
    let mut evidence = session(7, 1.0);
    for record in common::arms(&mut evidence) {
        record.processes.clear();
    }
    let derived = derive(&evidence).expect("the policy is read");
    assert_eq!(derived.verdict, Verdict::Invalid);
}

/// Requirement: S3, S4.
#[test]
fn one_missing_metric_is_exit_5_but_does_not_hide_a_regression() {
    let mut evidence = session(8, 1.0);
    for process in &mut evidence.head.processes {
        process.series.retain(|series| series.metric != "quantize_ns");
    }
    reseal(&mut evidence);
    let derived = derive(&evidence).expect("the policy is read");
    assert_eq!((derived.verdict, derived.counts.missing), (Verdict::Incomparable, 1));

    rewrite(&mut evidence.head, "matmul_ns", |_, ns| (ns * 1.3).round());
    assert_eq!(derive(&evidence).expect("the policy is read").verdict, Verdict::Fail);
}

/// Requirement: Q4, L1, G2b.
#[test]
fn a_broken_budget_fails_without_any_regression() {
    let mut evidence = session(9, 1.0);
    let accuracy = evidence.head.accuracy.as_mut().expect("it is scripted");
    accuracy.top1_equal = 7_090; // 98.9 %
    let derived = derive(&evidence).expect("the policy is read");
    assert_eq!((derived.verdict, derived.counts.regressed), (Verdict::Fail, 0));
    assert!(
        derived
            .perf_gate
            .evidence
            .iter()
            .any(|item| item.key == "quantization_accuracy" && item.text.ends_with("broken"))
    );
    assert_eq!(derived.route.to, "perf-fixer");

    let mut evidence = session(9, 1.0);
    evidence.policy = DEFAULT_POLICY.replace("limit_ms = 99\n", "limit_ms = 11\n");
    let derived = derive(&evidence).expect("the policy is read");
    assert_eq!((derived.verdict, derived.benchmarks_gate.verdict), (Verdict::Fail, Verdict::Fail));
    evidence.policy = DEFAULT_POLICY.replace("limit_ms = 10000", "limit_ms = 40");
    assert_eq!(derive(&evidence).expect("the policy is read").perf_gate.verdict, Verdict::Fail);
}

#[test]
fn records_of_two_sessions_are_estimated_and_never_judged() {
    let policy = gates::Policy::parse(DEFAULT_POLICY).expect("it ships");
    let (base, head) = (session(1, 1.0).base, session(2, 1.5).head);
    for row in gates::compare_records(&base, &head, &policy) {
        assert_eq!(
            (row.verdict, row.outcome),
            (MetricVerdict::Inconclusive, Outcome::Inconclusive)
        );
        assert!(row.reason.contains("not from one session"), "{}", row.reason);
        let found = row.comparison.expect("both have samples");
        assert!((found.estimate.exp() - 1.5).abs() < 0.05, "{found:?}");
    }
    let evidence = session(1, 1.2);
    let paired = gates::compare_records(&evidence.base, &evidence.head, &policy);
    assert!(paired.iter().all(|row| row.verdict == MetricVerdict::Fail));
}

/// Requirement: C3.
#[test]
fn too_few_pairs_are_inconclusive_whatever_they_say() {
    let policy = gates::Policy::parse(DEFAULT_POLICY).expect("it ships");
    for (n, text) in [
        (15, "over 15 pairs: the policy judges at 16 pairs"),
        (8, "over 8 pairs: the policy judges at 16"),
        (5, "5 pairs allow no"),
    ] {
        let mut evidence = session(1, 1.2);
        for record in common::arms(&mut evidence) {
            record.processes.truncate(n);
        }
        let rows = gates::compare_arms(&evidence.base, &evidence.head, &policy);
        assert!(
            rows.iter()
                .all(|row| row.verdict == MetricVerdict::Inconclusive && row.reason.contains(text)),
            "{rows:?}"
        );
    }
    let eight = gates::Policy::parse(
        &DEFAULT_POLICY
            .replace("looks = [16, 24, 32, 40]", "looks = [8]")
            .replace("fail = 0.01", "fail = 0.05"),
    );
    let mut evidence = session(1, 1.2);
    for record in common::arms(&mut evidence) {
        record.processes.truncate(8);
    }
    // 1/256 meets .05/6 and every later step of Holm.
    let rows = gates::compare_arms(&evidence.base, &evidence.head, &eight.expect("in range"));
    assert!(rows.iter().all(|row| row.verdict == MetricVerdict::Fail), "{rows:?}");
}

#[test]
fn disturbed_pairs_are_left_out_of_both_arms_and_too_many_say_nothing() {
    // Pair 5 has a head that took half as long again; it was robbed of its CPU, and that was seen before its times were.
    let mut evidence = session(11, 1.0);
    let slow = |place: usize, ns: f64| if place == 5 { (ns * 1.5).round() } else { ns };
    rewrite(&mut evidence.head, "matmul_ns", slow);
    let policy =
        gates::Policy::parse(&DEFAULT_POLICY.replace("looks = [16, 24, 32, 40]", "looks = [12]"))
            .expect("in range");
    let with = gates::compare_arms(&evidence.base, &evidence.head, &policy);
    evidence.base.processes[5].disturbed = Some("steal: 31 % of the CPU time".to_owned());
    let without = gates::compare_arms(&evidence.base, &evidence.head, &policy);
    let estimate =
        |rows: &[gates::Row]| rows[5].comparison.as_ref().map_or(0.0, |found| found.estimate);
    assert!(estimate(&with) > estimate(&without) + 0.005, "{with:?} {without:?}");
    assert!(without.iter().all(|row| row.verdict == MetricVerdict::Pass));

    for place in [1, 3, 7, 9] {
        evidence.head.processes[place].disturbed = Some("steal: 20 % of the CPU time".to_owned());
    }
    let rows = gates::compare_arms(&evidence.base, &evidence.head, &policy);
    for row in &rows {
        assert_eq!(row.verdict, MetricVerdict::Inconclusive);
        assert!(row.reason.starts_with("5 of 16 pairs were disturbed (steal: "), "{}", row.reason);
    }
    assert!(!gates::goes_on(&evidence.base, &evidence.head, &policy));
}
