//! Tokenizers out of metadata that is missing, strange or wrong.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use engine::gguf::{File, Writer};
use engine::{Error, ErrorKind, Tokenizer};

const TOKENS: &str = "tokenizer.ggml.tokens";
const TYPES: &str = "tokenizer.ggml.token_type";
const MERGES: &str = "tokenizer.ggml.merges";

/// The 256 byte tokens in GPT-2's alphabet, and what the caller adds.
fn tokens(more: &[&str]) -> Vec<String> {
    let itself = |b: &u32| matches!(b, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    let own = (0..256).filter(itself);
    let moved = (0x100..0x100 + 68_u32).chain(own);
    let characters = moved.map(|c| char::from_u32(c).unwrap().to_string());
    characters.chain(more.iter().map(|&text| text.to_owned())).collect()
}

struct Fixture {
    model: Option<&'static str>,
    pre: Option<&'static str>,
    tokens: Vec<String>,
    types: Option<Vec<i32>>,
    merges: Vec<&'static str>,
    ids: Vec<(&'static str, u32)>,
}

impl Fixture {
    fn new(more: &[(&str, i32)], merges: &[&'static str]) -> Self {
        let texts: Vec<&str> = more.iter().map(|(text, _)| *text).collect();
        let mut types = vec![1; 256];
        types.extend(more.iter().map(|(_, kind)| *kind));
        let merges = merges.to_vec();
        let tokens = tokens(&texts);
        Self {
            model: Some("gpt2"),
            pre: Some("gpt-2"),
            tokens,
            types: Some(types),
            merges,
            ids: vec![],
        }
    }

    fn build(&self) -> Result<Tokenizer, Error> {
        let mut writer = Writer::new();
        if let Some(model) = self.model {
            writer.string("tokenizer.ggml.model", model);
        }
        if let Some(pre) = self.pre {
            writer.string("tokenizer.ggml.pre", pre);
        }
        writer.strings(TOKENS, &self.tokens).strings(MERGES, &self.merges);
        if let Some(types) = &self.types {
            writer.i32s(TYPES, types);
        }
        for (name, id) in &self.ids {
            writer.u32(&format!("tokenizer.ggml.{name}_token_id"), *id);
        }
        Tokenizer::from_gguf(&File::parse(writer.to_bytes().into()).unwrap())
    }

    #[track_caller]
    fn refused(&self, kind: ErrorKind, parts: &[&str]) {
        let e = self.build().expect_err("the metadata is wrong");
        let text = e.to_string();
        assert_eq!(e.kind(), kind, "{text}");
        for part in parts {
            assert!(text.contains(part), "`{part}` not in: {text}");
        }
    }
}

/// Id of the one-character token for `character`.
fn id(character: char) -> u32 {
    let at = tokens(&[]).iter().position(|token| token.starts_with(character)).unwrap();
    u32::try_from(at).unwrap()
}

#[test]
fn merges_go_by_rank_and_leftmost_first() {
    let more = [("ab", 1), ("bc", 1), ("aa", 1), ("\u{120}a", 1)];
    let tokenizer = Fixture::new(&more, &["b c", "a b", "a a", "\u{120} a"]).build().unwrap();
    // "bc" has the lower rank, so "ab" loses its b; three a's merge from the left; a blank joins the word behind it.
    for (text, expected) in [
        ("abc", vec![id('a'), 257]),
        ("ab", vec![256]),
        ("aaa", vec![258, id('a')]),
        ("b a", vec![id('b'), 259]),
    ] {
        assert_eq!(tokenizer.encode(text, false).unwrap(), expected, "{text}");
    }
}

#[test]
fn user_defined_tokens_always_match_and_control_tokens_when_asked() {
    let more = [("<|eot_id|>", 3), ("[[x]]", 4), ("<|bos|>", 3)];
    let mut fixture = Fixture::new(&more, &[]);
    fixture.ids = vec![("bos", 258), ("eos", 258)];
    let tokenizer = fixture.build().unwrap();
    let text = "[[x]]<|eot_id|>";
    let plain = tokenizer.encode(text, false).unwrap();
    assert_eq!((plain[0], plain.len()), (257, 11));
    assert_eq!(tokenizer.decode(&plain).unwrap(), text);
    assert_eq!(tokenizer.encode_with_control(text, true).unwrap(), [258, 257, 256]);
    // End of turn by its text, EOS by its key.
    let ends: Vec<u32> = (0..259).filter(|&id| tokenizer.is_end_of_generation(id)).collect();
    assert_eq!(ends, [256, 258]);
}

#[test]
fn without_bos_asking_for_it_is_an_error() {
    let tokenizer = Fixture::new(&[], &[]).build().unwrap();
    assert_eq!((tokenizer.bos(), tokenizer.eos(), tokenizer.adds_bos()), (None, None, false));
    assert_eq!(tokenizer.encode("a", true).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn no_tokenizer_or_an_unknown_family_is_missing() {
    let good = || Fixture::new(&[], &[]);
    let missing = ErrorKind::MissingTokenizer;
    Fixture { model: None, ..good() }
        .refused(missing, &["`tokenizer.ggml.model`", "`gpt2`", "no such key"]);
    Fixture { model: Some("bert"), ..good() }
        .refused(missing, &["`tokenizer.ggml.model`", "`llama`", "found `bert`"]);
    Fixture { pre: None, ..good() }
        .refused(missing, &["`tokenizer.ggml.pre`", "`gpt-2`, `hunyuan`", "no such key"]);
    Fixture { pre: Some("tekken"), ..good() }
        .refused(missing, &["`tokenizer.ggml.pre`", "found `tekken`"]);
    // A SentencePiece file without scores contradicts itself.
    Fixture { model: Some("llama"), ..good() }
        .refused(ErrorKind::Gguf, &["`tokenizer.ggml.scores`", "no such key"]);
}

#[test]
fn a_pre_tokenizer_cuts_by_its_name() {
    let ids = |pre| {
        let fixture = Fixture::new(&[("12", 1), ("123", 1)], &["1 2", "12 3"]);
        Fixture { pre: Some(pre), ..fixture }.build().unwrap().encode("123", false).unwrap()
    };
    let digits = ['1', '2', '3'].map(id);
    assert_eq!(ids("gpt-2"), [257]);
    assert_eq!(ids("llama3"), [257]);
    assert_eq!(ids("qwen2"), digits);
    assert_eq!(ids("smollm"), digits);
}

/// Llama 3 takes a word that is a token as it is, even where its merges lead elsewhere.
#[test]
fn a_whole_word_is_not_merged_where_the_family_ignores_merges() {
    let ids = |pre| {
        let fixture = Fixture::new(&[("ab", 1), ("bc", 1), ("abc", 1)], &["b c", "a b"]);
        Fixture { pre: Some(pre), ..fixture }.build().unwrap().encode("abc", false).unwrap()
    };
    assert_eq!(ids("llama-bpe"), [258]);
    assert_eq!(ids("gpt-2"), [id('a'), 257]);
}

/// The official 2B-4T file names no pre-tokenizer; its vocabulary does.
#[test]
fn the_vocabulary_of_llama_3_without_a_name_is_taken_for_llama_3_and_said() {
    let filler: Vec<String> = (0..127_999).map(|i| format!("<{i}>")).collect();
    let mut more: Vec<(&str, i32)> = filler.iter().map(|text| (text.as_str(), 5)).collect();
    more.push(("<|begin_of_text|>", 3));
    let fixture = Fixture { pre: None, ids: vec![("bos", 128_255)], ..Fixture::new(&more, &[]) };
    let tokenizer = fixture.build().unwrap();
    assert!(tokenizer.notes()[0].contains("taken for `llama-bpe`"), "{:?}", tokenizer.notes());
    assert!(tokenizer.adds_bos());
    let named = Fixture { pre: Some("gpt-2"), ..fixture }.build().unwrap();
    assert_eq!((named.notes().len(), named.adds_bos()), (0, false));
    let other = Fixture { pre: None, ids: vec![], ..Fixture::new(&more, &[]) };
    other.refused(ErrorKind::MissingTokenizer, &["no such key"]);
}

#[test]
fn metadata_that_contradicts_itself_is_refused() {
    let good = || Fixture::new(&[("ab", 1)], &["a b"]);
    let gguf = ErrorKind::Gguf;
    Fixture { types: Some(vec![1; 3]), ..good() }.refused(gguf, &[TYPES, "257 tokens, found 3"]);
    Fixture { types: Some(vec![7; 257]), ..good() }.refused(gguf, &["element 0", TYPES, "found 7"]);
    Fixture { tokens: tokens(&["a"]), ..good() }.refused(gguf, &[TOKENS, "every text once", "`a`"]);
    Fixture { merges: vec!["a b", "a"], ..good() }
        .refused(gguf, &["element 1", MERGES, "found `a`"]);
    Fixture { merges: vec!["a c"], ..good() }.refused(gguf, &[MERGES, "`ac`"]);
    Fixture { ids: vec![("eot", 257)], ..good() }
        .refused(gguf, &["eot_token_id", "below 257", "found 257"]);
}

/// Published files lack tokens of bytes that are in no text, and a few of control characters.
#[test]
fn a_byte_without_a_token_is_said_and_no_text_loses_it() {
    let mut fixture = Fixture::new(&[], &[]);
    let without = |fixture: &mut Fixture, character: char| {
        let token = fixture.tokens.iter_mut().find(|token| token.starts_with(character)).unwrap();
        token.push('x');
    };
    without(&mut fixture, '\u{c0}');
    assert!(fixture.build().unwrap().notes().is_empty());
    without(&mut fixture, '\u{103}');
    let tokenizer = fixture.build().unwrap();
    assert!(tokenizer.notes()[0].contains("no token for 0x03:"), "{:?}", tokenizer.notes());
    assert_eq!(tokenizer.encode("a b", false).unwrap().len(), 3);
    let e = tokenizer.encode("a \u{3}b", false).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::InvalidArgument);
    assert!(e.to_string().contains("found 0x03"), "{e}");
}

#[test]
fn types_may_be_absent_and_then_all_tokens_are_normal() {
    let tokenizer =
        Fixture { types: None, ..Fixture::new(&[("ab", 1)], &["a b"]) }.build().unwrap();
    assert_eq!(tokenizer.encode("ab", false).unwrap(), [256]);
}

#[test]
fn a_token_that_is_not_utf8_is_refused_by_key_and_index() {
    let mut writer = Writer::new();
    writer.string("tokenizer.ggml.model", "gpt2").string("tokenizer.ggml.pre", "gpt-2");
    writer.strings(TOKENS, &[&b"a"[..], b"b\xff"]).strings::<&str>(MERGES, &[]);
    let file = File::parse(writer.to_bytes().into()).unwrap();
    let e = Tokenizer::from_gguf(&file).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Gguf);
    assert!(e.to_string().contains("element 1 of key `tokenizer.ggml.tokens`"), "{e}");
}
