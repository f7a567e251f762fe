//! What differs of the builds themselves: what they put out, chose, counted, read and asked for. In: what was seen. Out: sentences.

use baselines::{
    RunRecord,
    record::{Counts, Output},
};

use super::Seen;
use crate::{exact, text::plain};

/// Another output is other work.
pub(super) fn output(seen: &Seen<'_>) -> Vec<String> {
    let [base, head] = seen.arms();
    let (Some(of_base), Some(of_head)) = (base.processes.first(), head.processes.first()) else {
        return Vec::new();
    };
    let differs = |output: &&Output| {
        let other = of_head.outputs.iter().find(|other| other.workload == output.workload);
        other.is_some_and(|other| {
            (other.output_ids_digest, other.logits_digest)
                != (output.output_ids_digest, output.logits_digest)
        })
    };
    let sentence = |output: &Output| {
        format!(
            "{}: the head puts out other tokens or logits than the base: its time is that of other work",
            plain(&output.workload)
        )
    };
    of_base.outputs.iter().filter(differs).map(sentence).collect()
}

pub(super) fn isa(seen: &Seen<'_>) -> Vec<String> {
    let Some([base, head]) = seen.engines() else { return Vec::new() };
    let (base, head) = (&base.settings.isa, &head.settings.isa);
    let lost = (base != head)
        .then(|| format!("the instruction set changed from {} to {}", plain(base), plain(head)));
    lost.into_iter().collect()
}

pub(super) fn fallback(seen: &Seen<'_>) -> Vec<String> {
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
pub(super) fn kernel(seen: &Seen<'_>) -> Vec<String> {
    let [base, head] = seen.arms();
    let (Some(of_base), Some(of_head)) = (base.processes.first(), head.processes.first()) else {
        return Vec::new();
    };
    let mut changes: Vec<([&str; 2], Vec<String>)> = Vec::new();
    for old in &of_base.counts {
        let same = |new: &&Counts| (&new.workload, &new.linear) == (&old.workload, &old.linear);
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

pub(super) fn settings(seen: &Seen<'_>) -> Vec<String> {
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
pub(super) fn quantized(seen: &Seen<'_>) -> Vec<String> {
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
pub(super) fn counts(seen: &Seen<'_>) -> Vec<String> {
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
pub(super) fn cache_size(seen: &Seen<'_>) -> Vec<String> {
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

pub(super) fn allocations(seen: &Seen<'_>) -> Vec<String> {
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
pub(super) fn growth(seen: &Seen<'_>) -> Vec<String> {
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
