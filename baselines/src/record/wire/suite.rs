//! Wire forms of `record/suite.rs`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Hex, MetricName, Number, mirror, mirror::names, scalar::unique};
use crate::record as domain;

/// The workloads of a session.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Suite {
    name: String,
    digest: Hex,
    #[schemars(range(min = 1, max = 1_000))]
    rounds: u64,
    workloads: Vec<WorkloadDef>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-since" = "1.1"))]
    metrics: Vec<MetricDef>,
}

mirror!(Suite for domain::Suite { name, digest, rounds, workloads, metrics });

/// A metric that a command reports about itself, as JSON on its stdout.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricDef {
    name: MetricName,
    pointer: String,
    unit: Unit,
    better: Better,
}

mirror!(MetricDef for domain::MetricDef { name, pointer, unit, better });

names! {
    /// A base unit.
    enum Unit for crate::unit::Unit { Nanoseconds = "ns", Bytes = "bytes", Count = "count" }
}

names! {
    /// Which direction is better.
    enum Better for crate::metric::Better { Lower = "lower", Higher = "higher" }
}

/// One named workload.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkloadDef {
    name: String,
    kind: String,
    #[serde(deserialize_with = "unique")]
    params: BTreeMap<String, u64>,
}

mirror!(WorkloadDef for domain::WorkloadDef { name, kind, params });

/// Output quality against the float-activation run of the same weights.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Accuracy {
    format: String,
    ids_digest: Hex,
    positions: u64,
    top1_equal: u64,
    nll_int8: Number,
    nll_float: Number,
}

mirror!(Accuracy for domain::Accuracy { format, ids_digest, positions, top1_equal, nll_int8, nll_float });
