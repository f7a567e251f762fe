//! The name of a pre-tokenizer, `tokenizer.ggml.pre`, from what tokenizer.json does to text before merging.
//! A name is given only where the expressions are those of the name.

use serde_json::Value;

const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The name for `pre_tokenizer` of tokenizer.json, if it is one of those known here.
///
/// `ByteLevel` with its own expression (`use_regex`, the default) is `gpt-2`; behind single digits it is `smollm`.
/// Source of names and expressions: llama.cpp, `src/llama-vocab.cpp`.
pub(super) fn name(pre_tokenizer: &Value) -> Option<&'static str> {
    let steps = match kind(pre_tokenizer)? {
        "Sequence" => pre_tokenizer.get("pretokenizers")?.as_array()?.as_slice(),
        _ => std::slice::from_ref(pre_tokenizer),
    };
    match steps {
        [bytes] if is_bytes(bytes, true) => Some("gpt-2"),
        [digits, bytes] if is_digits(digits) && is_bytes(bytes, true) => Some("smollm"),
        [split, bytes] if is_bytes(bytes, false) => match expression(split)? {
            LLAMA3 => Some("llama-bpe"),
            QWEN2 => Some("qwen2"),
            _ => None,
        },
        _ => None,
    }
}

/// Whether text becomes byte-level characters anywhere in `pre_tokenizer`.
pub(super) fn is_byte_level(pre_tokenizer: &Value) -> bool {
    let inner = pre_tokenizer.get("pretokenizers").and_then(Value::as_array);
    kind(pre_tokenizer) == Some("ByteLevel")
        || inner.is_some_and(|steps| steps.iter().any(|step| kind(step) == Some("ByteLevel")))
}

fn kind(step: &Value) -> Option<&str> {
    step.get("type")?.as_str()
}

fn is_bytes(step: &Value, uses_regex: bool) -> bool {
    let flag = |key: &str, default: bool| step.get(key).and_then(Value::as_bool).unwrap_or(default);
    kind(step) == Some("ByteLevel")
        && flag("use_regex", true) == uses_regex
        && !flag("add_prefix_space", true)
}

fn is_digits(step: &Value) -> bool {
    kind(step) == Some("Digits") && step.get("individual_digits") == Some(&Value::Bool(true))
}

/// The expression of a step that cuts text into its matches.
fn expression(step: &Value) -> Option<&str> {
    let isolated = step.get("behavior").and_then(Value::as_str) == Some("Isolated");
    let inverted = step.get("invert").and_then(Value::as_bool) == Some(true);
    let matches = kind(step) == Some("Split") && isolated && !inverted;
    if matches { step.get("pattern")?.get("Regex")?.as_str() } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_given_to_known_expressions_only() {
        let bytes = |regex: bool| json!({"type": "ByteLevel", "add_prefix_space": false, "use_regex": regex});
        let split = |regex: &str| json!({"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false});
        let sequence = |first: Value, regex: bool| json!({"type": "Sequence", "pretokenizers": [first, bytes(regex)]});
        let digits = |each: bool| json!({"type": "Digits", "individual_digits": each});
        assert_eq!(name(&bytes(true)), Some("gpt-2"));
        assert_eq!(name(&sequence(split(LLAMA3), false)), Some("llama-bpe"));
        assert_eq!(name(&sequence(split(QWEN2), false)), Some("qwen2"));
        assert_eq!(name(&sequence(digits(true), true)), Some("smollm"));
        for other in [
            bytes(false),
            json!({"type": "ByteLevel", "add_prefix_space": true}),
            sequence(split("x+"), false),
            sequence(split(LLAMA3), true),
            sequence(digits(false), true),
            json!({"type": "Metaspace"}),
            json!(null),
            json!({"type": "Sequence", "pretokenizers": []}),
        ] {
            assert_eq!(name(&other), None, "{other}");
        }
        assert!(
            is_byte_level(&sequence(digits(true), true))
                && !is_byte_level(&json!({"type": "Metaspace"}))
        );
    }
}
