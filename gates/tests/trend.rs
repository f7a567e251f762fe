//! The trend of the stored sessions, as `perf_gate.json` and `report.md` tell it.

use baselines::{Digest, Evidence, evidence::HistoryPoint, testing};
use gates::{DEFAULT_POLICY, derive, history::MIN_SESSIONS};
use serde_json::Value;

/// Sessions one after the other, each with `factor(nth)` times the median of the one stored, and a ripple of half a per cent.
fn with_history(n: u32, factor: impl Fn(u32) -> f64) -> Evidence {
    let mut evidence = testing::evidence(13, 1.0);
    DEFAULT_POLICY.clone_into(&mut evidence.policy);
    let stored = std::mem::take(&mut evidence.history);
    for nth in 0..n {
        let ripple = [0.0, 0.004, -0.003, 0.001, -0.005, 0.003, -0.001][nth as usize % 7];
        let by = factor(nth) * (1.0 + ripple);
        evidence.history.extend(stored.iter().map(|point| HistoryPoint {
            record: Digest::of(&nth.to_le_bytes()),
            started_at: format!("2026-02-{:02}T09:00:00.000Z", nth + 1),
            commit: Some(format!("{nth:040x}")),
            median: point.median * by,
            min: point.min * by,
            max: point.max * by,
            ..point.clone()
        }));
    }
    evidence
}

/// The item of the gate document: text and value; and the report.
fn told(evidence: &Evidence) -> (String, Value, String) {
    let derived = derive(evidence).expect("the policy is read");
    let gate: Value = serde_json::from_slice(&derived.perf_gate.to_json()).expect("JSON");
    let text = gate["evidence"]["historical_trend"].as_str().expect("a text").to_owned();
    (text, gate["values"]["historical_trend"].clone(), derived.report)
}

/// Requirement: C4.
#[test]
fn below_twelve_sessions_there_is_no_trend_yet() {
    for (n, has_trend) in [(0, false), (11, false), (12, true)] {
        let (text, value, report) = told(&with_history(n, |_| 1.0));
        let said = format!("no trend yet ({n} of {MIN_SESSIONS} sessions)");
        assert_eq!(!text.contains(&said), has_trend, "{text}");
        assert_eq!(!report.contains(&said), has_trend, "{report}");
        assert_eq!(value["metrics"][0]["changes"].is_array(), has_trend, "{value}");
        assert!(!has_trend || text.contains("flat over 12 sessions; no drift seen"), "{text}");
    }
}

/// Requirement: C4.
#[test]
fn a_step_is_told_with_its_size_its_commits_and_no_drift() {
    let evidence = with_history(24, |nth| if nth < 12 { 1.0 } else { 1.06 });
    let (text, value, report) = told(&evidence);
    let change = &value["metrics"][0]["changes"][0];
    let size = change["log_ratio"].as_f64().expect("a number");
    assert!((size - 1.06_f64.ln()).abs() < 0.005, "{change}");
    assert_eq!((&change["place"], &change["last_good"]), (&12.into(), &"000000000000".into()));
    let said = "12 of 24 sessions ago; no drift seen";
    assert!(
        text.contains("last change +") && text.contains(said) && report.contains(said),
        "{text}"
    );
}

/// Requirement: C4.
#[test]
fn a_creeping_level_is_a_drift_with_its_slope() {
    let (text, value, _) = told(&with_history(24, |nth| (0.0004 * f64::from(nth)).exp()));
    let metric = &value["metrics"][0];
    let slope = metric["drift"]["slope"].as_f64().expect("a number");
    assert!(text.contains("flat over 24 sessions; drifting by +0.04 % a session"), "{text}");
    assert!(
        (slope - 0.0004).abs() < 0.0001 && metric["drift"]["p"].as_f64() <= Some(0.01),
        "{value}"
    );
}

#[test]
fn no_history_moves_a_verdict_and_the_order_of_its_points_is_that_of_time() {
    let flat = with_history(24, |_| 1.0);
    let mut stepped = with_history(24, |nth| if nth < 12 { 1.0 } else { 2.0 });
    let (of_flat, of_stepped) = (derive(&flat).expect("read"), derive(&stepped).expect("read"));
    assert_eq!((of_flat.verdict, &of_flat.rows), (of_stepped.verdict, &of_stepped.rows));
    let told_in_order = told(&stepped).1;
    stepped.history.reverse();
    assert_eq!(told(&stepped).1, told_in_order);
}
