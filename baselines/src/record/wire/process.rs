//! Wire forms of `record/process.rs`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Hex, MetricName, Number, Timestamp, mirror, mirror::names, present};
use crate::record as domain;

/// One worker process: one replication of the suite.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Process {
    order: u64,
    pair: u64,
    position: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(extend("x-since" = "1.1"))]
    layout: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-since" = "1.1"))]
    disturbed: Option<String>,
    pid: u64,
    started_at: Timestamp,
    ended_at: Timestamp,
    wall_ns: u64,
    env_padding_bytes: u64,
    #[serde(deserialize_with = "present")]
    peak_rss_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-since" = "1.4"))]
    weights_huge_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-since" = "1.6"))]
    device: Option<DeviceUse>,
    series: Vec<Series>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-since" = "1.2"))]
    samples_digest: Option<Hex>,
    outputs: Vec<Output>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-since" = "1.2"))]
    challenges: Vec<Challenge>,
    counts: Vec<Counts>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-since" = "1.4"))]
    screenings: Vec<Screening>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-since" = "1.1"))]
    allocations: Vec<Allocations>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-since" = "1.1"))]
    runs: Vec<Runs>,
}

mirror!(Process for domain::Process {
    order, pair, position, layout, disturbed, pid, started_at, ended_at, wall_ns, env_padding_bytes, peak_rss_bytes,
    weights_huge_bytes, device, series, samples_digest, outputs, challenges, counts, screenings, allocations, runs,
});

/// A GPU that computed sessions of a process.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DeviceUse {
    id: String,
    name: String,
    capability: String,
    #[serde(deserialize_with = "present")]
    driver: Option<String>,
    #[serde(deserialize_with = "present")]
    total_bytes: Option<u64>,
    #[serde(deserialize_with = "present")]
    peak_bytes: Option<u64>,
    #[serde(deserialize_with = "present")]
    clock_before_mhz: Option<u64>,
    #[serde(deserialize_with = "present")]
    clock_after_mhz: Option<u64>,
    launches: u64,
    graphs: u64,
    to_device_bytes: u64,
    to_host_bytes: u64,
    #[serde(deserialize_with = "present")]
    lost: Option<String>,
}

mirror!(DeviceUse for domain::DeviceUse {
    id, name, capability, driver, total_bytes, peak_bytes, clock_before_mhz, clock_after_mhz, launches, graphs,
    to_device_bytes, to_host_bytes, lost,
});

/// What older versions do not have is left out where it says nothing: their records keep their bytes.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// What the timed runs of an external command ended with.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Runs {
    workload: String,
    exit_codes: Vec<u64>,
    stdout_digests: Vec<Hex>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-since" = "1.1"))]
    iterations: Vec<u64>,
}

mirror!(Runs for domain::Runs { workload, exit_codes, stdout_digests, iterations });

/// The raw samples of one metric on one workload, in base units, in the order taken.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Series {
    workload: String,
    metric: MetricName,
    #[schemars(range(min = 1))]
    per_iteration: u64,
    samples: Vec<Number>,
}

mirror!(Series for domain::Series { workload, metric, per_iteration, samples });

/// What a workload put out; the same in each of its iterations.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Output {
    workload: String,
    prompt_ids_digest: Hex,
    n_prompt: u64,
    n_generated: u64,
    output_ids_digest: Hex,
    logits_digest: Hex,
    iterations: u64,
    stop: StopReason,
}

mirror!(Output for domain::Output {
    workload, prompt_ids_digest, n_prompt, n_generated, output_ids_digest, logits_digest, iterations, stop,
});

names! {
    /// Why generation ended.
    enum StopReason for domain::StopReason { Length = "length", EndOfGeneration = "end-of-generation" }
}

/// What a workload put out on the prompt of its pair.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Challenge {
    workload: String,
    prompt_ids_digest: Hex,
    generated: Vec<u32>,
    logits_digest: Hex,
    iterations: u64,
}

mirror!(Challenge for domain::Challenge {
    workload, prompt_ids_digest, generated, logits_digest, iterations,
});

/// The ids behind an output's digests.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ids {
    workload: String,
    prompt: Vec<u32>,
    generated: Vec<u32>,
}

mirror!(Ids for domain::Ids { workload, prompt, generated });

/// What one iteration of a workload asks of the allocator.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Allocations {
    workload: String,
    requests: u64,
    bytes: u64,
}

mirror!(Allocations for domain::Allocations { workload, requests, bytes });

/// What the dispatcher counted for one linear on one workload, over all iterations of one process.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Counts {
    workload: String,
    linear: String,
    kernel: String,
    products: u64,
    macs: u64,
    bytes: u64,
}

mirror!(Counts for domain::Counts { workload, linear, kernel, products, macs, bytes });

/// How many rows of the output matrix each look of a screened head was at.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Screening {
    workload: String,
    screened_rows: u64,
    refined_rows: u64,
    rescored_rows: u64,
}

mirror!(Screening for domain::Screening { workload, screened_rows, refined_rows, rescored_rows });
