//! Gates of checks within a bundle: what they decide, what they only show, and what their documents say.

use baselines::{CheckRecord, Digest, Evidence, check::Captured, testing};
use gates::{Derived, Verdict, derive};
use serde_json::Value;

/// A session with these checks, under the shipped policy with `required` added to its gates.
fn checked(head_factor: f64, checks: Vec<CheckRecord>, required: &[&str]) -> Evidence {
    let mut evidence = testing::evidence(42, head_factor);
    gates::DEFAULT_POLICY.clone_into(&mut evidence.policy);
    evidence.checks = checks;
    let more: String = required.iter().map(|gate| format!(", \"review:gate:{gate}\"")).collect();
    let (is, becomes) = ("\"review:gate:perf\"]", format!("\"review:gate:perf\"{more}]"));
    assert!(evidence.policy.contains(is));
    evidence.policy = evidence.policy.replace(is, &becomes);
    evidence
}

fn derived(evidence: &Evidence) -> Derived {
    derive(evidence).expect("the policy is read")
}

fn passing() -> CheckRecord {
    testing::check("tests")
}

fn failing() -> CheckRecord {
    let mut check = passing();
    check.exit_code = 101;
    let text = check.stdout.text.replace("ok. 2 passed; 0 failed", "FAILED. 1 passed; 1 failed");
    check.stdout = Captured::whole(text.as_bytes());
    check
}

fn empty() -> CheckRecord {
    let mut check = passing();
    check.stdout = Captured::whole(b"");
    check
}

fn file(derived: &Derived, name: &str) -> Option<Vec<u8>> {
    derived.files().into_iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes)
}

fn report(derived: &Derived) -> String {
    String::from_utf8(file(derived, "report.md").expect("it is derived")).expect("UTF-8")
}

/// Requirement: S4, I1.
#[test]
fn a_required_check_decides_with_the_measurement_and_another_one_decides_nothing() {
    use Verdict::{Fail, Incomparable, Pass};
    let tests: &[&str] = &["tests"];
    #[rustfmt::skip] // a table
    let table = [
        ("none, none required", 1.0, vec![], [].as_slice(), Pass),
        ("passing", 1.0, vec![passing()], tests, Pass),
        ("failing", 1.0, vec![failing()], tests, Fail),
        ("of no test", 1.0, vec![empty()], tests, Incomparable),
        ("missing", 1.0, vec![], tests, Incomparable),
        ("another one", 1.0, vec![testing::check("tests-gpu")], tests, Incomparable),
        ("failing, not required", 1.0, vec![failing()], &[], Pass),
        ("of no test, not required", 1.0, vec![empty()], &[], Pass),
        ("passing, but slower", 1.2, vec![passing()], tests, Fail),
        ("of no test, but slower", 1.2, vec![empty()], tests, Fail),
        ("missing, but slower", 1.2, vec![], tests, Fail),
    ];
    for (how, factor, checks, required, verdict) in table {
        let found = derived(&checked(factor, checks, required));
        assert_eq!(found.verdict, verdict, "{how}: {:?}", found.refusals);
        let slower = if factor > 1.0 { Fail } else { Pass };
        let perf = found.perf_gate.verdict;
        // The gates of the measurement say what was measured, whatever the checks say.
        assert!(perf == slower || how == "missing" || how == "another one", "{how}: {perf:?}");
    }
}

#[test]
fn a_check_that_fails_does_not_save_evidence_that_does_not_hold() {
    let mut evidence = checked(1.0, vec![failing()], &["tests"]);
    evidence.head.session = "0".repeat(32);
    let found = derived(&evidence);
    assert_eq!(found.verdict, Verdict::Invalid);
    assert_eq!(found.check_gates[0].verdict, Verdict::Invalid);
    let gate = String::from_utf8(found.check_gates[0].to_json()).unwrap();
    assert!(gate.contains("not judged") && !gate.contains("passed"), "{gate}");
}

/// Requirement: S4.
#[test]
fn a_check_of_another_commit_is_refused_required_or_not() {
    for required in [[].as_slice(), &["tests"]] {
        let mut stale = passing();
        stale.commit = Some("0".repeat(40));
        let found = derived(&checked(1.0, vec![stale], required));
        assert_eq!((found.verdict, found.route.to.as_str()), (Verdict::Incomparable, "blocked"));
        assert_eq!(found.check_gates[0].conclusion, "failure");
        let refusal = &found.refusals[0];
        assert_eq!((refusal.rule, refusal.field.as_str()), ("check-commit", "checks[0].commit"));
    }
}

/// Requirement: C2.
#[test]
fn the_document_has_the_counts_the_commit_and_the_digest_of_its_record() {
    let evidence = checked(1.0, vec![passing(), testing::check("tests-gpu")], &["tests"]);
    let found = derived(&evidence);
    let names: Vec<String> = found.files().into_iter().map(|(name, _)| name).collect();
    #[rustfmt::skip] // a list
    assert_eq!(names, ["inference.json", "inference_gpu.json", "benchmarks_gate.json", "perf_gate.json", "tests_gate.json", "tests-gpu_gate.json", "route.json", "report.md"]);
    let bytes = file(&found, "tests_gate.json").expect("it is derived");
    let gate: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(gate["name"], "review:gate:tests");
    assert_eq!((&gate["conclusion"], &gate["next"]), (&"success".into(), &"docs-reviewer".into()));
    assert_eq!(gate["evidence"]["tests"], "2 passed, 0 failed, 1 ignored, 0 filtered out in 1 run");
    assert_eq!(
        (&gate["values"]["tests"]["passed"], &gate["values"]["tests"]["failed"]),
        (&2.into(), &0.into())
    );
    assert_eq!(gate["head_sha"].as_str(), evidence.head_sha.as_deref());
    assert_eq!(gate["records"]["check"], Digest::of(&evidence.checks[0].to_json()).to_string());
    assert_eq!(gate["records"]["evidence"], Digest::of(&evidence.to_json()).to_string());
    let run = gate["evidence"]["run"].as_str().unwrap();
    assert!(run.starts_with("cargo test: 2.25 s, commit "), "{run}");
    let again = Evidence::from_json(&evidence.to_json()).unwrap();
    assert_eq!(found.files(), derived(&again).files());
}

#[test]
fn the_report_lists_what_was_checked_and_what_was_not() {
    let before = report(&derived(&checked(1.0, vec![], &[])));
    assert!(before.contains("- Build, tests and lints: not part of this evidence\n"), "{before}");
    let found = derived(&checked(1.0, vec![failing(), testing::check("audit")], &["tests"]));
    let page = report(&found);
    for line in [
        "❌ **Fail: a required check failed**",
        "- decided by review:gate:tests; the measurement alone: pass",
        "- [ ] Build: not part of this evidence",
        "- [ ] Test suite (review:gate:tests, fail): 1 passed, 1 failed",
        "- [ ] Lint: not part of this evidence",
        "- [x] Test suite (review:gate:audit, pass, not required): 2 passed",
        "### review:gate:tests ❌ FAILURE",
        "- `ci/tests_gate.json`",
        "bench check --gate tests -- cargo test",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
}

#[test]
fn a_word_of_a_command_or_a_name_of_a_test_cannot_write_a_line_of_the_report() {
    let mut check = failing();
    check.command.push("x\n- [x] forged\n## ✅ forged".to_owned());
    let forged = "running 1 test\nfailures:\n    a`\u{2028}✅ [x](http://x)\n\ntest result: FAILED. 0 passed; 1 failed; \
                  0 ignored; 0 measured; 0 filtered out; finished in 0.0s\n";
    check.stdout = Captured::whole(forged.as_bytes());
    let page = report(&derived(&checked(1.0, vec![check], &["tests"])));
    let outside: Vec<&str> = page.split("```").step_by(2).collect();
    for line in outside.iter().flat_map(|part| part.lines()) {
        assert!(!line.starts_with("- [x] forged") && !line.starts_with("## ✅"), "{line}");
        assert!(!line.contains("](http"), "{line}");
    }
}
