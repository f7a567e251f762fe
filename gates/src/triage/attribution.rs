//! The table of one workload: every span's part of the change, and what no span covers. In: both arms. Out: parts that sum to
//! the whole.

use baselines::{
    RunRecord,
    record::{Counts, ProbeKind, Process},
};

use super::{
    cells::Cells,
    pairs,
    part::{Change, Pair, Part},
    processor,
    spans::{SPANS, SpanDef},
};
use crate::{
    stats::{quantile::median, yuen::as_f64},
    verify::rates::best_probe,
};

/// Where the time of one workload went.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribution {
    /// Workload name.
    pub workload: String,
    /// Its metric, which one sample is of.
    pub metric: String,
    /// The change of that metric.
    pub whole: Change,
    /// One for each span, in the order of a pass, and last what is outside of all spans. Of a command: user, system, waiting.
    pub parts: Vec<Part>,
    /// Positions in an iteration: steps that follow one another in a sequence.
    pub positions: usize,
    /// The sum of the spans that one kernel carries out, for each kernel that has several: by the base's kernels.
    pub kernels: Vec<(String, Change)>,
    /// What stamping cost; `None` where it was not measured.
    pub overhead: Option<Overhead>,
}

/// What stamping cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overhead {
    /// Readings of the clock in one sample.
    pub stamps: f64,
    /// Nanoseconds of one reading.
    pub stamp_ns: f64,
    /// Their product, as a share of the base's sample.
    pub share: f64,
}

/// The name of the last part of a pass.
pub(super) const OUTSIDE: &str = "(outside of spans)";

/// Kernels that a table sums up at most: a model has one ternary format or two.
const KERNELS_MOST: usize = 2;

/// A part is named where it makes up so much of the base's whole at least: less is nothing to act on.
pub(super) const WORTH_NAMING: f64 = 0.002;

impl Attribution {
    /// Whether it is of runs of a command: parts are then no spans, but what the system accounts a run's time to.
    #[must_use]
    pub fn is_of_command(&self) -> bool {
        self.metric == processor::WHOLE
    }

    /// Parts whose growth with the position differs for sure, by so much over all positions that it is worth a name.
    pub(super) fn growing(&self) -> impl Iterator<Item = (&Part, Change)> {
        self.parts.iter().filter_map(|part| {
            let growth = part.growth.filter(Change::is_sure)?;
            let over_all = growth.share.abs() * as_f64(self.positions);
            (over_all >= WORTH_NAMING).then_some((part, growth))
        })
    }

    /// The parts whose change is sure, and worth a name: the largest first.
    pub fn named(&self) -> impl Iterator<Item = &Part> {
        let mut named: Vec<&Part> = self
            .parts
            .iter()
            .filter(|part| part.change.is_sure() && part.change.share.abs() >= WORTH_NAMING)
            .collect();
        named.sort_by(|a, b| b.change.share.abs().total_cmp(&a.change.share.abs()));
        named.into_iter()
    }
}

/// One for each workload that has spans, or is runs of a command.
pub(super) fn all(base: &RunRecord, head: &RunRecord) -> Vec<Attribution> {
    base.suite
        .workloads
        .iter()
        .filter_map(|workload| {
            if base.subject.command().is_some() {
                return processor::attribution(base, head, &workload.name);
            }
            let metric = metric_of(&base.processes.first()?.series, &workload.name)?;
            attribution(base, head, &workload.name, metric)
        })
        .collect()
}

/// The metric of a stamped workload: the one that its spans are parts of.
fn metric_of<'a>(series: &'a [baselines::record::Series], workload: &str) -> Option<&'a str> {
    let own = || series.iter().filter(|series| series.workload == workload);
    own().find(|series| series.metric == "span_attend_ns")?;
    let is_whole =
        |name: &str| baselines::metric::find(name).is_some_and(baselines::Metric::is_interval);
    own().map(|series| series.metric.as_str()).find(|name| is_whole(name))
}

fn attribution(
    base: &RunRecord,
    head: &RunRecord,
    workload: &str,
    metric: &str,
) -> Option<Attribution> {
    let cells: Vec<Cells<'_>> =
        pairs(base, head).filter_map(|pair| Cells::of(pair, workload, metric)).collect();
    // Every span, the whole, what is outside, and every kernel.
    let n_intervals = SPANS.len() + 2 + KERNELS_MOST;
    let wholes: Vec<[f64; 2]> = cells.iter().map(Cells::whole).collect();
    let change = |of_pairs: &[[f64; 2]]| change(&cells, &wholes, of_pairs, n_intervals);
    let whole = change(&wholes)?;
    let of_whole = |part: &Change| whole.is_sure().then(|| part.share / whole.share);
    let mut left = wholes.clone();
    let mut by_kernel: Vec<(String, usize, Vec<[f64; 2]>)> = Vec::new();
    let mut parts = Vec::with_capacity(SPANS.len() + 1);
    for span in SPANS {
        let of_span: Option<Vec<[f64; 2]>> =
            cells.iter().map(|cells| cells.part(&span.metric())).collect();
        let of_span = of_span?;
        for (left, part) in left.iter_mut().zip(&of_span) {
            (left[0], left[1]) = (left[0] - part[0], left[1] - part[1]);
        }
        let of_part = change(&of_span)?;
        if let [kernel] = &kernels(base, workload, span)[..] {
            match by_kernel.iter_mut().find(|(known, ..)| known == kernel) {
                Some((_, n_spans, sums)) => {
                    *n_spans += 1;
                    for (sum, part) in sums.iter_mut().zip(&of_span) {
                        (sum[0], sum[1]) = (sum[0] + part[0], sum[1] + part[1]);
                    }
                }
                None => by_kernel.push((kernel.clone(), 1, of_span.clone())),
            }
        }
        let slopes: Option<Vec<[f64; 2]>> =
            cells.iter().map(|cells| cells.slope(&span.metric())).collect();
        parts.push(Part {
            name: span.name.to_owned(),
            about: span.about,
            kernels: [base, head].map(|arm| kernels(arm, workload, span)),
            change: of_part,
            of_whole: of_whole(&of_part),
            growth: slopes.and_then(|slopes| change(&slopes)),
            evidence: evidence(base, head, workload, span, &of_part),
        });
    }
    let outside = change(&left)?;
    parts.push(Part {
        name: OUTSIDE.to_owned(),
        about: "room, checks, sampling",
        kernels: [Vec::new(), Vec::new()],
        change: outside,
        of_whole: of_whole(&outside),
        growth: None,
        evidence: Vec::new(),
    });
    by_kernel.retain(|(_, n_spans, _)| *n_spans > 1);
    by_kernel.truncate(KERNELS_MOST);
    let kernels =
        by_kernel.into_iter().filter_map(|(name, _, sums)| Some((name, change(&sums)?))).collect();
    let overhead = overhead(base, workload, whole.base_ns);
    Some(Attribution {
        workload: workload.to_owned(),
        metric: metric.to_owned(),
        whole,
        parts,
        positions: cells.first().map_or(0, Cells::positions),
        kernels,
        overhead,
    })
}

/// The change of a part, of which each pair has the time in both arms, as a share of the base's whole.
pub(super) fn change(
    cells: &[Cells<'_>],
    wholes: &[[f64; 2]],
    of_pairs: &[[f64; 2]],
    n_intervals: usize,
) -> Option<Change> {
    let of_pair = |((both, whole), cells): ((&[f64; 2], &[f64; 2]), &Cells<'_>)| {
        Pair::of(cells.processes(), both[0], both[1], whole[0])
    };
    let all: Vec<Pair> = of_pairs.iter().zip(wholes).zip(cells).map(of_pair).collect();
    Change::of(&all, n_intervals)
}

/// The median over processes of the medians of a series.
pub(super) fn typical(record: &RunRecord, workload: &str, metric: &str) -> Option<f64> {
    let medians: Vec<f64> =
        record.samples(workload, metric).filter_map(|(_, samples)| median(samples)).collect();
    median(&medians)
}

fn overhead(base: &RunRecord, workload: &str, whole_ns: f64) -> Option<Overhead> {
    let stamps = typical(base, workload, "span_stamps_count")?;
    let stamp_ns = typical(base, workload, "thousand_stamps_ns")? / 1e3;
    Some(Overhead { stamps, stamp_ns, share: stamps * stamp_ns / whole_ns })
}

/// The counts of one linear in the first process: all processes of an arm run the same kernels.
pub(super) fn counts<'a>(arm: &'a RunRecord, workload: &str, linear: &str) -> Option<&'a Counts> {
    let of_process = |process: &'a Process| {
        let mut all = process.counts.iter();
        all.find(|counts| counts.workload == workload && counts.linear == linear)
    };
    arm.processes.first().and_then(of_process)
}

fn kernels(arm: &RunRecord, workload: &str, span: &SpanDef) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for counts in span.linears.iter().filter_map(|linear| counts(arm, workload, linear)) {
        if !names.contains(&counts.kernel) {
            names.push(counts.kernel.clone());
        }
    }
    names
}

/// What the counts say of a span: another kernel, other bytes, and the rate at which it read its weights.
fn evidence(
    base: &RunRecord,
    head: &RunRecord,
    workload: &str,
    span: &SpanDef,
    change: &Change,
) -> Vec<String> {
    let mut evidence = Vec::new();
    for linear in span.linears {
        let (Some(of_base), Some(of_head)) =
            (counts(base, workload, linear), counts(head, workload, linear))
        else {
            continue;
        };
        if of_base.kernel != of_head.kernel {
            evidence.push(format!("{linear}: kernel {} → {}", of_base.kernel, of_head.kernel));
        }
        let each = |counts: &Counts| ratio(counts.bytes, counts.products);
        let [old, new] = [of_base, of_head].map(each);
        // What a screened head reads depends on the prompt, and every pair has one of its own.
        let screened = crate::verify::is_screened(&of_base.kernel);
        if !screened && (new - old).abs() > 0.5 {
            evidence.push(format!("{linear}: {old:.0} → {new:.0} bytes a product"));
        }
    }
    if let Some([old, new]) = rates(base, head, workload, span, change) {
        let peak = best_probe(base, &[ProbeKind::BandwidthHugePages, ProbeKind::BandwidthPages4k]);
        let of_peak = peak.map_or_else(String::new, |peak| {
            format!(
                " ({:.0} → {:.0} % of the memory probe)",
                old / peak * 100.0,
                new / peak * 100.0
            )
        });
        evidence.push(format!("weights at {:.1} → {:.1} GB/s{of_peak}", old / 1e9, new / 1e9));
    }
    evidence
}

/// Bytes of weights that a span reads in a second, in both arms.
fn rates(
    base: &RunRecord,
    head: &RunRecord,
    workload: &str,
    span: &SpanDef,
    change: &Change,
) -> Option<[f64; 2]> {
    if span.linears.is_empty() {
        return None;
    }
    let bytes = |arm: &RunRecord| {
        span.linears.iter().try_fold(0.0, |sum, linear| {
            let each = counts(arm, workload, linear)?;
            let n =
                arm.subject.engine()?.model.linears.iter().find(|known| known.name == *linear)?.n;
            Some(sum + ratio(each.bytes, each.products) * as_f64(usize::try_from(n).ok()?))
        })
    };
    let rate = |bytes: f64, ns: f64| (ns > 0.0).then_some(bytes / ns * 1e9);
    // A batch of several tokens shares a read: its bytes a product are a share of it, and so is its time.
    Some([rate(bytes(base)?, change.base_ns)?, rate(bytes(head)?, change.head_ns)?])
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn ratio(a: u64, b: u64) -> f64 {
    if b == 0 { 0.0 } else { a as f64 / b as f64 }
}
