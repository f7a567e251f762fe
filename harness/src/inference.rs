//! What `bench run --json` writes: the keys of the report this project started from, and the record they come from.
//! In: a record and the ids it put out. Out: one JSON document; `record` holds every sample, the rest is read off it.

use std::collections::BTreeMap;

use anyhow::Result;
use baselines::{
    RunRecord,
    interval::interval,
    quantile::{median, quantile},
    record::WorkloadDef,
};
use serde::Serialize;
use serde_json::{Value, json};

/// Version of the document. 1.0: first version. 1.1: `error_kind`. 1.2: the interval of the rate.
const VERSION: &str = "1.2";

/// Its keys, in order.
#[derive(Serialize)]
struct Wire<'a> {
    version: &'a str,
    success: bool,
    error: Option<String>,
    /// Stable, for machines; `null` where there is no error.
    error_kind: Option<&'a str>,
    device: Option<&'a str>,
    model: Option<&'a str>,
    timing: Value,
    performance: Value,
    tokens_generated: Value,
    ids: BTreeMap<&'a str, Value>,
    record: Value,
}

/// The document. Where the record itself does not hold: `success: false` and not one number beside the record's own.
pub(crate) fn document(record: &RunRecord, refusal: Option<String>) -> Result<Vec<u8>> {
    let engine = record.subject.engine();
    let holds = refusal.is_none();
    let unless_refused = |value: Value| if holds { value } else { Value::Null };
    let decode = of_kind(record, "decode");
    let output = decode.and_then(|def| {
        record.processes.first()?.outputs.iter().find(|output| output.workload == def.name)
    });
    let wire = Wire {
        version: VERSION,
        success: holds,
        error_kind: refusal.as_ref().map(|_| "invalid_evidence"),
        error: refusal,
        device: engine.map(|engine| engine.settings.device_selected.as_str()),
        model: engine.map(|engine| engine.model.name.as_str()),
        timing: unless_refused(timing(record)),
        performance: unless_refused(performance(record)),
        tokens_generated: unless_refused(
            output.map_or(Value::Null, |output| output.n_generated.into()),
        ),
        ids: record
            .ids
            .iter()
            .map(|ids| {
                (ids.workload.as_str(), json!({ "prompt": ids.prompt, "generated": ids.generated }))
            })
            .collect(),
        record: serde_json::from_slice(&record.to_json())?,
    };
    let mut bytes = serde_json::to_vec_pretty(&wire)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The document of a run that came to no record, or has not yet: why, and not one number.
pub(crate) fn failure(error: &str, kind: &str) -> Result<Vec<u8>> {
    let wire = Wire {
        version: VERSION,
        success: false,
        error: Some(error.to_owned()),
        error_kind: Some(kind),
        device: None,
        model: None,
        timing: Value::Null,
        performance: Value::Null,
        tokens_generated: Value::Null,
        ids: BTreeMap::new(),
        record: Value::Null,
    };
    let mut bytes = serde_json::to_vec_pretty(&wire)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn timing(record: &RunRecord) -> Value {
    let ms = |kind: &str, metric: &str| {
        of_kind(record, kind)
            .and_then(|def| process_median(record, &def.name, metric))
            .map(|ns| ns / 1e6)
    };
    let steps = of_kind(record, "decode").map(|def| {
        record
            .samples(&def.name, "decode_step_ns")
            .flat_map(|(_, samples)| samples)
            .copied()
            .collect::<Vec<f64>>()
    });
    let step_ms = |p: f64| steps.as_ref().and_then(|steps| quantile(steps, p)).map(|ns| ns / 1e6);
    let decode_ms = steps.as_ref().filter(|steps| !steps.is_empty()).map(|steps| {
        #[expect(clippy::cast_precision_loss, reason = "a number of iterations")]
        let iterations = iterations(record) as f64;
        steps.iter().sum::<f64>() / iterations / 1e6
    });
    let step_mean_ms = steps.as_ref().filter(|steps| !steps.is_empty()).map(|steps| {
        #[expect(clippy::cast_precision_loss, reason = "a number of samples")]
        let n = steps.len() as f64;
        steps.iter().sum::<f64>() / n / 1e6
    });
    let prefill_ms = ms("prefill", "prefill_ns");
    let prompt_tokens = of_kind(record, "prefill").and_then(|def| {
        let mut outputs = record.processes.first()?.outputs.iter();
        Some(outputs.find(|output| output.workload == def.name)?.n_prompt)
    });
    #[expect(clippy::cast_precision_loss, reason = "a number of tokens")]
    let per_token = |ms: f64| prompt_tokens.filter(|n| *n > 0).map(|n| ms / n as f64);
    json!({
        "load_ms": ms("load", "load_ns"),
        "prefill_ms": prefill_ms,
        "prefill_prompt_tokens": prompt_tokens,
        "prefill_ms_per_token": prefill_ms.and_then(per_token),
        "decode_ms": decode_ms,
        "end_to_end_ms": ms("end-to-end", "e2e_ns"),
        "ms_per_token": ms("decode", "decode_step_ns"),
        "step_mean_ms": step_mean_ms,
        "step_p50_ms": step_ms(0.5),
        "step_p95_ms": step_ms(0.95),
        "step_p99_ms": step_ms(0.99),
        "samples": steps.as_ref().map(Vec::len),
        "processes": record.processes.len(),
    })
}

fn performance(record: &RunRecord) -> Value {
    let medians = of_kind(record, "decode")
        .map_or_else(Vec::new, |def| process_medians(record, &def.name, "decode_step_ns"));
    let (step_ns, bounds) = (median(&medians), interval(&medians));
    let settings = record.subject.engine().map(|engine| &engine.settings);
    json!({
        "tokens_per_second": step_ns.map(|ns| 1e9 / ns),
        "tokens_per_second_interval": bounds.map(|found| [1e9 / found.high, 1e9 / found.low]),
        "interval_coverage": bounds.map(|found| found.coverage),
        "isa": settings.map(|settings| &settings.isa),
        "threads": settings.map(|settings| settings.threads),
        "accuracy": record.accuracy.as_ref().map(|found| json!({
            "format": found.format, "positions": found.positions, "top1_equal": found.top1_equal,
        })),
    })
}

/// The first workload of a kind.
fn of_kind<'a>(record: &'a RunRecord, kind: &str) -> Option<&'a WorkloadDef> {
    record.suite.workloads.iter().find(|def| def.kind == kind)
}

/// Median over processes of their medians.
fn process_median(record: &RunRecord, workload: &str, metric: &str) -> Option<f64> {
    median(&process_medians(record, workload, metric))
}

fn process_medians(record: &RunRecord, workload: &str, metric: &str) -> Vec<f64> {
    record.samples(workload, metric).filter_map(|(_, samples)| median(samples)).collect()
}

/// Iterations of the decode workload over all processes.
fn iterations(record: &RunRecord) -> u64 {
    let Some(def) = of_kind(record, "decode") else { return 0 };
    let of_decode = |series: &&baselines::record::Series| series.workload == def.name;
    record
        .processes
        .iter()
        .filter_map(|process| process.series.iter().find(of_decode))
        .map(|series| series.samples.len() as u64 / series.per_iteration.max(1))
        .sum()
}
