//! A calibration of two tiny comparisons: a planted slowdown is real, is found, goes into no store, and is no evidence.

mod common;

use std::fs;

use common::Folder;
use serde_json::Value;

/// One comparison of the build with itself, and one whose head takes twice as long; then one more of the first kind.
#[test]
fn a_head_slowed_on_purpose_is_found_and_its_records_are_kept_nowhere() {
    let here = Folder::new();
    // Seven pairs are the fewest that can fail by sign-flips; ten bear one that other work spoilt. Sixteen take longer.
    let policy = fs::read_to_string(here.path("ci/policy.toml")).expect("a policy");
    let looks = "looks = [16, 24, 32, 40]";
    assert!(policy.contains(looks));
    fs::write(here.path("ci/policy.toml"), policy.replace(looks, "looks = [10]"))
        .expect("writable");
    let out = here.path("calibration.json");
    let document =
        || -> Value { serde_json::from_slice(&fs::read(&out).expect("a document")).expect("JSON") };
    let args = [
        "calibrate",
        "--metric",
        "decode",
        "--planted=100",
        "--planted-comparisons=1",
        "--out=calibration.json",
    ];
    let calibrate = here.bench(&[&args[..], &["--comparisons=1"]].concat());
    // On a machine that is busy with other tests a build may look slower than itself; the document must hold all the same.
    assert!([0, 2].contains(&calibrate.code), "{}\n{}", calibrate.stdout, calibrate.stderr);
    assert!(calibrate.stderr.contains("[2/2]"), "{}", calibrate.stderr);
    assert!(
        calibrate.stdout.lines().all(|line| line.chars().count() <= 80),
        "{}",
        calibrate.stdout
    );

    let first = document();
    assert_eq!(first["complete"], true);
    assert_eq!(first["subject"]["metrics"][0]["workload"], "decode-16");
    let comparisons = first["comparisons"].as_array().expect("a list").clone();
    assert_eq!(comparisons.len(), 2);
    let slowed = comparisons.iter().find(|one| one["planted_percent"] == 100.0).expect("planted");
    assert_eq!(slowed["verdict"], "fail", "{slowed}");
    // Twice the time is a log ratio of 0.69. Other work may hide a third of it in a pair, hardly ever in most of them.
    let ratios = slowed["log_ratios"][0].as_array().expect("a list");
    let slow = ratios.iter().filter(|ratio| ratio.as_f64().expect("a number") > 0.4).count();
    assert!(ratios.len() == 10 && slow * 2 > ratios.len(), "{slow} of {}", ratios.len());

    // Neither a record nor the copy of the program is left, and the document is evidence of nothing.
    let left: Vec<_> = fs::read_dir(here.path("store")).expect("the store").collect();
    assert!(left.is_empty(), "{left:?}");
    here.bench(&["verify", "calibration.json"]).expect(4, &[]);

    let resumed = here.bench(&[&args[..], &["--comparisons=2", "--resume"]].concat());
    assert!([0, 2].contains(&resumed.code), "{}\n{}", resumed.stdout, resumed.stderr);
    let again = document();
    assert_eq!(again["comparisons"].as_array().map(Vec::len), Some(3));
    for (idx, comparison) in comparisons.iter().enumerate() {
        assert_eq!(again["comparisons"][idx], *comparison, "what was measured stays");
    }

    // Another rule, another calibration.
    here.bench(&[&args[..], &["--comparisons=2", "--resume", "--seed=7"]].concat())
        .expect(1, &["subject.seed", "--resume"]);
}

#[test]
fn what_cannot_be_calibrated_is_refused_before_anything_is_measured() {
    let here = Folder::new();
    for (arg, part) in [
        ("--metric=decod", "nearest: `decode-16`"),
        ("--planted=5,3", "rising per cents"),
        ("--comparisons=0", "expected 1 to"),
        ("--minutes=NaN", "`--minutes`"),
        ("--out=.", "found a folder"),
    ] {
        here.bench(&["calibrate", "--metric=decode", arg]).expect(1, &[part]);
    }
    assert!(!here.path("store").exists());
}
