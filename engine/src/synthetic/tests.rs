//! Synthetic models: each shape as its file says it, the tiny one whole.

use sha2::{Digest as _, Sha256};

use super::*;
use crate::{
    ErrorKind, Model, Sampler, SamplerOptions, Session, SessionOptions, Tokenizer, gguf::File,
};

fn named(name: &str) -> Shape {
    SHAPES.iter().find(|shape| shape.name == name).unwrap().clone()
}

fn bytes(shape: &Shape, seed: u64, threads: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let digest = Synthetic::new(shape, seed).unwrap().write(threads, &mut bytes).unwrap();
    assert_eq!(digest, <[u8; 32]>::from(Sha256::digest(&bytes)));
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Greedy ids behind the vocabulary's first words, after checking that every logit is finite (the session does).
fn generate(model: &Model, n: usize) -> Vec<u32> {
    let options = SessionOptions { threads: 1, ..SessionOptions::default() };
    let mut session = Session::new(model, &options).unwrap();
    let mut sampler =
        Sampler::new(SamplerOptions { temperature: 0.0, ..SamplerOptions::default() }).unwrap();
    let mut prompt = model.tokenizer().unwrap().encode("some words", false).unwrap();
    prompt.truncate(8);
    let mut ids = vec![sampler.sample(session.prefill(&prompt).unwrap()).unwrap()];
    while ids.len() < n {
        let logits = session.step(ids[ids.len() - 1]).unwrap();
        ids.push(sampler.sample(logits).unwrap());
    }
    ids
}

#[test]
fn the_register_is_sorted_unique_documented_and_possible() {
    assert!(SHAPES.windows(2).all(|pair| pair[0].name < pair[1].name));
    for shape in SHAPES {
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        assert!(shape.name.chars().all(kebab) && !shape.about.is_empty(), "{}", shape.name);
        shape.check().unwrap();
    }
}

/// Made by this very code: it says that nothing has changed since, not that anything is right. Whatever changes a byte (the
/// generator, a label, a key, a tensor's order, the alignment) changes it, and has to raise `FORMAT_VERSION` as well.
#[test]
fn the_bytes_of_a_name_and_a_seed_are_those_of_this_version() {
    let digest = |seed| hex(&Sha256::digest(bytes(&named("tiny"), seed, 1)));
    assert_eq!(FORMAT_VERSION, 1);
    assert_eq!(digest(42), "8f9d4f39e1682ddbfb417787be0e5ba7dd919fe5f7ac0d693ae61e76b8e4050b");
    assert_ne!(digest(43), digest(42));
}

#[test]
fn the_number_of_threads_is_in_no_byte() {
    let shape = Shape { n_embd: 1024, n_ff: 8192, ..named("tiny") };
    let one = bytes(&shape, 7, 1);
    assert!(one.len() > 9 << 20, "several blocks a tensor: {}", one.len());
    for threads in [2, 3, 8] {
        assert!(bytes(&shape, 7, threads) == one, "{threads} threads");
    }
}

#[test]
fn a_tiny_model_opens_and_generates_what_its_weights_say() {
    let file = bytes(&named("tiny"), 42, 1);
    let synthetic = Synthetic::new(&named("tiny"), 42).unwrap();
    assert_eq!(synthetic.n_bytes(), file.len() as u64);
    let model = Model::from_bytes(file.into()).unwrap();
    let config = model.config();
    assert_eq!((config.n_layers, config.n_embd, config.n_ff), (2, 256, 512));
    assert_eq!((config.n_heads, config.n_kv_heads, config.head_dim), (4, 2, 64));
    assert_eq!((config.n_vocab, config.n_ctx), (512, 512));
    let ids = generate(&model, 32);
    assert_eq!(ids, generate(&model, 32));
    let other = Model::from_bytes(bytes(&named("tiny"), 43, 1).into()).unwrap();
    assert_ne!(ids, generate(&other, 32), "another seed is another model");
}

/// The graphs, formats and vocabularies of all shapes, in small: rows, heads and tokens fewer, else the same.
#[test]
fn every_shape_in_small_opens_tokenizes_and_generates() {
    for shape in SHAPES {
        let (n_embd, n_ff, n_heads) = match shape.weights {
            Weights::I2S => (256, 384, 4),
            // Pairs behind the triples, as rows of 3200 have them, and none, as rows of 8640.
            Weights::Tl2 => (320, 480, 4),
        };
        let shape = Shape {
            n_layers: 2,
            n_embd,
            n_ff,
            n_heads,
            n_kv_heads: 2,
            head_dim: n_embd / n_heads,
            n_vocab: 20_000,
            ..shape.clone()
        };
        let model = Model::from_bytes(bytes(&shape, 1, 2).into()).unwrap();
        assert_eq!(model.linears()[6].format, shape.weights.format().name());
        assert_eq!(model.linears()[6].cols, n_ff as usize);
        let tokenizer = model.tokenizer().unwrap();
        let text = "hello there, Ünïcode 123";
        let ids = tokenizer.encode(text, false).unwrap();
        assert_eq!(tokenizer.decode(&ids).unwrap(), text, "{}", shape.name);
        // All pairs of letters are tokens: a word of five letters is at most three.
        assert!(ids.len() < text.len(), "{}: {ids:?}", shape.name);
        assert_eq!(generate(&model, 8).len(), 8, "{}", shape.name);
    }
}

/// The head of every file in its real size: directory, vocabulary and keys, without the weights.
#[test]
fn every_public_shape_has_the_tensors_tokens_and_merges_of_its_model() {
    // Names; tensors; bytes of the weights, by the size laws of docs/formats.md; merges.
    for (name, n_tensors, n_merges) in [
        // 332 tensors of 1,179,449,920 bytes and 280,147 merges: the published file's.
        ("bitnet-2b-4t", 332, Some(280_147)),
        ("bitnet-3b", 26 * 11 + 2, None),
        ("falcon3-1b-1.58", 18 * 9 + 3, Some(131_072 - 256 - 256)),
        ("llama3-8b-1.58", 32 * 9 + 3, Some(280_147)),
    ] {
        let shape = named(name);
        let synthetic = Synthetic::new(&shape, 42).unwrap();
        assert_eq!(synthetic.tensors.len(), n_tensors, "{name}");
        let data = synthetic.n_bytes() - synthetic.head.len() as u64;
        if name == "bitnet-2b-4t" {
            assert_eq!(data, 1_179_449_920);
        }
        // The directory is checked against the file's length: the head alone is a file without tensors.
        let mut writer = crate::gguf::Writer::new();
        shape.keys(42, &mut writer);
        shape.vocabulary.keys(&shape, 42, &mut writer);
        let file = File::parse(writer.to_bytes().into()).unwrap();
        let merges = file.string_array("tokenizer.ggml.merges").ok().map(|merges| merges.len());
        assert_eq!(merges, n_merges, "{name}");
        let tokenizer = Tokenizer::from_gguf(&file).unwrap();
        assert_eq!(tokenizer.n_tokens(), shape.n_vocab as usize, "{name}");
        assert!(tokenizer.notes().is_empty(), "{name}: {:?}", tokenizer.notes());
        assert!(tokenizer.is_end_of_generation(tokenizer.eos().unwrap()), "{name}");
    }
}

#[test]
fn sizes_that_no_file_can_have_are_refused_by_name() {
    let tiny = named("tiny");
    let shapes = [
        ("layers", Shape { n_layers: 0, ..tiny.clone() }),
        ("width", Shape { n_embd: 192, n_heads: 3, n_kv_heads: 3, ..tiny.clone() }),
        ("feed-forward width", Shape { n_ff: 500, ..tiny.clone() }),
        ("heads", Shape { n_heads: 0, ..tiny.clone() }),
        ("heads", Shape { n_heads: 6, ..tiny.clone() }),
        ("key/value heads", Shape { n_kv_heads: 3, ..tiny.clone() }),
        ("key/value heads", Shape { n_kv_heads: 0, ..tiny.clone() }),
        ("head size", Shape { n_embd: 384, n_heads: 128, head_dim: 3, ..tiny.clone() }),
        ("vocabulary", Shape { n_vocab: 262, ..tiny.clone() }),
        ("vocabulary", Shape { n_vocab: u32::MAX, ..tiny.clone() }),
        ("context", Shape { n_ctx: 0, ..tiny }),
    ];
    for (what, shape) in shapes {
        let error = Synthetic::new(&shape, 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(error.to_string().starts_with(what), "{what}: {error}");
    }
    let least = Shape { n_vocab: 263, n_layers: 1, n_ctx: 8, ..tiny };
    let model = Model::from_bytes(bytes(&least, 1, 1).into()).unwrap();
    assert_eq!(model.tokenizer().unwrap().n_tokens(), 263);
}

#[test]
fn a_writer_that_fails_ends_it_with_that_error() {
    struct Full(usize);
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.0 < bytes.len() {
                return Err(std::io::ErrorKind::StorageFull.into());
            }
            self.0 -= bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let shape = Shape { n_embd: 1024, n_ff: 4096, ..named("tiny") };
    let synthetic = Synthetic::new(&shape, 1).unwrap();
    for room in [0, synthetic.head.len(), 5 << 20] {
        let error = synthetic.write(3, &mut Full(room)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "room for {room}");
    }
}
