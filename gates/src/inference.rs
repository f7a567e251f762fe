//! `inference.json`: the keys of the report this project started from, filled from the head's samples.
//! Where the evidence does not hold: `success: false`, the reason, and not one number.

use baselines::Digest;
use serde_json::{Value, json};

use crate::{derive::Judged, facts, gate::GATE_VERSION, verify::Class};

pub(crate) fn of(judged: &Judged<'_>) -> Value {
    let head = &judged.evidence.head;
    let engine = head.subject.engine();
    let refusal = judged.refusals.iter().find(|refusal| refusal.class == Class::Invalid);
    let error = refusal.map(|refusal| {
        format!(
            "rule `{}`: {}: expected {}, found {}",
            refusal.rule, refusal.field, refusal.expected, refusal.found
        )
    });
    let not_measured = || "not measured: the subject is an external command".to_owned();
    let error = error.or_else(|| engine.is_none().then(not_measured));
    let measured = error.is_none();
    let mut document = json!({
        "version": GATE_VERSION,
        "success": measured,
        "error": error,
        "device": engine.map(|engine| &engine.settings.device_selected),
        "model": engine.map(|engine| &engine.model.name),
        "digests": digests(judged),
        "timing": null,
        "performance": null,
        "tokens_generated": null,
    });
    if measured {
        document["timing"] = timing(judged);
        document["performance"] = performance(judged);
        document["tokens_generated"] = output(judged, |output| output.n_generated.into());
    }
    document
}

pub(crate) fn to_json(document: &Value) -> Vec<u8> {
    crate::gate::to_json(&crate::gate::Sorted(document))
}

fn timing(judged: &Judged<'_>) -> Value {
    let head = &judged.evidence.head;
    let ms =
        |kind: &str, metric: &str| facts::of_kind(head, kind, metric).map(|fact| fact.median / 1e6);
    let decode = facts::of_kind(head, "decode", "decode_step_ns");
    let step = |p: f64| decode.as_ref().and_then(|fact| fact.quantile(p)).map(|ns| ns / 1e6);
    json!({
        "load_ms": ms("load", "load_ns"),
        "prefill_ms": ms("prefill", "prefill_ns"),
        "end_to_end_ms": ms("end-to-end", "e2e_ns"),
        "ms_per_token": decode.as_ref().map(|fact| fact.median / 1e6),
        "step_p50_ms": step(0.5),
        "step_p95_ms": step(0.95),
        "step_p99_ms": step(0.99),
        "samples": decode.as_ref().map(|fact| fact.n_samples),
        "processes": decode.as_ref().map(|fact| fact.n_processes),
    })
}

fn performance(judged: &Judged<'_>) -> Value {
    let head = &judged.evidence.head;
    let decode = facts::of_kind(head, "decode", "decode_step_ns");
    let settings = head.subject.engine().map(|engine| &engine.settings);
    json!({
        "tokens_per_second": decode.map(|fact| 1e9 / fact.median),
        "isa": settings.map(|settings| &settings.isa),
        "threads": settings.map(|settings| settings.threads),
        "accuracy": head.accuracy.as_ref().map(|found| json!({
            "format": found.format, "positions": found.positions, "top1_equal": found.top1_equal,
        })),
    })
}

fn digests(judged: &Judged<'_>) -> Value {
    let head = &judged.evidence.head;
    let id = |digest: Digest| Value::from(digest.to_string());
    json!({
        "evidence": id(judged.records.evidence),
        "record": id(judged.records.head),
        "binary": id(head.subject.binary),
        "model": head.subject.engine().map(|engine| engine.model.digest.to_string()),
        "suite": id(head.suite.digest),
        "prompt_ids": output(judged, |output| id(output.prompt_ids_digest)),
        "output_ids": output(judged, |output| id(output.output_ids_digest)),
        "logits": output(judged, |output| id(output.logits_digest)),
    })
}

/// Something about what the decode workload put out.
fn output(judged: &Judged<'_>, read: impl Fn(&baselines::record::Output) -> Value) -> Value {
    let head = &judged.evidence.head;
    let decode = head.suite.workloads.iter().find(|workload| workload.kind == "decode");
    let outputs =
        head.processes.first().map(|process| process.outputs.as_slice()).unwrap_or_default();
    let found =
        decode.and_then(|decode| outputs.iter().find(|output| output.workload == decode.name));
    found.map_or(Value::Null, read)
}
