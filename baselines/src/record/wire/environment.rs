//! Wire forms of `record/environment.rs`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Hex, Number, mirror, mirror::names};
use crate::record as domain;

/// The machine.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Host {
    fingerprint: Hex,
    cpu_model: String,
    cpu_signature: String,
    microcode: String,
    cpu_flags: Vec<String>,
    cpus: u64,
    memory_gib: u64,
    os: String,
    governor: String,
    virtualization: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-since" = "1.5"))]
    core_cache_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-since" = "1.5"))]
    shared_cache_bytes: Option<u64>,
}

mirror!(Host for domain::Host {
    fingerprint, cpu_model, cpu_signature, microcode, cpu_flags, cpus, memory_gib, os, governor, virtualization,
    core_cache_bytes, shared_cache_bytes,
});

/// A fact about the environment, taken before any timing was read.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    name: String,
    detail: String,
}

mirror!(Mark for domain::Mark { name, detail });

/// Work done and the time it took, so that the rate is recomputed, never read.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Probe {
    kind: ProbeKind,
    when: ProbeWhen,
    threads: u64,
    work: u64,
    working_set_bytes: u64,
    samples_ns: Vec<Number>,
}

mirror!(Probe for domain::Probe { kind, when, threads, work, working_set_bytes, samples_ns });

names! {
    /// What a probe measured.
    enum ProbeKind for domain::ProbeKind {
        BandwidthCache = "bandwidth-cache",
        BandwidthPages4k = "bandwidth-pages-4k",
        BandwidthHugePages = "bandwidth-huge-pages",
        Int8Peak = "int8-peak",
        DeviceBandwidth = "device-bandwidth",
        DeviceCacheBandwidth = "device-cache-bandwidth",
        DeviceInt8Peak = "device-int8-peak",
    }
}

names! {
    /// When a probe ran: before the first worker process or after the last.
    enum ProbeWhen for domain::ProbeWhen { Before = "before", After = "after" }
}
