//! Wire forms of `record/subject.rs`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Hex, mirror, present};
use crate::record as domain;

/// The program that wrote the record.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Tool {
    name: String,
    version: String,
    #[serde(deserialize_with = "present")]
    commit: Option<String>,
    #[serde(deserialize_with = "present")]
    dirty: Option<bool>,
    toolchain: String,
    profile: String,
    target: String,
    features: Vec<String>,
}

mirror!(Tool for domain::Tool { name, version, commit, dirty, toolchain, profile, target, features });

/// What was measured.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Subject {
    binary: Hex,
    binary_bytes: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-since" = "1.1"))]
    layouts: Vec<Layout>,
    model: ModelInfo,
    settings: Settings,
}

mirror!(Subject for domain::Subject { binary, binary_bytes, layouts, model, settings });

/// One link of a build.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Layout {
    binary: Hex,
    seed: u64,
}

mirror!(Layout for domain::Layout { binary, seed });

/// A model as its own file describes it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelInfo {
    name: String,
    digest: Hex,
    file_bytes: u64,
    architecture: String,
    n_layers: u64,
    n_embd: u64,
    n_ff: u64,
    n_heads: u64,
    n_kv_heads: u64,
    head_dim: u64,
    n_vocab: u64,
    n_ctx: u64,
    linears: Vec<Linear>,
}

mirror!(ModelInfo for domain::ModelInfo {
    name, digest, file_bytes, architecture, n_layers, n_embd, n_ff, n_heads, n_kv_heads, head_dim, n_vocab, n_ctx,
    linears,
});

/// One kind of matrix product of the model.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Linear {
    name: String,
    rows: u64,
    cols: u64,
    format: String,
    n: u64,
    bytes: u64,
    once_per_sequence: bool,
}

mirror!(Linear for domain::Linear { name, rows, cols, format, n, bytes, once_per_sequence });

/// How the engine was set up.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    isa: String,
    threads: u64,
    pinned: bool,
    activations: String,
    batch: u64,
    device_requested: String,
    device_selected: String,
    #[serde(deserialize_with = "present")]
    fallback: Option<String>,
}

mirror!(Settings for domain::Settings {
    isa, threads, pinned, activations, batch, device_requested, device_selected, fallback,
});
