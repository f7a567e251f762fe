//! What one sample of each workload must at least have done, and the time it took: the ground of the physics rules and of the
//! rooflines.
//!
//! In: a record. Out: bytes and multiply-adds per sample, working set, fastest process median, shortest sample.
//!
//! All work is a lower bound (no attention, no norms, no activations), so that a rate is never overstated.

use baselines::{
    RunRecord,
    record::{Counts, Engine, Linear, Output, ProbeKind, WorkloadDef},
};

use super::{device, reads, tokens::n_sequences};
use crate::stats::quantile::median;

/// One metric of one workload with its work.
pub(crate) struct Timed<'a> {
    pub(crate) workload: &'a WorkloadDef,
    pub(crate) metric: &'static str,
    /// Bytes read and multiply-adds carried out within one sample.
    pub(crate) work: Work,
    /// Whether a GPU carried it out, in any process.
    pub(crate) on_device: bool,
    /// Bytes that the work comes back to; what they fit in says which bandwidth holds.
    pub(crate) working_set_bytes: f64,
    /// The median of the fastest process.
    pub(super) fastest_ns: f64,
    /// The shortest sample of all processes.
    pub(super) shortest_ns: f64,
}

/// Bytes and multiply-adds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Work {
    pub(crate) bytes: f64,
    pub(crate) macs: f64,
}

impl Work {
    fn plus(self, other: Self) -> Self {
        Self { bytes: self.bytes + other.bytes, macs: self.macs + other.macs }
    }
}

impl Timed<'_> {
    pub(super) fn bytes_per_s(&self) -> f64 {
        self.work.bytes / self.fastest_ns * 1e9
    }

    pub(super) fn macs_per_s(&self) -> f64 {
        self.work.macs / self.fastest_ns * 1e9
    }

    /// The rate of the shortest sample.
    pub(super) fn best_macs_per_s(&self) -> f64 {
        self.work.macs / self.shortest_ns * 1e9
    }

    pub(super) fn field(&self) -> String {
        format!("{}/{}", self.workload.name, self.metric)
    }
}

/// Up to here a working set may stay in some cache from one sample to the next, so that only the cache's own bandwidth
/// is a sound bound; the last-level caches of today's servers end below it.
const MAY_BE_CACHED_BYTES: f64 = 128.0 * 1024.0 * 1024.0;

impl Timed<'_> {
    /// The probes that bound how fast its working set can be read.
    pub(crate) const fn bandwidth_probes(&self) -> &'static [ProbeKind] {
        use ProbeKind as Kind;
        match (self.on_device, self.working_set_bytes <= MAY_BE_CACHED_BYTES) {
            (true, true) => &[Kind::DeviceCacheBandwidth, Kind::DeviceBandwidth],
            (true, false) => &[Kind::DeviceBandwidth],
            (false, true) => {
                &[Kind::BandwidthCache, Kind::BandwidthHugePages, Kind::BandwidthPages4k]
            }
            (false, false) => &[Kind::BandwidthHugePages, Kind::BandwidthPages4k],
        }
    }

    /// The probe that bounds its multiply-adds.
    pub(crate) const fn peak_probe(&self) -> &'static [ProbeKind] {
        if self.on_device { &[ProbeKind::DeviceInt8Peak] } else { &[ProbeKind::Int8Peak] }
    }
}

/// Everything timed whose work is known: nothing of an external command.
pub(crate) fn timed(record: &RunRecord) -> Vec<Timed<'_>> {
    let Some(engine) = record.subject.engine() else { return Vec::new() };
    let workloads = record.suite.workloads.iter();
    workloads.flat_map(|workload| of_workload(record, engine, workload)).collect()
}

fn of_workload<'a>(
    record: &'a RunRecord,
    engine: &Engine,
    workload: &'a WorkloadDef,
) -> Vec<Timed<'a>> {
    let output = record
        .processes
        .first()
        .and_then(|process| process.outputs.iter().find(|output| output.workload == workload.name));
    let n_generated = output.map_or(0, |output| output.n_generated);
    let token = step(record, engine, workload);
    let resident = token.bytes;
    let prefill = output.map_or(Work::default(), |output| prefill(engine, output));
    let layer = layer(engine);
    let param = |name: &str| as_f64(workload.params.get(name).copied().unwrap_or(0));
    let elements = param("rows") * param("cols");
    let quantize = if elements > 0.0 { elements } else { param("values") } * 4.0;
    let metrics: Vec<(&'static str, Work, f64)> = match workload.kind.as_str() {
        "prefill" => vec![("prefill_ns", prefill, resident)],
        "decode" => vec![("decode_step_ns", token, resident)],
        // Weights once, products for each sequence.
        "batch" => {
            let macs = token.macs * as_f64(n_sequences(workload));
            vec![("batch_step_ns", Work { macs, ..token }, resident)]
        }
        "end-to-end" => {
            let steps = times(token, as_f64(n_generated.saturating_sub(1)));
            vec![("ttft_ns", prefill, resident), ("e2e_ns", prefill.plus(steps), resident)]
        }
        "matmul" => vec![("matmul_ns", layer, layer.bytes)],
        "gemm" => {
            let format = workload.params.get("format").and_then(|id| baselines::format::by_id(*id));
            let per_element =
                format.map_or(0.0, |format| as_f64(format.block_bytes) / as_f64(format.block_len));
            let bytes = elements * per_element;
            vec![("gemm_ns", Work { bytes, macs: elements * param("tokens") }, bytes)]
        }
        // The source is read once; what is written back is left out.
        "quantize" => vec![("quantize_ns", Work { bytes: quantize, macs: 0.0 }, quantize)],
        _ => Vec::new(),
    };
    let mut counts = record.processes.iter().flat_map(|process| &process.counts);
    let on_device = counts.any(|counts| {
        counts.workload == workload.name
            && device::is_of(&engine.settings.device_selected, &counts.kernel)
    });
    let timed = |(metric, work, working_set_bytes)| {
        let medians =
            record.samples(&workload.name, metric).filter_map(|(_, samples)| median(samples));
        let fastest_ns = medians.filter(|ns| *ns > 0.0).min_by(f64::total_cmp)?;
        let samples = record.samples(&workload.name, metric).flat_map(|(_, samples)| samples);
        let shortest_ns = samples.copied().filter(|ns| *ns > 0.0).min_by(f64::total_cmp)?;
        Some(Timed {
            workload,
            metric,
            work,
            on_device,
            working_set_bytes,
            fastest_ns,
            shortest_ns,
        })
    };
    metrics.into_iter().filter_map(timed).collect()
}

/// A prompt in batches: every weight once a batch, the head once.
fn prefill(engine: &Engine, output: &Output) -> Work {
    let batches = output.n_prompt.div_ceil(engine.settings.batch.max(1));
    let mut work = Work::default();
    for linear in &engine.model.linears {
        let (reads, tokens) =
            if linear.once_per_sequence { (1, 1) } else { (batches, output.n_prompt) };
        work = work.plus(of_linear(linear, linear.n, reads, tokens));
    }
    work
}

/// One token through every linear, as far as `workload` read them.
fn step(record: &RunRecord, engine: &Engine, workload: &WorkloadDef) -> Work {
    let linears = engine.model.linears.iter();
    linears.fold(Work::default(), |sum, linear| {
        let bytes = read_bytes(record, workload, linear);
        sum.plus(of_linear(&Linear { bytes, ..linear.clone() }, linear.n, 1, 1))
    })
}

/// Bytes that one product of `linear` reads at least when `workload` decodes a token, by the kernels that its processes name for it.
pub(crate) fn read_bytes(record: &RunRecord, workload: &WorkloadDef, linear: &Linear) -> u64 {
    let of = |counts: &&Counts| counts.workload == workload.name && counts.linear == linear.name;
    let counts = record.processes.iter().flat_map(|process| &process.counts).filter(of);
    let each = counts.map(|counts| reads::least(&counts.kernel, linear));
    each.min().unwrap_or(linear.bytes)
}

/// One token through the linears of one layer.
fn layer(engine: &Engine) -> Work {
    let linears = engine.model.linears.iter().filter(|linear| !linear.once_per_sequence);
    linears.fold(Work::default(), |sum, linear| sum.plus(of_linear(linear, 1, 1, 1)))
}

fn of_linear(linear: &Linear, n: u64, reads: u64, tokens: u64) -> Work {
    let Linear { rows, cols, bytes, .. } = *linear;
    Work {
        bytes: as_f64(n) * as_f64(bytes) * as_f64(reads),
        macs: as_f64(n) * as_f64(rows) * as_f64(cols) * as_f64(tokens),
    }
}

fn times(work: Work, n: f64) -> Work {
    Work { bytes: work.bytes * n, macs: work.macs * n }
}

/// The best rate that any probe of these kinds saw, before or after.
pub(crate) fn best_probe(record: &RunRecord, kinds: &[ProbeKind]) -> Option<f64> {
    let of_kind = record.probes.iter().filter(|probe| kinds.contains(&probe.kind));
    of_kind.filter_map(baselines::record::Probe::best_rate).max_by(f64::total_cmp)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sizes, counts and nanoseconds of a session are below 2^53"
)]
pub(crate) const fn as_f64(count: u64) -> f64 {
    count as f64
}
