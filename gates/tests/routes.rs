//! Routes: the table of docs/policy.md over every combination, and whole chains of gates, hop by hop.

mod common;

use std::collections::BTreeSet;

use baselines::{
    Digest, Evidence,
    evidence::{HOPS_MAX, Hop},
};
use common::{arms, rewrite, session};
use gates::{
    DEFAULT_POLICY, ErrorKind, Policy, Verdict, check_head_sha, derive,
    route::{Limits, Rounds, State, next, read_hops, unfinished},
};
use serde_json::Value;

const PAGE: &str = include_str!("../docs/policy.md");
/// Limits of the policy that ships.
const LIMITS: Limits = Limits { remeasurements: 2, attempts: 3 };

/// The rows of the table of routes, cell by cell.
fn table() -> Vec<Vec<String>> {
    let (_, section) = PAGE.split_once("## Routes\n").expect("the page has routes");
    let lines = section.lines().skip_while(|line| !line.starts_with('|'));
    let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
    let cells = |row: &str| {
        row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
    };
    rows.map(cells).collect()
}

fn matches(row: &[String], state: &State, limits: &Limits) -> bool {
    let word = |cell: &str, word: &str| cell == "*" || cell == word;
    let count = |cell: &str, n: usize, max: usize| match cell {
        "*" => true,
        "at max" => n >= max,
        other => panic!("no count: {other}"),
    };
    word(&row[0], state.verdict.name())
        && word(&row[1], if state.confirmed { "yes" } else { "no" })
        && word(&row[2], state.others.name())
        && count(&row[3], state.remeasurements, limits.remeasurements)
        && count(&row[4], state.attempts, limits.attempts)
}

fn states() -> Vec<State> {
    let mut states = Vec::new();
    for verdict in Verdict::ALL {
        for confirmed in [false, true] {
            for others in Verdict::ALL {
                for remeasurements in 0..=3 {
                    for attempts in 0..=4 {
                        states.push(State { verdict, confirmed, others, remeasurements, attempts });
                    }
                }
            }
        }
    }
    states
}

/// Requirement: T1, T2, T3, T4, T5, T6.
#[test]
fn every_combination_goes_where_the_table_of_the_page_says_and_every_row_is_used() {
    let rows = table();
    assert!(rows.len() >= 10 && rows.iter().all(|row| row.len() == 6), "{rows:?}");
    let states = states();
    assert_eq!(states.len(), 5 * 2 * 5 * 4 * 5);
    for limits in [
        LIMITS,
        Limits { remeasurements: 0, attempts: 0 },
        Limits { remeasurements: 3, attempts: 1 },
    ] {
        let mut used = BTreeSet::new();
        for state in &states {
            let row = rows.iter().position(|row| matches(row, state, &limits));
            let row = row.unwrap_or_else(|| panic!("no row for {state:?}"));
            used.insert(row);
            let decision = next(state, &limits);
            assert_eq!(
                format!("`{}`", decision.stage.key()),
                rows[row][5],
                "{state:?}, row {row}: {}",
                decision.rule
            );
        }
        let all = limits == LIMITS;
        assert!(!all || used.len() == rows.len(), "rows without a combination: {used:?}");
    }
}

/// Requirement: S4, T1, T3.
#[test]
fn only_a_pass_of_everything_is_green_and_nothing_measured_or_mended_goes_round_for_ever() {
    let routes = Policy::parse(DEFAULT_POLICY).expect("it ships").routes;
    for state in states() {
        let to = next(&state, &LIMITS).stage.name(&routes).to_owned();
        let green = state.verdict == Verdict::Pass && state.others == Verdict::Pass;
        assert_eq!(to == "docs-reviewer", green, "{state:?}");
        assert!(to != "perf-fixer" || (state.confirmed && state.attempts < 3), "{state:?}");
        assert!(to != "regression-detector" || state.remeasurements < 2, "{state:?}");
        let blocked = [state.verdict, state.others]
            .iter()
            .any(|verdict| [Verdict::Invalid, Verdict::Incomparable].contains(verdict));
        assert_eq!(to == "blocked", blocked, "{state:?}");
    }
}

fn route(evidence: &Evidence) -> Value {
    let files = derive(evidence).expect("the policy is read").files();
    let bytes = &files.iter().find(|(name, _)| *name == "route.json").expect("a route").1;
    serde_json::from_slice(bytes).expect("JSON")
}

/// The next gate of a change: what `bench gate` does with the route document of the one before.
fn after(earlier: &Evidence, mut evidence: Evidence, sha: Option<&str>) -> Evidence {
    let files = derive(earlier).expect("the policy is read").files();
    let bytes = &files.iter().find(|(name, _)| *name == "route.json").expect("a route").1;
    evidence.hops = read_hops(bytes).expect("written by us");
    about(evidence, sha)
}

/// The same of another commit.
fn about(mut evidence: Evidence, sha: Option<&str>) -> Evidence {
    evidence.head_sha = sha.map(str::to_owned);
    evidence.head.tool.commit.clone_from(&evidence.head_sha);
    evidence
}

/// A head whose process level swings by ±15 % from pair to pair.
fn noisy(seed: u64) -> Evidence {
    let mut evidence = session(seed, 1.0);
    for metric in ["decode_step_ns", "e2e_ns"] {
        rewrite(&mut evidence.head, metric, |place, ns| {
            (ns * if place % 2 == 0 { 1.15 } else { 0.87 }).round()
        });
    }
    for process in arms(&mut evidence).into_iter().flat_map(|arm| &mut arm.processes) {
        process.wall_ns += 80_000_000;
    }
    evidence
}

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const C: &str = "cccccccccccccccccccccccccccccccccccccccc";
const D: &str = "dddddddddddddddddddddddddddddddddddddddd";

/// Requirement: T4.
#[test]
fn noise_is_measured_again_twice_and_then_a_person_takes_over() {
    for shas in [[Some(A); 4], [None; 4], [Some(A), None, Some(A), None]] {
        let mut evidence = about(noisy(1), shas[0]);
        for (place, to) in
            ["regression-detector", "regression-detector", "needs-rework", "needs-rework"]
                .into_iter()
                .enumerate()
        {
            if place > 0 {
                evidence = after(&evidence, noisy(1 + place as u64), shas[place]);
            }
            let route = route(&evidence);
            assert_eq!(route["to"], to, "gate {place} of {shas:?}");
            assert_eq!(route["remeasurements"], place.min(2), "gate {place} of {shas:?}");
            assert_eq!(route["hops"].as_array().map(Vec::len), Some(place + 1));
            assert_eq!(
                (&route["verdict"], &route["exit_code"]),
                (&"inconclusive".into(), &3.into())
            );
        }
        // Another commit is measured anew.
        let other = after(&evidence, noisy(9), Some(B));
        let expected = if shas[0].is_none() { "needs-rework" } else { "regression-detector" };
        assert_eq!(route(&other)["to"], expected, "{shas:?}");
    }
}

/// Requirement: T4.
#[test]
fn an_open_row_carries_metric_estimate_interval_and_pairs_needed() {
    let route = route(&noisy(1));
    let open = route["open"].as_array().expect("a list");
    let row = open.iter().find(|row| row["metric"] == "decode_step_ns").expect("it is open");
    assert!(row["pairs_needed"].is_u64() && row["workload"] == "decode-64", "{row}");
    for key in ["log_ratio", "ci_low", "ci_high"] {
        assert!(row["comparison"][key].is_f64(), "{key}: {row}");
    }
}

/// Requirement: T5.
#[test]
fn a_confirmed_fail_is_mended_three_times_and_then_a_person_takes_over() {
    let fail = |seed: u64| session(seed, 1.2);
    for shas in [[Some(A), Some(B), Some(C), Some(D)], [None; 4]] {
        let mut evidence = about(fail(1), shas[0]);
        for (place, to) in
            ["perf-fixer", "perf-fixer", "perf-fixer", "needs-rework"].into_iter().enumerate()
        {
            if place > 0 {
                // The commit before, gated again, is no new attempt and goes the same way; nor does noise in between count.
                if let Some(before) = shas[place - 1] {
                    let again = after(&evidence, fail(20 + place as u64), Some(before));
                    assert_eq!(route(&again)["to"], route(&evidence)["to"]);
                    assert_eq!(route(&again)["attempts"], route(&evidence)["attempts"]);
                    evidence = after(&again, noisy(30 + place as u64), Some(before));
                }
                evidence = after(&evidence, fail(1 + place as u64), shas[place]);
            }
            let route = route(&evidence);
            assert_eq!((&route["to"], &route["attempts"]), (&to.into(), &place.into()), "{shas:?}");
        }
        // Rework holds until a pass, which begins a new count.
        let again = after(&evidence, fail(7), Some("e"));
        assert_eq!(route(&again)["to"], "needs-rework");
        let green = after(&again, session(8, 1.0), Some("f"));
        assert_eq!(route(&green)["to"], "docs-reviewer");
        let anew = after(&green, fail(9), Some(A));
        assert_eq!(
            (&route(&anew)["to"], &route(&anew)["attempts"]),
            (&"perf-fixer".into(), &0.into())
        );
    }
}

/// Requirement: T1, T3, F1, F4.
#[test]
fn the_same_bundle_gives_the_same_route_and_a_decision_is_counted_once() {
    let evidence = after(&noisy(1), noisy(2), Some(A));
    let files = || derive(&evidence).expect("the policy is read").files();
    assert_eq!(files(), files());
    let again = Evidence::from_json(&evidence.to_json()).expect("written by us");
    assert_eq!(derive(&again).expect("the policy is read").files(), files());
    // The same bundle's hop twice in the log, as two artifacts of one run would give it.
    let routes = Policy::parse(DEFAULT_POLICY).expect("it ships").routes;
    let hop = Hop { to: routes.inconclusive.clone(), ..hop(1) };
    let own = Digest::of(b"own");
    for (log, n) in [
        (vec![hop.clone()], 1),
        (vec![hop.clone(), hop.clone()], 1),
        (vec![hop.clone(), Hop { evidence: Digest::of(b"other"), ..hop.clone() }], 2),
        (vec![Hop { evidence: own, ..hop.clone() }], 0),
        (vec![Hop { head_sha: Some(B.to_owned()), ..hop }], 0),
    ] {
        assert_eq!(Rounds::of(&log, own, Some(A), &routes).remeasurements, n, "{log:?}");
    }
}

fn hop(n: u8) -> Hop {
    Hop {
        at: "2026-03-01T09:00:00.000Z".to_owned(),
        from: "performance-baseline".to_owned(),
        to: "perf-fixer".to_owned(),
        rule: "a rule".to_owned(),
        verdict: "fail".to_owned(),
        head_sha: Some(A.to_owned()),
        evidence: Digest::of(&[n]),
    }
}

/// Requirement: T3.
#[test]
fn the_log_keeps_its_newest_50_hops_and_outlives_a_gate_that_does_not_end() {
    let hops: Vec<Hop> = (0..50).map(hop).collect();
    assert_eq!(hops.len(), HOPS_MAX);
    let mut evidence = session(1, 1.0);
    evidence.hops = hops.clone();
    let bytes = derive(&evidence).expect("the policy is read").route.to_json();
    let kept = read_hops(&bytes).expect("written by us");
    assert_eq!((kept.len(), &kept[..49]), (HOPS_MAX, &hops[1..]));
    assert_eq!((kept[49].to.as_str(), kept[49].verdict.as_str()), ("docs-reviewer", "pass"));

    let open = unfinished(Some(&hops));
    assert_eq!(read_hops(&open).expect("written by us"), hops);
    let open: Value = serde_json::from_slice(&open).expect("JSON");
    assert_eq!((&open["to"], &open["exit_code"]), (&"blocked".into(), &5.into()));

    let lost = unfinished(None);
    assert!(read_hops(&lost).is_err(), "a log that was lost is no empty one");

    evidence.hops.push(hop(51));
    let error = Evidence::from_json(&evidence.to_json()).expect_err("a hop too many");
    assert!(error.to_string().contains("at most 50 earlier hops, found 51"), "{error}");
}

/// Requirement: T3.
#[test]
fn a_route_document_that_is_none_is_an_error_and_one_without_a_log_is_empty() {
    let bytes = derive(&session(1, 1.0)).expect("the policy is read").route.to_json();
    let good = String::from_utf8(bytes).expect("JSON is UTF-8");
    assert_eq!(read_hops(good.as_bytes()).expect("written by us").len(), 1);
    let log = good.find("  \"hops\"").expect("it has a log");
    let without = format!("{}\n}}\n", good[..log].trim_end().trim_end_matches(','));
    let old = without.replacen("\"1.3\"", "\"1.1\"", 1);
    assert_eq!(read_hops(old.as_bytes()).expect("as version 1.1 wrote it"), []);
    for (bad, named) in [
        (without.as_str(), "`hops`: expected in version 1.3"),
        (&good.replacen("\"1.3\"", "\"1.4\"", 1), "found version \"1.4\""),
        (&good.replacen("\"1.3\"", "\"2.2\"", 1), "found version \"2.2\""),
        (&good.replacen("\"1.3\"", "\"one\"", 1), "version"),
        (&good[..good.len() / 2], "expected a route document"),
        (&good.replace("\"evidence\": \"", "\"evidence\": \"x"), "SHA-256"),
        (&good.replace("\"at\": \"2", "\"at\": \"x"), "hops[0].at"),
        (&good.replace("\"at\": ", "\"when\": "), "unknown field `when`"),
        (&good.replacen("\"hops\"", "\"hops\": [], \"hops\"", 1), "duplicate field `hops`"),
        ("", "expected a route document"),
        ("{}", "missing field"),
        ("[]", "expected a route document"),
        ("{\"version\":\"1.0\",\"to\":\"\",\"rule\":\"r\",\"verdict\":\"v\"}", "expected a route"),
    ] {
        let error = read_hops(bad.as_bytes()).expect_err(named);
        assert_eq!(error.kind(), ErrorKind::Route);
        assert!(error.to_string().contains(named), "{named}: {error}");
    }
    assert!(read_hops(&[0xff, 0xfe]).is_err());
}

/// Requirement: T3, Z2.
#[test]
fn a_hop_of_the_future_is_no_evidence() {
    let mut evidence = session(1, 1.0);
    evidence.hops = vec![Hop { at: "2999-01-01T00:00:00.000Z".to_owned(), ..hop(1) }];
    let derived = derive(&evidence).expect("the policy is read");
    assert_eq!((derived.verdict, derived.route.to.as_str()), (Verdict::Invalid, "blocked"));
    assert_eq!(derived.refusals[0].rule, "chronology");
}

/// Requirement: T6.
#[test]
fn a_bundle_about_another_commit_is_refused() {
    let mut evidence = session(1, 1.0);
    let sha = evidence.head_sha.clone().expect("it is scripted");
    evidence.head.tool.dirty = Some(false);
    assert_eq!(check_head_sha(&evidence, &sha), None);
    let refusal = check_head_sha(&evidence, A).expect("another commit");
    assert_eq!((refusal.rule, refusal.class.verdict_name()), ("head-sha", "invalid"));
    assert_eq!((refusal.expected.as_str(), refusal.found), (A, sha.clone()));
    assert!(check_head_sha(&evidence, &sha[..12]).is_some(), "a part of a name is no commit");
    evidence.head.tool.dirty = Some(true);
    assert!(
        check_head_sha(&evidence, &sha)
            .is_some_and(|refusal| refusal.found.contains("uncommitted"))
    );
    evidence.head.tool.dirty = None;
    evidence.head_sha = None;
    assert!(check_head_sha(&evidence, &sha).is_some(), "an unknown commit is not this one");
}

/// Requirement: T1, T2, T3.
#[test]
fn a_route_names_its_gates_records_and_commit_and_the_conclusion_of_all() {
    for (factor, conclusion, to) in
        [(1.0, "success", "docs-reviewer"), (1.2, "failure", "perf-fixer")]
    {
        let evidence = session(3, factor);
        let found = route(&evidence);
        for key in ["version", "from", "to", "rule", "gates", "records", "sha", "open", "hops"] {
            assert!(found.get(key).is_some(), "{key}");
        }
        assert_eq!((&found["conclusion"], &found["to"]), (&conclusion.into(), &to.into()));
        let own = Digest::of(&evidence.to_json()).to_string();
        assert_eq!(found["hops"][0]["evidence"], own.as_str());
        assert_eq!(found["hops"][0]["at"], evidence.created_at.as_str());
    }
}
