//! Trits, scales and everything else through every pair of ternary formats.

use super::*;
use crate::{Drawing, builtin};

fn formats() -> impl Iterator<Item = &'static dyn BlockFormat> {
    quant::FORMATS.iter().copied().filter(|format| format.ternary().is_some())
}

fn file(bytes: Vec<u8>) -> File {
    File::parse(bytes.into()).unwrap()
}

fn to(file: &File, name: &str) -> Conversion {
    ternary(file, quant::by_name(name).unwrap()).unwrap()
}

/// A file of matrices that every format can cut, in I2_S with scales that f16 doesn't have.
fn seeded() -> File {
    let mut drawing = Drawing::new(12, "convert");
    let mut writer = Writer::new();
    writer.string("general.architecture", "bitnet-b1.58").u32(FILE_TYPE, 40).strings("x", &["a"]);
    for (i, rows, cols) in [(0_u8, 64, 256), (1, 256, 512), (2, 640, 768)] {
        let trits: Vec<i8> =
            (0..rows * cols).map(|_| [-1, 0, 1][drawing.below(3) as usize]).collect();
        let scale = drawing.unit_f32() + 0.01;
        let bytes = quant::i2_s::I2S.pack(&trits, scale, Shape::new(rows, cols)).unwrap();
        let (dims, name) = ([cols as u64, rows as u64], format!("blk.{i}.attn_q.weight"));
        writer.tensor(&name, &dims, 36, &bytes);
        writer.tensor(&format!("blk.{i}.attn_norm.weight"), &[2], 0, &[i; 8]);
    }
    file(writer.to_bytes())
}

/// Names, dimensions, types and bytes of all tensors, sorted by name.
fn contents(file: &File) -> Vec<(String, Vec<usize>, &'static str, &[u8])> {
    let of = |t: &Tensor| {
        (t.name().to_owned(), t.dims().to_vec(), t.format().name(), file.tensor_bytes(t))
    };
    let mut all: Vec<_> = file.tensors().iter().map(of).collect();
    all.sort();
    all
}

/// -1, 0 and +1 of each ternary tensor.
fn counts(file: &File) -> Vec<(String, [usize; 3])> {
    let mut all = Vec::new();
    for tensor in file.tensors() {
        let Some(format) = tensor.format().ternary() else { continue };
        let mut trits = vec![0; tensor.n_elements()];
        format.unpack(file.tensor_bytes(tensor), tensor.shape(), &mut trits).unwrap();
        let count = |trit| trits.iter().filter(|t| **t == trit).count();
        all.push((tensor.name().to_owned(), [count(-1), count(0), count(1)]));
    }
    all
}

#[test]
fn trits_and_scales_survive_every_pair_of_formats() {
    for (source, any_cols) in
        [(seeded(), true), (File::parse(builtin::bytes("stories").unwrap()).unwrap(), false)]
    {
        let (want, want_counts) = (contents(&source), counts(&source));
        assert!(want_counts.iter().all(|(_, [minus, _, plus])| *minus > 0 && *plus > 0));
        for first in formats() {
            let once = file(ternary(&source, first).unwrap().bytes);
            for second in formats() {
                let converted = ternary(&once, second).unwrap();
                assert!(!any_cols || converted.warnings.is_empty(), "{:?}", converted.warnings);
                let twice = file(converted.bytes);
                let what = format!("i2_s -> {} -> {}", first.name(), second.name());
                assert_eq!(counts(&twice), want_counts, "{what}");
                let back = file(to(&twice, "i2_s").bytes);
                assert!(contents(&back) == want, "{what} -> i2_s");
            }
        }
    }
}

#[test]
fn formats_without_a_scale_of_the_tensor_get_one_beside_it() {
    let source = seeded();
    let converted = file(to(&source, "tq2_0").bytes);
    assert_eq!(converted.u32(FILE_TYPE).unwrap(), 37);
    let names: Vec<&str> = converted.tensors().iter().map(Tensor::name).collect();
    assert_eq!(names[..3], ["blk.0.attn_q.weight", "blk.0.attn_q.scale", "blk.0.attn_norm.weight"]);
    for tensor in source.tensors().iter().filter(|tensor| tensor.format().id() == 36) {
        let scale = converted.tensor(&scale_name(tensor.name())).unwrap();
        let want = tensor.format().scale(source.tensor_bytes(tensor), tensor.shape());
        assert_eq!(one_number(&converted, scale).map(f32::to_bits), Some(want.to_bits()));
        let weight = converted.tensor(tensor.name()).unwrap();
        assert_eq!((weight.format().name(), weight.dims()), ("tq2_0", tensor.dims()));
        let mut trits = vec![0; weight.n_elements()];
        let format = weight.format().ternary().unwrap();
        let scale = format.unpack(converted.tensor_bytes(weight), weight.shape(), &mut trits);
        assert_eq!(scale.unwrap().to_bits(), 1.0_f32.to_bits());
    }
}

#[test]
fn keys_are_copied_in_order_and_the_file_type_is_the_formats() {
    let source = File::parse(builtin::bytes("stories").unwrap()).unwrap();
    for format in formats() {
        let converted = file(ternary(&source, format).unwrap().bytes);
        let want = FILE_TYPES.iter().find(|(name, _)| *name == format.name()).expect("has one").1;
        assert_eq!(converted.u32(FILE_TYPE).unwrap(), want, "{}", format.name());
        let other = |(key, value): (&[u8], Value<'_>)| {
            let key = String::from_utf8(key.to_vec()).unwrap();
            (key != FILE_TYPE && key != gguf::TILES_KEY).then(|| (key, format!("{value:?}")))
        };
        let of = |file: &File| file.entries().filter_map(other).collect::<Vec<_>>();
        assert!(of(&converted) == of(&source), "{}", format.name());
    }
    let mut writer = Writer::new();
    writer.string("general.architecture", "x").alignment(64).tensor("t", &[1], 0, &[0; 4]);
    let converted = file(to(&file(writer.to_bytes()), "tq1_0").bytes);
    assert_eq!((converted.alignment(), converted.u32(FILE_TYPE).unwrap()), (64, 36));
}

#[test]
fn what_the_new_format_cannot_hold_stays_with_a_reason() {
    let trits: Vec<i8> = (0..512).map(|i| [-1, 0, 1][i % 3]).collect();
    let shape = Shape::new(2, 256);
    let i2_s = quant::i2_s::I2S.pack(&trits, 0.1, shape).unwrap();
    let narrow = quant::i2_s::I2S.pack(&trits, 0.1, Shape::new(4, 128)).unwrap();
    let mut mixed = vec![0.5; 512];
    mixed[256..].fill(0.25);
    let mixed = quant::tq1_0::Tq1_0.encode(&mixed, shape).unwrap();
    let mut writer = Writer::new();
    // The scale in front of its matrix, as a file of another program may have it.
    writer.tensor("a.scale", &[1], 0, &3.0_f32.to_le_bytes());
    writer.tensor("a.weight", &[256, 2], 36, &i2_s);
    writer.tensor("b.weight", &[128, 4], 36, &narrow);
    writer.tensor("c.weight", &[256, 2], 34, &mixed);
    writer.tensor(GATHERED, &[256, 2], 36, &i2_s);
    writer.tensor("d.weight", &[256, 2], 36, &i2_s).tensor("d.scale", &[2], 0, &[0; 8]);
    let source = file(writer.to_bytes());
    let converted = to(&source, "tq2_0");
    let kept: Vec<(&str, &str, &str)> = converted
        .warnings
        .iter()
        .map(|kept| (kept.tensor.as_str(), kept.format, kept.reason.as_str()))
        .collect();
    let part = [
        ("a.weight", "i2_s", "no exact product"),
        ("b.weight", "i2_s", "a multiple of 256 for tq2_0, found 128"),
        ("c.weight", "tq1_0", "expected the scale 0.5 of block 0, found 0.25"),
        (GATHERED, "i2_s", "gathered"),
        ("d.weight", "i2_s", "`d.scale` is not one f32"),
    ];
    assert_eq!(kept.len(), part.len(), "{kept:?}");
    for (kept, part) in kept.iter().zip(part) {
        assert!((kept.0, kept.1) == (part.0, part.1) && kept.2.contains(part.2), "{kept:?}");
    }
    // All is still there, as it was.
    assert!(contents(&file(converted.bytes)) == contents(&source));
    let refused = ternary(&source, &quant::f16::F16).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn a_scale_beside_a_matrix_is_folded_only_where_no_bit_is_lost() {
    let trits: Vec<i8> = (0..512).map(|i| [-1, 0, 1][i % 3]).collect();
    // 0.1 · 3 has 26 bits, 0.1 · 4 has as many as 0.1; -2 can't be a tensor's own.
    for (factor, folded) in [(3.0_f32, None), (4.0, Some(0.4_f32)), (-2.0, Some(-0.2))] {
        let tq = quant::tq2_0::Tq2_0.pack(&trits, 1.0, Shape::new(2, 256)).unwrap();
        let mut writer = Writer::new();
        writer.tensor("a.weight", &[256, 2], 35, &tq);
        writer.tensor("a.scale", &[1], 0, &(factor * 0.1).to_le_bytes());
        let own = to(&file(writer.to_bytes()), "i2_s");
        assert!(own.warnings.is_empty());
        let own = file(own.bytes);
        // Scale 1 within, so the product is exact whatever stands beside; but for the sign.
        assert_eq!(own.tensors().len(), if factor < 0.0 { 2 } else { 1 }, "{factor}");

        let i2_s = quant::i2_s::I2S.pack(&trits, 0.1, Shape::new(2, 256)).unwrap();
        assert_eq!(exact_product(0.1, factor).map(f32::to_bits), folded.map(f32::to_bits));
        let mut writer = Writer::new();
        writer.tensor("a.weight", &[256, 2], 36, &i2_s);
        writer.tensor("a.scale", &[1], 0, &factor.to_le_bytes());
        let converted = to(&file(writer.to_bytes()), "tq1_0");
        assert_eq!(converted.warnings.len(), usize::from(folded.is_none()));
        if let Some(folded) = folded {
            let converted = file(converted.bytes);
            let scale = converted.tensor("a.scale").unwrap();
            assert_eq!(one_number(&converted, scale).map(f32::to_bits), Some(folded.to_bits()));
        }
    }
}

#[test]
fn a_matrix_whose_bytes_are_broken_is_an_error_that_names_it() {
    let mut writer = Writer::new();
    writer.tensor("a.weight", &[128, 1], 36, &[0xff; 64]);
    let error = ternary(&file(writer.to_bytes()), quant::by_name("tq2_0").unwrap()).unwrap_err();
    assert!(error.to_string().contains("tensor `a.weight`: "), "{error}");
}
