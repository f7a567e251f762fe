//! Storage formats against gguf-py: what it encodes is what we encode, byte for byte, and what it decodes what we decode, bit
//! for bit. Vectors: `data/format-vectors.json`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use engine::quant::{self, BlockFormat, Shape};
use serde_json::Value;

fn vectors() -> Vec<Value> {
    serde_json::from_str(include_str!("data/format-vectors.json")).unwrap()
}

fn bytes(entry: &Value, key: &str) -> Vec<u8> {
    let hex = entry[key].as_str().unwrap();
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// The format of an entry, and the shape of its values: blocks are rows there.
fn of(entry: &Value) -> (&'static dyn BlockFormat, Shape) {
    let format = quant::by_name(entry["format"].as_str().unwrap()).unwrap();
    let rows = usize::try_from(entry["rows"].as_u64().unwrap()).unwrap();
    (format, Shape::new(rows, bytes(entry, "values").len() / 4 / rows))
}

#[test]
fn bytes_decode_to_the_bits_that_gguf_py_makes_of_them() {
    let mut seen = Vec::new();
    for entry in vectors() {
        let (format, shape) = of(&entry);
        let tensor = bytes(&entry, "bytes");
        format.check(&tensor, shape).unwrap();
        let mut out = vec![f32::NAN; shape.n_elements().unwrap()];
        for (row, out) in out.chunks_exact_mut(shape.cols).enumerate() {
            format.row(&tensor, shape, row, out).unwrap();
        }
        let got: Vec<u8> = out.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(got, bytes(&entry, "values"), "{}", format.name());
        seen.push(format.name());
    }
    seen.dedup();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(
        seen,
        ["bf16", "q4_0", "q4_1", "q4_k", "q5_0", "q5_1", "q5_k", "q6_k", "q8_0"],
        "every format that gguf-py decodes is held"
    );
}

#[test]
fn values_encode_to_the_bytes_that_gguf_py_makes_of_them() {
    let mut seen = Vec::new();
    for entry in vectors().iter().filter(|entry| entry.get("from").is_some()) {
        let (format, shape) = of(entry);
        let values = floats(&bytes(entry, "from"));
        let want = bytes(entry, "bytes");
        let got = format.encode(&values, shape).unwrap();
        for (row, (got, want)) in got
            .chunks(want.len() / shape.rows)
            .zip(want.chunks(want.len() / shape.rows))
            .enumerate()
        {
            assert_eq!(got, want, "{} row {row}", format.name());
        }
        assert_eq!(got.len(), want.len());
        seen.push(format.name());
    }
    assert_eq!(seen, ["bf16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0"]);
}
