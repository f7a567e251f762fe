//! A planted fault as data: operations on the JSON of a bundle, in the manner of RFC 6902.
//! In: a document and operations. Out: the document, changed. `*` in a path stands for every element or key there.

use serde_json::Value;

/// Carries out `operations` one after the other.
///
/// `replace` and `add` (`value`; `-` is the end of an array), `remove`, `copy` (`from`, without `*`), `scale` (`by`: numbers, whole
/// ones stay whole) and `edit` (`find` and `with`: the first in a string).
///
/// # Panics
/// On an operation that is unknown or finds nothing: a fault that is not planted must not pass for one that was found.
pub fn patch(document: &mut Value, operations: &[Value]) {
    for operation in operations {
        let word =
            |key: &str| operation[key].as_str().unwrap_or_else(|| panic!("{operation}: `{key}`"));
        let (op, path) = (word("op"), word("path"));
        let mut value = operation["value"].clone();
        if op == "copy" {
            value = document.pointer(word("from")).unwrap_or_else(|| panic!("{operation}")).clone();
        }
        let mut places = Vec::new();
        let keys: Vec<&str> = path.split('/').skip(1).collect();
        matching(document, &keys, String::new(), &mut places);
        assert!(!places.is_empty(), "{operation}: finds nothing");
        // From the end, so that what is removed moves nothing that is still to come.
        for place in places.iter().rev() {
            let found =
                || document.pointer(place).unwrap_or_else(|| panic!("{place}: nothing there"));
            let value = match op {
                "replace" | "add" | "copy" => Some(value.clone()),
                "remove" => None,
                "scale" => Some(scaled(found(), operation["by"].as_f64().expect("a factor"))),
                "edit" => {
                    let text = found().as_str().expect("a string to edit");
                    assert!(text.contains(word("find")), "{operation}: finds nothing");
                    Some(text.replacen(word("find"), word("with"), 1).into())
                }
                _ => panic!("{operation}: unknown"),
            };
            put(document, place, value, op == "add");
        }
    }
}

/// Every pointer that `keys` stand for; the last may name what is not there yet.
fn matching(value: &Value, keys: &[&str], at: String, places: &mut Vec<String>) {
    let Some((key, rest)) = keys.split_first() else {
        places.push(at);
        return;
    };
    let names: Vec<String> = match (value, *key) {
        (Value::Array(elements), "*") => (0..elements.len()).map(|idx| idx.to_string()).collect(),
        (Value::Object(object), "*") => object.keys().cloned().collect(),
        _ => vec![(*key).to_owned()],
    };
    for name in names {
        let at = format!("{at}/{name}");
        match value.pointer(&format!("/{name}")) {
            Some(below) => matching(below, rest, at, places),
            None if rest.is_empty() => places.push(at),
            None => {}
        }
    }
}

fn put(document: &mut Value, place: &str, value: Option<Value>, insert: bool) {
    let (parent, key) = place.rsplit_once('/').expect("a place below the document");
    match document.pointer_mut(parent).expect("the parent was found") {
        Value::Object(object) => {
            match value {
                Some(value) => object.insert(key.to_owned(), value),
                None => object.remove(key),
            };
        }
        Value::Array(elements) => {
            let idx = key.parse().unwrap_or(elements.len());
            match value {
                Some(value) if insert => elements.insert(idx, value),
                Some(value) => elements[idx] = value,
                None => drop(elements.remove(idx)),
            }
        }
        other => panic!("{place}: {other} has no parts"),
    }
}

fn scaled(number: &Value, by: f64) -> Value {
    let scaled = number.as_f64().expect("a number to scale") * by;
    let whole = scaled.round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ whole < 2^53")]
    match number.is_u64() && (0.0..9e15).contains(&whole) {
        true => Value::from(whole as u64),
        false => Value::from(scaled),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operations_reach_every_place_that_a_star_stands_for() {
        let mut document = json!({"a": [{"n": 2, "x": 1}, {"n": 3.5, "x": 1}], "t": "one two"});
        let operations = [
            json!({"op": "scale", "path": "/a/*/n", "by": 2}),
            json!({"op": "remove", "path": "/a/*/x"}),
            json!({"op": "copy", "path": "/b", "from": "/a/0"}),
            json!({"op": "add", "path": "/a/0", "value": null}),
            json!({"op": "edit", "path": "/t", "find": "one", "with": "1"}),
            json!({"op": "replace", "path": "/new", "value": true}),
        ];
        patch(&mut document, &operations);
        let expected =
            json!({"a": [null, {"n": 4}, {"n": 7.0}], "b": {"n": 4}, "t": "1 two", "new": true});
        assert_eq!(document, expected);
    }

    #[test]
    #[should_panic(expected = "finds nothing")]
    fn a_fault_that_is_not_planted_is_an_error() {
        patch(&mut json!({"a": []}), &[json!({"op": "scale", "path": "/a/*/n", "by": 2})]);
    }
}
