//! How many iterations a workload gets within one process.

use anyhow::{Result, ensure};
use baselines::record::WorkloadDef;

/// A suite caps the timed iterations of one process and series at this (design: the size of a record is bounded).
pub(crate) const ITERATIONS_MAX: u64 = 1_000;

/// Iterations of one workload in one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Carried out first, never recorded.
    pub(crate) warmup: u64,
    /// Timed and recorded, each one.
    pub(crate) iterations: u64,
}

impl Plan {
    /// The plan in a workload's parameters `warmup` and `iterations`.
    pub(crate) fn of(def: &WorkloadDef) -> Result<Self> {
        let param = |name| def.params.get(name).copied();
        let plan = Self {
            warmup: param("warmup").unwrap_or(1),
            iterations: param("iterations").unwrap_or(10),
        };
        ensure!(
            (1..=ITERATIONS_MAX).contains(&plan.iterations),
            "workload `{}`: expected `iterations` from 1 to {ITERATIONS_MAX}, found {}",
            def.name,
            plan.iterations
        );
        Ok(plan)
    }
}
