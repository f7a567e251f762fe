//! `bench model convert` and `bench model logits` on tiny checkpoints, against the logits of transformers
//! (`engine/tests/reference`). The engine's own test walks every case; here the commands are what is tested.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod common;
#[path = "../../engine/tests/convert/folder.rs"]
mod folder;

use std::fs;

use common::Folder;
use folder::Case;

#[test]
fn a_converted_checkpoint_gives_the_logits_of_transformers() {
    for name in ["bitnet-online-bf16", "bitnet-offline", "llama-untied"] {
        let here = Folder::new();
        let case = Case::named(name);
        fs::create_dir(here.path(name)).unwrap();
        case.write(&here.path(name));
        here.bench(&["model", "convert", name, "--out", "tiny.gguf"])
            .expect(0, &["warning: there is no tokenizer.json", "wrote tiny.gguf", "tensors"]);
        let (ids, golden) = case.golden();
        let listed: Vec<String> = ids.iter().map(u32::to_string).collect();
        let listed = listed.join(",");
        here.bench(&[
            "model",
            "logits",
            "--model",
            "tiny.gguf",
            "--ids",
            &listed,
            "--out",
            "x.safetensors",
        ])
        .expect(0, &["[24, 320]"]);
        let bytes = fs::read(here.path("x.safetensors")).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let logits = tensors.tensor("logits").unwrap().data().as_chunks::<4>().0.to_vec();
        let logits: Vec<f32> = logits.into_iter().map(f32::from_le_bytes).collect();
        for (t, (row, want)) in logits.chunks(320).zip(golden.chunks(320)).enumerate() {
            let dot = |a: &[f32], b: &[f32]| -> f64 {
                a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
            };
            let cosine = dot(row, want) / (dot(row, row) * dot(want, want)).sqrt();
            assert!(cosine >= 0.9999, "{name} position {t}: cosine {cosine}");
        }
    }
}

#[test]
fn what_cannot_be_converted_exits_1_and_leaves_no_file() {
    let here = Folder::new();
    let convert = |folder: &str, more: &[&str]| {
        here.bench(&[&["model", "convert", folder, "--out", "tiny.gguf"], more].concat())
    };
    convert("nowhere", &[]).expect(1, &["failed to convert", "`nowhere`", "config.json"]);
    let mut case = Case::named("llama-untied");
    case.config["architectures"] = serde_json::json!(["GemmaForCausalLM"]);
    fs::create_dir(here.path("tiny")).unwrap();
    case.write(&here.path("tiny"));
    convert("tiny", &[])
        .expect(1, &["GemmaForCausalLM", "BitNetForCausalLM, BitnetForCausalLM, LlamaForCausalLM"]);
    convert("tiny", &["--float", "q4_0"]).expect(1, &["f16, f32", "\"q4_0\""]);
    convert("tiny", &["--ternary", "f16"]).expect(1, &["i2_s", "\"f16\""]);
    assert!(!here.path("tiny.gguf").exists());
}
