//! Whatever the writer writes, the reader reads: any keys, values, arrays and tensors.

use engine::gguf::{File, Value, Writer};
use engine::quant::Shape;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

/// A value that owns its bytes. `F32` and `F64` are bits, so that every NaN is compared too.
#[derive(Clone, Debug)]
enum Owned {
    Number(u8, u64),
    Text(Vec<u8>),
    Texts(Vec<Vec<u8>>),
    Ints(Vec<i32>),
}

fn owned() -> impl Strategy<Value = Owned> {
    prop_oneof![
        (0_u8..11, any::<u64>()).prop_map(|(kind, bits)| Owned::Number(kind, bits)),
        vec(any::<u8>(), 0..20).prop_map(Owned::Text),
        vec(vec(any::<u8>(), 0..9), 0..9).prop_map(Owned::Texts),
        vec(any::<i32>(), 0..9).prop_map(Owned::Ints),
    ]
}

/// The number of kind `kind` whose bytes are the first of `bits`.
fn number(kind: u8, bits: u64) -> Value<'static> {
    let b = bits.to_le_bytes();
    match kind {
        0 => Value::U8(b[0]),
        1 => Value::I8(i8::from_le_bytes([b[0]])),
        2 => Value::U16(u16::from_le_bytes([b[0], b[1]])),
        3 => Value::I16(i16::from_le_bytes([b[0], b[1]])),
        4 => Value::U32(u32::from_le_bytes([b[0], b[1], b[2], b[3]])),
        5 => Value::I32(i32::from_le_bytes([b[0], b[1], b[2], b[3]])),
        6 => Value::F32(f32::from_le_bytes([b[0], b[1], b[2], b[3]])),
        7 => Value::Bool(b[0] & 1 == 1),
        8 => Value::U64(bits),
        9 => Value::I64(bits.cast_signed()),
        _ => Value::F64(f64::from_bits(bits)),
    }
}

/// The bits of a value, since NaN differs from itself.
fn shown(value: &Value<'_>) -> String {
    match value {
        Value::F32(v) => format!("f32 {:08x}", v.to_bits()),
        Value::F64(v) => format!("f64 {:016x}", v.to_bits()),
        Value::Array(array) => {
            let elements: Vec<String> = array.iter().map(|element| shown(&element)).collect();
            format!("{} {elements:?}", value.described())
        }
        other => format!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn entries_survive(entries in btree_map(vec(any::<u8>(), 1..12), owned(), 0..12)) {
        prop_assume!(!entries.contains_key(&b"general.alignment"[..]));
        let mut writer = Writer::new();
        let mut expected = Vec::new();
        for (key, value) in &entries {
            let key_text = String::from_utf8_lossy(key);
            match value {
                Owned::Number(kind, bits) => { writer.entry(key, &number(*kind, *bits)); }
                Owned::Text(text) => { writer.entry(key, &Value::String(text)); }
                // Arrays are written by name, and a name is text.
                Owned::Texts(_) | Owned::Ints(_) if key_text.as_bytes() != key => continue,
                Owned::Texts(texts) => { writer.strings(&key_text, texts); }
                Owned::Ints(ints) => { writer.i32s(&key_text, ints); }
            }
            expected.push((key.clone(), value.clone()));
        }
        let file = File::parse(writer.to_bytes().into()).unwrap();
        prop_assert_eq!(file.entries().len(), expected.len());
        for ((key, value), (expected_key, expected)) in file.entries().zip(&expected) {
            prop_assert_eq!(key, &expected_key[..]);
            match expected {
                Owned::Number(kind, bits) => prop_assert_eq!(shown(&value), shown(&number(*kind, *bits))),
                Owned::Text(text) => prop_assert_eq!(value, Value::String(text)),
                Owned::Texts(texts) => {
                    let key = std::str::from_utf8(key).unwrap();
                    let found: Vec<&[u8]> = file.string_array(key).unwrap().raw().collect();
                    prop_assert_eq!(&found, texts);
                }
                Owned::Ints(ints) => {
                    let key = std::str::from_utf8(key).unwrap();
                    prop_assert_eq!(&file.i32_array(key).unwrap(), ints);
                }
            }
        }
        // And a copy made of what was read is the same file.
        let mut copy = Writer::new();
        for (key, value) in file.entries() {
            copy.entry(key, &value);
        }
        prop_assert_eq!(copy.to_bytes(), file.bytes());
    }

    #[test]
    fn tensors_survive(
        shapes in vec((0_u64..4, 0_u64..5, any::<proptest::sample::Index>(), any::<u8>()), 0..9),
        alignment in 0_u32..8,
    ) {
        let formats = engine::quant::FORMATS;
        let mut writer = Writer::new();
        // Type 39 is TL2 in files of this architecture.
        writer.string("general.architecture", "bitnet-b1.58").alignment(1 << alignment);
        let mut expected = Vec::new();
        for (i, &(cols, rows, ref format, fill)) in shapes.iter().enumerate() {
            let format = format.get(formats);
            // Formats in tiles have 32 rows or a multiple.
            let (cols, rows) = (cols * format.block_len() as u64, rows * 32);
            let dims = [cols, rows];
            let shape = Shape::new(usize::try_from(rows).unwrap(), usize::try_from(cols).unwrap());
            let bytes = vec![fill; format.n_bytes(shape).unwrap()];
            writer.tensor(&format!("blk.{i}.weight"), &dims, format.id(), &bytes);
            expected.push((dims, format.name(), bytes));
        }
        let file = File::parse(writer.to_bytes().into()).unwrap();
        prop_assert_eq!(file.tensors().len(), expected.len());
        for (tensor, (dims, format, bytes)) in file.tensors().iter().zip(&expected) {
            prop_assert_eq!(tensor.dims(), dims.map(|dim| usize::try_from(dim).unwrap()));
            prop_assert_eq!(tensor.format().name(), *format);
            prop_assert_eq!(file.tensor_bytes(tensor), &bytes[..]);
            prop_assert_eq!(file.tensor(tensor.name()).unwrap().range(), tensor.range());
            prop_assert!(tensor.range().start.is_multiple_of(1 << alignment));
        }
    }
}
