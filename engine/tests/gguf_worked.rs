//! The smallest worked file, byte by byte, and what the reader makes of it.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use engine::gguf::{File, Value, ValueType, Writer};

/// Origin: checked by hand against the format comment in llama.cpp's `ggml/include/gguf.h`.
#[rustfmt::skip] // Rows are the dump's rows.
const WORKED: [u8; 192] = [
    0x47, 0x47, 0x55, 0x46, 0x03, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x67, 0x65, 0x6e, 0x65, 0x72, 0x61, 0x6c, 0x2e, 0x61, 0x72, 0x63, 0x68, 0x69, 0x74, 0x65, 0x63,
    0x74, 0x75, 0x72, 0x65, 0x08, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x74, 0x11, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x67, 0x65, 0x6e, 0x65, 0x72, 0x61, 0x6c,
    0x2e, 0x61, 0x6c, 0x69, 0x67, 0x6e, 0x6d, 0x65, 0x6e, 0x74, 0x04, 0x00, 0x00, 0x00, 0x20, 0x00,
    0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x77, 0x01, 0x00, 0x00, 0x00, 0x04,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x00, 0xc0, 0x00, 0x00, 0x00, 0x3f, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
];

fn decoded(file: &File, name: &str) -> Vec<f32> {
    let tensor = file.tensor(name).unwrap();
    let mut out = vec![0.0; tensor.n_elements()];
    tensor.format().decode(file.tensor_bytes(tensor), tensor.shape(), 0, &mut out).unwrap();
    out
}

#[test]
fn the_worked_file_reads_as_published() {
    let file = File::parse(WORKED.to_vec().into()).unwrap();
    assert_eq!((file.version(), file.alignment()), (3, 32));
    assert_eq!(file.string("general.architecture").unwrap(), "t");
    let tensor = file.tensor("w").unwrap();
    assert_eq!((tensor.dims(), tensor.cols(), tensor.rows()), (&[4][..], 4, 1));
    assert_eq!((tensor.format().name(), tensor.range()), ("f32", 0xa0..0xb0));
    assert_eq!(decoded(&file, "w"), [1.0, -2.0, 0.5, 0.0]);
}

#[test]
fn the_writer_writes_the_worked_file() {
    let data: Vec<u8> = [1.0_f32, -2.0, 0.5, 0.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let mut writer = Writer::new();
    writer.string("general.architecture", "t").alignment(32).tensor("w", &[4], 0, &data);
    assert_eq!(writer.to_bytes(), WORKED);
}

#[test]
fn the_trailing_pad_is_optional_and_version_2_is_the_same() {
    let mut bytes = WORKED[..0xb0].to_vec();
    bytes[4] = 2;
    let file = File::parse(bytes.into()).unwrap();
    assert_eq!((file.version(), decoded(&file, "w")[1]), (2, -2.0));
}

#[test]
fn the_built_in_file_is_what_its_card_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/models/bitnet-stories-14m-i2_s.gguf");
    let file = File::parse(engine::Bytes::open(path.as_ref()).unwrap()).unwrap();
    assert_eq!(file.string("general.architecture").unwrap(), "bitnet-b1.58");
    assert_eq!(file.u32("bitnet-b1.58.block_count").unwrap(), 8);
    assert_eq!(file.string_array("tokenizer.ggml.tokens").unwrap().len(), 4096);
    assert_eq!(file.mapped_size(), 6_516_864);
    // 12,582,912 ternary, 1,572,864 embedding, 17,792 norms: the card's parameters.
    let total = |format: &str| -> usize {
        let of_format = file.tensors().iter().filter(|t| t.format().name() == format);
        of_format.map(engine::gguf::Tensor::n_elements).sum()
    };
    assert_eq!((total("i2_s"), total("f16"), total("f32")), (12_582_912, 1_572_864, 17_792));
    for tensor in file.tensors() {
        tensor.format().check(file.tensor_bytes(tensor), tensor.shape()).unwrap();
    }
}

#[test]
fn getters_name_key_expected_and_found() {
    let mut writer = Writer::new();
    writer.u32("number", 7).string("text", "seven").strings("list", &[&b"a"[..], b"\xff"]);
    writer.entry(b"flag", &Value::Bool(true)).f32("real", 0.5).i32s("ints", &[-1, 2]);
    let file = File::parse(writer.to_bytes().into()).unwrap();

    assert_eq!(file.u32("number").unwrap(), 7);
    assert_eq!(file.find_u32("none").unwrap(), None);
    assert_eq!((file.bool("flag").unwrap(), file.f32("real").unwrap()), (true, 0.5));
    assert_eq!(file.i32_array("ints").unwrap(), [-1, 2]);
    assert_eq!(file.value("list").unwrap().kind(), ValueType::Array);

    let text = |e: engine::Error| e.to_string();
    let cases = [
        (
            text(file.u32("text").unwrap_err()),
            "key `text`: expected a value of type u32, found string",
        ),
        (
            text(file.find_u32("text").unwrap_err()),
            "key `text`: expected a value of type u32, found string",
        ),
        (
            text(file.u32("none").unwrap_err()),
            "key `none`: expected a value of type u32, found no such key",
        ),
        (
            text(file.string("list").unwrap_err()),
            "key `list`: expected a value of type string, found array of string",
        ),
        (
            text(file.string_array("ints").unwrap_err()),
            "key `ints`: expected a value of type array of string, found array of i32",
        ),
        (
            text(file.string_array("list").unwrap().iter().nth(1).unwrap().unwrap_err()),
            "element 1 of key `list`: expected UTF-8, found `\u{fffd}`",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
    assert!(
        text(file.tensor("w").unwrap_err()).starts_with("tensor `w`: expected in the model file")
    );
}
