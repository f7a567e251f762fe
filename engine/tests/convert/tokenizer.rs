//! tokenizer.json to a tokenizer that the engine builds; one of another family to a warning.

use std::{fs, path::Path};

use engine::{
    Model,
    convert::{self, Converted, Options},
};
use serde_json::{Map, Value, json};

use super::folder::Case;

/// The 256 characters that stand for bytes, one merge, two added tokens: ids 0 to 258.
fn byte_level() -> Value {
    let own =
        |byte: &u32| (0x21..=0x7e).contains(byte) || (0xa1..=0xac).contains(byte) || *byte >= 0xae;
    let others = (0..=255).filter(|byte| !own(byte)).count();
    let characters = (0..=255).filter(own).chain((0x100..).take(others));
    let texts = characters.map(|c| char::from_u32(c).unwrap().to_string()).chain(["ab".to_owned()]);
    let vocab: Map<String, Value> =
        texts.zip(0..).map(|(text, id): (_, u32)| (text, json!(id))).collect();
    json!({
        "model": {"type": "BPE", "vocab": vocab, "merges": [["a", "b"]]},
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "added_tokens": [
            {"id": 257, "content": "<|begin|>", "special": true},
            {"id": 258, "content": "<|end|>", "special": true},
        ],
    })
}

fn convert_with(tokenizer: &Value, settings: &Value) -> Converted {
    let here = tempfile::tempdir().unwrap();
    Case::named("llama-untied").write(here.path());
    let write =
        |name: &str, value: &Value| fs::write(here.path().join(name), value.to_string()).unwrap();
    write("tokenizer.json", tokenizer);
    write("tokenizer_config.json", settings);
    convert::hugging_face(Path::new(here.path()), &Options::default()).unwrap()
}

#[test]
fn byte_level_bpe_becomes_the_tokenizer_of_the_model() {
    let settings = json!({"bos_token": {"content": "<|begin|>"}, "eos_token": "<|end|>", "add_bos_token": true});
    let converted = convert_with(&byte_level(), &settings);
    assert!(converted.warnings.is_empty(), "{:?}", converted.warnings);
    let model = Model::from_bytes(converted.bytes.into()).unwrap();
    let tokenizer = model.tokenizer().unwrap();
    assert_eq!(tokenizer.n_tokens(), 320);
    assert_eq!(tokenizer.encode("ab", true).unwrap(), [257, 256]);
    let ids = tokenizer.encode("a b\u{e9}\n", false).unwrap();
    assert_eq!(ids.len(), 6, "one byte each: {ids:?}");
    assert!(tokenizer.is_end_of_generation(258) && !tokenizer.is_end_of_generation(257));
}

#[test]
fn what_cannot_be_told_is_a_warning_and_no_tokenizer() {
    let warned = |change: &dyn Fn(&mut Value), expected: &str| {
        let mut tokenizer = byte_level();
        change(&mut tokenizer);
        let converted = convert_with(&tokenizer, &json!({}));
        let found = converted.warnings.iter().any(|warning| warning.contains(expected));
        assert!(found, "expected {expected:?} in {:?}", converted.warnings);
        let model = Model::from_bytes(converted.bytes.into()).unwrap();
        model.tokenizer().map(|_| ())
    };
    let unigram = |t: &mut Value| t["model"]["type"] = json!("Unigram");
    assert!(warned(&unigram, "another family").is_err());
    let metaspace = |t: &mut Value| t["pre_tokenizer"] = json!({"type": "Metaspace"});
    assert!(warned(&metaspace, "another family").is_err());
    let prefixed = |t: &mut Value| t["pre_tokenizer"]["add_prefix_space"] = json!(true);
    assert!(warned(&prefixed, "tokenizer.ggml.pre").is_err());
    let beyond = |t: &mut Value| t["added_tokens"][0]["id"] = json!(320);
    assert!(warned(&beyond, "ids below 320").is_err());
    let odd = |t: &mut Value| t["model"]["merges"] = json!([["a", "b", "c"]]);
    assert!(warned(&odd, "merges").is_err());
    let normalized = |t: &mut Value| t["normalizer"] = json!({"type": "NFC"});
    assert!(warned(&normalized, "normalizer").is_ok());
    let nothing = |t: &mut Value| *t = json!([]);
    assert!(warned(&nothing, "left out").is_err());
}
