//! The corpus of malformed model files: each is refused, with the text in `data/gguf-errors.txt`, having asked for no more memory
//! than its own size explains.
//!
//! The list: llama.cpp's `tests/test-gguf.cpp`, then what that list lacks, then tensors whose bytes no packer writes. After a
//! text was changed on purpose: copy the file that the failing test names over it, and read the difference.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use std::{fmt::Write as _, fs};

use engine::{
    CountingAllocator, Error, allocations,
    gguf::{File, Value, ValueType, Writer},
    quant::{self, Shape},
    set_counting,
};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const NONE: u64 = u64::MAX;

/// A file by hand: counts and the bytes behind the header.
fn raw(version: u32, n_tensors: u64, n_entries: u64, rest: &[&[u8]]) -> Vec<u8> {
    let head = [&b"GGUF"[..], &version.to_le_bytes(), &n_tensors.to_le_bytes()].concat();
    [&head[..], &n_entries.to_le_bytes(), &rest.concat()].concat()
}

fn string(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text].concat()
}

/// One key with a value of this type.
fn entry(key: &[u8], kind: u32, value: &[u8]) -> Vec<u8> {
    raw(3, 0, 1, &[&string(key), &kind.to_le_bytes(), value])
}

/// One key with an array.
fn array(element: u32, len: u64, elements: &[u8]) -> Vec<u8> {
    let head = [&element.to_le_bytes()[..], &len.to_le_bytes(), elements].concat();
    entry(b"k", ValueType::Array.id(), &head)
}

/// A tensor's description.
fn info(name: &[u8], dims: &[i64], type_id: u32, offset: u64) -> Vec<u8> {
    let n_dims = u32::try_from(dims.len()).unwrap().to_le_bytes();
    let dims: Vec<u8> = dims.iter().flat_map(|dim| dim.to_le_bytes()).collect();
    [
        string(name),
        n_dims.to_vec(),
        dims,
        type_id.to_le_bytes().to_vec(),
        offset.to_le_bytes().to_vec(),
    ]
    .concat()
}

/// Descriptions, then the pad to 32, then `size` bytes of data.
fn with_infos(infos: &[Vec<u8>], size: usize) -> Vec<u8> {
    let mut out = raw(3, infos.len() as u64, 0, &[&infos.concat()]);
    out.resize(out.len().next_multiple_of(32) + size, 0);
    out
}

/// One tensor `w` with these dimensions.
fn tensor(dims: &[i64], type_id: u32) -> Vec<u8> {
    with_infos(&[info(b"w", dims, type_id, 0)], 4096)
}

fn keyed(keys: impl Fn(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new();
    keys(&mut writer);
    writer.to_bytes()
}

/// One tensor `w` of 32 × 256 in a format, `edit`ed.
fn stored(format: &str, edit: impl Fn(&mut [u8])) -> Vec<u8> {
    let format = quant::by_name(format).unwrap();
    let values: Vec<f32> = (0..32 * 256).map(|i| [-0.5, 0.0, 0.5][i * 7 % 3]).collect();
    let mut bytes = format.encode(&values, Shape::new(32, 256)).unwrap();
    edit(&mut bytes);
    keyed(|writer| {
        // What makes type 39 one of this family.
        writer.string("general.architecture", "bitnet-b1.58");
        writer.tensor("w", &[256, 32], format.id(), &bytes);
    })
}

/// A tensor with one scale for all, behind 2048 bytes of codes, and another scale.
fn scaled(format: &str, scale: f32) -> Vec<u8> {
    let at = |bytes: &[u8]| bytes.len() - 32;
    stored(format, |bytes| {
        let at = at(bytes);
        bytes[at..at + 4].copy_from_slice(&scale.to_le_bytes());
    })
}

/// The cases of llama.cpp's own test.
fn published() -> Vec<(&'static str, Vec<u8>)> {
    let type_past_the_last = 13;
    let misplaced = {
        let mut bytes = keyed(|writer| {
            writer.alignment(1).tensor("a", &[3], 0, &[1; 12]).tensor("b", &[1], 0, &[2; 4]);
        });
        let at = bytes.windows(9).position(|w| w == b"alignment").unwrap() + 9 + 4;
        bytes[at] = 32;
        bytes
    };
    let half = (1_i64 << 61) - 16;
    vec![
        ("wrong magic", [b"ggjt", &raw(3, 0, 0, &[])[4..]].concat()),
        ("version 0", raw(0, 0, 0, &[])),
        ("version 1", raw(1, 0, 0, &[])),
        ("version 4", raw(4, 0, 0, &[])),
        ("tensor count -1", raw(3, NONE, 0, &[])),
        ("key count -1", raw(3, 0, NONE, &[])),
        ("key length 2^64 - 1", raw(3, 0, 1, &[&NONE.to_le_bytes(), &[0; 16]])),
        ("empty key", entry(b"", 4, &[0; 8])),
        ("value type past the last", entry(b"k", type_past_the_last, &[0; 8])),
        (
            "key twice",
            keyed(|writer| {
                writer.u32("k", 1).u32("k", 2);
            }),
        ),
        (
            "alignment 13",
            keyed(|writer| {
                writer.u32("general.alignment", 13);
            }),
        ),
        (
            "alignment as i32",
            keyed(|writer| {
                writer.entry(b"general.alignment", &Value::I32(32));
            }),
        ),
        ("tensor name of 64 bytes", with_infos(&[info(&[b'n'; 64], &[1], 0, 0)], 32)),
        ("five dimensions", tensor(&[1; 5], 0)),
        ("dimension -1", tensor(&[-1], 0)),
        ("dimensions with a product past 2^63", tensor(&[1 << 32, 1 << 31, 1], 0)),
        ("byte size past 2^64", tensor(&[1 << 62], 0)),
        ("padded byte size past 2^64", tensor(&[4, (1 << 30) - 1, (1 << 30) + 1, 1], 0)),
        ("tensor type past the last", tensor(&[32], 43)),
        ("offset 2^64 - 1", with_infos(&[info(b"w", &[8], 0, NONE)], 64)),
        ("tensor name twice", with_infos(&[info(b"w", &[8], 0, 0), info(b"w", &[8], 0, 32)], 64)),
        ("laid out for alignment 1, says 32", misplaced),
        ("one byte short", {
            let mut bytes = with_infos(&[info(b"w", &[8], 0, 0)], 32);
            bytes.pop();
            bytes
        }),
        ("sizes that wrap when they are summed", {
            let second = info(b"b", &[half], 0, (1 << 63) - 64);
            with_infos(&[info(b"a", &[half], 0, 0), second], 64)
        }),
    ]
}

/// What that list lacks.
fn further() -> Vec<(&'static str, Vec<u8>)> {
    let huge = 1_u64 << 40;
    vec![
        ("no bytes", Vec::new()),
        ("big-endian", raw(0x0300_0000, 0, 0, &[])),
        ("2^40 tensors in 100 bytes", raw(3, huge, 0, &[&[0; 76]])),
        ("2^40 keys in 100 bytes", raw(3, 0, huge, &[&[0; 76]])),
        ("string of 2^40 bytes", entry(b"k", 8, &[&huge.to_le_bytes()[..], &[0; 60]].concat())),
        ("array of 2^40 numbers", array(ValueType::U8.id(), huge, &[0; 60])),
        ("array of 2^30 empty strings", array(ValueType::String.id(), 1 << 30, &[0; 60])),
        ("array of arrays", array(ValueType::Array.id(), 1, &[0; 60])),
        ("array of an unknown type", array(13, 1, &[0; 60])),
        ("name with a zero byte", with_infos(&[info(b"a\0b", &[1], 0, 0)], 32)),
        ("name that is no UTF-8", with_infos(&[info(b"a\xff", &[1], 0, 0)], 32)),
        ("overlapping tensors", {
            with_infos(&[info(b"a", &[9], 0, 0), info(b"b", &[8], 0, 32)], 96)
        }),
        ("misaligned tensor", with_infos(&[info(b"w", &[8], 0, 16)], 64)),
        ("removed type", tensor(&[32], 4)),
        ("type of activations", tensor(&[128], 37)),
        ("type 39 without a sign of its family", tensor(&[256, 32], 39)),
        ("I2_S row of 100", tensor(&[100, 32], 36)),
        ("I2_S row of 8640, the 3B model's", tensor(&[8640, 1], 36)),
        ("I2_S tail beyond the end", {
            let mut bytes = stored("i2_s", |_| {});
            bytes.truncate(bytes.len() - 32);
            bytes
        }),
        ("TQ2_0 row of 384", tensor(&[384, 2], 35)),
        ("Q4_0 row of 40", tensor(&[40, 2], 2)),
        (
            "TL1 with 31 rows",
            keyed(|writer| {
                writer.string("general.architecture", "bitnet").tensor(
                    "w",
                    &[256, 31],
                    38,
                    &[0; 2048],
                );
            }),
        ),
    ]
}

/// Tensors with bytes that no packer writes: refused by the check of their format.
fn unpackable() -> Vec<(&'static str, Vec<u8>)> {
    let zeros = |format: &'static str, scale: f32| {
        stored(format, move |bytes| {
            let at = bytes.len() - 32;
            bytes[at..at + 4].copy_from_slice(&scale.to_le_bytes());
        })
    };
    vec![
        ("I2_S code 3", stored("i2_s", |bytes| bytes[77] |= 0x30)),
        ("I2_S scale NaN", scaled("i2_s", f32::NAN)),
        ("I2_S scale infinite", scaled("i2_s", f32::INFINITY)),
        ("I2_S scale negative", scaled("i2_s", -1.0)),
        ("I2_S scale zero, weights not", zeros("i2_s", 0.0)),
        ("TL1 scale NaN", scaled("tl1", f32::NAN)),
        ("TL1 pair code 9", stored("tl1", |bytes| bytes[5] = 0x94)),
        ("TL2 scale NaN", scaled("tl2", f32::NAN)),
        ("TL2 triple code 14", stored("tl2", |bytes| bytes[5] = 0xe0)),
        ("TQ2_0 scale NaN", stored("tq2_0", |bytes| bytes[64..66].fill(0x7e))),
        ("TQ2_0 code 3", stored("tq2_0", |bytes| bytes[3] = 0xff)),
        (
            "TQ1_0 scale infinite",
            stored("tq1_0", |bytes| {
                bytes[52..54].copy_from_slice(&[0x00, 0x7c]);
            }),
        ),
        ("Q8_0 scale NaN", stored("q8_0", |bytes| bytes[..2].fill(0x7e))),
        (
            "Q4_1 minimum infinite",
            stored("q4_1", |bytes| {
                bytes[2..4].copy_from_slice(&[0x00, 0x7c]);
            }),
        ),
        ("Q6_K scale NaN", stored("q6_k", |bytes| bytes[208..210].fill(0x7e))),
        ("F16 infinity", stored("f16", |bytes| bytes[..2].copy_from_slice(&[0x00, 0x7c]))),
        ("BF16 NaN", stored("bf16", |bytes| bytes[..2].fill(0xff))),
    ]
}

/// Reads the file and checks every tensor.
fn refusal(bytes: Vec<u8>) -> Option<Error> {
    let file = match File::parse(bytes.into()) {
        Ok(file) => file,
        Err(error) => return Some(error),
    };
    let check = |tensor: &engine::gguf::Tensor| {
        tensor.format().check(file.tensor_bytes(tensor), tensor.shape()).err()
    };
    file.tensors().iter().find_map(check)
}

/// Requirement: M3.
#[test]
fn every_malformed_file_is_refused_with_its_text_and_bounded_memory() {
    let mut texts = String::new();
    for (name, bytes) in published().into_iter().chain(further()).chain(unpackable()) {
        let size = bytes.len() as u64;
        let before = allocations();
        set_counting(true);
        let refusal = refusal(bytes);
        set_counting(false);
        let asked = allocations().bytes - before.bytes;
        let refusal = refusal.unwrap_or_else(|| panic!("{name}: accepted"));
        writeln!(texts, "{name}\n    {:?}: {refusal}", refusal.kind()).unwrap();
        // Texts, and what is kept of the file's own bytes: never what a count in it claims.
        assert!(asked <= 16 * 1024 + 4 * size, "{name}: {asked} bytes for a file of {size}");
    }
    let known = include_str!("data/gguf-errors.txt");
    if texts != known {
        let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/gguf-errors.txt");
        fs::write(path, &texts).unwrap();
        let differ = texts.lines().zip(known.lines()).find(|(found, known)| found != known);
        panic!("other texts than those on file, the first of them {differ:#?}; all are in {path}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a bound on time, with no clock to hand down")]
fn a_count_of_2_to_the_40_is_refused_at_once() {
    let bytes = raw(3, 1 << 40, 0, &[&[0; 76]]);
    let mut times: Vec<_> = (0..9)
        .map(|_| {
            let bytes = bytes.clone();
            let start = std::time::Instant::now();
            assert!(File::parse(bytes.into()).is_err());
            start.elapsed()
        })
        .collect();
    times.sort();
    // Microseconds; a thousand leave room for a machine that is busy with something else.
    assert!(times[4].as_micros() < 1_000, "{times:?}");
}
