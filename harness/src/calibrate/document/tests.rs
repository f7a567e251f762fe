//! The document: read back it is what was written, and what it claims beside the log ratios counts for nothing.

use gates::{
    decision::{Margins, Rule},
    design::Design,
    policy::FailOn,
};

use super::*;
use crate::calibrate::subject::Metric;

fn subject() -> Subject {
    Subject {
        fingerprint: "f".repeat(64),
        cpu_model: "a CPU".to_owned(),
        binary: "b".repeat(64),
        commit: None,
        profile: "release".to_owned(),
        model: "m".repeat(64),
        isa: "scalar".to_owned(),
        threads: 1,
        suite: "s".repeat(64),
        rounds: 8,
        seed: 42,
        looks: vec![16, 24, 32, 40],
        level_pass: 0.05,
        level_fail: 0.01,
        fail_on: "standard".to_owned(),
        metrics: vec![Metric {
            workload: "decode-64".to_owned(),
            metric: "decode_step_ns".to_owned(),
            margin_negligible: 1.01,
            margin_unacceptable: 1.05,
        }],
    }
}

/// A build with itself `n` times, and once with 10 % planted.
fn calibration(n: usize) -> Calibration {
    let comparison = |planted_percent: f64| {
        let centre = planted_percent / 100.0;
        let swing = |pair: u32| centre + 0.001 * (f64::from(pair % 5) - 2.0);
        Comparison {
            planted_percent,
            session: "0".repeat(32),
            started_at: "2026-03-02T09:00:00.000Z".to_owned(),
            seconds: 16.5,
            pinned: true,
            marks: vec!["governor-unknown".to_owned()],
            log_ratios: vec![(0..16).map(swing).collect()],
        }
    };
    let mut comparisons = vec![comparison(0.0); n];
    comparisons.push(comparison(10.0));
    Calibration {
        subject: subject(),
        plan: Plan {
            comparisons: n,
            planted_percent: vec![10.0],
            planted_comparisons: 2,
            minutes: None,
        },
        started_at: "2026-03-02T09:00:00.000Z".to_owned(),
        ended_at: "2026-03-02T09:01:00.000Z".to_owned(),
        terms: Terms {
            rule: Rule::new(Design::new(&[16, 24, 32, 40], 0.05, 0.01), FailOn::Standard),
            margins: vec![Margins { m0: 1.01_f64.ln(), m1: 1.05_f64.ln() }],
            fail: 0.01,
        },
        comparisons,
    }
}

#[test]
fn comparisons_read_back_are_those_written() {
    let calibration = calibration(3);
    let read = parse(json(&calibration).as_bytes(), &subject()).unwrap();
    assert_eq!(read, calibration.comparisons);
}

#[test]
fn a_document_says_what_was_done_of_what_was_asked() {
    let document: Value = serde_json::from_str(&json(&calibration(3))).unwrap();
    assert_eq!((&document["complete"], &document["holds"]), (&json!(false), &json!(true)));
    let groups = &document["summary"]["groups"];
    assert_eq!(groups[0]["fail"]["hits"], 0);
    assert_eq!((&groups[1]["asked"], &groups[1]["done"]), (&json!(2), &json!(1)));
    assert_eq!(groups[1]["fail"]["hits"], 1);
    assert_eq!(document["comparisons"][3]["verdict"], "fail");
    assert_eq!(document["summary"]["metrics"][0]["workload"], "decode-64");
}

#[test]
fn a_claim_that_does_not_follow_from_the_log_ratios_is_not_taken_over() {
    let honest = calibration(3);
    let edited = json(&honest).replace("\"verdict\": \"fail\"", "\"verdict\": \"pass\"");
    assert!(edited != json(&honest), "something was edited");
    let read = parse(edited.as_bytes(), &subject()).unwrap();
    assert!(json(&Calibration { comparisons: read, ..honest.clone() }) == json(&honest));
}

#[test]
fn another_subject_and_what_is_no_calibration_are_refused() {
    let text = json(&calibration(3));
    let other = Subject { binary: "c".repeat(64), ..subject() };
    let error = format!("{:#}", parse(text.as_bytes(), &other).unwrap_err());
    assert!(error.contains("subject.binary: expected") && error.contains("--resume"), "{error}");
    for (is, becomes) in [
        ("tritgate.calibration", "tritgate.run-record"),
        ("\"version\": 1", "\"version\": 2"),
        ("\"seconds\": 16.5", "\"seconds\": -1.0"),
        (
            "\"planted_percent\": 0.0,\n      \"seconds",
            "\"planted_percent\": -5.0,\n      \"seconds",
        ),
    ] {
        let edited = text.replace(is, becomes);
        assert!(edited != text, "{is}");
        assert!(parse(edited.as_bytes(), &subject()).is_err(), "{becomes}");
    }
    let half = &text[..text.len() / 2];
    assert!(parse(half.as_bytes(), &subject()).is_err());
}

/// What a history says of a machine is derived from the log ratios too, by the rule that the document names.
#[test]
fn what_stands_beside_a_history_follows_from_the_log_ratios_alone() {
    use crate::calibrate::standing;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calibration.json");
    assert!(standing::read(&path).unwrap().is_none(), "no calibration is no fault");
    let honest = calibration(3);
    let rates = |text: &str| {
        fs::write(&path, text).unwrap();
        let found = standing::read(&path).unwrap().expect("a document");
        let groups = found.summary.groups.iter();
        groups.map(|group| (group.planted, group.fail.hits, group.fail.n)).collect::<Vec<_>>()
    };
    let want = [(0.0, 0, 3), (0.1, 1, 1)];
    assert_eq!(rates(&json(&honest)), want);
    let claims =
        json(&honest).replace("\"hits\": 0", "\"hits\": 3").replace("\"fail\"", "\"pass\"");
    assert_eq!(rates(&claims), want, "claims beside the log ratios count for nothing");
    let mut slower = honest;
    for ratio in slower.comparisons[0].log_ratios.iter_mut().flatten() {
        *ratio += 0.2;
    }
    assert_eq!(rates(&json(&slower)), [(0.0, 1, 3), (0.1, 1, 1)]);
    fs::write(&path, "{").unwrap();
    assert!(standing::read(&path).is_err());
}
