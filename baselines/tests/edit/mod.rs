//! JSON with one value replaced, for the tests that plant a fault.

use serde_json::Value;

/// `bytes` with the value at `pointer` (RFC 6901) replaced; the pointer must exist, or name a new key of an object.
pub(crate) fn with(bytes: &[u8], pointer: &str, value: Value) -> Vec<u8> {
    let mut document: Value = serde_json::from_slice(bytes).expect("a document");
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    match document.pointer_mut(parent).expect("the parent exists") {
        Value::Object(object) => {
            object.insert(key.to_owned(), value);
        }
        Value::Array(array) => array[key.parse::<usize>().expect("an index")] = value,
        other => panic!("{parent} is {other}"),
    }
    serde_json::to_vec(&document).expect("a document")
}
