//! Files that break one rule each: refused with a text that names what, where, expected and found.
//! The list: llama.cpp's `tests/test-gguf.cpp`, and the further cases of our own.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use engine::gguf::{Array, File, Value, ValueType, Writer};
use engine::{Error, ErrorKind};

/// A file by hand: counts and the bytes behind the header.
fn raw(version: u32, n_tensors: u64, n_entries: u64, rest: &[&[u8]]) -> Vec<u8> {
    let mut out = b"GGUF".to_vec();
    out.extend(version.to_le_bytes());
    out.extend(n_tensors.to_le_bytes());
    out.extend(n_entries.to_le_bytes());
    out.extend(rest.concat());
    out
}

fn string(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text].concat()
}

/// A tensor's description by hand.
fn info(name: &[u8], dims: &[i64], type_id: u32, offset: u64) -> Vec<u8> {
    let mut out = string(name);
    out.extend(u32::try_from(dims.len()).unwrap().to_le_bytes());
    out.extend(dims.iter().flat_map(|dim| dim.to_le_bytes()));
    out.extend(type_id.to_le_bytes());
    out.extend(offset.to_le_bytes());
    out
}

/// Descriptions, then the pad to 32, then `size` bytes of data.
fn with_infos(infos: &[Vec<u8>], size: usize) -> Vec<u8> {
    let mut out = raw(3, infos.len() as u64, 0, &[&infos.concat()]);
    out.resize(out.len().next_multiple_of(32) + size, 0);
    out
}

fn refusal(bytes: Vec<u8>) -> Error {
    File::parse(bytes.into()).expect_err("the file breaks a rule")
}

#[track_caller]
fn refused(bytes: Vec<u8>, parts: &[&str]) {
    let e = refusal(bytes);
    let text = e.to_string();
    assert_eq!(e.kind(), ErrorKind::Gguf, "{text}");
    for part in parts {
        assert!(text.contains(part), "`{part}` not in: {text}");
    }
}

const NONE: u64 = u64::MAX;

#[test]
fn an_empty_but_valid_header_is_accepted() {
    for version in [2, 3] {
        let file = File::parse(raw(version, 0, 0, &[]).into()).unwrap();
        assert_eq!((file.entries().len(), file.tensors().len()), (0, 0));
    }
}

#[test]
fn headers() {
    let mut magic = raw(3, 0, 0, &[]);
    magic[..4].copy_from_slice(b"ggjt");
    refused(magic, &["not a GGUF file", "found `ggjt`"]);
    refused(Vec::new(), &["the magic", "expected 4 bytes at byte 0, found 0"]);
    refused(raw(0, 0, 0, &[]), &["version: expected 2 or 3, found 0"]);
    refused(raw(1, 0, 0, &[]), &["found 1 (32-bit lengths", "convert"]);
    refused(raw(4, 0, 0, &[]), &["version: expected 2 or 3, found 4"]);
    refused(raw(0x0300_0000, 0, 0, &[]), &["big-endian file of version 3"]);
    refused(raw(3, NONE, 0, &[]), &["tensor count at byte 8", "found -1"]);
    refused(raw(3, 0, NONE, &[]), &["metadata count at byte 16", "found -1"]);
}

#[test]
fn counts_are_bounded_by_the_bytes_that_follow() {
    // 48 bytes after the counts hold two tensor descriptions or three entries at most.
    let rest = [0; 48];
    refused(raw(3, 1 << 40, 0, &[&rest]), &["tensor count", "at most 2 ", "found 1099511627776"]);
    refused(raw(3, 0, 4, &[&rest]), &["metadata count", "at most 3 ", "found 4"]);
}

#[test]
fn keys_and_values() {
    let value = [0_u32.to_le_bytes().as_slice(), &[1; 12]].concat();
    refused(
        raw(3, 0, 1, &[&NONE.to_le_bytes(), &value]),
        &["the key of metadata entry 0 at byte 24"],
    );
    refused(raw(3, 0, 1, &[&string(b""), &value]), &["entry 0 at byte 32", "empty string"]);
    for id in [13_u32, u32::MAX] {
        let found = format!("found {id}");
        refused(
            raw(3, 0, 1, &[&string(b"k"), &id.to_le_bytes(), &[0; 8]]),
            &["key `k`", "0 to 12", &found],
        );
    }
    let mut doubled = Writer::new();
    doubled.u32("k", 1).u32("other", 1).u32("k", 2);
    refused(doubled.to_bytes(), &["key `k`: expected once, found twice (again as entry 2)"]);
    let huge = (1_u64 << 40).to_le_bytes();
    let type_id = |kind: ValueType| kind.id().to_le_bytes();
    refused(
        raw(3, 0, 1, &[&string(b"k"), &type_id(ValueType::String), &huge, &[0; 60]]),
        &["value of key `k` at byte", "at most 60 bytes, found length 1099511627776"],
    );
}

#[test]
fn arrays() {
    let array = |element: ValueType, len: u64| {
        let head = [ValueType::Array.id().to_le_bytes(), element.id().to_le_bytes()].concat();
        raw(3, 0, 1, &[&string(b"k"), &head, &len.to_le_bytes(), &[0; 60]])
    };
    for (element, len, most) in [
        (ValueType::U8, 61, "at most 60 u8"),
        (ValueType::F64, 1 << 40, "at most 7 f64"),
        (ValueType::I16, NONE, "at most 30 i16"),
        (ValueType::U64, 1 << 61, "at most 7 u64"),
        // 2^30 empty strings would be within llama.cpp's limit, but 8 GiB of lengths are not in the file.
        (ValueType::String, 1 << 30, "at most 7 string"),
        (ValueType::Bool, (1 << 30) + 1, "at most 60 bool"),
    ] {
        refused(array(element, len), &["key `k`", most, "truncated or corrupt"]);
    }
    refused(array(ValueType::Array, 1), &["key `k`", "array of arrays"]);
    // Element type 13.
    let head = [9_u32.to_le_bytes(), 13_u32.to_le_bytes()].concat();
    refused(raw(3, 0, 1, &[&string(b"k"), &head, &[0; 60]]), &["key `k`", "found 13"]);
    // Seven strings fit by their lengths, but the second is too long.
    let strings = [string(b""), 50_u64.to_le_bytes().to_vec(), vec![0; 48]].concat();
    let head = [9_u32.to_le_bytes(), 8_u32.to_le_bytes()].concat();
    let bytes = raw(3, 0, 1, &[&string(b"k"), &head, &7_u64.to_le_bytes(), &strings]);
    refused(bytes, &["key `k`", "at most 48 bytes, found length 50"]);
}

#[test]
fn a_bool_of_any_non_zero_byte_is_true_and_invalid_utf8_is_kept_until_asked_for() {
    let file = File::parse(raw(3, 0, 1, &[&string(b"k"), &7_u32.to_le_bytes(), &[7]]).into());
    assert!(file.unwrap().bool("k").unwrap());
    let mut writer = Writer::new();
    writer.entry(b"k", &Value::String(b"\xff"));
    let file = File::parse(writer.to_bytes().into()).unwrap();
    assert_eq!(file.value("k"), Some(Value::String(b"\xff")));
    assert_eq!(file.string("k").unwrap_err().kind(), ErrorKind::Gguf);
}

#[test]
fn alignments() {
    for bad in [0, 13, 33, u32::MAX] {
        let mut writer = Writer::new();
        writer.u32("general.alignment", bad);
        refused(
            writer.to_bytes(),
            &["`general.alignment`: expected a power of two", &format!("found {bad}")],
        );
    }
    let mut writer = Writer::new();
    writer.entry(b"general.alignment", &Value::I32(32));
    refused(writer.to_bytes(), &["`general.alignment`", "found a value of type i32"]);

    let tensors = |writer: &mut Writer| {
        writer.tensor("a", &[3], 0, &[1; 12]).tensor("b", &[1], 0, &[2; 4]).to_bytes()
    };
    for alignment in [1, 2, 64, 1024] {
        let file = File::parse(tensors(Writer::new().alignment(alignment)).into()).unwrap();
        let bytes = ["a", "b"].map(|name| file.tensor_bytes(file.tensor(name).unwrap()).to_vec());
        assert_eq!(bytes, [vec![1; 12], vec![2; 4]], "alignment {alignment}");
    }
    // Laid out for 1, but the file says 32.
    let mut inconsistent = tensors(Writer::new().alignment(1));
    let at = inconsistent.windows(9).position(|w| w == b"alignment").unwrap() + 9 + 4;
    inconsistent[at] = 32;
    refused(inconsistent, &["tensor `b`", "multiple of the alignment 32, found 12"]);
    // An alignment the data can never reach in this file.
    let mut far = Writer::new();
    far.tensor("a", &[1], 0, &[0; 4]).u32("general.alignment", 1 << 31);
    refused(far.to_bytes(), &["tensor `a`", "data starts at byte 2147483648"]);
}

#[test]
fn tensor_names() {
    let file = File::parse(with_infos(&[info(&[b'n'; 63], &[1], 0, 0)], 32).into()).unwrap();
    assert_eq!(file.tensors()[0].name().len(), 63);
    refused(
        with_infos(&[info(&[b'n'; 64], &[1], 0, 0)], 32),
        &["tensor 0", "fewer than 64 bytes, found 64"],
    );
    refused(with_infos(&[info(b"a\0b", &[1], 0, 0)], 32), &["without a zero byte", "`a\\0b`"]);
    refused(with_infos(&[info(b"a\xff", &[1], 0, 0)], 32), &["expected UTF-8"]);
    let twice = [info(b"w", &[8], 0, 0), info(b"w", &[8], 0, 32)];
    refused(with_infos(&twice, 64), &["tensor `w`: expected once, found twice"]);
}

#[test]
fn tensor_shapes() {
    let one = |dims: &[i64], type_id: u32| with_infos(&[info(b"w", dims, type_id, 0)], 1 << 12);
    for (dims, n) in [(&[][..], 1), (&[0], 0), (&[7, 0, 3], 0), (&[2, 3, 4, 5], 120)] {
        let file = File::parse(one(dims, 0).into()).unwrap();
        assert_eq!(file.tensor("w").unwrap().n_elements(), n, "{dims:?}");
    }
    refused(one(&[1; 5], 0), &["tensor `w`: expected at most 4 dimensions, found 5"]);
    refused(one(&[-1], 0), &["tensor `w`", "found [-1]"]);
    refused(one(&[i64::MAX, 2], 0), &["product below 2^63"]);
    refused(one(&[1 << 32, 1 << 31, 1], 0), &["product below 2^63"]);
    // Zero last: the product is refused before it can be forgotten.
    refused(one(&[1 << 62, 4, 0], 0), &["product below 2^63"]);
    // 2^62 elements fit, 2^64 bytes do not.
    refused(one(&[1 << 62], 0), &["a size that 64 bits can hold"]);
    // 2^64 - 16 bytes fit, padded they do not.
    refused(one(&[4, (1 << 30) - 1, (1 << 30) + 1, 1], 0), &["a size that 64 bits can hold"]);
    refused(one(&[100, 32], 36), &["a row length that is a multiple of 128 for i2_s, found 100"]);
    refused(one(&[8640, 1], 36), &["multiple of 128", "found 8640"]);
    refused(one(&[], 36), &["multiple of 128", "found 1"]);
}

#[test]
fn tensor_types() {
    for (id, name) in [(29, "IQ1_M (29)"), (10, "Q2_K (10)"), (40, "NVFP4 (40)")] {
        let e = refusal(with_infos(&[info(b"blk.0.ffn_up.weight", &[256], id, 0)], 4096));
        assert_eq!(e.kind(), ErrorKind::UnsupportedTensorType);
        let text = e.to_string();
        for part in [
            "tensor `blk.0.ffn_up.weight`",
            "bf16 (30), f16 (1), f32 (0), i2_s (36), q4_0 (2)",
            &format!("found {name}"),
        ] {
            assert!(text.contains(part), "`{part}` not in: {text}");
        }
    }
    for id in [43, u32::MAX] {
        let bytes = with_infos(&[info(b"w", &[1], id, 0)], 32);
        refused(bytes, &["tensor `w`", &format!("unknown number {id}")]);
    }
}

#[test]
fn tensor_places() {
    let at = |offset: u64| info(b"w", &[8], 0, offset);
    refused(
        with_infos(&[at(NONE)], 64),
        &["multiple of the alignment 32, found 18446744073709551615"],
    );
    refused(with_infos(&[at(NONE - 31)], 64), &["a size that 64 bits can hold"]);
    refused(
        with_infos(&[at(1 << 62)], 64),
        &["32 bytes at data offset 4611686018427387904 inside the file"],
    );
    refused(with_infos(&[at(16)], 64), &["multiple of the alignment 32, found 16"]);
    refused(with_infos(&[at(64)], 64), &["data offset 64 inside the file", "truncated"]);
    // A gap is accepted, in front and between, and order does not matter.
    let gaps = [info(b"b", &[8], 0, 128), info(b"a", &[8], 0, 32)];
    let file = File::parse(with_infos(&gaps, 160).into()).unwrap();
    assert_eq!(file.tensor("b").unwrap().range().len(), 32);
    let overlap = [info(b"a", &[9], 0, 0), info(b"b", &[8], 0, 32)];
    refused(with_infos(&overlap, 96), &["tensor `b`", "overlapping", "of tensor `a`"]);
    let same = [info(b"a", &[8], 0, 0), info(b"b", &[8], 0, 0)];
    refused(with_infos(&same, 64), &["overlapping"]);
    // An empty tensor takes no place.
    let empty = [info(b"a", &[0], 0, 0), info(b"b", &[8], 0, 0)];
    assert!(File::parse(with_infos(&empty, 64).into()).is_ok());
}

#[test]
fn tensor_data() {
    let whole = with_infos(&[info(b"w", &[128], 36, 0)], 64);
    assert_eq!(File::parse(whole.clone().into()).unwrap().tensor("w").unwrap().range().len(), 64);
    // The 32-byte tail of an I2_S tensor belongs to it.
    for missing in [1, 28, 32, 64] {
        let short = whole[..whole.len() - missing].to_vec();
        refused(short, &["tensor `w`", "its 64 bytes", "inside the file"]);
    }
    // Two tensors whose padded sizes would wrap when summed: F32 of 2^63 - 64 bytes each.
    let half = (1_i64 << 61) - 16;
    let huge = [info(b"a", &[half], 0, 0), info(b"b", &[half], 0, (1 << 63) - 64)];
    refused(with_infos(&huge, 64), &["tensor `a`", "inside the file"]);
}

#[test]
fn an_array_view_gives_its_elements_back() {
    let mut writer = Writer::new();
    writer.i32s("k", &[1, -1]);
    let file = File::parse(writer.to_bytes().into()).unwrap();
    let Some(Value::Array(array)) = file.value("k") else { panic!("an array") };
    let values: Vec<Value<'_>> = Array::iter(&array).collect();
    assert_eq!(values, [Value::I32(1), Value::I32(-1)]);
}
