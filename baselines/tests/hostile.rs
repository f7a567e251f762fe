//! Bytes that are no record: each ends in an error that says what, where, expected and found; none panics.

mod common;
mod edit;

use baselines::{Error, ErrorKind, Evidence, RunRecord, record::wire, testing};
use common::small_record;
use edit::with;
use proptest::prelude::*;
use serde_json::{Value, json};

/// The error for the small record with one value replaced.
fn error(pointer: &str, value: Value) -> Error {
    let bytes = with(&small_record().to_json(), pointer, value);
    RunRecord::from_json(&bytes).expect_err(pointer)
}

#[test]
fn a_truncated_record_is_refused_at_every_byte() {
    let bytes = small_record().to_json();
    // All but the last newline is needed.
    for len in 0..bytes.len() - 1 {
        let found = RunRecord::from_json(&bytes[..len]).expect_err("a part of a record");
        assert_eq!(found.kind(), ErrorKind::Malformed, "{len}");
    }
    RunRecord::from_json(&bytes[..bytes.len() - 1]).unwrap();
}

/// Requirement: C1.
#[test]
fn a_newer_schema_is_refused_before_anything_else_is_looked_at() {
    let text = br#"{"version":"3.0","schema":"tritgate.run-record","anything":[1,2]}"#;
    let found = RunRecord::from_json(text).unwrap_err();
    assert_eq!(found.kind(), ErrorKind::Version);
    assert_eq!(
        found.to_string(),
        "run record schema 3.0 is newer than this bench reads (1.6): upgrade bench"
    );
    for version in ["1.7", "2.0", "1.4294967295"] {
        assert_eq!(error("/version", json!(version)).kind(), ErrorKind::Version, "{version}");
    }
    let found = error("/version", json!("0.9"));
    assert_eq!(found.kind(), ErrorKind::Version);
    assert!(found.to_string().contains("older than this bench reads (1.6)"), "{found}");
    for version in [
        json!("1"),
        json!("1.0.0"),
        json!("01.0"),
        json!("+1.0"),
        json!(1.0),
        json!(null),
        json!(""),
    ] {
        let found = error("/version", version.clone());
        assert_eq!(found.kind(), ErrorKind::Malformed, "{version}");
        assert!(
            found.to_string().contains("`version`: expected a schema version like \"1.0\""),
            "{found}"
        );
    }
}

#[test]
fn a_bundle_checks_its_own_version_and_that_of_its_records() {
    let bytes = testing::evidence(1, 1.0).to_json();
    let found = Evidence::from_json(&with(&bytes, "/version", json!("2.0"))).unwrap_err();
    assert_eq!(found.kind(), ErrorKind::Version);
    assert!(found.to_string().starts_with("evidence bundle schema 2.0 is newer"), "{found}");
    let found = Evidence::from_json(&with(&bytes, "/head/version", json!("2.0"))).unwrap_err();
    assert!(
        found.to_string().contains("`head.version`: expected 1.6, that of the bundle, found 2.0"),
        "{found}"
    );
    let found = RunRecord::from_json(&bytes).unwrap_err();
    assert!(
        found.to_string().contains("expected \"tritgate.run-record\", found \"tritgate.evidence\""),
        "{found}"
    );
}

#[test]
fn errors_name_the_path_what_was_expected_and_what_was_found() {
    #[rustfmt::skip] // a table
    let cases = [
        ("/seed", json!("x"), vec!["`seed`", "invalid type: string \"x\", expected u64"]),
        ("/seed", json!(-1), vec!["`seed`", "-1", "expected u64"]),
        ("/session", json!("A".repeat(32)), vec!["`session`", "32 lowercase hex digits"]),
        ("/purpose", json!("fun"), vec!["`purpose`", "unknown variant `fun`", "`paired`"]),
        ("/started_at", json!("2026-03-02 09:00"), vec!["`started_at`", "expected a UTC time like", "2026-03-02 09:00"]),
        ("/started_at", json!("2026-02-30T00:00:00.000Z"), vec!["`started_at`", "2026-02-30"]),
        ("/subject/model/digest", json!("00"), vec!["`subject.model.digest`", "64 lowercase hex digits", "\"00\""]),
        ("/processes/0/series/2/samples/1", json!(-0.5), vec!["`processes[0].series[2].samples[1]`", "not negative, found -0.5"]),
        ("/processes/0/series/2/samples/1", json!(-1), vec!["`processes[0].series[2].samples[1]`", "found -1"]),
        ("/processes/0/series/2/samples/1", json!(null), vec!["`processes[0].series[2].samples[1]`", "expected f64"]),
        ("/processes/0/series/2/samples/1", json!("NaN"), vec!["`processes[0].series[2].samples[1]`", "\"NaN\""]),
        ("/processes/0/series/0/metric", json!("load_ms"), vec!["`processes[0].series[0].metric`", "\"load_ms\" is unknown", "load_ns"]),
        ("/suite/rounds", json!(0), vec!["`suite.rounds`", "1 to 1000, found 0"]),
        ("/suite/rounds", json!(u64::MAX), vec!["`suite.rounds`", "1 to 1000, found 18446744073709551615"]),
        ("/processes/0/series/0/per_iteration", json!(0), vec!["`processes[0].series[0]`", "at least 1, found 0"]),
        ("/processes/0/outputs/0/stop", json!("Length"), vec!["`processes[0].outputs[0].stop`", "`end-of-generation`"]),
        ("/probes/0/kind", json!("BandwidthCache"), vec!["`probes[0].kind`", "`bandwidth-cache`"]),
        ("/accuracy/nll_int8", json!(-2.0), vec!["`accuracy.nll_int8`", "found -2"]),
    ];
    for (pointer, value, words) in cases {
        let found = error(pointer, value);
        assert_eq!(found.kind(), ErrorKind::Malformed, "{pointer}");
        for word in words {
            assert!(found.to_string().contains(word), "{pointer}: {word:?} not in {found}");
        }
    }
}

#[test]
fn a_subject_is_the_engine_or_a_command_and_never_half_of_each() {
    for (pointer, value) in [
        ("/subject/model", json!(null)),
        ("/subject/settings", json!(null)),
        ("/subject/command", command()),
    ] {
        let found = error(pointer, value).to_string();
        assert!(found.contains("`subject`") && found.contains("expected `model`"), "{found}");
    }
    let bytes = testing::commands(1, 1.0).head.to_json();
    let nothing = RunRecord::from_json(&with(&bytes, "/subject/command", json!(null))).unwrap_err();
    assert!(nothing.to_string().contains("expected `model` and `settings`"), "{nothing}");
}

#[test]
fn a_metric_of_a_suites_own_has_a_name_of_its_own() {
    let bytes = testing::commands(1, 1.0).head.to_json();
    assert!(RunRecord::from_json(&bytes).is_ok());
    for (pointer, value, word) in [
        ("/suite/metrics/0/name", json!("wall_ns"), "`suite.metrics[0].name`"),
        ("/suite/metrics/0/name", json!("ops"), "ends in `_count`"),
        ("/suite/metrics/0/name", json!("decode_step_ns"), "not in the register"),
        ("/suite/metrics", json!([]), "\"ops_count\" is unknown, expected one of batch_step_ns"),
        ("/processes/3/series/2/metric", json!("opt_count"), "`processes[3].series[2].metric`"),
    ] {
        let found = RunRecord::from_json(&with(&bytes, pointer, value)).unwrap_err();
        assert!(found.to_string().contains(word), "{pointer}: {found}");
    }
}

fn command() -> Value {
    let bytes = testing::commands(1, 1.0).head.to_json();
    let record: Value = serde_json::from_slice(&bytes).expect("JSON");
    record["subject"]["command"].clone()
}

#[test]
fn an_unknown_field_is_named_with_the_known_ones() {
    for parent in [
        "",
        "/tool",
        "/subject/settings",
        "/processes/0",
        "/processes/0/series/0",
        "/suite/workloads/0",
    ] {
        let found = error(&format!("{parent}/sample"), json!(1)).to_string();
        assert!(found.contains("unknown field `sample`, expected one of `"), "{found}");
        let path = format!("{parent}/sample")
            .replace("/0", "[0]")
            .replace('/', ".")
            .trim_start_matches('.')
            .to_owned();
        assert!(found.contains(&format!("`{path}`")), "{path}: {found}");
    }
}

#[test]
fn a_missing_field_is_named_even_where_null_is_allowed() {
    let whole: Value = serde_json::from_slice(&small_record().to_json()).unwrap();
    for (parent, key) in
        [("", "seed"), ("", "accuracy"), ("/tool", "commit"), ("/processes/0", "peak_rss_bytes")]
    {
        let mut document = whole.clone();
        document.pointer_mut(parent).and_then(Value::as_object_mut).unwrap().remove(key).unwrap();
        let found =
            RunRecord::from_json(&serde_json::to_vec(&document).unwrap()).unwrap_err().to_string();
        assert!(found.contains(&format!("missing field `{key}`")), "{found}");
    }
}

#[test]
fn an_unreadable_number_is_no_sample() {
    let text = String::from_utf8(small_record().to_json()).unwrap();
    let (before, after) = text.split_once("\"samples\":[").unwrap();
    for number in ["1e999", "NaN", "Infinity", "-0", "01", "+1", "1."] {
        let bytes = format!("{before}\"samples\":[{number},{after}");
        let found = RunRecord::from_json(bytes.as_bytes()).unwrap_err();
        assert_eq!(found.kind(), ErrorKind::Malformed, "{number}");
    }
    RunRecord::from_json(format!("{before}\"samples\":[1e9,{after}").as_bytes()).unwrap();
}

#[test]
fn a_field_given_twice_is_refused() {
    let text = String::from_utf8(small_record().to_json()).unwrap();
    let found =
        RunRecord::from_json(text.replacen("\"seed\":42", "\"seed\":42,\"seed\":43", 1).as_bytes())
            .unwrap_err();
    assert!(found.to_string().contains("duplicate field `seed`"), "{found}");
    let again = text.replacen('{', "{\"version\":\"1.0\",", 1);
    assert!(
        RunRecord::from_json(again.as_bytes())
            .unwrap_err()
            .to_string()
            .contains("duplicate field `version`")
    );
}

/// Requirement: C1.
#[test]
fn a_key_of_a_map_given_twice_is_refused() {
    let text = String::from_utf8(small_record().to_json()).unwrap();
    for key in ["iterations", "\\u0069terations"] {
        let twice = format!("\"params\":{{\"{key}\":9,");
        let found = RunRecord::from_json(text.replacen("\"params\":{", &twice, 1).as_bytes());
        let found = found.unwrap_err().to_string();
        assert!(found.contains("duplicate key `iterations`"), "{found}");
        assert!(found.contains("`suite.workloads[0].params`"), "{found}");
    }
}

#[test]
fn anything_but_one_object_is_refused() {
    let bytes = small_record().to_json();
    let twice = [bytes.as_slice(), &bytes].concat();
    for other in [
        b"".as_slice(),
        b"[]",
        b"null",
        b"{}",
        b"{} ",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"[\"x\"]",
        &twice,
    ] {
        assert_eq!(RunRecord::from_json(other).unwrap_err().kind(), ErrorKind::Malformed);
    }
}

#[test]
fn depth_and_size_end_in_errors() {
    let deep = [
        br#"{"schema":"tritgate.run-record","version":"1.0","session":"#.as_slice(),
        &vec![b'['; 1 << 20],
    ]
    .concat();
    assert_eq!(RunRecord::from_json(&deep).unwrap_err().kind(), ErrorKind::Malformed);
    for opening in [br#"{"x":"#.as_slice(), b"["] {
        let _ = RunRecord::from_json(&opening.repeat(1 << 18)).unwrap_err();
    }
    let huge = vec![b' '; wire::MAX_BYTES + 1];
    let found = RunRecord::from_json(&huge).unwrap_err();
    assert!(
        found.to_string().contains("expected at most 67108864 bytes, found 67108865"),
        "{found}"
    );
}

#[test]
fn more_iterations_series_or_samples_than_the_limits_are_refused() {
    let refused = |record: &RunRecord, words: &str| {
        let found = RunRecord::from_json(&record.to_json()).expect_err(words);
        assert!(found.to_string().contains(words), "{found}");
    };
    let mut record = small_record();
    record.processes[0].series[0].samples = vec![1.0; 1_000];
    RunRecord::from_json(&record.to_json()).unwrap();
    record.processes[0].series[0].samples.push(1.0);
    refused(&record, "`processes[0].series[0]`: expected at most 1000 iterations, found 1001");

    let mut record = small_record();
    let series = record.processes[0].series[0].clone();
    record.processes[0].series = vec![series; wire::MAX_SERIES];
    RunRecord::from_json(&record.to_json()).unwrap();
    let again = record.processes[0].series[0].clone();
    record.processes[0].series.push(again);
    refused(&record, "`processes[0].series[6000]`: expected at most 6000 series in all");

    let mut record = small_record();
    for series in record.processes[0].series.iter_mut().take(3) {
        series.per_iteration = 1_000;
        series.samples = vec![1.0; 1_000_000];
    }
    refused(&record, "expected at most 2000000 samples in all");
}

/// Requirement: C1.
#[test]
fn lists_that_rules_walk_against_each_other_are_bounded() {
    let refused = |record: &RunRecord, words: &str| {
        let found = RunRecord::from_json(&record.to_json()).expect_err(words);
        assert_eq!(found.kind(), ErrorKind::Malformed);
        assert!(found.to_string().contains(words), "{found}");
    };
    let mut record = small_record();
    let counts = record.processes[0].counts[0].clone();
    record.processes[0].counts = vec![counts; wire::MAX_ENTRIES + 1];
    refused(&record, "`processes[0].counts`: expected at most 1000 entries, found 1001");

    let mut record = small_record();
    record.processes[0].series.clear();
    record.processes = vec![record.processes[0].clone(); wire::MAX_PROCESSES + 1];
    for process in &mut record.processes {
        process.counts.clear();
        process.outputs.clear();
    }
    record.suite.workloads.truncate(1);
    refused(&record, "`processes`: expected at most 2000 entries, found 2001");
    record.processes.truncate(wire::MAX_PROCESSES);
    let workload = record.suite.workloads[0].clone();
    record.suite.workloads = vec![workload; 13];
    // 2,000 processes × 13 workloads × 8 linears.
    refused(
        &record,
        "`processes × workloads × linears`: expected at most 200000 entries, found 208000",
    );

    let mut record = small_record();
    record.suite.workloads[0].name = "n".repeat(wire::MAX_NAME_BYTES + 1);
    refused(&record, "expected names of at most 256 bytes, found one of 257");
    let mut record = small_record();
    record.marks[0].detail = "d".repeat(wire::MAX_TEXT_BYTES + 1);
    refused(&record, "expected strings of at most 6291456 bytes");
}

#[test]
fn the_limits_of_a_bundle_are_over_both_arms() {
    let mut bundle = testing::evidence(1, 1.0);
    for record in [&mut bundle.base, &mut bundle.head] {
        let series = small_record().processes[0].series[0].clone();
        record.processes.truncate(1);
        record.processes[0].series = vec![series; wire::MAX_SERIES / 4 * 3];
        RunRecord::from_json(&record.to_json()).unwrap();
    }
    let found = Evidence::from_json(&bundle.to_json()).unwrap_err();
    assert!(
        found
            .to_string()
            .contains("`head.processes[0].series[1500]`: expected at most 6000 series"),
        "{found}"
    );
}

proptest! {
    #[test]
    fn a_changed_byte_never_panics_and_what_is_read_is_written_again(at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = small_record().to_json();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(record) = RunRecord::from_json(&bytes) {
            prop_assert_eq!(RunRecord::from_json(&record.to_json()).expect("written by us"), record);
        }
    }
}
