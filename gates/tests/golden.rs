//! The statistics against scipy: `tests/data/yuen.json`, made by `tests/data/make_yuen.py`.

use gates::stats::{Location, Method, wilson};
use serde_json::Value;

fn data() -> Value {
    serde_json::from_str(include_str!("data/yuen.json")).expect("the file is JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .expect("an array")
        .iter()
        .map(|number| number.as_f64().expect("a number"))
        .collect()
}

fn close(name: &str, field: &str, got: f64, want: &Value) {
    let want = want.as_f64().expect("a number");
    assert!(
        (got - want).abs() <= 1e-9 * want.abs().max(1e-6),
        "{name} {field}: {got} is not {want}"
    );
}

/// Requirement: C3.
#[test]
fn paired_yuen_gives_the_estimate_interval_and_p_values_of_scipy() {
    for case in data()["one_sample"].as_array().expect("an array") {
        let name = case["name"].as_str().expect("a name");
        let found = Location::of_pairs(&numbers(&case["values"])).expect("finite values");
        assert_eq!(found.method(), Method::PairedYuen);
        let (low, high) = found.interval_95().expect("enough pairs");
        close(name, "estimate", found.estimate(), &case["estimate"]);
        close(name, "standard_error", found.standard_error(), &case["standard_error"]);
        close(name, "ci_low", low, &case["ci_low"]);
        close(name, "ci_high", high, &case["ci_high"]);
        close(name, "p_fail", found.p_above(1.01_f64.ln()), &case["p_fail"]);
        close(name, "p_pass", found.p_below(1.05_f64.ln()), &case["p_pass"]);
    }
}

#[test]
fn unpaired_yuen_gives_the_interval_of_scipy() {
    for case in data()["two_samples"].as_array().expect("an array") {
        let name = case["name"].as_str().expect("a name");
        let found =
            Location::of_groups(&numbers(&case["a"]), &numbers(&case["b"])).expect("finite values");
        let (low, high) = found.interval_95().expect("two groups");
        close(name, "ci_low", low, &case["ci_low"]);
        close(name, "ci_high", high, &case["ci_high"]);
    }
}

#[test]
fn wilson_gives_the_bound_of_scipy() {
    for case in data()["wilson"].as_array().expect("an array") {
        let count = |key: &str| case[key].as_u64().expect("a count");
        let found = wilson::lower_95(count("successes"), count("trials")).expect("within range");
        close(&case.to_string(), "lower_95", found, &case["lower_95"]);
    }
}
