//! `review:gate:benchmarks`: what was measured, and that nothing required is missing.

use baselines::{
    RunRecord,
    record::{ModelInfo, Settings, WorkloadDef},
    unit::{Rate, Unit},
};
use serde_json::{Value, json};

use super::{GateReport, Item, NAMES, command, report, unless_refused};
use crate::{
    budget::Budget, derive::Judged, derive::decide, facts, verdict::MetricVerdict,
    verify::device::CPU,
};

const KEYS: [&str; 4] = ["cpu_inference", "quantization", "gpu_fallback", "model_loading"];

/// Ternary formats whose quantization the report speaks of, measured or not.
pub(crate) const REPORTED_FORMATS: [&str; 3] = ["i2_s", "tl1", "tl2"];

pub(crate) fn benchmarks(judged: &Judged<'_>) -> GateReport {
    // Whether a metric regressed is the other gate's business; here a row is measured, or it is not.
    let mut rows = judged.rows.to_vec();
    for row in &mut rows {
        if row.verdict != MetricVerdict::Missing {
            row.verdict = MetricVerdict::Pass;
        }
    }
    let mut budgets: Vec<&Budget> = judged.budgets("load");
    let loads = budgets.len();
    for name in ["time", "kernels"] {
        budgets.extend(judged.budgets(name));
    }
    let verdict = decide(judged.refusals, &[], &rows, &budgets);
    let head = &judged.evidence.head;
    let items = match head.subject.engine() {
        Some(engine) => unless_refused(judged, &KEYS, || {
            vec![
                cpu_inference(head, &engine.settings),
                quantization(head),
                gpu_fallback(head, &engine.settings),
                model_loading(head, &engine.model, &budgets[..loads]),
            ]
        }),
        None => unless_refused(judged, &[command::KEY], || vec![command::item(judged)]),
    };
    report(judged, NAMES[0], verdict, items)
}

fn cpu_inference(head: &RunRecord, settings: &Settings) -> Item {
    if settings.device_selected != CPU {
        let text = format!("not measured: {} ran, see gpu_fallback", settings.device_selected);
        return Item { key: KEYS[0], text, value: Value::Null };
    }
    let Some((decode, value)) = decode(head) else {
        return Item { key: KEYS[0], text: "decode: not measured".to_owned(), value: Value::Null };
    };
    let Settings { isa, threads, device_selected, .. } = settings;
    let text = format!("{decode}, {isa} on {threads} threads, {device_selected}");
    Item { key: KEYS[0], text, value }
}

/// The rate of decoding, as text and as values.
fn decode(head: &RunRecord) -> Option<(String, Value)> {
    let decode = facts::of_kind(head, "decode", "decode_step_ns")?;
    let tokens_per_s = 1e9 / decode.median;
    // The slower step is the lower rate.
    let (low, high) = (1e9 / decode.interval.high, 1e9 / decode.interval.low);
    let text = format!(
        "{} decode ({} to {}: {:.1} % interval of the median), median of {} processes ({} steps)",
        Rate::Tokens.text(tokens_per_s),
        Rate::Tokens.text(low),
        Rate::Tokens.text(high),
        100.0 * decode.interval.coverage,
        decode.n_processes,
        decode.n_samples,
    );
    let value = json!({
        "tokens_per_s": tokens_per_s,
        "tokens_per_s_interval": [low, high],
        "decode_step_ns": decode.value(),
    });
    Some((text, value))
}

fn quantization(head: &RunRecord) -> Item {
    let mut texts = Vec::new();
    let mut values = serde_json::Map::new();
    for format in REPORTED_FORMATS {
        let measured = facts::of_format(head, format);
        let name = format.to_uppercase();
        texts.push(match &measured {
            Some((workload, fact)) => format!(
                "{name} {}, {} (median of {} processes, {} samples, middle half {} to {})",
                Unit::Nanoseconds.text(fact.median),
                Rate::Elements.text(elements(workload) / fact.median * 1e9),
                fact.n_processes,
                fact.n_samples,
                Unit::Nanoseconds.text(fact.quantile(0.25).unwrap_or(fact.median)),
                Unit::Nanoseconds.text(fact.quantile(0.75).unwrap_or(fact.median)),
            ),
            None => format!("{name} not measured"),
        });
        values.insert(format.to_owned(), measured.map_or(Value::Null, |(_, fact)| fact.value()));
    }
    Item { key: KEYS[1], text: texts.join(", "), value: Value::Object(values) }
}

/// Elements of the tensor that a workload quantizes.
#[expect(clippy::cast_precision_loss, reason = "shapes are far below 2^53")]
fn elements(workload: &WorkloadDef) -> f64 {
    let param = |name: &str| workload.params.get(name).map(|value| *value as f64);
    param("values").or_else(|| Some(param("rows")? * param("cols")?)).unwrap_or(0.0)
}

/// What was asked for and what ran; of a GPU, what it did.
fn gpu_fallback(head: &RunRecord, settings: &Settings) -> Item {
    let (requested, selected) = (&settings.device_requested, &settings.device_selected);
    let mut text = match &settings.fallback {
        Some(reason) => format!("{requested} was asked for, {selected} ran: {reason}"),
        None if requested == "cpu" => "not measured: no GPU was asked for".to_owned(),
        None => format!("{requested} was asked for, {selected} ran"),
    };
    let mut value =
        json!({ "requested": requested, "selected": selected, "fallback": settings.fallback });
    let used = || head.processes.iter().filter_map(|process| process.device.as_ref());
    if let Some(first) = used().next() {
        let rate = decode(head);
        text.push_str(&format!(" ({}, {})", first.name, first.capability));
        text.push_str(&rate.as_ref().map_or_else(String::new, |(rate, _)| format!(": {rate}")));
        let peak = used().filter_map(|used| used.peak_bytes).max();
        if let Some(peak) = peak {
            #[expect(clippy::cast_precision_loss, reason = "memory is far smaller than 2^53 bytes")]
            let peak = Unit::Bytes.text(peak as f64);
            text.push_str(&format!(", at most {peak} of its memory"));
        }
        let clocks = || used().flat_map(|used| [used.clock_before_mhz, used.clock_after_mhz]);
        let (least, most) = (clocks().flatten().min(), clocks().flatten().max());
        if let (Some(least), Some(most)) = (least, most) {
            text.push_str(&format!(", {least} to {most} MHz"));
        }
        let lost: Vec<&String> = used().filter_map(|used| used.lost.as_ref()).collect();
        if let Some(why) = lost.first() {
            let (n, of) = (lost.len(), head.processes.len());
            text.push_str(&format!("; lost in {n} of {of} processes, the CPU went on: {why}"));
        }
        value["gpu"] = json!({
            "name": first.name,
            "capability": first.capability,
            "driver": first.driver,
            "peak_bytes": peak,
            "clock_mhz": [least, most],
            "launches": used().map(|used| used.launches).sum::<u64>(),
            "to_device_bytes": used().map(|used| used.to_device_bytes).sum::<u64>(),
            "to_host_bytes": used().map(|used| used.to_host_bytes).sum::<u64>(),
            "lost": lost.len(),
            "decode": rate.map(|(_, value)| value),
        });
    }
    Item { key: KEYS[2], text, value }
}

fn model_loading(head: &RunRecord, model: &ModelInfo, budgets: &[&Budget]) -> Item {
    let Some(load) = facts::of_kind(head, "load", "load_ns") else {
        return Item { key: KEYS[3], text: "load: not measured".to_owned(), value: Value::Null };
    };
    #[expect(clippy::cast_precision_loss, reason = "a file is far smaller than 2^53 bytes")]
    let size = Unit::Bytes.text(model.file_bytes as f64);
    let mut text = format!(
        "`{}` ({size}) ready in {}, median of {} processes",
        model.name,
        Unit::Nanoseconds.text(load.median),
        load.n_processes
    );
    if budgets.is_empty() {
        text.push_str("; the policy has no limit for this model");
    }
    for budget in budgets {
        text.push_str("; ");
        text.push_str(&budget.text);
    }
    let value =
        json!({ "model": model.name, "file_bytes": model.file_bytes, "load_ns": load.value() });
    Item { key: KEYS[3], text, value }
}
