//! Hugging Face folders converted, and the logits of the result against those of transformers (`reference/make_goldens.py`).

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]
#![expect(clippy::print_stdout, reason = "what was seen, for the table in reference/README.md")]

mod bad_input;
mod folder;
mod tokenizer;

use engine::{Model, Session, SessionOptions, convert};
use folder::{Case, Tensor};
use serde_json::json;

/// Logits behind every id, `[ids][vocab]`, of the case as converted.
fn logits(case: &Case, options: &convert::Options, ids: &[u32]) -> Vec<Vec<f32>> {
    let here = tempfile::tempdir().unwrap();
    case.write(here.path());
    let converted = convert::hugging_face(here.path(), options).unwrap();
    assert_eq!(converted.warnings.len(), 1, "{:?}", converted.warnings);
    assert!(converted.warnings[0].contains("no tokenizer"), "{:?}", converted.warnings);
    let model = Model::from_bytes(converted.bytes.into()).unwrap();
    assert_eq!(model.config().architecture, converted.architecture);
    let mut session = Session::new(&model, &SessionOptions::default()).unwrap();
    let mut rows = Vec::new();
    session.score(ids, |_, row| rows.push(row.to_vec())).unwrap();
    rows
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// The two largest, and the place of the first.
fn top_2(row: &[f32]) -> (usize, f32, f32) {
    let best = (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap();
    let second = (0..row.len()).filter(|i| *i != best).map(|i| row[i]).fold(f32::MIN, f32::max);
    (best, row[best], second)
}

/// What is seen per case stands in tests/reference/README.md; the bounds are those of the issue that asked for the engine.
fn matches_transformers(name: &str) {
    let case = Case::named(name);
    let (ids, golden) = case.golden();
    let rows = logits(&case, &convert::Options::default(), &ids);
    assert_eq!(rows.len(), ids.len());
    let golden: Vec<&[f32]> = golden.chunks(golden.len() / ids.len()).collect();
    let (mut least, mut n_clear, mut worst) = (1.0_f64, 0, 0.0_f32);
    for (t, (row, want)) in rows.iter().zip(&golden).enumerate() {
        assert_eq!(row.len(), want.len());
        let cosine = cosine(row, want);
        assert!(cosine >= 0.9999, "{name} position {t}: cosine {cosine}");
        least = least.min(cosine);
        worst = row.iter().zip(*want).fold(worst, |worst, (a, b)| worst.max((a - b).abs()));
        let (best, first, second) = top_2(want);
        if first - second > 0.02 {
            n_clear += 1;
            assert_eq!(top_2(row).0, best, "{name} position {t}, margin {}", first - second);
        }
    }
    println!(
        "{name}: 1 - cosine up to {:.1e}, difference up to {worst:.1e}, {n_clear} clear",
        1.0 - least
    );
    assert!(n_clear >= 22, "{name}: {n_clear} of {} margins are clear", ids.len());
    let distinct: std::collections::BTreeSet<_> = golden.iter().map(|row| top_2(row).0).collect();
    assert!(distinct.len() >= 10, "{name}: the model says one thing always");
}

#[test]
fn bitnet_master_weights_in_bf16_give_the_logits_of_transformers() {
    matches_transformers("bitnet-online-bf16");
}

#[test]
fn bitnet_master_weights_in_f32_give_the_logits_of_transformers() {
    matches_transformers("bitnet-online-f32");
}

#[test]
fn bitnet_packed_with_scales_that_multiply_gives_the_logits_of_transformers() {
    matches_transformers("bitnet-offline");
}

#[test]
fn bitnet_packed_with_scales_that_divide_gives_the_logits_of_transformers() {
    matches_transformers("bitnet-bitlinear");
}

#[test]
fn bitnet_with_a_silu_gate_gives_the_logits_of_transformers() {
    matches_transformers("bitnet-silu");
}

#[test]
fn a_dense_llama_gives_the_logits_of_transformers() {
    matches_transformers("llama-untied");
}

#[test]
fn a_dense_llama_with_a_tied_head_gives_the_logits_of_transformers() {
    matches_transformers("llama-tied");
}

#[test]
fn a_llama_with_scaled_rope_and_heads_of_their_own_size_gives_the_logits_of_transformers() {
    matches_transformers("llama-scaled");
}

#[test]
fn a_ternary_llama_gives_the_logits_of_transformers() {
    matches_transformers("llama-ternary");
}

/// The weights of the cases are exact in half precision, so nothing may change with the type.
#[test]
fn f32_and_f16_give_the_same_logits() {
    let case = Case::named("llama-tied");
    let (ids, _) = case.golden();
    let f32s = logits(&case, &convert::Options::named("f32", "i2_s").unwrap(), &ids);
    assert_eq!(f32s, logits(&case, &convert::Options::default(), &ids));
}

/// Scales in the format or beside it, groups of 128 or 256: the products are of the same integers.
#[test]
fn every_ternary_format_gives_the_same_logits() {
    let case = Case::named("bitnet-online-f32");
    let (ids, _) = case.golden();
    let of = |format: &str| logits(&case, &convert::Options::named("f16", format).unwrap(), &ids);
    let i2_s = of("i2_s");
    let formats = engine::quant::FORMATS.iter().filter(|format| format.ternary().is_some());
    for format in formats.map(|format| format.name()) {
        assert!(of(format) == i2_s, "{format}");
    }
}

/// The weights of the SiLU case under the names of 1bitLLM's class are the same model.
#[test]
fn the_names_of_1bitllm_are_names_of_the_same_tensors() {
    let case = Case::named("bitnet-silu");
    let mut other = Case::named("bitnet-silu");
    other.config["architectures"] = json!(["BitnetForCausalLM"]);
    other.config["quantization_config"] = json!(null);
    other.config["weight_bits"] = json!(1);
    let mut tensors = case.tensors();
    for tensor in &mut tensors {
        let name = tensor.name.replace("self_attn.attn_sub_norm", "self_attn.inner_attn_ln");
        tensor.name = name.replace("mlp.ffn_sub_norm", "mlp.ffn_layernorm");
    }
    let convert = |case: &Case, tensors: &[Tensor]| {
        // The folder's name is the model's.
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().join("tiny");
        std::fs::create_dir(&folder).unwrap();
        case.write_tensors(&folder, tensors);
        convert::hugging_face(&folder, &convert::Options::default()).unwrap()
    };
    assert!(convert(&case, &case.tensors()).bytes == convert(&other, &tensors).bytes);
}
