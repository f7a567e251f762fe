//! Wire forms of `record/suite.rs`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Hex, Number, mirror};
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
}

mirror!(Suite for domain::Suite { name, digest, rounds, workloads });

/// One named workload.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkloadDef {
    name: String,
    kind: String,
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
