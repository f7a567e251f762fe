//! One process: one replication of the suite, by a worker, or by a block of runs of a command.

use sha2::{Digest as _, Sha256};

use super::{Challenge, Runs};
use crate::Digest;

/// One worker process, or one block of runs of a command. Its iterations describe it; they are no independent evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// Place in the session's order, 0-based, counted over both arms.
    pub order: u64,
    /// Pair it belongs to, 0-based; in an unpaired session, its own place.
    pub pair: u64,
    /// 0 if it ran first in its pair, 1 if second.
    pub position: u64,
    /// Which of the subject's layouts it ran, 0-based.
    pub layout: u64,
    /// What disturbed its pair, seen before any of its times was: such a pair is not compared.
    pub disturbed: Option<String>,
    /// Process id; of a block of runs, that of the first timed one.
    pub pid: u64,
    /// UTC start, RFC 3339 with milliseconds and `Z`.
    pub started_at: String,
    /// UTC end.
    pub ended_at: String,
    /// Wall time of the process in nanoseconds, on the parent's clock; no sum of samples may exceed it.
    pub wall_ns: u64,
    /// Bytes of padding put in the environment, to vary the stack's place.
    pub env_padding_bytes: u64,
    /// Highest resident set size in bytes, or `None` where the system does not say.
    pub peak_rss_bytes: Option<u64>,
    /// Bytes of the model's weights that lay in huge pages at its end; `None` where they were not read into memory of their own,
    /// or the system does not say. Each process gets what the system has left.
    pub weights_huge_bytes: Option<u64>,
    /// What a GPU had to do with it; `None` where none was selected.
    pub device: Option<DeviceUse>,
    /// All samples, in the order taken.
    pub series: Vec<Series>,
    /// [`samples_digest`] of the series, made where they were taken; `None` in records before 1.2.
    pub samples_digest: Option<Digest>,
    /// What each generating workload put out.
    pub outputs: Vec<Output>,
    /// What each workload with a prompt of ids put out on the prompt that came from the nonce.
    pub challenges: Vec<Challenge>,
    /// What the dispatcher counted, per workload and linear.
    pub counts: Vec<Counts>,
    /// How much of the output matrix a screened head looked at, per workload; empty where it was multiplied as a whole.
    pub screenings: Vec<Screening>,
    /// What one iteration asks of the allocator, per workload; empty where nobody counted.
    pub allocations: Vec<Allocations>,
    /// What the runs of an external command ended with, per workload; empty for the engine.
    pub runs: Vec<Runs>,
}

/// A GPU that computed sessions of a process, and what it cost there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceUse {
    /// Its id, as `Settings::device_selected` has it.
    pub id: String,
    /// What its maker calls it.
    pub name: String,
    /// What it computes with, as `sm_90`.
    pub capability: String,
    /// The driver that it was reached through.
    pub driver: Option<String>,
    /// All of its memory in bytes.
    pub total_bytes: Option<u64>,
    /// The most bytes of it that the process had at once.
    pub peak_bytes: Option<u64>,
    /// Clock of its processors in MHz before the first workload was set up, as a kernel counted it.
    pub clock_before_mhz: Option<u64>,
    /// The same after the last.
    pub clock_after_mhz: Option<u64>,
    /// Kernels started, over all sessions.
    pub launches: u64,
    /// Graphs of kernels started.
    pub graphs: u64,
    /// Bytes moved from the host to it, weights among them.
    pub to_device_bytes: u64,
    /// Bytes moved from it to the host.
    pub to_host_bytes: u64,
    /// Why the CPU went on in its place, if it did.
    pub lost: Option<String>,
}

/// The raw samples of one metric on one workload, in base units (ns, bytes, count), in the order taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Workload name.
    pub workload: String,
    /// Metric name, from `METRICS` or the suite's own.
    pub metric: String,
    /// Iteration that each sample belongs to is `i / per_iteration`; 64 for the steps of decode-64, else 1.
    pub per_iteration: u64,
    /// The samples.
    pub samples: Vec<f64>,
}

/// Which process of which session takes samples, and of which program it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taker {
    /// The session's name.
    pub session: String,
    /// Its place in the session's order.
    pub order: u64,
    /// The binary that it runs, in its layout.
    pub binary: Digest,
}

/// SHA-256 of all samples and of whose they are.
///
/// The session's name and the binary's digest as text, each with a byte 0 after it,
/// and the order; then of each series its workload and its metric, 0 after either, `per_iteration`, the number of samples, and the
/// samples. Numbers are little-endian, of 64 bits.
#[must_use]
pub fn samples_digest(taker: &Taker, series: &[Series]) -> Digest {
    let mut hasher = Sha256::new();
    let text = |hasher: &mut Sha256, text: &str| {
        hasher.update(text);
        hasher.update([0]);
    };
    text(&mut hasher, &taker.session);
    text(&mut hasher, &taker.binary.to_string());
    hasher.update(taker.order.to_le_bytes());
    for Series { workload, metric, per_iteration, samples } in series {
        text(&mut hasher, workload);
        text(&mut hasher, metric);
        hasher.update(per_iteration.to_le_bytes());
        hasher.update((samples.len() as u64).to_le_bytes());
        for sample in samples {
            hasher.update(sample.to_le_bytes());
        }
    }
    let bytes: [u8; 32] = hasher.finalize().into();
    Digest::from(bytes)
}

/// Why generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The number of tokens asked for was reached.
    Length,
    /// The model put out an end-of-generation token.
    EndOfGeneration,
}

/// What a workload put out; the same in each of its iterations, or the worker fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Workload name.
    pub workload: String,
    /// SHA-256 of the prompt's ids (little-endian u32).
    pub prompt_ids_digest: Digest,
    /// Tokens in the prompt.
    pub n_prompt: u64,
    /// Tokens sampled in one iteration.
    pub n_generated: u64,
    /// SHA-256 of the sampled ids (little-endian u32).
    pub output_ids_digest: Digest,
    /// SHA-256 of the bits of the logits of every scored position (little-endian f32).
    pub logits_digest: Digest,
    /// Iterations that were carried out, timed and warm-up alike.
    pub iterations: u64,
    /// Why it ended.
    pub stop: StopReason,
}

/// The ids behind an output's digests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ids {
    /// Workload name.
    pub workload: String,
    /// The prompt's ids.
    pub prompt: Vec<u32>,
    /// The sampled ids.
    pub generated: Vec<u32>,
}

/// What the timed stretches of one iteration ask of the allocator, by all threads: counted once, in an untimed iteration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocations {
    /// Workload name.
    pub workload: String,
    /// Requests: allocations and reallocations.
    pub requests: u64,
    /// Bytes asked for; of a reallocation, what it grew by.
    pub bytes: u64,
}

/// What the dispatcher counted for one linear on one workload, over all iterations of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Workload name.
    pub workload: String,
    /// Linear name, as in `ModelInfo::linears`.
    pub linear: String,
    /// Kernel that carried it out, e.g. `gemm_i2s_i8.avx512`.
    pub kernel: String,
    /// Logical products: one per (layer, token).
    pub products: u64,
    /// Multiply-adds: products × rows × cols.
    pub macs: u64,
    /// Weight bytes read.
    pub bytes: u64,
}

/// How many rows of the output matrix each look of a screened head was at, over all counted iterations of one workload in one
/// process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screening {
    /// Workload name.
    pub workload: String,
    /// Rows looked at with six bits of every weight: all of them, for each token found so.
    pub screened_rows: u64,
    /// Those of them looked at again, with all eight bits.
    pub refined_rows: u64,
    /// Those of them multiplied in full.
    pub rescored_rows: u64,
}
