//! Each rule on a file that has the defect, and on one that doesn't.

use engine::gguf::Writer;

use super::*;

fn file(writer: &Writer) -> File {
    File::parse(writer.to_bytes().into()).unwrap()
}

fn names(writer: &Writer) -> Vec<&'static str> {
    doubts(&file(writer)).into_iter().map(|doubt| doubt.name).collect()
}

/// Keys and special tokens as in the official 2B-4T file.
fn official() -> Writer {
    let mut tokens = vec![String::from("a"); 128_256];
    tokens[128_000] = "<|begin_of_text|>".to_owned();
    tokens[128_001] = "<|end_of_text|>".to_owned();
    tokens[128_009] = "<|eot_id|>".to_owned();
    let mut writer = Writer::new();
    writer.string("tokenizer.ggml.model", "gpt2").strings("tokenizer.ggml.tokens", &tokens);
    writer.u32("tokenizer.ggml.bos_token_id", 128_000).u32("tokenizer.ggml.eos_token_id", 128_001);
    writer
}

#[test]
fn the_three_defects_of_the_official_file_are_named_with_the_way_out() {
    let mut writer = official();
    writer.string(
        "tokenizer.chat_template",
        "{% if x %}Human: {{ y }}\n\nBITNETAssistant: {% endif %}",
    );
    let found = doubts(&file(&writer));
    let expected = [
        ("eos_without_eot", "is 128001, not the end of a turn: stop at 128009 (`<|eot_id|>`), too"),
        ("missing_pre", "mean `llama-bpe`"),
        ("wrong_chat_template", "`User: `"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, (name, part)) in found.iter().zip(expected) {
        assert!(found.name == name && found.text.contains(part), "{found:?}");
    }
}

#[test]
fn a_repaired_file_is_not_doubted() {
    let mut writer = official();
    writer.string("tokenizer.ggml.pre", "llama-bpe").u32("tokenizer.ggml.eot_token_id", 128_009);
    writer.string("tokenizer.chat_template", "User: {{ y }}<|eot_id|>Assistant: ");
    assert!(names(&writer).is_empty());
    // Without a tokenizer there is nothing to cut, and a sentence-piece model cuts nothing beforehand.
    assert!(names(&Writer::new()).is_empty());
    assert!(names(Writer::new().string("tokenizer.ggml.model", "llama")).is_empty());
}

#[test]
fn a_file_that_the_rule_does_not_know_is_not_said_to_be_llama_bpe() {
    let mut writer = Writer::new();
    writer.string("tokenizer.ggml.model", "gpt2").strings("tokenizer.ggml.tokens", &["<s>", "b"]);
    writer.u32("tokenizer.ggml.bos_token_id", 0);
    let found = doubts(&file(&writer));
    assert_eq!(found.len(), 1);
    assert!(found[0].text.ends_with("and this file has 2 and \"<s>\""), "{}", found[0].text);
}

#[test]
fn an_end_of_text_that_ends_turns_needs_no_other_key() {
    let mut writer = Writer::new();
    writer.strings("tokenizer.ggml.tokens", &["<|im_start|>", "<|im_end|>"]);
    writer.u32("tokenizer.ggml.eos_token_id", 1);
    assert!(names(&writer).is_empty());
}

#[test]
fn gaps_between_tensors_are_counted_and_padding_is_none() {
    let mut writer = Writer::new();
    writer.tensor("a", &[1], 0, &[0; 4]).tensor("b", &[1], 0, &[0; 4]);
    assert!(names(&writer).is_empty());
    // 100 bytes for a tensor of 4: 128 with the pad, so b begins 96 bytes behind the pad of a.
    let mut writer = Writer::new();
    writer.tensor("a", &[1], 0, &[0; 100]).tensor("b", &[1], 0, &[0; 4]);
    let found = doubts(&file(&writer));
    assert_eq!((found.len(), found[0].name), (1, "alignment_gaps"));
    assert!(found[0].text.starts_with("96 bytes in a gap between tensors"), "{}", found[0].text);
}

#[test]
fn filler_that_is_not_zero_is_counted_by_tensor() {
    let mut bytes = vec![0x55; 32];
    bytes.extend(1.0_f32.to_le_bytes());
    bytes.resize(64, 0);
    let mut writer = Writer::new();
    writer.tensor("a", &[128, 1], 36, &bytes);
    assert!(names(&writer).is_empty());
    assert!(i2_s_layout(&file(&writer)).is_some_and(|text| text.contains("groups of 128")));
    assert!(i2_s_layout(&file(&Writer::new())).is_none());
    bytes[36] = 1;
    writer.tensor("b", &[128, 1], 36, &bytes);
    bytes[63] = 9;
    writer.tensor("c", &[128, 1], 36, &bytes);
    let found = doubts(&file(&writer));
    assert_eq!((found.len(), found[0].name), (1, "i2_s_filler"));
    assert!(found[0].text.contains("in 2 of the i2_s tensors (first `b`)"), "{}", found[0].text);
}

#[test]
fn the_rules_are_sorted_and_say_nothing_of_a_file_without_defects() {
    assert!(RULES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    let plain = file(&Writer::new());
    assert!(RULES.iter().all(|(_, rule)| rule(&plain).is_none()));
}
