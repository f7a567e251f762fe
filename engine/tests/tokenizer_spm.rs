//! SentencePiece tokenizers out of metadata: order of joining, blanks, bytes, specials, damaged files.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use engine::gguf::{File, Writer};
use engine::{Error, ErrorKind, Tokenizer};
use proptest::prelude::*;

/// Normal, control, user-defined and byte tokens.
const NORMAL: i32 = 1;
const CONTROL: i32 = 3;
const USER: i32 = 4;
const BYTE: i32 = 6;

/// `<unk>`, `<s>`, `</s>`, the bytes from id 3 on, then the caller's tokens with their scores from id 259 on.
struct Fixture {
    tokens: Vec<(String, i32, f32)>,
    adds_blank: Option<bool>,
}

impl Fixture {
    fn new(more: &[(&str, i32, f32)]) -> Self {
        let mut tokens: Vec<(String, i32, f32)> = vec![
            ("<unk>".to_owned(), 2, 0.0),
            ("<s>".to_owned(), CONTROL, 0.0),
            ("</s>".to_owned(), CONTROL, 0.0),
        ];
        tokens.extend((0..256).map(|byte| (format!("<0x{byte:02X}>"), BYTE, 0.0)));
        tokens.extend(more.iter().map(|(text, kind, score)| ((*text).to_owned(), *kind, *score)));
        Self { tokens, adds_blank: None }
    }

    fn build(&self) -> Result<Tokenizer, Error> {
        let texts: Vec<&str> = self.tokens.iter().map(|(text, _, _)| text.as_str()).collect();
        let kinds: Vec<i32> = self.tokens.iter().map(|(_, kind, _)| *kind).collect();
        let scores: Vec<f32> = self.tokens.iter().map(|(_, _, score)| *score).collect();
        let mut writer = Writer::new();
        writer
            .string("tokenizer.ggml.model", "llama")
            .strings("tokenizer.ggml.tokens", &texts)
            .i32s("tokenizer.ggml.token_type", &kinds)
            .f32s("tokenizer.ggml.scores", &scores);
        if let Some(adds_blank) = self.adds_blank {
            writer.bool("tokenizer.ggml.add_space_prefix", adds_blank);
        }
        Tokenizer::from_gguf(&File::parse(writer.to_bytes().into()).unwrap())
    }

    /// Texts of the tokens of `text`.
    fn pieces(&self, text: &str) -> Vec<&str> {
        let ids = self.build().unwrap().encode_with_control(text, false).unwrap();
        ids.iter().map(|id| self.tokens[*id as usize].0.as_str()).collect()
    }
}

fn letters() -> Fixture {
    Fixture::new(&[
        ("▁", NORMAL, -1.0),
        ("a", NORMAL, -2.0),
        ("b", NORMAL, -3.0),
        ("c", NORMAL, -4.0),
        ("ab", NORMAL, -10.0),
        ("bc", NORMAL, -9.0),
        ("▁a", NORMAL, -20.0),
        ("aa", NORMAL, -8.0),
        ("▁▁", NORMAL, -7.0),
        ("<u>", USER, 0.0),
    ])
}

#[test]
fn the_highest_score_is_joined_first_and_the_leftmost_among_equals() {
    let letters = letters();
    assert_eq!(letters.pieces("abc"), ["▁a", "bc"]); // "bc" (-9) before "ab" (-10), then "▁a"
    assert_eq!(letters.pieces("ab"), ["▁", "ab"]); // "ab" (-10) before "▁a" (-20)
    assert_eq!(letters.pieces("aaa"), ["▁", "aa", "a"]);
    assert_eq!(letters.pieces("aaaa"), ["▁", "aa", "aa"]);
}

#[test]
fn blanks_are_added_in_front_and_behind_tokens_and_join_with_each_other() {
    let mut letters = letters();
    assert_eq!(letters.pieces("  b"), ["▁▁", "▁", "b"]);
    assert_eq!(letters.pieces("c a"), ["▁", "c", "▁a"]);
    assert_eq!(letters.pieces("<s>c<u>c"), ["<s>", "▁", "c", "<u>", "▁", "c"]);
    assert_eq!(letters.pieces(""), <[&str; 0]>::default());
    letters.adds_blank = Some(false);
    assert_eq!(letters.pieces("c a"), ["c", "▁a"]);
}

#[test]
fn what_is_no_token_is_spelled_in_bytes_and_decodes_to_itself() {
    let letters = letters();
    assert_eq!(letters.pieces("é"), ["▁", "<0xC3>", "<0xA9>"]);
    let tokenizer = letters.build().unwrap();
    assert_eq!(tokenizer.encode("a", true).unwrap()[0], 1);
    assert!(tokenizer.adds_bos() && tokenizer.is_end_of_generation(2));
    let ids = tokenizer.encode("é a", false).unwrap();
    assert_eq!(tokenizer.decode(&ids).unwrap(), "é a");
    // A stream goes on from a text before it, so its first blank is one.
    let mut stream = tokenizer.stream();
    let streamed: Vec<_> = ids.iter().filter_map(|id| stream.push(*id).unwrap()).collect();
    assert_eq!(streamed.concat(), " é a");
}

/// With "a▁" as a token, words can't be joined one by one.
#[test]
fn a_token_that_ends_in_a_blank_joins_across_words() {
    let across = Fixture::new(&[("▁", NORMAL, -1.0), ("a", NORMAL, -1.0), ("a▁", NORMAL, -2.0)]);
    assert_eq!(across.pieces("a a"), ["▁", "a▁", "a"]);
}

#[test]
fn damaged_vocabularies_are_refused() {
    let refused = |fixture: &Fixture, part: &str| {
        let e = fixture.build().unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Gguf);
        assert!(e.to_string().contains(part), "{e}");
    };
    let mut fixture = letters();
    fixture.tokens[259].2 = f32::NAN;
    refused(&fixture, "element 259 of key `tokenizer.ggml.scores`: expected a finite number");
    let mut fixture = letters();
    fixture.tokens[3 + 0x41].0 = "<0x4>".to_owned();
    refused(&fixture, "found none for `<0x41>`");
    let twice = Fixture::new(&[("a", NORMAL, 0.0), ("a", NORMAL, 0.0)]);
    refused(&twice, "expected every text once");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// U+2581 itself comes back as a blank, and a blank stands behind a user-defined token: the family's spelling cannot tell
    /// them apart.
    #[test]
    fn any_text_survives(text in any::<String>(), likely in "[abc é]{0,30}") {
        thread_local!(static TOKENIZER: Tokenizer = letters().build().unwrap());
        TOKENIZER.with(|tokenizer| {
            for text in [text.replace('\u{2581}', ""), likely] {
                let ids = tokenizer.encode(&text, false).unwrap();
                prop_assert_eq!(tokenizer.decode(&ids).unwrap(), text);
            }
            Ok(())
        })?;
    }
}
