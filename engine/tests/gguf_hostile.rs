//! Damaged files: cut at every byte, every byte changed. The reader answers with a file or an error, never a panic, and a
//! file it accepts has every tensor in range and every value readable.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use engine::gguf::{File, Value, Writer};

/// A small model-like file: all kinds of values, three formats.
fn sample() -> Vec<u8> {
    let mut writer = Writer::new();
    writer
        .string("general.architecture", "bitnet-b1.58")
        .alignment(32)
        .u32("bitnet-b1.58.block_count", 1)
        .f32("bitnet-b1.58.attention.layer_norm_rms_epsilon", 1e-5)
        .bool("tokenizer.ggml.add_bos_token", true)
        .entry(b"u8", &Value::U8(1))
        .entry(b"i8", &Value::I8(-1))
        .entry(b"u16", &Value::U16(1))
        .entry(b"i16", &Value::I16(-1))
        .entry(b"i32", &Value::I32(-1))
        .entry(b"u64", &Value::U64(1))
        .entry(b"i64", &Value::I64(-1))
        .entry(b"f64", &Value::F64(0.5))
        .strings("tokenizer.ggml.tokens", &["a", "", "\u{120}b", "ab"])
        .i32s("tokenizer.ggml.token_type", &[1, 3, 1, 1]);
    let codes = engine::quant::i2_s::quantize(&[1.0; 256]).unwrap();
    writer.tensor("token_embd.weight", &[4, 4], 1, &[0; 32]);
    writer.tensor("blk.0.ffn_up.weight", &[128, 2], 36, &codes);
    writer.tensor("output_norm.weight", &[4], 0, &[0; 16]);
    writer.to_bytes()
}

/// Walks everything a model loader could ask for.
fn walk(file: &File) {
    for (key, value) in file.entries() {
        assert!(!key.is_empty());
        if let Value::Array(array) = value {
            assert_eq!(array.iter().count(), array.len());
        }
    }
    for tensor in file.tensors() {
        let bytes = file.tensor_bytes(tensor);
        assert_eq!(Some(bytes.len()), tensor.format().n_bytes(tensor.shape()));
        assert_eq!(tensor.rows() * tensor.cols(), tensor.n_elements());
        // Checking may refuse what is in the bytes, but it must not stumble over it.
        let _ = tensor.format().check(bytes, tensor.shape());
        if tensor.n_elements() < 1 << 16 {
            let mut out = vec![0.0; tensor.n_elements()];
            tensor.format().decode(bytes, tensor.shape(), 0, &mut out).unwrap();
        }
    }
}

#[test]
fn a_file_cut_at_any_byte_is_refused_up_to_the_last_tensors_end() {
    let bytes = sample();
    let file = File::parse(bytes.clone().into()).unwrap();
    walk(&file);
    let end = file.tensors().iter().map(|tensor| tensor.range().end).max().unwrap();
    for size in 0..bytes.len() {
        let cut = File::parse(bytes[..size].to_vec().into());
        assert_eq!(cut.is_ok(), size >= end, "cut at {size}");
    }
}

/// Requirement: M3.
#[test]
fn a_file_with_any_byte_changed_never_panics() {
    let bytes = sample();
    let (mut accepted, mut refused) = (0, 0);
    for at in 0..bytes.len() {
        for value in 0..=255 {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            match File::parse(bytes.into()) {
                Ok(file) => {
                    walk(&file);
                    accepted += 1;
                }
                Err(e) => {
                    assert!(!e.to_string().is_empty());
                    refused += 1;
                }
            }
        }
    }
    // Both happen, or this test tests nothing.
    assert!(accepted > 10_000 && refused > 10_000, "{accepted} accepted, {refused} refused");
}

#[test]
fn runs_of_extreme_bytes_anywhere_never_panic() {
    let bytes = sample();
    for at in 0..bytes.len() {
        for (size, value) in [(4, 0), (4, 0x7f), (4, 0xff), (8, 0), (8, 0x7f), (8, 0xff)] {
            let mut bytes = bytes.clone();
            let end = (at + size).min(bytes.len());
            bytes[at..end].fill(value);
            if let Ok(file) = File::parse(bytes.into()) {
                walk(&file);
            }
        }
    }
}
