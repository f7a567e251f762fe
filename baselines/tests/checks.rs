//! Checks inside of a bundle: read back as written, few, each gate once; the published schema says the same.

mod common;
mod edit;

use baselines::{Evidence, check::MAX_CHECKS, evidence, record::SchemaVersion, testing};
use common::small_record;
use edit::with;
use serde_json::{Value, json};

fn bundle(gates: &[&str]) -> Evidence {
    let mut bundle = testing::evidence(3, 1.0);
    bundle.checks = gates.iter().map(|gate| testing::check(gate)).collect();
    bundle
}

#[test]
fn checks_read_back_as_written_and_obey_the_schema() {
    let evidence = bundle(&["tests", "clippy"]);
    let bytes = evidence.to_json();
    assert_eq!(Evidence::from_json(&bytes).unwrap(), evidence);
    let document: Value = serde_json::from_slice(&bytes).unwrap();
    jsonschema::validator_for(&evidence::wire::schema()).unwrap().validate(&document).unwrap();

    let checks = baselines::schemas().into_iter().find(|(name, _)| *name == "check-record.v1.json");
    let schema: Value = serde_json::from_str(&checks.expect("it is published").1).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.validate(&document["checks"][0]).unwrap();
    for gate in ["perf", "Tests", "a/b", ""] {
        let edited: Value =
            serde_json::from_slice(&with(&bytes, "/checks/0/gate", json!(gate))).unwrap();
        assert!(!validator.is_valid(&edited["checks"][0]), "{gate:?}");
    }
}

#[test]
fn a_bundle_without_checks_has_no_such_field() {
    assert!(!String::from_utf8(bundle(&[]).to_json()).unwrap().contains("\"checks\""));
}

#[test]
fn too_many_checks_a_gate_twice_or_one_from_a_newer_bench_are_refused() {
    let names: Vec<String> = (0..=MAX_CHECKS).map(|idx| format!("tests-{idx}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Evidence::from_json(&bundle(&names[1..]).to_json()).expect("as many as there may be");
    let mut newer = bundle(&["tests"]);
    let older = SchemaVersion { major: 1, minor: 1 };
    (newer.version, newer.base.version, newer.head.version) = (older, older, older);
    for (evidence, named) in [
        (bundle(&names), "`checks`: expected at most 16, found 17"),
        (bundle(&["tests", "clippy", "tests"]), "`checks[2].gate`: expected each gate once"),
        (newer, "`checks[0].version`: expected at most 1.1, found 1.6"),
    ] {
        let error = Evidence::from_json(&evidence.to_json()).unwrap_err();
        assert!(error.to_string().contains(named), "{error}");
    }
    let bytes = with(&bundle(&["tests"]).to_json(), "/checks/0/stdout/total_bytes", json!(-1));
    let error = Evidence::from_json(&bytes).unwrap_err();
    assert!(error.to_string().contains("`checks[0].stdout.total_bytes`"), "{error}");
    // The record reader takes no check.
    assert!(baselines::CheckRecord::from_json(&small_record().to_json()).is_err());
}
