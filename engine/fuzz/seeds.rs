//! Writes the seeds of both targets: small files and tensors that are read, so that mutations start from something.
//! In: a folder as the one argument. Out: `gguf/` and `formats/` in it.

use std::{fs, io, path::Path};

use engine::{
    gguf::Writer,
    quant::{FORMATS, Shape},
};

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1).expect("usage: seeds FOLDER");
    let folder = Path::new(&folder);
    for (i, format) in FORMATS.iter().enumerate() {
        let shape = Shape::new(32, 256);
        let values: Vec<f32> = (0..32 * 256).map(|i| [-0.5, 0.0, 0.5][i * 7 % 3]).collect();
        let tensor = format.encode(&values, shape).expect("every format holds these");
        write(&folder.join("gguf"), format.name(), &file(format.id(), &tensor))?;
        let head = [u8::try_from(i).expect("few formats"), 32, 16];
        write(&folder.join("formats"), format.name(), &[&head[..], &tensor].concat())?;
    }
    Ok(())
}

/// A file with one tensor of this type, keys of a model, and a tokenizer of three tokens.
fn file(type_id: u32, tensor: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer
        .string("general.architecture", "bitnet-b1.58")
        .u32("general.file_type", 40)
        .u32("bitnet-b1.58.block_count", 1)
        .u32("bitnet-b1.58.embedding_length", 256)
        .f32("bitnet-b1.58.attention.layer_norm_rms_epsilon", 1e-5)
        .string("tokenizer.ggml.model", "gpt2")
        .strings("tokenizer.ggml.tokens", &["a", "b", "ab"])
        .i32s("tokenizer.ggml.token_type", &[1, 1, 1])
        .strings("tokenizer.ggml.merges", &["a b"])
        .tensor("token_embd.weight", &[256, 32], type_id, tensor);
    writer.to_bytes()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(name), bytes)
}
