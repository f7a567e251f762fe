//! What every process ran, and how good the output was.

use std::collections::BTreeMap;

use crate::Digest;

/// The workloads of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Suite {
    /// `quick`, or a name from `bench.toml`.
    pub name: String,
    /// SHA-256 of the canonical definition, so that two arms can be shown to have run the same thing.
    pub digest: Digest,
    /// The workloads, in the order they run.
    pub workloads: Vec<WorkloadDef>,
}

/// One named workload.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadDef {
    /// `decode-64`.
    pub name: String,
    /// `load`, `prefill`, `decode`, `end-to-end`, `quantize`, `matmul`.
    pub kind: String,
    /// Parameters by name; whole numbers only.
    pub params: BTreeMap<String, u64>,
}

/// Output quality against the float-activation run of the same weights, teacher-forced on held-out text.
/// All of it counted, none of it inferred.
#[derive(Clone, Debug, PartialEq)]
pub struct Accuracy {
    /// Storage format of the ternary weights, e.g. `i2_s`.
    pub format: String,
    /// SHA-256 of the scored token ids (little-endian u32).
    pub ids_digest: Digest,
    /// Positions scored.
    pub positions: u64,
    /// Positions where both runs have the same most likely token.
    pub top1_equal: u64,
    /// Sum of negative log likelihoods (nats) of the int8-activation run.
    pub nll_int8: f64,
    /// The same of the float-activation run.
    pub nll_float: f64,
}
