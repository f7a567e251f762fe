//! Waivers in whole sessions: what they let pass, what they do not, and that each says so everywhere.

mod common;

use baselines::Evidence;
use common::{arms, rewrite, session};
use gates::{DEFAULT_POLICY, Derived, MetricVerdict, Verdict, derive, exact::State};
use serde_json::Value;

/// A session whose decode steps take `factor` times as long, with these waivers.
fn slower(factor: f64, waivers: &str) -> Evidence {
    let mut evidence = session(2, 1.0);
    rewrite(&mut evidence.head, "decode_step_ns", |_, ns| (ns * factor).round());
    for process in &mut evidence.head.processes {
        process.wall_ns += 80_000_000;
    }
    evidence.policy = format!("{DEFAULT_POLICY}\n{waivers}");
    evidence
}

/// A waiver for decode steps; the scripted session is of 2026-03-02.
fn waiver(ceiling: f64, expires: &str) -> String {
    format!(
        "[[waiver]]\nmetric = \"decode_step_ns\"\nworkload = \"decode-64\"\nceiling = {ceiling:?}\n\
         reason = \"a safer | kernel\"\nowner = \"Ada\"\nexpires = \"{expires}\"\n"
    )
}

fn judged(evidence: &Evidence) -> Derived {
    let derived = derive(evidence).expect("the policy is read");
    assert_eq!(derived.refusals, []);
    derived
}

fn file(derived: &Derived, name: &str) -> String {
    let file =
        derived.files().into_iter().find(|(known, _)| *known == name).expect("it is derived");
    String::from_utf8(file.1).expect("UTF-8")
}

/// Requirement: S2, T6, C2.
#[test]
fn what_passes_only_by_its_waiver_says_so_everywhere() {
    let derived = judged(&slower(1.2, &waiver(1.3, "2026-12-31")));
    assert_eq!((derived.verdict, derived.route.to.as_str()), (Verdict::Pass, "docs-reviewer"));
    let row = derived.rows.iter().find(|row| row.metric == "decode_step_ns").expect("gated");
    let waived = row.waived.as_ref().expect("it passes by a waiver");
    assert_eq!((waived.owner.as_str(), waived.ceiling), ("Ada", 1.3));
    assert!(row.reason.starts_with("pass, proven slower by +2"), "{}", row.reason);
    let said = "passes only by the waiver of Ada up to +30.0 % until 2026-12-31: a safer · kernel";
    assert!(row.reason.contains(said), "{}", row.reason);
    assert_eq!(derived.rows.iter().filter(|row| row.waived.is_some()).count(), 1);
    assert!(derived.counts.text().ends_with("0 missing, 1 waived"), "{}", derived.counts.text());

    let gate: Value = serde_json::from_str(&file(&derived, "perf_gate.json")).expect("JSON");
    assert_eq!(gate["counts"]["waived"], 1);
    let rows = gate["values"]["baseline_comparison"]["rows"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["metric"] == "decode_step_ns").expect("gated");
    assert_eq!(
        (&row["verdict"], &row["waived"]["expires"]),
        (&"pass".into(), &"2026-12-31".into())
    );
    assert_eq!(row["waived"]["reason"], "a safer | kernel");
    assert_eq!(rows.iter().filter(|row| row.get("waived").is_some()).count(), 1);
    assert_eq!(gate["values"]["waivers"][0]["state"], "in force");
    let report = file(&derived, "report.md");
    assert!(report.contains(said) && report.contains("in force, 1 pass by it alone"), "{report}");
}

/// Requirement: S2, T6.
#[test]
fn a_waiver_that_is_over_or_too_far_away_changes_nothing_and_is_named() {
    let without = judged(&slower(1.2, ""));
    for (expires, state) in [("2026-03-01", "expired"), ("2027-03-04", "ends too far away")] {
        let derived = judged(&slower(1.2, &waiver(1.3, expires)));
        assert_eq!(derived.verdict, Verdict::Fail, "{expires}");
        assert_eq!(derived.rows, without.rows);
        assert_eq!(derived.counts.text(), without.counts.text());
        assert!(derived.waivers[0].text().contains(state), "{}", derived.waivers[0].text());
        assert!(file(&derived, "report.md").contains(&format!("{state}, it changes nothing")));
        assert!(file(&derived, "perf_gate.json").contains(state));
    }
    // The days that are just in force.
    for expires in ["2026-03-02", "2027-03-03"] {
        assert_eq!(judged(&slower(1.2, &waiver(1.3, expires))).verdict, Verdict::Pass, "{expires}");
    }
    assert!(without.waivers.is_empty());
    assert!(!file(&without, "perf_gate.json").contains("waivers"));
}

/// Requirement: S2, T6.
#[test]
fn a_slow_down_beyond_the_ceiling_fails_and_one_on_it_never_passes() {
    for factor in [1.2, 1.3, 1.5] {
        let derived = judged(&slower(factor, &waiver(1.2, "2026-12-31")));
        assert_eq!(derived.verdict, Verdict::Fail, "{factor}");
        assert!(derived.rows.iter().all(|row| row.waived.is_none()));
    }
    // Another metric's slow-down is not what was waived.
    let mut evidence = slower(1.0, &waiver(1.3, "2026-12-31"));
    rewrite(&mut evidence.head, "matmul_ns", |_, ns| (ns * 1.2).round());
    assert_eq!(judged(&evidence).verdict, Verdict::Fail);
}

/// Requirement: S2.
#[test]
fn what_passes_by_itself_is_not_said_to_be_waived() {
    let derived = judged(&slower(1.0, &waiver(1.3, "2026-12-31")));
    assert_eq!((derived.verdict, derived.counts.waived), (Verdict::Pass, 0));
    assert!(derived.counts.text().ends_with("0 missing"), "{}", derived.counts.text());
    assert!(derived.waivers[0].text().contains("in force, 0 pass by it alone"));
}

/// Requirement: S2, T6.
#[test]
fn an_exact_metric_may_grow_up_to_the_ceiling_of_its_waiver() {
    let text = |ceiling: f64| {
        format!(
            "[[waiver]]\nmetric = \"binary_bytes\"\nceiling = {ceiling:?}\nreason = \"symbols\"\nowner = \"Bo\"\n\
             expires = \"2026-12-31\"\n"
        )
    };
    let larger = |by_millionths: u64, waivers: &str| {
        let mut evidence = slower(1.0, waivers);
        let [base, head] = arms(&mut evidence);
        base.subject.binary_bytes = 1_000_000;
        head.subject.binary_bytes = 1_000_000 + by_millionths;
        judged(&evidence)
    };
    assert_eq!(larger(150_000, "").verdict, Verdict::Fail, "the policy allows a tenth");
    let derived = larger(150_000, &text(1.15));
    assert_eq!(derived.verdict, Verdict::Pass);
    let place = derived.exact.iter().find(|place| place.metric == "binary_bytes").expect("judged");
    assert_eq!(place.state, State::Allowed);
    assert!(place.text.contains("at most +15 % allowed"), "{}", place.text);
    assert!(
        place.text.ends_with("by the waiver of Bo up to +15.0 % until 2026-12-31: symbols"),
        "{}",
        place.text
    );
    assert_eq!(derived.waivers[0].n_waived, 1);
    assert!(file(&derived, "perf_gate.json").contains("\"waived\": {"));
    assert_eq!(larger(150_001, &text(1.15)).verdict, Verdict::Fail);
    assert_eq!(
        larger(150_000, &text(1.15).replace("2026-12-31", "2026-01-31")).verdict,
        Verdict::Fail
    );
    let small = larger(50_000, &text(1.15));
    assert_eq!((small.verdict, small.waivers[0].n_waived), (Verdict::Pass, 0));
}

/// Requirement: C2.
#[test]
fn both_gates_have_the_counts_as_numbers() {
    for (factor, regressed) in [(1.0, 0), (1.2, 1)] {
        let derived = judged(&slower(factor, ""));
        let rows = derived.rows.iter();
        assert_eq!(rows.filter(|row| row.verdict == MetricVerdict::Fail).count(), regressed);
        for name in ["benchmarks_gate.json", "perf_gate.json"] {
            let gate: Value = serde_json::from_str(&file(&derived, name)).expect("JSON");
            assert_eq!(gate["version"], "1.3");
            let count = |key: &str| gate["counts"][key].as_u64().expect(key);
            assert_eq!((count("compared"), count("regressed")), (6, regressed as u64));
            let sum = ["regressed", "improved", "unchanged", "inconclusive", "missing"].map(count);
            assert_eq!(sum.iter().sum::<u64>(), 6, "{gate}");
            assert_eq!(count("waived"), 0);
        }
    }
}
