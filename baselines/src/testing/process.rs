//! What one scripted worker process measured, put out and counted.

use super::{Size, noise::Noise};
use crate::{
    Digest,
    record::{
        Allocations, Challenge, Counts, Ids, Linear, ModelInfo, Output, Series, StopReason,
        challenge_seed, n_challenged,
    },
};

/// One series of the script.
#[derive(Clone, Copy)]
pub(super) struct Script {
    pub(super) workload: &'static str,
    pub(super) metric: &'static str,
    pub(super) per_iteration: u64,
    pub(super) iterations: u64,
    /// Typical time of one sample, for the base.
    pub(super) typical_ns: f64,
}

/// Every series of a process, in the order taken.
#[rustfmt::skip] // a table
pub(super) const SCRIPTS: &[Script] = &[
    Script { workload: "load", metric: "load_ns", per_iteration: 1, iterations: 5, typical_ns: 12_400_000.0 },
    Script { workload: "prefill-128", metric: "prefill_ns", per_iteration: 1, iterations: 10, typical_ns: 18_200_000.0 },
    Script { workload: "decode-64", metric: "decode_step_ns", per_iteration: 64, iterations: 8, typical_ns: 412_000.0 },
    Script { workload: "end-to-end", metric: "e2e_ns", per_iteration: 1, iterations: 5, typical_ns: 31_700_000.0 },
    Script { workload: "end-to-end", metric: "ttft_ns", per_iteration: 1, iterations: 5, typical_ns: 5_100_000.0 },
    Script { workload: "quantize-i2_s", metric: "quantize_ns", per_iteration: 1, iterations: 5, typical_ns: 5_030_000.0 },
    Script { workload: "matmul", metric: "matmul_ns", per_iteration: 1, iterations: 200, typical_ns: 48_300.0 },
];

/// An eighth series, in sessions of a size of their own only: a family holds eight at most.
const EIGHTH: Script = Script {
    workload: "quantize-tl1",
    metric: "quantize_ns",
    per_iteration: 1,
    iterations: 5,
    typical_ns: 6_070_000.0,
};

/// The script of a session of this size.
pub(super) fn scripts(size: Size) -> Vec<Script> {
    let Some(iterations) = size.iterations else { return SCRIPTS.to_vec() };
    let sized = |script: &Script| Script {
        iterations,
        per_iteration: if script.per_iteration == 1 { 1 } else { size.decode_tokens },
        ..*script
    };
    SCRIPTS.iter().chain([&EIGHTH]).map(sized).collect()
}

/// Prompt length and generated tokens of each workload that puts something out; of decode, the script has the last word.
pub(super) const OUTPUTS: &[(&str, u64, u64)] =
    &[("prefill-128", 128, 0), ("decode-64", 16, 64), ("end-to-end", 32, 64)];

/// The first series of `workload`; its iterations are those of the workload.
pub(super) fn script_of<'a>(scripts: &'a [Script], workload: &str) -> &'a Script {
    let script = scripts.iter().find(|script| script.workload == workload);
    script.expect("only scripted workloads are asked for")
}

/// All series, each sample about `level` times the typical time.
pub(super) fn series(scripts: &[Script], noise: &mut Noise, level: f64) -> Vec<Series> {
    scripts
        .iter()
        .map(|script| {
            let n_samples = script.iterations * script.per_iteration;
            Series {
                workload: script.workload.to_owned(),
                metric: script.metric.to_owned(),
                per_iteration: script.per_iteration,
                samples: (0..n_samples)
                    .map(|_| noise.around(script.typical_ns * level, 0.01))
                    .collect(),
            }
        })
        .collect()
}

/// The ids of every workload that puts something out.
pub(super) fn ids(scripts: &[Script], seed: u64) -> Vec<Ids> {
    let of = |&(workload, n_prompt, n_generated): &(&str, u64, u64)| {
        let decode = workload == "decode-64";
        let n_generated =
            if decode { script_of(scripts, workload).per_iteration } else { n_generated };
        let mut ids = Noise::new(seed, workload);
        let mut draw = |n: u64| -> Vec<u32> {
            (0..n).map(|_| u32::try_from(ids.below(4096)).expect("below 4096")).collect()
        };
        let (prompt, generated) = (draw(n_prompt), draw(n_generated));
        Ids { workload: workload.to_owned(), prompt, generated }
    };
    OUTPUTS.iter().map(of).collect()
}

/// The same outputs in every process and both arms: the scripted head is as correct as the base.
pub(super) fn outputs(scripts: &[Script], seed: u64) -> Vec<Output> {
    let of = |ids: Ids| Output {
        prompt_ids_digest: Digest::of_ids(&ids.prompt),
        n_prompt: ids.prompt.len() as u64,
        n_generated: ids.generated.len() as u64,
        output_ids_digest: Digest::of_ids(&ids.generated),
        logits_digest: logits(&ids.workload, seed),
        iterations: script_of(scripts, &ids.workload).iterations,
        stop: StopReason::Length,
        workload: ids.workload,
    };
    ids(scripts, seed).into_iter().map(of).collect()
}

/// What the workloads with prompts of ids put out on those of the nonce.
pub(super) fn challenges(scripts: &[Script], nonce: &str, pair: u64) -> Vec<Challenge> {
    let seed = challenge_seed(nonce, pair);
    let of = |ids: Ids| Challenge {
        prompt_ids_digest: Digest::of_ids(&ids.prompt),
        generated: ids.generated,
        logits_digest: logits(&ids.workload, seed),
        iterations: n_challenged(script_of(scripts, &ids.workload).iterations),
        workload: ids.workload,
    };
    let ids = ids(scripts, seed).into_iter().filter(|ids| ids.workload != "end-to-end");
    ids.map(of).filter(|challenge| challenge.iterations > 0).collect()
}

fn logits(workload: &str, seed: u64) -> Digest {
    Digest::of(format!("scripted logits {workload} {seed}").as_bytes())
}

/// Products and weight reads per iteration: a prefill reads each weight once for its whole batch, a decode step
/// once for its one token. Decode counts its timed steps only, not the prompt before them.
pub(super) fn counts(scripts: &[Script], model: &ModelInfo) -> Vec<Counts> {
    let mut counts = Vec::new();
    let n_decoded = script_of(scripts, "decode-64").per_iteration;
    for workload in ["prefill-128", "decode-64", "end-to-end", "matmul"] {
        for linear in &model.linears {
            let (products, reads) = match (workload, linear.once_per_sequence) {
                ("prefill-128", false) => (128 * linear.n, linear.n),
                ("decode-64", _) => (n_decoded * linear.n, n_decoded * linear.n),
                ("end-to-end", false) => ((32 + 63) * linear.n, (1 + 63) * linear.n),
                ("end-to-end", true) => (64, 64),
                ("prefill-128", true) | ("matmul", false) => (1, 1),
                // The head takes no part in a layer's linears.
                _ => continue,
            };
            let iterations = script_of(scripts, workload).iterations;
            counts.push(count(workload, linear, products * iterations, reads * iterations));
        }
    }
    counts
}

/// Loading and text take memory, 4 KiB at a time; the kernels take none.
pub(super) fn allocations(scripts: &[Script]) -> Vec<Allocations> {
    let mut allocations: Vec<Allocations> = Vec::new();
    for script in scripts {
        if allocations.iter().any(|counted| counted.workload == script.workload) {
            continue;
        }
        let requests = match script.workload {
            "load" => 60,
            "end-to-end" => 9,
            _ => 0,
        };
        allocations.push(Allocations {
            workload: script.workload.to_owned(),
            requests,
            bytes: 4_096 * requests,
        });
    }
    allocations
}

fn count(workload: &str, linear: &Linear, products: u64, reads: u64) -> Counts {
    let kernel = if linear.format == "i2_s" { "gemm_i2s_i8.avx512" } else { "gemm_f16_f32.avx512" };
    Counts {
        workload: workload.to_owned(),
        linear: linear.name.clone(),
        kernel: kernel.to_owned(),
        products,
        macs: products * linear.rows * linear.cols,
        bytes: reads * linear.bytes,
    }
}
