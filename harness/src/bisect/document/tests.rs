//! The document: read back it is what was written; what it claims beside what was seen counts for nothing.

use super::*;
use crate::bisect::tests::{Scripted, fresh};

/// Ended bisections, of a time and of a count.
fn ended() -> [Bisection; 2] {
    [false, true].map(|exact| {
        let mut bench = Scripted::new(12, 7, 0.2, 0.01, 1);
        bench.broken = [6].into();
        bench.bisect(exact)
    })
}

#[test]
fn what_is_read_back_is_what_was_written() {
    for bisection in ended() {
        let text = json(&bisection).unwrap();
        let read = parse(text.as_bytes(), &fresh(12, bisection.order.exact)).unwrap();
        assert_eq!(read, Kept::Same(Box::new(bisection)));
    }
}

#[test]
fn the_document_names_culprit_change_chance_and_every_step() {
    let [time, count] = ended().map(|one| serde_json::from_str::<Value>(&json(&one).unwrap()));
    let (time, count) = (time.unwrap(), count.unwrap());
    for document in [&time, &count] {
        assert_eq!(
            (&document["outcome"], &document["complete"]),
            (&json!("suspects"), &Value::Null)
        );
        assert_eq!(document["suspects"].as_array().map(Vec::len), Some(2));
    }
    let found = Scripted::new(16, 11, 0.2, 0.01, 1).bisect(false);
    let found: Value = serde_json::from_str(&json(&found).unwrap()).unwrap();
    assert_eq!((&found["outcome"], &found["builds"]), (&json!("found"), &json!(6)));
    assert_eq!(found["culprit"]["subject"], "change number 11");
    assert_eq!(found["steps"][0]["verdict"], "differs");
    assert!(found["wrong_step_chance"].as_f64().unwrap() <= 0.05 + 1e-12);
    let change = found["change"]["log_ratio"].as_f64().unwrap();
    assert!((change - 0.2).abs() < 0.03, "{change}");
    assert!(count["change"]["from"].as_f64().unwrap() < count["change"]["to"].as_f64().unwrap());
}

#[test]
fn a_verdict_that_does_not_follow_from_the_pairs_is_not_taken_over() {
    let [time, _] = ended();
    let honest = json(&time).unwrap();
    let edited = honest.replace("\"verdict\": \"good\"", "\"verdict\": \"bad\"");
    assert_ne!(edited, honest, "something was edited");
    let Kept::Same(read) = parse(edited.as_bytes(), &fresh(12, false)).unwrap() else {
        panic!("it is of the same order");
    };
    assert_eq!(json(&read).unwrap(), honest);
    // Steps that do not lead to each other are refused.
    let mut document: Value = serde_json::from_str(&honest).unwrap();
    document["steps"].as_array_mut().unwrap().remove(1);
    let error = parse(document.to_string().as_bytes(), &fresh(12, false)).unwrap_err();
    assert!(format!("{error:#}").contains("does not follow"), "{error:#}");
}

#[test]
fn another_order_is_replaced_if_it_is_finished_and_refused_if_not() {
    let [mut time, _] = ended();
    let mut other = fresh(12, false);
    other.order.seed = 7;
    assert_eq!(parse(json(&time).unwrap().as_bytes(), &other).unwrap(), Kept::OtherFinished);
    time.steps.pop();
    let error = format!("{:#}", parse(json(&time).unwrap().as_bytes(), &other).unwrap_err());
    assert!(error.contains("order.seed: expected 7, found 42"), "{error}");
    assert!(error.contains("--restart") && error.contains("--out"), "{error}");
    for text in ["{", "{}", "[]", "{\"document\": \"tritgate.calibration\", \"version\": 1}"] {
        let error = format!("{:#}", parse(text.as_bytes(), &other).unwrap_err());
        assert!(error.contains("--restart"), "{text}: {error}");
    }
}
