//! What parent and worker say to each other: one JSON object a line, versioned.
//!
//! The parent writes one [`Request`]. The worker answers with [`Event`]s: `hello`, `tool`, `model` with a `linear` for each
//! matrix product, `settings`, `alive` while it sets up its workloads, `ready`. From then on it does nothing until the
//! parent writes an [`Order`]: a `turn`, which it answers with `took`, or `finish`, which it answers with `series`,
//! `output`, `ids`, `challenge`, `counts`, `screening` and `allocations` of its workloads, `device` where a GPU computed them, and `samples-digest` of all series. For accuracy there are no orders: it sends `accuracy`. The last line is
//! `done` or `failed`. A kept binary of an older build speaks the version it was built with: the versions must be equal.

use baselines::{
    Digest,
    record::{
        Accuracy, Allocations, Challenge, Counts, DeviceUse, Ids, Linear, MetricDef, ModelInfo,
        Output, Screening, Series, Settings, StopReason, Suite, Taker, Tool, WorkloadDef,
    },
};
use serde::{Deserialize, Serialize};

/// Version of the lines. Raised with every change, since both ends must agree on all of it.
pub(crate) const PROTOCOL: u32 = 11;

/// What a worker is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Job {
    /// Measure every workload once.
    Suite,
    /// Score held-out text with int8 and with float activations.
    Accuracy,
}

/// The first line that a worker reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) protocol: u32,
    pub(crate) job: Job,
    /// `stories`, or a path.
    pub(crate) model: String,
    /// Who it is: what the digest of its samples begins with.
    #[serde(with = "TakerWire")]
    pub(crate) taker: Taker,
    /// Root seed.
    pub(crate) seed: u64,
    /// Root seed of the challenge's prompts.
    pub(crate) challenge_seed: u64,
    /// Instruction set; the best available where it is missing.
    pub(crate) isa: Option<String>,
    /// Device, by name.
    pub(crate) device: String,
    /// Whether a fallback to the CPU is an error.
    pub(crate) strict_device: bool,
    /// Threads; all CPUs where it is missing.
    pub(crate) threads: Option<u64>,
    /// Bytes that a session of the engine may hold; no limit where it is missing.
    pub(crate) memory_limit: Option<u64>,
    /// Keep each thread on a CPU of its own, where there are exactly as many.
    pub(crate) pin: bool,
    /// Text of the prompt of end-to-end workloads, in place of their own.
    pub(crate) prompt: Option<String>,
    /// What it measures.
    #[serde(with = "SuiteWire")]
    pub(crate) suite: Suite,
    /// What accuracy is counted over, at least.
    pub(crate) positions: u64,
    /// The share by which every timed stretch is made longer: 0 but for the head of `bench calibrate`.
    pub(crate) planted_share: f64,
    /// Whether the passes of a session are stamped, span by span: in a session of `bench triage` alone.
    pub(crate) spans: bool,
}

/// Every later line that a worker reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Order {
    /// Carry out the iterations of one workload (0-based, in the suite's order) that fall to this round.
    Turn { round: u64, workload: usize },
    /// Report everything and end.
    Finish,
}

/// One line that a worker writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Event {
    /// The first line: who speaks.
    Hello {
        protocol: u32,
        pid: u64,
    },
    /// The build, before anything can fail.
    Tool(#[serde(with = "ToolWire")] Tool),
    /// The model is open; its linears follow one by one.
    Model(#[serde(with = "ModelInfoWire")] ModelInfo),
    Linear(#[serde(with = "LinearWire")] Linear),
    Settings(#[serde(with = "SettingsWire")] Settings),
    /// Still setting up, or counting.
    Alive,
    /// Every workload is set up and warmed up.
    Ready,
    /// The turn that was ordered is over.
    Took {
        round: u64,
        workload: usize,
    },
    Series(#[serde(with = "SeriesWire")] Series),
    Output(#[serde(with = "OutputWire")] Output),
    Counts(#[serde(with = "CountsWire")] Counts),
    Screening(#[serde(with = "ScreeningWire")] Screening),
    Allocations(#[serde(with = "AllocationsWire")] Allocations),
    /// What the workloads cost on the GPU, where they ran on one.
    Device(#[serde(with = "DeviceUseWire")] DeviceUse),
    Ids(#[serde(with = "IdsWire")] Ids),
    Challenge(#[serde(with = "ChallengeWire")] Challenge),
    /// Of all series, in the order sent.
    SamplesDigest(#[serde(with = "digest_text")] Digest),
    Accuracy(#[serde(with = "AccuracyWire")] Accuracy),
    /// The last line of a worker that measured everything.
    Done {
        peak_rss_bytes: Option<u64>,
        weights_huge_bytes: Option<u64>,
    },
    /// The last line of a worker that could not.
    Failed {
        message: String,
        /// Stable, for machines.
        kind: String,
    },
}

// Serde's mirrors of the domain types: the fields are checked against them at compile time.

#[derive(Serialize, Deserialize)]
#[serde(remote = "Suite", deny_unknown_fields)]
struct SuiteWire {
    name: String,
    #[serde(with = "digest_text")]
    digest: Digest,
    rounds: u64,
    #[serde(with = "workloads")]
    workloads: Vec<WorkloadDef>,
    /// Of commands only, which no worker runs.
    #[serde(skip)]
    metrics: Vec<MetricDef>,
}

/// Serde takes a mirror for a value, not for the values of a list.
mod workloads {
    use baselines::record::WorkloadDef;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Wire(#[serde(with = "super::WorkloadDefWire")] WorkloadDef);

    pub(super) fn serialize<S: Serializer>(defs: &[WorkloadDef], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(defs.iter().cloned().map(Wire))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<WorkloadDef>, D::Error> {
        let defs = Vec::<Wire>::deserialize(from)?;
        Ok(defs.into_iter().map(|def| def.0).collect())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "WorkloadDef", deny_unknown_fields)]
struct WorkloadDefWire {
    name: String,
    kind: String,
    params: std::collections::BTreeMap<String, u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Tool", deny_unknown_fields)]
struct ToolWire {
    name: String,
    version: String,
    commit: Option<String>,
    dirty: Option<bool>,
    tree: Option<String>,
    toolchain: String,
    profile: String,
    target: String,
    features: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ModelInfo", deny_unknown_fields)]
struct ModelInfoWire {
    name: String,
    #[serde(with = "digest_text")]
    digest: Digest,
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
    /// Their own lines.
    #[serde(skip)]
    linears: Vec<Linear>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Linear", deny_unknown_fields)]
struct LinearWire {
    name: String,
    rows: u64,
    cols: u64,
    format: String,
    n: u64,
    bytes: u64,
    once_per_sequence: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Settings", deny_unknown_fields)]
struct SettingsWire {
    isa: String,
    threads: u64,
    pinned: bool,
    activations: String,
    batch: u64,
    device_requested: String,
    device_selected: String,
    fallback: Option<String>,
    head: Option<String>,
    weights_copied_bytes: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "DeviceUse", deny_unknown_fields)]
struct DeviceUseWire {
    id: String,
    name: String,
    capability: String,
    driver: Option<String>,
    total_bytes: Option<u64>,
    peak_bytes: Option<u64>,
    clock_before_mhz: Option<u64>,
    clock_after_mhz: Option<u64>,
    launches: u64,
    graphs: u64,
    to_device_bytes: u64,
    to_host_bytes: u64,
    lost: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Series", deny_unknown_fields)]
struct SeriesWire {
    workload: String,
    metric: String,
    per_iteration: u64,
    samples: Vec<f64>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Output", deny_unknown_fields)]
struct OutputWire {
    workload: String,
    #[serde(with = "digest_text")]
    prompt_ids_digest: Digest,
    n_prompt: u64,
    n_generated: u64,
    #[serde(with = "digest_text")]
    output_ids_digest: Digest,
    #[serde(with = "digest_text")]
    logits_digest: Digest,
    iterations: u64,
    #[serde(with = "StopReasonWire")]
    stop: StopReason,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Taker", deny_unknown_fields)]
struct TakerWire {
    session: String,
    order: u64,
    #[serde(with = "digest_text")]
    binary: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Ids", deny_unknown_fields)]
struct IdsWire {
    workload: String,
    prompt: Vec<u32>,
    generated: Vec<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Challenge", deny_unknown_fields)]
struct ChallengeWire {
    workload: String,
    #[serde(with = "digest_text")]
    prompt_ids_digest: Digest,
    generated: Vec<u32>,
    #[serde(with = "digest_text")]
    logits_digest: Digest,
    iterations: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "StopReason", rename_all = "kebab-case")]
enum StopReasonWire {
    Length,
    EndOfGeneration,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Counts", deny_unknown_fields)]
struct CountsWire {
    workload: String,
    linear: String,
    kernel: String,
    products: u64,
    macs: u64,
    bytes: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Screening", deny_unknown_fields)]
struct ScreeningWire {
    workload: String,
    screened_rows: u64,
    refined_rows: u64,
    rescored_rows: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Allocations", deny_unknown_fields)]
struct AllocationsWire {
    workload: String,
    requests: u64,
    bytes: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Accuracy", deny_unknown_fields)]
struct AccuracyWire {
    format: String,
    #[serde(with = "digest_text")]
    ids_digest: Digest,
    positions: u64,
    top1_equal: u64,
    nll_int8: f64,
    nll_float: f64,
}

mod digest_text {
    use baselines::Digest;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(digest: &Digest, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(digest)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Digest, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_round_trip(event: &Event) {
        let line = serde_json::to_string(event).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), *event, "{line}");
    }

    #[test]
    fn an_event_read_back_is_the_event_written() {
        assert_round_trip(&Event::Hello { protocol: PROTOCOL, pid: 7 });
        assert_round_trip(&Event::Series(Series {
            workload: "decode-64".to_owned(),
            metric: "decode_step_ns".to_owned(),
            per_iteration: 64,
            samples: vec![412_345.0, 0.5],
        }));
        assert_round_trip(&Event::Output(Output {
            workload: "decode-64".to_owned(),
            prompt_ids_digest: Digest::of(b"p"),
            n_prompt: 16,
            n_generated: 64,
            output_ids_digest: Digest::of(b"o"),
            logits_digest: Digest::of(b"l"),
            iterations: 9,
            stop: StopReason::EndOfGeneration,
        }));
        assert_round_trip(&Event::Screening(Screening {
            workload: "decode-64".to_owned(),
            screened_rows: 4096,
            refined_rows: 40,
            rescored_rows: 2,
        }));
        assert_round_trip(&Event::Device(DeviceUse {
            id: "cuda:0".to_owned(),
            name: "Some GPU".to_owned(),
            capability: "sm_90".to_owned(),
            driver: None,
            total_bytes: Some(1),
            peak_bytes: Some(2),
            clock_before_mhz: Some(3),
            clock_after_mhz: None,
            launches: 4,
            graphs: 5,
            to_device_bytes: 6,
            to_host_bytes: 7,
            lost: Some("planted".to_owned()),
        }));
        assert_round_trip(&Event::Done { peak_rss_bytes: None, weights_huge_bytes: Some(7) });
        assert_round_trip(&Event::Failed {
            message: "line one\nline two".to_owned(),
            kind: "gguf".to_owned(),
        });
    }

    #[test]
    fn a_line_with_a_field_too_many_is_refused() {
        let line = r#"{"hello":{"protocol":1,"pid":7,"mood":"good"}}"#;
        assert!(serde_json::from_str::<Event>(line).is_err());
    }
}
