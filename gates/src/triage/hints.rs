//! Why: what differs between the arms beside their times. In: the bundle, and what was found of the times. Out: sentences, each
//! with its numbers; nothing is guessed. Kinds of hints are the register [`KINDS`], the strongest evidence first.

use baselines::{
    Evidence, RunRecord,
    record::{Engine, Process},
};

use super::{
    attribution::{Attribution, typical},
    pairs,
    part::{Change, Pair},
};
use crate::{exact, stats::quantile, text::plain};

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
    Kind { name: "cache-size", explains: true, look: cache_size },
    Kind { name: "thread-imbalance", explains: true, look: thread_imbalance },
    Kind { name: "page-faults", explains: true, look: page_faults },
    Kind { name: "huge-pages", explains: true, look: huge_pages },
    Kind { name: "memory", explains: true, look: memory },
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

/// Weights of a sample that fitted a cache and no longer do, or the other way round. They are read once in each sample, by all
/// threads together.
fn cache_size(seen: &Seen<'_>) -> Vec<String> {
    let [base, head] = seen.arms();
    let host = &head.host;
    let threads = head.subject.engine().map_or(1, |engine| engine.settings.threads);
    let caches = [
        (host.core_cache_bytes.map(|bytes| bytes * threads), "the caches of its cores"),
        (host.shared_cache_bytes, "the cache that cores share"),
    ];
    let mut found = Vec::new();
    for of in seen.workloads {
        let read = |arm: &RunRecord| {
            let process = arm.processes.first()?;
            let series = process.series.iter();
            let mut of_metric = series
                .filter(|series| (&series.workload, &series.metric) == (&of.workload, &of.metric));
            let samples = of_metric.next()?.samples.len() as u64;
            let counts = process.counts.iter().filter(|counts| counts.workload == of.workload);
            counts.map(|counts| counts.bytes).sum::<u64>().checked_div(samples)
        };
        let (Some(of_base), Some(of_head)) = (read(base), read(head)) else { continue };
        for (size, what) in &caches {
            let Some(size) = size.filter(|size| (of_base <= *size) != (of_head <= *size)) else {
                continue;
            };
            let verb = if of_head > size { "no longer fit" } else { "now fit" };
            found.push(format!(
                "{}: the weights that a sample reads, {of_base} → {of_head} bytes, {verb} into {what}, {size} bytes",
                plain(&of.workload)
            ));
        }
    }
    found
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

/// Time that the first thread spent waiting for the others, where the whole changed as well: of parts that end together it is
/// next to none. Turns are counted and not timed, so that counting costs nothing; what a thousand take is measured beside them.
fn thread_imbalance(seen: &Seen<'_>) -> Vec<String> {
    const WORTH_NAMING: f64 = 0.005;
    let [base, head] = seen.arms();
    let median = |process: &Process, workload: &str, metric: &str| {
        let mut all = process.series.iter();
        let series = all.find(|series| series.workload == workload && series.metric == metric)?;
        quantile::median(&series.samples)
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

/// Page faults of an iteration that differ from pair to pair in the same direction.
fn page_faults(seen: &Seen<'_>) -> Vec<String> {
    counted(seen, "minor_faults_count", "page faults an iteration")
}

fn preemptions(seen: &Seen<'_>) -> Vec<String> {
    counted(seen, "preemptions_count", "times an iteration that the first thread lost its CPU")
}

/// Means over pairs of a count that varies; said where the interval lies on one side of zero.
fn counted(seen: &Seen<'_>, metric: &str, what: &str) -> Vec<String> {
    let [base, head] = seen.arms();
    let n = base.suite.workloads.len();
    let sum = |process: &Process, workload: &str| {
        let mut all = process.series.iter();
        let series = all.find(|series| series.workload == workload && series.metric == metric)?;
        Some(crate::stats::yuen::mean(&series.samples))
    };
    let mut found = Vec::new();
    for def in &base.suite.workloads {
        let both: Option<Vec<Pair>> = pairs(base, head)
            .map(|pair| Some(Pair::of(pair, sum(pair.0, &def.name)?, sum(pair.1, &def.name)?, 1.0)))
            .collect();
        let Some(change) = both.and_then(|both| Change::of(&both, n)) else { continue };
        if change.is_sure() && change.share.abs() >= 1.0 {
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
fn huge_pages(seen: &Seen<'_>) -> Vec<String> {
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

/// Peak memory of each process, and the cache that it has grown out of or into.
fn memory(seen: &Seen<'_>) -> Vec<String> {
    let [base, head] = seen.arms();
    #[expect(clippy::cast_precision_loss, reason = "bytes of a process")]
    let peak = |process: &Process| process.peak_rss_bytes.map(|rss| rss as f64);
    let both: Option<Vec<Pair>> = pairs(base, head)
        .map(|pair| Some(Pair::of(pair, peak(pair.0)?, peak(pair.1)?, peak(pair.0)?)))
        .collect();
    let Some(change) = both.and_then(|both| Change::of(&both, 1)) else { return Vec::new() };
    // Of the program's own file the system maps as much as it likes: builds that do the same differ by a MB.
    let differs = change.is_sure()
        && change.share.abs() > 0.05
        && (change.head_ns - change.base_ns).abs() > 4e6;
    differs
        .then(|| {
            format!(
                "peak resident memory: {:.1} → {:.1} MB ({:+.1} %)",
                change.base_ns / 1e6,
                change.head_ns / 1e6,
                change.share * 100.0
            )
        })
        .into_iter()
        .collect()
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
