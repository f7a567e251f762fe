//! Why: what differs between the arms beside their times. In: the bundle, and what was found of the times. Out: sentences, each
//! with its numbers; nothing is guessed. Kinds of hints are the register [`KINDS`], the strongest evidence first.

use baselines::{
    Evidence, RunRecord,
    record::{Engine, Process},
    unit::Unit,
};

use super::{
    attribution::{Attribution, WORTH_NAMING, typical},
    pairs,
    part::{Change, Pair},
    processor,
};
use crate::{exact, text::plain};

/// One difference, with its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Kind, from the register.
    pub kind: &'static str,
    /// The sentence.
    pub text: String,
    /// Whether it is a difference of the builds; else a circumstance of the session.
    pub explains: bool,
}

/// What a kind of hint looks at.
struct Seen<'a> {
    evidence: &'a Evidence,
    workloads: &'a [Attribution],
}

/// One kind of hint.
struct Kind {
    name: &'static str,
    explains: bool,
    look: fn(&Seen<'_>) -> Vec<String>,
}

/// All kinds, the strongest evidence first.
const KINDS: &[Kind] = &[
    Kind { name: "output", explains: true, look: output },
    Kind { name: "isa", explains: true, look: isa },
    Kind { name: "fallback", explains: true, look: fallback },
    Kind { name: "kernel", explains: true, look: kernel },
    Kind { name: "settings", explains: true, look: settings },
    Kind { name: "quantized", explains: true, look: quantized },
    Kind { name: "counts", explains: true, look: counts },
    Kind { name: "allocations", explains: true, look: allocations },
    Kind { name: "growth", explains: true, look: growth },
    Kind { name: "processor-time", explains: true, look: processor_time },
    Kind { name: "page-faults", explains: true, look: page_faults },
    Kind { name: "faults-from-disk", explains: true, look: faults_from_disk },
    Kind { name: "disk-reads", explains: true, look: disk_reads },
    Kind { name: "disk-writes", explains: true, look: disk_writes },
    Kind { name: "waits", explains: true, look: waits },
    Kind { name: "huge-pages", explains: true, look: huge_pages },
    Kind { name: "memory", explains: true, look: memory },
    Kind { name: "parallel", explains: false, look: parallel },
    Kind { name: "preemptions", explains: false, look: preemptions },
    Kind { name: "environment", explains: false, look: environment },
];

/// All that differs.
pub(super) fn all(evidence: &Evidence, workloads: &[Attribution]) -> Vec<Hint> {
    let seen = Seen { evidence, workloads };
    let of_kind = |kind: &Kind| {
        let (name, explains) = (kind.name, kind.explains);
        (kind.look)(&seen).into_iter().map(move |text| Hint { kind: name, text, explains })
    };
    KINDS.iter().flat_map(of_kind).collect()
}

impl Seen<'_> {
    const fn arms(&self) -> [&RunRecord; 2] {
        [&self.evidence.base, &self.evidence.head]
    }

    /// Whether the session is of two commands.
    fn is_of_commands(&self) -> bool {
        self.evidence.base.subject.command().is_some()
    }

    fn engines(&self) -> Option<[&Engine; 2]> {
        let [base, head] = self.arms();
        Some([base.subject.engine()?, head.subject.engine()?])
    }

    /// The typical value of a series in both arms of each workload that has it.
    fn typical(&self, metric: &str) -> Vec<(String, [f64; 2])> {
        let [base, head] = self.arms();
        let both = |name: &String| {
            Some((name.clone(), [typical(base, name, metric)?, typical(head, name, metric)?]))
        };
        base.suite.workloads.iter().map(|def| &def.name).filter_map(both).collect()
    }
}

/// Another output is other work.
fn output(seen: &Seen<'_>) -> Vec<String> {
    let [base, head] = seen.arms();
    let (Some(of_base), Some(of_head)) = (base.processes.first(), head.processes.first()) else {
        return Vec::new();
    };
    let differs = |output: &&baselines::record::Output| {
        let other = of_head.outputs.iter().find(|other| other.workload == output.workload);
        other.is_some_and(|other| {
            (other.output_ids_digest, other.logits_digest)
                != (output.output_ids_digest, output.logits_digest)
        })
    };
    let sentence = |output: &baselines::record::Output| {
        format!(
            "{}: the head puts out other tokens or logits than the base: its time is that of other work",
            plain(&output.workload)
        )
    };
    of_base.outputs.iter().filter(differs).map(sentence).collect()
}

fn isa(seen: &Seen<'_>) -> Vec<String> {
    let Some([base, head]) = seen.engines() else { return Vec::new() };
    let (base, head) = (&base.settings.isa, &head.settings.isa);
    let lost = (base != head)
        .then(|| format!("the instruction set changed from {} to {}", plain(base), plain(head)));
    lost.into_iter().collect()
}

fn fallback(seen: &Seen<'_>) -> Vec<String> {
    let Some([base, head]) = seen.engines() else { return Vec::new() };
    let (base, head) = (&base.settings, &head.settings);
    if (&base.fallback, &base.device_selected) == (&head.fallback, &head.device_selected) {
        return Vec::new();
    }
    let why = |fallback: &Option<String>| fallback.as_deref().map_or("none".to_owned(), plain);
    vec![format!(
        "the device changed from {} (fallback: {}) to {} (fallback: {})",
        plain(&base.device_selected),
        why(&base.fallback),
        plain(&head.device_selected),
        why(&head.fallback)
    )]
}

/// Kernels of each linear that are others; the same change of several linears is one sentence.
fn kernel(seen: &Seen<'_>) -> Vec<String> {
    let [base, head] = seen.arms();
    let (Some(of_base), Some(of_head)) = (base.processes.first(), head.processes.first()) else {
        return Vec::new();
    };
    let mut changes: Vec<([&str; 2], Vec<String>)> = Vec::new();
    for old in &of_base.counts {
        let same = |new: &&baselines::record::Counts| {
            (&new.workload, &new.linear) == (&old.workload, &old.linear)
        };
        let Some(new) = of_head.counts.iter().find(same) else { continue };
        if new.kernel == old.kernel {
            continue;
        }
        let change = [old.kernel.as_str(), new.kernel.as_str()];
        let place = format!("{}/{}", old.workload, old.linear);
        match changes.iter_mut().find(|(known, _)| *known == change) {
            Some((_, places)) => places.push(place),
            None => changes.push((change, vec![place])),
        }
    }
    let isa = |kernel: &str| kernel.rsplit_once('.').map_or("", |(_, isa)| isa).to_owned();
    let sentence = |([old, new], places): ([&str; 2], Vec<String>)| {
        let (old_isa, new_isa) = (isa(old), isa(new));
        let lost = if old_isa == new_isa {
            String::new()
        } else {
            format!(" (instruction set {} → {})", plain(&old_isa), plain(&new_isa))
        };
        format!("kernel {} → {}{lost} in {}", plain(old), plain(new), plain(&places.join(", ")))
    };
    changes.into_iter().map(sentence).collect()
}

fn settings(seen: &Seen<'_>) -> Vec<String> {
    let Some([base, head]) = seen.engines() else { return Vec::new() };
    let (base, head) = (&base.settings, &head.settings);
    let number = |value: u64| value.to_string();
    let bytes = |value: Option<u64>| value.map_or_else(|| "not said".to_owned(), number);
    let word = |value: &Option<String>| value.clone().unwrap_or_else(|| "not said".to_owned());
    [
        ("threads", number(base.threads), number(head.threads)),
        ("threads kept on CPUs", base.pinned.to_string(), head.pinned.to_string()),
        ("activations", base.activations.clone(), head.activations.clone()),
        ("batch", number(base.batch), number(head.batch)),
        ("output head", word(&base.head), word(&head.head)),
        (
            "bytes of weights copied to memory of their own",
            bytes(base.weights_copied_bytes),
            bytes(head.weights_copied_bytes),
        ),
    ]
    .into_iter()
    .filter(|(_, base, head)| base != head)
    .map(|(what, base, head)| format!("{what}: {} → {}", plain(&base), plain(&head)))
    .collect()
}

/// Rows of activations packed for products: one a token, product input and layer.
fn quantized(seen: &Seen<'_>) -> Vec<String> {
    let differing = seen.typical("span_packed_rows_count").into_iter();
    differing
        .filter(|(_, [base, head])| (base - head).abs() > 0.5)
        .map(|(workload, [base, head])| {
            let word = if head > base { "more" } else { "fewer" };
            format!(
                "{}: activations quantized {base:.0} → {head:.0} times a sample ({:.0} {word})",
                plain(&workload),
                (head - base).abs()
            )
        })
        .collect()
}

/// Exact counts that differ: those of kernels, where the kernels are the same.
fn counts(seen: &Seen<'_>) -> Vec<String> {
    let [base, head] = seen.arms();
    exact::differences(base, head)
        .into_iter()
        .filter(|found| found.metric.starts_with("kernel_") || found.metric == "generated_tokens")
        .filter_map(|found| {
            let (base, head) = (found.base?.per_iteration(), found.head?.per_iteration());
            let (metric, place) = (found.metric, plain(&found.place));
            Some(format!("{place}: {metric} {base:.0} → {head:.0} an iteration"))
        })
        .collect()
}

fn allocations(seen: &Seen<'_>) -> Vec<String> {
    let [base, head] = seen.arms();
    let differing: Vec<exact::Exact> = exact::differences(base, head)
        .into_iter()
        .filter(|found| ["timed_allocations", "allocated_bytes"].contains(&found.metric))
        .collect();
    let amount = |place: &str, metric: &str, of: fn(&exact::Exact) -> Option<exact::Amount>| {
        let found =
            differing.iter().find(|found| found.place == place && found.metric == metric)?;
        of(found).map(exact::Amount::per_iteration)
    };
    let mut places: Vec<&str> = differing.iter().map(|found| found.place.as_str()).collect();
    places.dedup();
    places.sort_unstable();
    places.dedup();
    places
        .into_iter()
        .map(|place| {
            let both = |metric: &str, unit: &str| {
                let base = amount(place, metric, |found| found.base)?;
                let head = amount(place, metric, |found| found.head)?;
                Some(format!("{base:.0} → {head:.0} {unit}"))
            };
            let said: Vec<String> = [
                both("timed_allocations", "allocations"),
                both("allocated_bytes", "bytes allocated"),
            ]
            .into_iter()
            .flatten()
            .collect();
            format!("{}: {} in the timed stretches of an iteration", plain(place), said.join(", "))
        })
        .collect()
}

/// Spans that grow with the position in another way than they did.
fn growth(seen: &Seen<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for workload in seen.workloads {
        for (part, growth) in workload.growing() {
            let width = (growth.high - growth.low) / 2.0 * workload.whole.base_ns;
            found.push((
                growth.share.abs(),
                format!(
                    "{}: `{}` grows with the position by {:.1} → {:.1} ns a token (± {width:.1})",
                    plain(&workload.workload),
                    part.name,
                    growth.base_ns,
                    growth.head_ns,
                ),
            ));
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().map(|(_, text)| text).collect()
}

/// Processor time of commands, which the system knows better than what part of it was its own.
fn processor_time(seen: &Seen<'_>) -> Vec<String> {
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
fn parallel(seen: &Seen<'_>) -> Vec<String> {
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
fn page_faults(seen: &Seen<'_>) -> Vec<String> {
    let what = if seen.is_of_commands() {
        "page faults a run that read nothing from a disk"
    } else {
        "page faults an iteration"
    };
    counted(seen, "minor_faults_count", what)
}

fn faults_from_disk(seen: &Seen<'_>) -> Vec<String> {
    counted(seen, "major_faults_count", "page faults a run that read from a disk")
}

fn disk_reads(seen: &Seen<'_>) -> Vec<String> {
    counted(seen, "blocks_read_count", "blocks of 512 bytes a run read from disks")
}

fn disk_writes(seen: &Seen<'_>) -> Vec<String> {
    counted(seen, "blocks_written_count", "blocks of 512 bytes a run written to disks")
}

fn waits(seen: &Seen<'_>) -> Vec<String> {
    let what = "times a run that it gave its CPU up to wait (voluntary context switches)";
    counted(seen, "voluntary_switches_count", what)
}

fn preemptions(seen: &Seen<'_>) -> Vec<String> {
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

/// The mean of all samples of one series.
fn mean_of(process: &Process, workload: &str, metric: &str) -> Option<f64> {
    let mut all = process.series.iter();
    let series = all.find(|series| series.workload == workload && series.metric == metric)?;
    Some(crate::stats::yuen::mean(&series.samples))
}

/// Weights that no longer lie in huge pages, by the median over processes.
fn huge_pages(seen: &Seen<'_>) -> Vec<String> {
    let median = |arm: &RunRecord| {
        let bytes = arm.processes.iter().filter_map(|process| process.weights_huge_bytes);
        #[expect(clippy::cast_precision_loss, reason = "bytes of a model")]
        let bytes: Vec<f64> = bytes.map(|bytes| bytes as f64).collect();
        crate::stats::quantile::median(&bytes)
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
fn memory(seen: &Seen<'_>) -> Vec<String> {
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
    crate::stats::quantile::median(&values?)
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
fn environment(seen: &Seen<'_>) -> Vec<String> {
    let marks = &seen.evidence.head.marks;
    marks.iter().map(|mark| format!("{}: {}", plain(&mark.name), plain(&mark.detail))).collect()
}

#[cfg(test)]
mod tests {
    use super::KINDS;

    #[test]
    fn kinds_have_names_of_their_own() {
        for (i, kind) in KINDS.iter().enumerate() {
            assert!(KINDS[..i].iter().all(|other| other.name != kind.name), "{}", kind.name);
            assert!(kind.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
        }
    }
}
