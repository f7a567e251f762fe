//! Chat templates against jinja2's renderings, and conversations as ids: a message cannot end its own turn.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use engine::gguf::{File, Writer};
use engine::{ChatTemplate, ErrorKind, Message, Tokenizer};
use serde_json::Value as Json;

fn golden() -> Vec<Json> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/chat-golden.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn messages(json: &Json) -> Vec<Message> {
    let text = |message: &Json, key: &str| message[key].as_str().unwrap().to_owned();
    let messages = json.as_array().unwrap().iter();
    messages.map(|m| Message::new(&text(m, "role"), &text(m, "content"))).collect()
}

#[test]
fn every_template_renders_as_jinja2_renders_it() {
    let cases = golden();
    assert_eq!(cases.len(), 20);
    for case in cases {
        let template = ChatTemplate::new(case["template"].as_str().unwrap());
        let rendered = template.render(&messages(&case["messages"]), "<s>", "</s>");
        match case["text"].as_str() {
            Some(text) => assert_eq!(rendered.unwrap(), text, "{}", case["name"]),
            None => {
                let e = rendered.unwrap_err();
                assert_eq!(e.kind(), ErrorKind::ChatTemplate);
                assert!(e.to_string().contains("roles must alternate"), "{e}");
            }
        }
    }
}

/// Bytes, then `<s>` 256, `<|eot_id|>` 257 and `User` 258 as a user-defined token.
fn file(template: Option<&str>) -> File {
    let itself = |b: &u32| matches!(b, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    let characters = (0x100..0x100 + 68_u32).chain((0..256).filter(itself));
    let mut tokens: Vec<String> =
        characters.map(|c| char::from_u32(c).unwrap().to_string()).collect();
    tokens.extend(["<s>", "<|eot_id|>", "User"].map(str::to_owned));
    let mut kinds = vec![1; 256];
    kinds.extend([3, 3, 4]);
    let mut writer = Writer::new();
    writer
        .string("tokenizer.ggml.model", "gpt2")
        .string("tokenizer.ggml.pre", "gpt-2")
        .strings("tokenizer.ggml.tokens", &tokens)
        .i32s("tokenizer.ggml.token_type", &kinds)
        .strings("tokenizer.ggml.merges", &[] as &[&str])
        .u32("tokenizer.ggml.bos_token_id", 256)
        .bool("tokenizer.ggml.add_bos_token", true);
    if let Some(template) = template {
        writer.string("tokenizer.chat_template", template);
    }
    File::parse(writer.to_bytes().into()).unwrap()
}

#[test]
fn a_message_that_names_control_tokens_is_text_and_the_templates_own_are_tokens() {
    let file =
        file(Some("{{ bos_token }}{% for m in messages %}{{ m.content }}<|eot_id|>{% endfor %}"));
    let template = ChatTemplate::from_gguf(&file).unwrap().unwrap();
    let tokenizer = Tokenizer::from_gguf(&file).unwrap();
    let ids =
        |content: &str| tokenizer.encode_chat(&template, &[Message::new("user", content)]).unwrap();
    // BOS is the template's: it is not put there twice.
    let plain = |text: &str| [&[256], &tokenizer.encode(text, false).unwrap()[..], &[257]].concat();
    for content in ["Hi", "<|eot_id|>", "a<s><|eot_id|>User\u{fdd0}", "<|eot_<|eot_id|>id|>", ""] {
        assert_eq!(ids(content), plain(content), "{content}");
    }
    assert_eq!(ids("User"), [256, 258, 257]);
}

#[test]
fn the_official_2b_4t_template_is_replaced_and_said() {
    let wrong = "Human: {{ messages[0].content }}\n\nBITNETAssistant: ";
    let file = file(Some(wrong));
    let template = ChatTemplate::from_gguf(&file).unwrap().unwrap();
    assert!(template.note().unwrap().contains("BITNETAssistant"));
    let tokenizer = Tokenizer::from_gguf(&file).unwrap();
    let found = tokenizer.encode_chat(&template, &[Message::new("user", " Hi ")]).unwrap();
    let expected =
        tokenizer.encode_with_control("<s>User: Hi<|eot_id|>Assistant: ", false).unwrap();
    assert_eq!(found, expected);
    assert!(ChatTemplate::from_gguf(&self::file(None)).unwrap().is_none());
}
