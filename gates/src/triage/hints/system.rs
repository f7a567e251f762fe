//! What the system says of both: threads that wait, processor time, page faults, memory, and the marks of the session. In: what
//! was seen. Out: sentences.

use baselines::{RunRecord, record::Process, unit::Unit};

use super::{
    super::{
        attribution::{Attribution, WORTH_NAMING},
        cells::find,
        pairs,
        part::{Change, Pair},
        processor,
    },
    Seen, mean_of,
};
use crate::{stats::quantile, text::plain};

/// Time that the first thread spent waiting for the others, where the whole changed as well: of parts that end together it is
/// next to none. Turns are counted and not timed, so that no clock is read for it; what a thousand take is measured beside them.
pub(super) fn thread_imbalance(seen: &Seen<'_>) -> Vec<String> {
    const WORTH_NAMING: f64 = 0.005;
    let [base, head] = seen.arms();
    let median = |process: &Process, workload: &str, metric: &str| {
        quantile::median(&find(process, workload, metric)?.samples)
    };
    let changed: Vec<&Attribution> =
        seen.workloads.iter().filter(|workload| workload.whole.is_sure()).collect();
    let mut found = Vec::new();
    for of in &changed {
        // Medians: a thread that lost its CPU once is waited for once, for very long.
        let waited = |process: &Process| {
            let turns = median(process, &of.workload, "span_wait_turns_count")?;
            Some(turns * median(process, &of.workload, "thousand_turns_ns")? / 1e3)
        };
        let both: Option<Vec<Pair>> = pairs(base, head)
            .map(|pair| {
                let whole = median(pair.0, &of.workload, &of.metric)?;
                Some(Pair::of(pair, waited(pair.0)?, waited(pair.1)?, whole))
            })
            .collect();
        let Some(change) = both.and_then(|both| Change::of(&both, changed.len())) else { continue };
        if change.is_sure() && change.share.abs() >= WORTH_NAMING {
            found.push(format!(
                "{}: the first thread waits for the others for {:.0} → {:.0} ns a sample ({:+.1} % of it)",
                plain(&of.workload),
                change.base_ns,
                change.head_ns,
                change.share * 100.0
            ));
        }
    }
    found
}

/// Processor time of commands, which the system knows better than what part of it was its own.
pub(super) fn processor_time(seen: &Seen<'_>) -> Vec<String> {
    let [base, head] = seen.arms();
    let of_workload = |workload: &Attribution| {
        let change = processor::together(base, head, &workload.workload)?;
        (change.is_sure() && change.share.abs() >= WORTH_NAMING).then(|| {
            format!(
                "{}: user and system time together {} → {}, {:+.1} % of the wall time ({:+.1} to {:+.1} %)",
                plain(&workload.workload),
                Unit::Nanoseconds.text(change.base_ns),
                Unit::Nanoseconds.text(change.head_ns),
                change.share * 100.0,
                change.low * 100.0,
                change.high * 100.0
            )
        })
    };
    let commands = seen.workloads.iter().filter(|workload| workload.is_of_command());
    commands.filter_map(of_workload).collect()
}

/// More processor time than time: the rest of the table is then less than nothing.
pub(super) fn parallel(seen: &Seen<'_>) -> Vec<String> {
    let commands = seen.workloads.iter().filter(|workload| workload.is_of_command());
    commands
        .filter_map(|workload| {
            let rest = workload.parts.last()?;
            let [base, head] = [
                1.0 - rest.change.base_ns / workload.whole.base_ns,
                1.0 - rest.change.head_ns / workload.whole.head_ns,
            ];
            (base > 1.0 || head > 1.0).then(|| {
                format!(
                    "{}: {base:.2} → {head:.2} processors at work on average: several threads or processes run at once, so that \
                     `{}`, the wall time less theirs, is below zero",
                    plain(&workload.workload),
                    rest.name
                )
            })
        })
        .collect()
}

/// Page faults that differ from pair to pair in the same direction.
pub(super) fn page_faults(seen: &Seen<'_>) -> Vec<String> {
    let what = if seen.is_of_commands() {
        "page faults a run that read nothing from a disk"
    } else {
        "page faults an iteration"
    };
    counted(seen, "minor_faults_count", what)
}

pub(super) fn faults_from_disk(seen: &Seen<'_>) -> Vec<String> {
    counted(seen, "major_faults_count", "page faults a run that read from a disk")
}

pub(super) fn disk_reads(seen: &Seen<'_>) -> Vec<String> {
    counted(seen, "blocks_read_count", "blocks of 512 bytes a run read from disks")
}

pub(super) fn disk_writes(seen: &Seen<'_>) -> Vec<String> {
    counted(seen, "blocks_written_count", "blocks of 512 bytes a run written to disks")
}

pub(super) fn waits(seen: &Seen<'_>) -> Vec<String> {
    let what = "times a run that it gave its CPU up to wait (voluntary context switches)";
    counted(seen, "voluntary_switches_count", what)
}

pub(super) fn preemptions(seen: &Seen<'_>) -> Vec<String> {
    if seen.is_of_commands() {
        let what = "times a run that it was taken off its CPU (involuntary context switches)";
        return counted(seen, "involuntary_switches_count", what);
    }
    counted(seen, "preemptions_count", "times an iteration that the first thread lost its CPU")
}

/// Counts that are read of each run of a command: their intervals hold together.
const N_COUNTS: usize = 6;

/// Less of a command's count is nothing to act on: starting a program alone takes hundreds of page faults.
const COUNT_LEAST: f64 = 0.02;

/// Means over pairs of a count that varies; said where the interval lies on one side of zero.
fn counted(seen: &Seen<'_>, metric: &str, what: &str) -> Vec<String> {
    let [base, head] = seen.arms();
    let (n_counts, least) = if seen.is_of_commands() { (N_COUNTS, COUNT_LEAST) } else { (1, 0.0) };
    let n = base.suite.workloads.len() * n_counts;
    let mut found = Vec::new();
    for def in &base.suite.workloads {
        let own = |process: &Process| mean_of(process, &def.name, metric);
        let both: Option<Vec<Pair>> = pairs(base, head)
            .map(|pair| Some(Pair::of(pair, own(pair.0)?, own(pair.1)?, 1.0)))
            .collect();
        let Some(change) = both.and_then(|both| Change::of(&both, n)) else { continue };
        let least = (least * change.base_ns.max(change.head_ns)).max(1.0);
        if change.is_sure() && change.share.abs() >= least {
            found.push(format!(
                "{}: {:.1} → {:.1} {what}",
                plain(&def.name),
                change.base_ns,
                change.head_ns
            ));
        }
    }
    found
}

/// Weights that no longer lie in huge pages, by the median over processes.
pub(super) fn huge_pages(seen: &Seen<'_>) -> Vec<String> {
    let median = |arm: &RunRecord| {
        let bytes = arm.processes.iter().filter_map(|process| process.weights_huge_bytes);
        #[expect(clippy::cast_precision_loss, reason = "bytes of a model")]
        let bytes: Vec<f64> = bytes.map(|bytes| bytes as f64).collect();
        quantile::median(&bytes)
    };
    let [base, head] = seen.arms().map(median);
    let (Some(base), Some(head)) = (base, head) else { return Vec::new() };
    // 16 pages of 2 MiB: each process gets what the system has left.
    let differs = (base - head).abs() > 16.0 * 2_097_152.0;
    differs
        .then(|| format!("weights in huge pages: {:.1} → {:.1} MB", base / 1e6, head / 1e6))
        .into_iter()
        .collect()
}

/// Peak memory of each process, or of each run of a command, and the cache that it has grown out of or into.
pub(super) fn memory(seen: &Seen<'_>) -> Vec<String> {
    let [base, head] = seen.arms();
    if seen.is_of_commands() {
        let defs = &base.suite.workloads;
        return defs.iter().filter_map(|def| memory_of_runs(base, head, &def.name)).collect();
    }
    #[expect(clippy::cast_precision_loss, reason = "bytes of a process")]
    let peak = |process: &Process| process.peak_rss_bytes.map(|rss| rss as f64);
    peaks(base, head, &peak, 1).into_iter().collect()
}

/// Of one workload of a command. A peak that is not above that of `bench` itself is not known, and not in the record.
fn memory_of_runs(base: &RunRecord, head: &RunRecord, workload: &str) -> Option<String> {
    let peak = |process: &Process| mean_of(process, workload, "max_rss_bytes");
    let n = base.suite.workloads.len();
    let said = peaks(base, head, &peak, n).or_else(|| {
        let known = |arm: &RunRecord| {
            let peaks: Vec<Option<f64>> = arm.processes.iter().map(peak).collect();
            if peaks.iter().all(Option::is_none) { Some(None) } else { typical_of(peaks).map(Some) }
        };
        const BELOW: &str = "no more than bench itself";
        let megabytes = |bytes: f64| format!("{:.1} MB", bytes / 1e6);
        match (known(base)?, known(head)?) {
            (None, Some(bytes)) => {
                Some(format!("peak resident memory: {BELOW} → {}", megabytes(bytes)))
            }
            (Some(bytes), None) => {
                Some(format!("peak resident memory: {} → {BELOW}", megabytes(bytes)))
            }
            _ => None,
        }
    })?;
    Some(format!("{}: {said}", plain(workload)))
}

/// The median, where all are known.
fn typical_of(values: Vec<Option<f64>>) -> Option<f64> {
    let values: Option<Vec<f64>> = values.into_iter().collect();
    quantile::median(&values?)
}

/// A difference of peaks that is sure, and worth a name.
fn peaks(
    base: &RunRecord,
    head: &RunRecord,
    peak: &dyn Fn(&Process) -> Option<f64>,
    n_intervals: usize,
) -> Option<String> {
    let both: Option<Vec<Pair>> = pairs(base, head)
        .map(|pair| Some(Pair::of(pair, peak(pair.0)?, peak(pair.1)?, peak(pair.0)?)))
        .collect();
    let change = Change::of(&both?, n_intervals)?;
    // Of the program's own file the system maps as much as it likes: builds that do the same differ by a MB.
    let differs = change.is_sure()
        && change.share.abs() > 0.05
        && (change.head_ns - change.base_ns).abs() > 4e6;
    differs.then(|| {
        format!(
            "peak resident memory: {:.1} → {:.1} MB ({:+.1} %)",
            change.base_ns / 1e6,
            change.head_ns / 1e6,
            change.share * 100.0
        )
    })
}

/// What the session says of itself: stolen time, other work, throttling.
pub(super) fn environment(seen: &Seen<'_>) -> Vec<String> {
    let marks = &seen.evidence.head.marks;
    marks.iter().map(|mark| format!("{}: {}", plain(&mark.name), plain(&mark.detail))).collect()
}
