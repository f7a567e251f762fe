//! Writes a model of the 2B-4T shape with seeded weights: 1.2 GB, the real number of tokens and merges, no sense in it.
//!
//! For measuring what depends on shape and size alone: opening, memory, speed.
//! `cargo run --release -p tritgate-engine --example synthetic_2b -- FILE`

use std::{collections::HashSet, env, fs, io, path::Path};

use engine::{
    Drawing,
    gguf::Writer,
    quant::{BlockFormat as _, Shape, Ternary as _, i2_s::I2S},
};
use half::f16;

const ARCH: &str = "bitnet-b1.58";
const N_LAYERS: usize = 30;
const N_EMBD: usize = 2560;
const N_FF: usize = 6912;
const KV_WIDTH: usize = 640;
const N_VOCAB: usize = 128_256;
/// Tokens behind the text's own: markers.
const N_SPECIAL: usize = 256;
const N_MERGES: usize = 280_147;
/// Letters that the drawn tokens are made of.
const LETTERS: std::ops::RangeInclusive<u8> = b'a'..=b'z';

fn main() -> io::Result<()> {
    let path = env::args_os().nth(1).expect("usage: synthetic_2b FILE");
    let mut drawing = Drawing::new(42, "synthetic-2b");
    let mut writer = Writer::new();
    keys(&mut writer);
    tokenizer(&mut writer, &mut drawing);
    tensors(&mut writer, &mut drawing);
    // Whole, or not at all.
    let path = Path::new(&path);
    let part = path.with_extension("part");
    fs::write(&part, writer.to_bytes())?;
    fs::File::open(&part)?.sync_all()?;
    fs::rename(part, path)
}

fn keys(writer: &mut Writer) {
    let key = |name: &str| format!("{ARCH}.{name}");
    writer.string("general.architecture", ARCH).string("general.name", "synthetic 2B-4T shape");
    for (name, value) in [
        ("vocab_size", 128_256),
        ("context_length", 4096),
        ("embedding_length", 2560),
        ("block_count", 30),
        ("feed_forward_length", 6912),
        ("rope.dimension_count", 128),
        ("attention.head_count", 20),
        ("attention.head_count_kv", 5),
    ] {
        writer.u32(&key(name), value);
    }
    writer.f32(&key("attention.layer_norm_rms_epsilon"), 1e-5).f32(&key("rope.freq_base"), 5e5);
    writer.u32("general.file_type", 40).u32("general.quantization_version", 2);
}

/// All pairs and triples of letters, then drawn fours; each with every merge that gives it, as many as the real vocabulary
/// has.
fn tokenizer(writer: &mut Writer, drawing: &mut Drawing) {
    let letters: Vec<String> = LETTERS.map(|byte| char::from(byte).to_string()).collect();
    let mut words = Words::new();
    let pairs = words.extend_all(&letters.clone(), &letters);
    let triples = words.extend_all(&pairs, &letters);
    while words.tokens.len() < N_VOCAB - N_SPECIAL {
        let mut one_of = |words: &[String]| {
            let n = u32::try_from(words.len()).expect("fewer than 2^32");
            words[drawing.below(n) as usize].clone()
        };
        let (left, right) = (one_of(&triples), one_of(&letters));
        words.extend(&left, &right);
    }
    words.merge_otherwise();
    let Words { mut tokens, merges, .. } = words;
    tokens.push("<|begin_of_text|>".to_owned());
    tokens.push("<|end_of_text|>".to_owned());
    while tokens.len() < N_VOCAB {
        tokens.push(format!("<|reserved_special_token_{}|>", tokens.len()));
    }
    let special = N_VOCAB - N_SPECIAL;
    let types: Vec<i32> = (0..N_VOCAB).map(|id| if id < special { 1 } else { 3 }).collect();
    writer
        .string("tokenizer.ggml.model", "gpt2")
        // The real one is `llama-bpe`, which this build doesn't cut yet; tokens and merges are what takes time to load.
        .string("tokenizer.ggml.pre", "gpt-2")
        .strings("tokenizer.ggml.tokens", &tokens)
        .i32s("tokenizer.ggml.token_type", &types)
        .strings("tokenizer.ggml.merges", &merges)
        .u32("tokenizer.ggml.bos_token_id", 128_000)
        .u32("tokenizer.ggml.eos_token_id", 128_001)
        .bool("tokenizer.ggml.add_bos_token", true);
}

/// Tokens in order, and the merges that make them.
struct Words {
    tokens: Vec<String>,
    known: HashSet<String>,
    merges: Vec<String>,
}

impl Words {
    fn new() -> Self {
        let tokens = alphabet();
        Self { known: tokens.iter().cloned().collect(), tokens, merges: Vec::new() }
    }

    /// Adds `left` before `right`, unless it is there.
    fn extend(&mut self, left: &str, right: &str) {
        let token = format!("{left}{right}");
        if self.known.insert(token.clone()) {
            self.merges.push(format!("{left} {right}"));
            self.tokens.push(token);
        }
    }

    /// Adds all combinations; returns them.
    fn extend_all(&mut self, lefts: &[String], rights: &[String]) -> Vec<String> {
        let first = self.tokens.len();
        for left in lefts {
            for right in rights {
                self.extend(left, right);
            }
        }
        self.tokens[first..].to_vec()
    }

    /// Other ways to the tokens that are there, until there are enough.
    fn merge_otherwise(&mut self) {
        let had: HashSet<String> = self.merges.iter().cloned().collect();
        // The letters of our own are one byte each.
        for cut in 1..4 {
            for token in self.tokens.iter().skip(256).filter(|token| token.len() > cut) {
                let (left, right) = token.split_at(cut);
                let merge = format!("{left} {right}");
                let new = self.known.contains(left)
                    && self.known.contains(right)
                    && !had.contains(&merge);
                if new && self.merges.len() < N_MERGES {
                    self.merges.push(merge);
                }
            }
        }
        assert_eq!(self.merges.len(), N_MERGES, "enough ways");
    }
}

/// The 256 characters that stand for bytes: GPT-2's table.
fn alphabet() -> Vec<String> {
    let itself = |byte: u8| matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    let mut next = 0x100;
    let mut of = |byte: u8| {
        if itself(byte) {
            return char::from(byte);
        }
        next += 1;
        char::from_u32(next - 1).expect("below 0x200")
    };
    (0..=255).map(|byte| of(byte).to_string()).collect()
}

fn tensors(writer: &mut Writer, drawing: &mut Drawing) {
    let embedding: Vec<u8> = (0..N_VOCAB * N_EMBD / 2)
        .flat_map(|_| {
            // Two numbers of a word: 16 bits each, centred, near ±0.05.
            let [low, high] = [drawing.next_u32() & 0xffff, drawing.next_u32() >> 16];
            [low, high].map(|bits| {
                #[expect(clippy::cast_precision_loss, reason = "16 bits")]
                let unit = bits as f32 / 65_536.0 - 0.5;
                f16::from_f32(unit * 0.1).to_le_bytes()
            })
        })
        .flatten()
        .collect();
    writer.tensor("token_embd.weight", &[dim(N_EMBD), dim(N_VOCAB)], 1, &embedding);
    for layer in 0..N_LAYERS {
        for (name, rows, cols) in [
            ("attn_q", N_EMBD, N_EMBD),
            ("attn_k", KV_WIDTH, N_EMBD),
            ("attn_v", KV_WIDTH, N_EMBD),
            ("attn_output", N_EMBD, N_EMBD),
            ("ffn_gate", N_FF, N_EMBD),
            ("ffn_up", N_FF, N_EMBD),
            ("ffn_down", N_EMBD, N_FF),
        ] {
            let shape = Shape::new(rows, cols);
            let trits: Vec<i8> = drawing
                .ternary(rows * cols, 1.0)
                .iter()
                .map(|t| i8::from(*t > 0.0) - i8::from(*t < 0.0))
                .collect();
            let bytes = I2S.pack(&trits, 0.7, shape).expect("trits");
            writer.tensor(
                &format!("blk.{layer}.{name}.weight"),
                &[dim(cols), dim(rows)],
                I2S.id(),
                &bytes,
            );
        }
        for (name, len) in [
            ("attn_norm", N_EMBD),
            ("attn_sub_norm", N_EMBD),
            ("ffn_norm", N_EMBD),
            ("ffn_sub_norm", N_FF),
        ] {
            ones(writer, &format!("blk.{layer}.{name}.weight"), len);
        }
    }
    ones(writer, "output_norm.weight", N_EMBD);
}

fn ones(writer: &mut Writer, name: &str, len: usize) {
    let bytes: Vec<u8> = std::iter::repeat_n(1.0_f32.to_le_bytes(), len).flatten().collect();
    writer.tensor(name, &[dim(len)], 0, &bytes);
}

const fn dim(n: usize) -> u64 {
    n as u64
}
