//! The built-in model's tokenizer against ids made by the reference implementation, and its laws.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use engine::{ErrorKind, Tokenizer, gguf::File};
use proptest::prelude::*;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models");

fn stories() -> Tokenizer {
    let path = format!("{MODELS}/bitnet-stories-14m-i2_s.gguf");
    let file = File::parse(engine::Bytes::open(path.as_ref()).unwrap()).unwrap();
    Tokenizer::from_gguf(&file).unwrap()
}

fn golden() -> Json {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tokenizer-golden.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn ids(json: &Json) -> Vec<u32> {
    let ids = json.as_array().unwrap().iter();
    ids.map(|id| u32::try_from(id.as_u64().unwrap()).unwrap()).collect()
}

fn streamed(tokenizer: &Tokenizer, ids: &[u32]) -> String {
    let mut stream = tokenizer.stream();
    let mut text = String::new();
    for &id in ids {
        let piece = stream.push(id).unwrap();
        assert_ne!(piece.as_deref(), Some(""));
        text.extend(piece);
    }
    text.extend(stream.finish().unwrap());
    assert_eq!(stream.finish().unwrap(), None);
    text
}

#[test]
fn the_held_out_text_has_the_reference_ids() {
    let (tokenizer, golden) = (stories(), golden());
    let text = std::fs::read_to_string(format!("{MODELS}/heldout.txt")).unwrap();
    let ids = tokenizer.encode(&text, false).unwrap();
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    let sha256: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(Some(ids.len() as u64), golden["heldout"]["n_ids"].as_u64());
    assert_eq!(Some(&*sha256), golden["heldout"]["sha256"].as_str());
    assert_eq!(tokenizer.decode(&ids).unwrap(), text);
    assert_eq!(streamed(&tokenizer, &ids), text);
}

#[test]
fn awkward_texts_have_the_reference_ids() {
    let (tokenizer, golden) = (stories(), golden());
    let texts = golden["texts"].as_array().unwrap();
    assert!(texts.len() >= 12);
    for case in texts {
        let text = case["text"].as_str().unwrap();
        let plain = tokenizer.encode(text, false).unwrap();
        assert_eq!(plain, ids(&case["ids"]), "{text:?}");
        let control = tokenizer.encode_with_control(text, false).unwrap();
        assert_eq!(control, ids(&case["ids_with_control"]), "{text:?}");
        assert_eq!(tokenizer.decode(&plain).unwrap(), text);
    }
}

#[test]
fn bos_and_eos_are_the_models() {
    let tokenizer = stories();
    assert_eq!((tokenizer.n_tokens(), tokenizer.bos(), tokenizer.eos()), (4096, Some(0), Some(1)));
    let ends: Vec<u32> = (0..4096).filter(|&id| tokenizer.is_end_of_generation(id)).collect();
    assert_eq!(ends, [1]);
    let with = tokenizer.encode("Once", true).unwrap();
    assert_eq!((with[0], &with[1..]), (0, &tokenizer.encode("Once", false).unwrap()[..]));
    assert_eq!(tokenizer.encode("", true).unwrap(), [0]);
}

#[test]
fn control_tokens_add_nothing_to_a_text() {
    let tokenizer = stories();
    let mut ids = tokenizer.encode("Once", true).unwrap();
    ids.push(1);
    assert_eq!(tokenizer.decode(&ids).unwrap(), "Once");
    assert_eq!(streamed(&tokenizer, &ids), "Once");
}

#[test]
fn a_stream_never_cuts_a_character() {
    let tokenizer = stories();
    let text = "naïve \u{1f600} 故事";
    let ids = tokenizer.encode(text, false).unwrap();
    let mut stream = tokenizer.stream();
    let pieces: Vec<String> = ids.iter().filter_map(|&id| stream.push(id).unwrap()).collect();
    // The emoji alone is four bytes in more than one token: fewer pieces than ids, none with a replacement.
    assert!(pieces.len() < ids.len());
    assert_eq!(pieces.concat(), text);
    // Cut inside it, the rest is a replacement character, once, and only at the end.
    let half = tokenizer.encode("\u{1f600}", false).unwrap();
    assert_eq!(streamed(&tokenizer, &half[..half.len() - 1]), "\u{fffd}");
}

#[test]
fn an_id_outside_the_vocabulary_is_an_invalid_argument() {
    let tokenizer = stories();
    for id in [4096, u32::MAX] {
        assert_eq!(tokenizer.decode(&[5, id]).unwrap_err().kind(), ErrorKind::InvalidArgument);
        assert_eq!(tokenizer.stream().push(id).unwrap_err().kind(), ErrorKind::InvalidArgument);
        assert!(!tokenizer.is_end_of_generation(id));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn any_text_survives_and_any_ids_stream_as_they_decode(
        text in any::<String>(),
        ids in proptest::collection::vec(0_u32..4096, 0..40),
    ) {
        thread_local!(static TOKENIZER: Tokenizer = stories());
        TOKENIZER.with(|tokenizer| {
            let encoded = tokenizer.encode(&text, false).unwrap();
            prop_assert_eq!(tokenizer.decode(&encoded).unwrap(), &*text);
            prop_assert_eq!(streamed(tokenizer, &encoded), text);
            prop_assert_eq!(streamed(tokenizer, &ids), tokenizer.decode(&ids).unwrap());
            Ok(())
        })?;
    }
}
