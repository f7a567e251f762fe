//! What the scripted session measured, and where: the shapes of the built-in `stories` model on a two-core machine.

use std::collections::BTreeMap;

use super::{
    process::{self, Script},
    session::Arm,
};
use crate::{
    Digest,
    record::{
        Accuracy, Engine, Host, Linear, Mark, ModelInfo, Settings, Subject, Suite, Tool, What,
        WorkloadDef,
    },
};

/// Commit of the scripted base.
pub(super) const COMMIT_BASE: &str = "0123456789abcdef0123456789abcdef01234567";
const COMMIT_HEAD: &str = "89abcdef0123456789abcdef0123456789abcdef";

pub(super) fn tool(arm: Arm) -> Tool {
    Tool {
        name: "tritgate".to_owned(),
        version: "0.1.0".to_owned(),
        commit: Some(if arm == Arm::Base { COMMIT_BASE } else { COMMIT_HEAD }.to_owned()),
        dirty: Some(false),
        tree: Some(if arm == Arm::Base { "a" } else { "d" }.repeat(40)),
        toolchain: "rustc 1.95.0".to_owned(),
        profile: "release".to_owned(),
        target: "x86_64-unknown-linux-gnu".to_owned(),
        features: vec!["cpu".to_owned()],
    }
}

pub(super) fn subject(arm: Arm) -> Subject {
    Subject {
        binary: Digest::of(format!("scripted binary {arm:?}").as_bytes()),
        binary_bytes: if arm == Arm::Base { 14_680_064 } else { 14_684_160 },
        layouts: Vec::new(),
        what: What::Engine(Engine { model: model(), settings: settings() }),
    }
}

fn settings() -> Settings {
    Settings {
        isa: "avx512".to_owned(),
        threads: 2,
        pinned: true,
        activations: "int8".to_owned(),
        batch: 512,
        device_requested: "cpu".to_owned(),
        device_selected: "cpu".to_owned(),
        fallback: None,
        head: Some("full".to_owned()),
        weights_copied_bytes: Some(0),
    }
}

pub(super) fn model() -> ModelInfo {
    let shapes = [
        ("attn_q", 384, 384),
        ("attn_k", 128, 384),
        ("attn_v", 128, 384),
        ("attn_output", 384, 384),
        ("ffn_gate", 1024, 384),
        ("ffn_up", 1024, 384),
        ("ffn_down", 384, 1024),
    ];
    let mut linears: Vec<Linear> = shapes
        .iter()
        .map(|&(name, rows, cols)| Linear {
            name: name.to_owned(),
            rows,
            cols,
            format: "i2_s".to_owned(),
            n: 8,
            bytes: rows * cols / 4 + 32,
            once_per_sequence: false,
        })
        .collect();
    linears.push(Linear {
        name: "output".to_owned(),
        rows: 4096,
        cols: 384,
        format: "f16".to_owned(),
        n: 1,
        bytes: 4096 * 384 * 2,
        once_per_sequence: true,
    });
    ModelInfo {
        name: "stories".to_owned(),
        digest: Digest::of(b"scripted stories model"),
        file_bytes: 6_500_000,
        architecture: "bitnet-b1.58".to_owned(),
        n_layers: 8,
        n_embd: 384,
        n_ff: 1024,
        n_heads: 6,
        n_kv_heads: 2,
        head_dim: 64,
        n_vocab: 4096,
        n_ctx: 512,
        linears,
    }
}

pub(super) fn suite(scripts: &[Script]) -> Suite {
    let n_decoded = process::script_of(scripts, "decode-64").per_iteration;
    let workloads = [
        ("load", "load", vec![]),
        ("prefill-128", "prefill", vec![("prompt_tokens", 128)]),
        ("decode-64", "decode", vec![("prompt_tokens", 16), ("tokens", n_decoded)]),
        ("end-to-end", "end-to-end", vec![("prompt_tokens", 32), ("tokens", 64)]),
        ("quantize-i2_s", "quantize", vec![("values", 1 << 20)]),
        ("quantize-tl1", "quantize", vec![("values", 1 << 20)]),
        ("matmul", "matmul", vec![]),
    ];
    let workloads = workloads
        .into_iter()
        .filter(|(name, ..)| scripts.iter().any(|script| script.workload == *name))
        .map(|(name, kind, mut params)| {
            params.push(("iterations", process::script_of(scripts, name).iterations));
            let params: BTreeMap<String, u64> =
                params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            WorkloadDef { name: name.to_owned(), kind: kind.to_owned(), params }
        })
        .collect();
    let (name, digest, metrics) = ("quick".to_owned(), Digest::of(b""), Vec::new());
    let suite = Suite { name, digest, rounds: 5, workloads, metrics };
    Suite { digest: suite.computed_digest(None), ..suite }
}

pub(super) fn host() -> Host {
    let mut host = Host {
        fingerprint: Digest::of(b""),
        cpu_model: "Scripted Xeon @ 2.90GHz".to_owned(),
        cpu_signature: "6/106/6".to_owned(),
        microcode: "unknown".to_owned(),
        cpu_flags: ["avx2", "avx512_vnni", "avx512bw", "avx512f", "fma"]
            .map(str::to_owned)
            .to_vec(),
        cpus: 2,
        memory_gib: 8,
        os: "linux 6.1.0".to_owned(),
        governor: "unknown".to_owned(),
        virtualization: "kvm".to_owned(),
        core_cache_bytes: None,
        shared_cache_bytes: None,
    };
    host.fingerprint = host.computed_fingerprint();
    host
}

pub(super) fn marks() -> Vec<Mark> {
    vec![Mark {
        name: "governor-unknown".to_owned(),
        detail: "the system does not say how the CPU clock is governed; a fixed clock would help"
            .to_owned(),
    }]
}

pub(super) fn accuracy() -> Accuracy {
    Accuracy {
        format: "i2_s".to_owned(),
        ids_digest: Digest::of(b"scripted held-out ids"),
        positions: 7_168,
        top1_equal: 7_159,
        nll_int8: 11_827.531_25,
        nll_float: 11_826.25,
    }
}
