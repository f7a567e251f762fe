//! docs/run-record.md and docs/store.md explain every field of the published schemas, and no other.

use std::collections::BTreeSet;

use baselines::record::{SCHEMA_VERSION, SchemaVersion};
use serde_json::Value;

const DOCS: &str = include_str!("../docs/run-record.md");
const STORE: &str = include_str!("../docs/store.md");

/// The names of all properties anywhere in `schema`.
fn properties(schema: &Value, names: &mut BTreeSet<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                names.extend(properties.keys().cloned());
            }
            object.values().for_each(|value| properties(value, names));
        }
        Value::Array(values) => values.iter().for_each(|value| properties(value, names)),
        _ => {}
    }
}

/// The first cell of each table row, which is a field in backticks.
fn documented(docs: &str) -> BTreeSet<String> {
    let rows = docs.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    rows.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn every_field_is_documented_and_every_documented_field_exists() {
    let mut names = BTreeSet::new();
    properties(&baselines::record::wire::schema(), &mut names);
    properties(&baselines::evidence::wire::schema(), &mut names);
    assert!(names.len() > 80, "{names:?}");
    let documented = documented(DOCS);
    let missing: Vec<_> = names.difference(&documented).collect();
    let unknown: Vec<_> = documented.difference(&names).collect();
    assert!(missing.is_empty(), "not in docs/run-record.md: {missing:?}");
    assert!(unknown.is_empty(), "in docs/run-record.md, but in no schema: {unknown:?}");
}

#[test]
fn every_field_of_a_journal_is_documented_and_every_documented_field_exists() {
    let mut names = BTreeSet::new();
    for (file, text) in baselines::schemas() {
        if file.starts_with("baseline-") {
            properties(&serde_json::from_str(&text).expect("JSON"), &mut names);
        }
    }
    assert!(names.len() > 12, "{names:?}");
    // The first table is of files, which are no fields.
    let fields = STORE.split_once("## An entry").expect("a section on entries").1;
    assert_eq!(documented(fields), names);
}

#[test]
fn every_row_has_a_meaning_a_unit_and_a_version() {
    for row in DOCS.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!(cells.len(), 4, "{row}");
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{row}");
        let since = cells[3].trim_end_matches([' ', '|']).split_once('.').expect("a version");
        let number = |text: &str| text.parse::<u32>().expect("a number");
        let SchemaVersion { major, minor } = SCHEMA_VERSION;
        assert!(number(since.0) == major && number(since.1) <= minor, "{row}");
    }
}
