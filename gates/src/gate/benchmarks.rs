//! `review:gate:benchmarks`: what was measured, and that nothing required is missing.

use baselines::{
    RunRecord,
    record::{ModelInfo, Settings, WorkloadDef},
    unit::{Rate, Unit},
};
use serde_json::{Value, json};

use super::{GateReport, Item, NAMES, command, report, unless_refused};
use crate::{budget::Budget, derive::Judged, derive::decide, facts, verdict::MetricVerdict};

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
                gpu_fallback(&engine.settings),
                model_loading(head, &engine.model, &budgets[..loads]),
            ]
        }),
        None => unless_refused(judged, &[command::KEY], || vec![command::item(judged)]),
    };
    report(judged, NAMES[0], verdict, items)
}

fn cpu_inference(head: &RunRecord, settings: &Settings) -> Item {
    let Some(decode) = facts::of_kind(head, "decode", "decode_step_ns") else {
        return Item { key: KEYS[0], text: "decode: not measured".to_owned(), value: Value::Null };
    };
    let tokens_per_s = 1e9 / decode.median;
    // The slower step is the lower rate.
    let (low, high) = (1e9 / decode.interval.high, 1e9 / decode.interval.low);
    let text = format!(
        "{} decode ({} to {}: {:.1} % interval of the median), median of {} processes ({} steps), {} on {} threads, {}",
        Rate::Tokens.text(tokens_per_s),
        Rate::Tokens.text(low),
        Rate::Tokens.text(high),
        100.0 * decode.interval.coverage,
        decode.n_processes,
        decode.n_samples,
        settings.isa,
        settings.threads,
        settings.device_selected
    );
    let value = json!({
        "tokens_per_s": tokens_per_s,
        "tokens_per_s_interval": [low, high],
        "decode_step_ns": decode.value(),
    });
    Item { key: KEYS[0], text, value }
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

fn gpu_fallback(settings: &Settings) -> Item {
    let (requested, selected) = (&settings.device_requested, &settings.device_selected);
    let text = match &settings.fallback {
        Some(reason) => format!("{requested} was asked for, {selected} ran: {reason}"),
        None if requested == "cpu" => "not measured: no GPU was asked for".to_owned(),
        None => format!("{requested} was asked for, {selected} ran"),
    };
    let value =
        json!({ "requested": requested, "selected": selected, "fallback": settings.fallback });
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
