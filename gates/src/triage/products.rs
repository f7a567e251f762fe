//! Matrix products by themselves: each shape of the model, timed alone in both builds. In: both arms. Out: a change of each.

use baselines::{
    RunRecord,
    record::{Process, pair_log_ratio},
};

use super::{
    attribution::typical,
    cells::find,
    pairs,
    part::{Change, Pair},
};

/// One shape in one format, with so many tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductTime {
    /// Workload name.
    pub workload: String,
    /// Rows of the matrix.
    pub rows: u64,
    /// Its columns.
    pub cols: u64,
    /// Tokens that share it.
    pub tokens: u64,
    /// Its change; shares are of the base's own time.
    pub change: Change,
}

/// One for each product of the suite.
pub(super) fn all(base: &RunRecord, head: &RunRecord) -> Vec<ProductTime> {
    let gemms: Vec<_> = base.suite.workloads.iter().filter(|def| def.kind == "gemm").collect();
    gemms
        .iter()
        .filter_map(|def| {
            let param = |name: &str| def.params.get(name).copied();
            let change = change(base, head, &def.name, gemms.len())?;
            Some(ProductTime {
                workload: def.name.clone(),
                rows: param("rows")?,
                cols: param("cols")?,
                tokens: param("tokens")?,
                change,
            })
        })
        .collect()
}

fn change(base: &RunRecord, head: &RunRecord, workload: &str, n: usize) -> Option<Change> {
    const METRIC: &str = "gemm_ns";
    let of_pair = |pair: (&Process, &Process)| {
        let ratio = pair_log_ratio(
            &base.suite,
            find(pair.0, workload, METRIC)?,
            find(pair.1, workload, METRIC)?,
        )
        .ok()?;
        Some(Pair::of(pair, 1.0, libm::exp(ratio), 1.0))
    };
    let ratios: Vec<Pair> = pairs(base, head).filter_map(of_pair).collect();
    let change = Change::of(&ratios, n)?;
    let base_ns = typical(base, workload, METRIC)?;
    Some(Change { base_ns, head_ns: typical(head, workload, METRIC)?, ..change })
}
