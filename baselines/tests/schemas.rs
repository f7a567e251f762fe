//! The published schemas are those of the wire types, and say the same as the reader does.

mod common;
mod edit;

use std::path::Path;

use baselines::{Evidence, RunRecord, evidence, record, testing};
use common::small_record;
use edit::with;
use jsonschema::Validator;
use serde_json::{Value, json};

fn validator(schema: &Value) -> Validator {
    jsonschema::validator_for(schema).expect("a JSON schema")
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

#[test]
fn the_committed_schemas_are_those_of_the_wire_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    for (name, text) in baselines::schemas() {
        let committed = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(
            committed == text,
            "baselines/schema/{name} differs from the wire types: run cargo xtask schemas"
        );
    }
}

#[test]
fn what_we_write_is_valid() {
    validator(&record::wire::schema()).validate(&parse(&small_record().to_json())).unwrap();
    let bundle = testing::evidence(3, 1.0);
    validator(&evidence::wire::schema()).validate(&parse(&bundle.to_json())).unwrap();

    let commands = testing::commands(3, 1.0);
    validator(&evidence::wire::schema()).validate(&parse(&commands.to_json())).unwrap();
    let benchmarks = testing::benchmarks(3, 1.0);
    validator(&evidence::wire::schema()).validate(&parse(&benchmarks.to_json())).unwrap();

    let mut nulls = small_record();
    nulls.accuracy = None;
    nulls.tool.commit = None;
    nulls.tool.dirty = None;
    nulls.subject.engine_mut().unwrap().settings.fallback = None;
    nulls.processes[0].peak_rss_bytes = None;
    validator(&record::wire::schema()).validate(&parse(&nulls.to_json())).unwrap();
}

#[test]
fn schema_and_reader_refuse_the_same_records() {
    let schema = validator(&record::wire::schema());
    let bytes = small_record().to_json();
    for (pointer, value) in [
        ("/schema", json!("tritgate.evidence")),
        ("/version", json!("one")),
        ("/session", json!("0")),
        ("/purpose", json!("Run")),
        ("/started_at", json!("2026-03-02T09:00:00Z")),
        ("/seed", json!(-1)),
        ("/seed", json!(0.5)),
        ("/sede", json!(1)),
        ("/tool/commit", json!(7)),
        ("/subject/model/digest", json!("XYZ")),
        ("/suite/workloads/0/params", json!({"tokens": 1.5})),
        ("/suite/rounds", json!(0)),
        ("/processes/0/series/0/per_iteration", json!(0)),
        ("/processes/0/series/0/metric", json!("Load")),
        ("/processes/0/series/0/samples/0", json!(-1)),
        ("/processes/0/series/0/samples/0", json!(null)),
        ("/probes/0/when", json!("during")),
    ] {
        let edited = with(&bytes, pointer, value.clone());
        assert!(!schema.is_valid(&parse(&edited)), "schema takes {pointer} = {value}");
        assert!(RunRecord::from_json(&edited).is_err(), "reader takes {pointer} = {value}");
    }
}

#[test]
fn every_property_is_required_by_schema_and_reader() {
    let (schema, whole) = (validator(&record::wire::schema()), parse(&small_record().to_json()));
    let mut n_checked = 0;
    for parent in [
        "",
        "/tool",
        "/subject",
        "/subject/model",
        "/subject/settings",
        "/host",
        "/processes/0",
        "/accuracy",
    ] {
        let keys = whole.pointer(parent).and_then(Value::as_object).expect("an object").keys();
        // Of a later minor version, and left out where they have nothing to say.
        const LATER: [&str; 8] = [
            "allocations",
            "challenges",
            "head",
            "ids",
            "nonce",
            "samples_digest",
            "tree",
            "weights_copied_bytes",
        ];
        for key in keys.filter(|key| !LATER.contains(&key.as_str())) {
            let mut document = whole.clone();
            document
                .pointer_mut(parent)
                .and_then(Value::as_object_mut)
                .expect("an object")
                .remove(key);
            assert!(!schema.is_valid(&document), "schema misses no {parent}/{key}");
            let bytes = serde_json::to_vec(&document).unwrap();
            assert!(RunRecord::from_json(&bytes).is_err(), "reader misses no {parent}/{key}");
            n_checked += 1;
        }
    }
    assert!(n_checked > 60, "{n_checked}");
}

#[test]
fn a_bundle_with_an_invalid_record_is_invalid() {
    let bytes = testing::evidence(3, 1.0).to_json();
    let edited = with(&bytes, "/head/processes/3/wall_ns", json!(-5));
    assert!(!validator(&evidence::wire::schema()).is_valid(&parse(&edited)));
    let error = Evidence::from_json(&edited).unwrap_err();
    assert!(error.to_string().contains("`head.processes[3].wall_ns`"), "{error}");
}
