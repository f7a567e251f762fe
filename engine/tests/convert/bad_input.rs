//! Damaged, incomplete and foreign folders: an error that names the file or the tensor, never a panic, never a file.

use std::fs;

use engine::{
    Error, ErrorKind, Model,
    convert::{self, Converted, Options},
};
use safetensors::Dtype;
use serde_json::{Value, json};

use super::folder::{Case, Tensor};

fn convert_tensors(case: &Case, tensors: &[Tensor]) -> Result<Converted, Error> {
    let here = tempfile::tempdir().unwrap();
    case.write_tensors(here.path(), tensors);
    convert::hugging_face(here.path(), &Options::default())
}

/// The error must be of this kind and say all of this.
fn refused(result: Result<Converted, Error>, kind: ErrorKind, parts: &[&str]) {
    let error = result.map(|converted| converted.n_tensors).unwrap_err();
    let text = error.to_string();
    assert_eq!(error.kind(), kind, "{text}");
    assert!(parts.iter().all(|part| text.contains(part)), "expected {parts:?} in {text}");
    assert!(!text.contains('\n'), "{text}");
}

/// The case with one tensor changed.
fn changed(name: &str, tensor: &str, change: impl Fn(&mut Tensor)) -> Result<Converted, Error> {
    let case = Case::named(name);
    let mut tensors = case.tensors();
    change(tensors.iter_mut().find(|candidate| candidate.name == tensor).unwrap());
    convert_tensors(&case, &tensors)
}

fn configured(name: &str, key: &str, value: Value) -> Result<Converted, Error> {
    let mut case = Case::named(name);
    case.config[key] = value;
    let tensors = case.tensors();
    convert_tensors(&case, &tensors)
}

const Q: &str = "model.layers.1.self_attn.q_proj.weight";

#[test]
fn a_tensor_of_another_shape_type_or_value_is_named() {
    let shape = changed("llama-untied", Q, |tensor| tensor.shape.reverse());
    assert!(shape.is_ok(), "a square matrix has one shape");
    let flat = changed("llama-untied", Q, |tensor| tensor.shape = vec![128 * 128]);
    refused(flat, ErrorKind::Shape, &[Q, "[128, 128]", "[16384]"]);
    let nan = changed("bitnet-online-f32", Q, |t| t.bytes[4..8].copy_from_slice(&[0xff; 4]));
    refused(nan, ErrorKind::NonFinite, &[Q, "NaN at 1"]);
    let integers = changed("llama-untied", Q, |tensor| tensor.dtype = Dtype::I16);
    refused(integers, ErrorKind::Checkpoint, &[Q, "BF16", "I16"]);
    let large = changed("llama-tied", Q, |tensor| tensor.bytes[..2].copy_from_slice(&[0x80, 0x47]));
    refused(large, ErrorKind::NonFinite, &[Q, "f16", "write f32"]);
    let text = changed("bitnet-offline", Q, |t| (t.dtype, t.shape) = (Dtype::BF16, vec![32, 64]));
    refused(text, ErrorKind::Shape, &[Q, "[32, 128]", "[32, 64]"]);
    let signed = changed("bitnet-offline", Q, |tensor| tensor.dtype = Dtype::I8);
    refused(signed, ErrorKind::Checkpoint, &[Q, "U8", "I8"]);
}

#[test]
fn packed_weights_that_no_packer_writes_are_refused() {
    let three = changed("bitnet-offline", Q, |tensor| tensor.bytes[77] = 0b11 << 4);
    refused(three, ErrorKind::Checkpoint, &[Q, "found 3 in byte 77"]);
    let scale = format!("{Q}_scale");
    for bits in [0, 0x8000, 0xbf80, 0x7f80_u16, 0x7fc0] {
        for case in ["bitnet-offline", "llama-ternary"] {
            let result = changed(case, &scale, |t| t.bytes.copy_from_slice(&bits.to_le_bytes()));
            let error = result.map(|_| ()).unwrap_err();
            assert!(error.to_string().contains(&scale), "{bits:#x}: {error}");
        }
    }
}

#[test]
fn missing_and_surplus_tensors_are_named() {
    let case = Case::named("llama-untied");
    let without = |name: &str| {
        let mut tensors = case.tensors();
        tensors.retain(|tensor| tensor.name != name);
        convert_tensors(&case, &tensors)
    };
    for name in [Q, "model.norm.weight", "lm_head.weight", "model.embed_tokens.weight"] {
        refused(without(name), ErrorKind::Checkpoint, &[name, "no such tensor"]);
    }
    let mut tensors = case.tensors();
    let bias = Q.replace("weight", "bias");
    let name = bias.clone();
    tensors.push(Tensor { name, dtype: Dtype::F32, shape: vec![1], bytes: vec![0; 4] });
    refused(convert_tensors(&case, &tensors), ErrorKind::Checkpoint, &[&bias, "has a place for"]);
    let mut tensors = case.tensors();
    let name = "model.layers.0.self_attn.rotary_emb.inv_freq".to_owned();
    tensors.push(Tensor { name, dtype: Dtype::F32, shape: vec![1], bytes: vec![0; 4] });
    assert!(convert_tensors(&case, &tensors).is_ok(), "older checkpoints store what RoPE computes");
}

#[test]
fn a_tied_head_that_is_stored_all_the_same_is_left_out_with_a_warning() {
    let case = Case::named("llama-untied");
    let mut tied = Case::named("llama-untied");
    tied.config["tie_word_embeddings"] = json!(true);
    let converted = convert_tensors(&tied, &case.tensors()).unwrap();
    assert!(converted.warnings.iter().any(|warning| warning.contains("lm_head.weight")));
    let mut silent = Case::named("llama-tied");
    silent.config["tie_word_embeddings"] = json!(null);
    let tensors = Case::named("llama-tied").tensors();
    let converted = convert_tensors(&silent, &tensors).unwrap();
    assert!(converted.warnings.iter().any(|warning| warning.contains("taken to be the embedding")));
    Model::from_bytes(converted.bytes.into()).unwrap();
}

#[test]
fn foreign_configurations_say_what_is_known() {
    let gemma = configured("llama-untied", "architectures", json!(["GemmaForCausalLM"]));
    let parts = ["config.json", "BitNetForCausalLM", "LlamaForCausalLM", "\"GemmaForCausalLM\""];
    refused(gemma, ErrorKind::UnsupportedArchitecture, &parts);
    let awq = configured("llama-untied", "quantization_config", json!({"quant_method": "awq"}));
    refused(awq, ErrorKind::Checkpoint, &["quant_method", "bitnet", "\"awq\""]);
    let dense = configured("bitnet-silu", "quantization_config", json!(null));
    refused(dense, ErrorKind::Checkpoint, &["quantization_config", "online"]);
    let biased = configured("llama-untied", "attention_bias", json!(true));
    refused(biased, ErrorKind::Checkpoint, &["attention_bias", "no biases"]);
}

/// Heads of 24 values make rows that `I2_S` can't cut in groups of 128.
#[test]
fn rows_that_the_ternary_format_cannot_cut_are_refused_with_a_way_out() {
    let odd = configured("bitnet-online-f32", "hidden_size", json!(96));
    let parts =
        ["model.layers.0.self_attn.q_proj", "multiple of 128 for i2_s", "found 96", "format"];
    refused(odd, ErrorKind::Shape, &parts);
}

#[test]
fn incomplete_folders_name_the_file() {
    let here = tempfile::tempdir().unwrap();
    let convert = || convert::hugging_face(here.path(), &Options::default());
    refused(convert(), ErrorKind::Io, &["config.json"]);
    fs::write(here.path().join("config.json"), "{\"architectures\": [").unwrap();
    refused(convert(), ErrorKind::Checkpoint, &["config.json", "JSON"]);
    let case = Case::named("llama-tied");
    case.write(here.path());
    assert!(convert().is_ok());
    let index = here.path().join("model.safetensors.index.json");
    let whole: Value = serde_json::from_slice(&fs::read(&index).unwrap()).unwrap();
    for file in
        [json!("../model.safetensors"), json!("/dev/null"), json!(""), json!(".."), json!(3)]
    {
        let mut other = whole.clone();
        other["weight_map"][Q] = file;
        fs::write(&index, other.to_string()).unwrap();
        refused(convert(), ErrorKind::Checkpoint, &["index.json", Q, "file of the folder"]);
    }
    let mut other = whole.clone();
    other["weight_map"]["model.extra"] = json!("model-00002-of-00002.safetensors");
    fs::write(&index, other.to_string()).unwrap();
    refused(convert(), ErrorKind::Checkpoint, &["model.extra", "model-00002-of-00002"]);
    fs::write(&index, "{}").unwrap();
    refused(convert(), ErrorKind::Checkpoint, &["weight_map"]);
    fs::write(&index, whole.to_string()).unwrap();
    fs::remove_file(here.path().join("model-00002-of-00002.safetensors")).unwrap();
    refused(convert(), ErrorKind::Io, &["model-00002-of-00002.safetensors"]);
    fs::remove_file(index).unwrap();
    refused(convert(), ErrorKind::Io, &["model.safetensors or model.safetensors.index.json"]);
}

/// Sizes that 64 bits can hold one by one, but not with the header before them.
#[test]
fn a_header_that_claims_more_than_there_can_be_is_refused() {
    let here = tempfile::tempdir().unwrap();
    Case::named("llama-untied").write(here.path());
    let size = (1_u64 << 61) - 1;
    let tensor = |i: u64| json!({"dtype": "U8", "shape": [size], "data_offsets": [i * size, (i + 1) * size]});
    let header: Value = (0..8).map(|i| (i.to_string(), tensor(i))).collect();
    let header = header.to_string().into_bytes();
    for length in [header.len() as u64, u64::MAX, 1 << 40] {
        let file = [length.to_le_bytes().as_slice(), &header].concat();
        fs::write(here.path().join("model.safetensors"), file).unwrap();
        let result = convert::hugging_face(here.path(), &Options::default());
        refused(result, ErrorKind::Checkpoint, &["model.safetensors", "whole"]);
    }
}

#[test]
fn a_safetensors_file_cut_anywhere_or_with_any_header_byte_changed_never_panics() {
    let here = tempfile::tempdir().unwrap();
    let case = Case::named("bitnet-bitlinear");
    case.write(here.path());
    let path = here.path().join("model.safetensors");
    let whole = fs::read(&path).unwrap();
    let header = 8 + usize::try_from(u64::from_le_bytes(*whole.first_chunk().unwrap())).unwrap();
    let convert = || convert::hugging_face(here.path(), &Options::default()).map(|_| ());
    for len in (0..16).chain((16..whole.len()).step_by(whole.len() / 50)).chain([whole.len() - 1]) {
        fs::write(&path, &whole[..len]).unwrap();
        let error = convert().unwrap_err();
        assert!(error.to_string().contains("model.safetensors"), "{len}: {error}");
    }
    let mut longer = whole.clone();
    longer.push(0);
    fs::write(&path, &longer).unwrap();
    assert!(convert().is_err());
    for at in (0..header).step_by(61).chain(0..8) {
        let mut other = whole.clone();
        other[at] ^= 0x15;
        fs::write(&path, &other).unwrap();
        // A changed letter of a name or blank may leave the file what it was; it must not panic.
        let _ = convert();
    }
}
