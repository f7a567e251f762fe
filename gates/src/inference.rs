//! `inference.json` and `inference_gpu.json`: the keys of the report this project started from, filled from the head's samples.
//! Where the evidence does not hold: `success: false`, the reason, and not one number.

use baselines::{
    Digest,
    record::{Process, WorkloadDef},
};
use serde_json::{Value, json};

use crate::{
    derive::Judged,
    facts,
    gate::GATE_VERSION,
    verify::{Class, device::CPU},
};

fn of(judged: &Judged<'_>) -> Value {
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
        "samples": null,
        "ids": null,
        "counts": null,
    });
    if measured {
        document["timing"] = timing(judged);
        document["performance"] = performance(judged);
        document["samples"] = samples(judged);
        document["ids"] = ids(judged);
        document["counts"] = counts(judged);
        document["tokens_generated"] = output(judged, |output| output.n_generated.into());
    }
    document
}

/// `inference.json` and `inference_gpu.json`: what ran stands in one of them, and in the other why nothing does, and then not one number.
pub(crate) fn both(judged: &Judged<'_>) -> (Value, Value) {
    let measured = of(judged);
    let engine = judged.evidence.head.subject.engine();
    let settings = engine.map(|engine| &engine.settings);
    let reason = match settings {
        None => "the subject is an external command".to_owned(),
        Some(settings) if settings.device_selected != CPU => {
            let reason = format!("{} ran: see inference_gpu.json", settings.device_selected);
            return (skipped(judged, &reason), measured);
        }
        Some(settings) => match &settings.fallback {
            Some(reason) => {
                format!("{} was asked for, the CPU ran: {reason}", settings.device_requested)
            }
            None => "no GPU was asked for".to_owned(),
        },
    };
    let gpu = skipped(judged, &reason);
    (measured, gpu)
}

fn skipped(judged: &Judged<'_>, reason: &str) -> Value {
    json!({
        "version": GATE_VERSION,
        "success": false,
        "skipped": true,
        "reason": reason,
        "error": null,
        "digests": { "evidence": judged.records.evidence.to_string() },
        "device": null,
        "timing": null,
        "performance": null,
        "tokens_generated": null,
    })
}

pub(crate) fn to_json(document: &Value) -> Vec<u8> {
    crate::gate::to_json(&crate::gate::Sorted(document))
}

fn timing(judged: &Judged<'_>) -> Value {
    let head = &judged.evidence.head;
    let ms =
        |kind: &str, metric: &str| facts::of_kind(head, kind, metric).map(|fact| fact.median / 1e6);
    let decode = facts::of_kind(head, "decode", "decode_step_ns");
    let prefill = facts::of_kind(head, "prefill", "prefill_ns");
    let prompt_tokens = facts::prompt_tokens(head, "prefill");
    #[expect(clippy::cast_precision_loss, reason = "a number of tokens")]
    let per_token = |ms: f64| prompt_tokens.filter(|n| *n > 0).map(|n| ms / n as f64);
    let step = |p: f64| decode.as_ref().and_then(|fact| fact.quantile(p)).map(|ns| ns / 1e6);
    json!({
        "load_ms": ms("load", "load_ns"),
        "prefill_ms": prefill.as_ref().map(|fact| fact.median / 1e6),
        "prefill_prompt_tokens": prompt_tokens,
        "prefill_ms_per_token": prefill.and_then(|fact| per_token(fact.median / 1e6)),
        "end_to_end_ms": ms("end-to-end", "e2e_ns"),
        "ms_per_token": decode.as_ref().map(|fact| fact.median / 1e6),
        "step_mean_ms": decode.as_ref().map(|fact| fact.mean() / 1e6),
        "step_p50_ms": step(0.5),
        "step_p95_ms": step(0.95),
        "step_p99_ms": step(0.99),
        "samples": decode.as_ref().map(|fact| fact.n_samples),
        "processes": decode.as_ref().map(|fact| fact.n_processes),
    })
}

/// The steps of one iteration, one a token: the first timed one of the first process. All others are in the evidence.
fn samples(judged: &Judged<'_>) -> Value {
    let Some((process, decode)) = decode(judged) else { return Value::Null };
    let series = process
        .series
        .iter()
        .find(|series| series.workload == decode.name && series.metric == "decode_step_ns");
    series.map_or(Value::Null, |series| {
        let n = usize::try_from(series.per_iteration).unwrap_or(usize::MAX);
        json!({
            "process": process.order,
            "iteration": 0,
            "decode_step_ns": series.samples.iter().take(n).collect::<Vec<_>>(),
        })
    })
}

/// The prompt and what came of it, in every process.
fn ids(judged: &Judged<'_>) -> Value {
    let Some((_, decode)) = decode(judged) else { return Value::Null };
    let ids = judged.evidence.head.ids.iter().find(|ids| ids.workload == decode.name);
    ids.map_or(Value::Null, |ids| json!({ "prompt": ids.prompt, "generated": ids.generated }))
}

/// What the dispatcher counted in the first process, over all of its iterations.
fn counts(judged: &Judged<'_>) -> Value {
    let Some((process, decode)) = decode(judged) else { return Value::Null };
    let of_decode = process.counts.iter().filter(|counts| counts.workload == decode.name);
    of_decode
        .map(|counts| {
            json!({
                "linear": counts.linear,
                "kernel": counts.kernel,
                "products": counts.products,
                "macs": counts.macs,
                "bytes": counts.bytes,
            })
        })
        .collect()
}

fn performance(judged: &Judged<'_>) -> Value {
    let head = &judged.evidence.head;
    let decode = facts::of_kind(head, "decode", "decode_step_ns");
    let settings = head.subject.engine().map(|engine| &engine.settings);
    json!({
        "tokens_per_second": decode.as_ref().map(|fact| 1e9 / fact.median),
        "tokens_per_second_interval": decode.as_ref().map(|fact| [1e9 / fact.interval.high, 1e9 / fact.interval.low]),
        "interval_coverage": decode.as_ref().map(|fact| fact.interval.coverage),
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
    let found = decode(judged).and_then(|(process, decode)| {
        process.outputs.iter().find(|output| output.workload == decode.name)
    });
    found.map_or(Value::Null, read)
}

/// The head's first process and its decode workload.
fn decode<'a>(judged: &'a Judged<'_>) -> Option<(&'a Process, &'a WorkloadDef)> {
    let head = &judged.evidence.head;
    let decode = head.suite.workloads.iter().find(|workload| workload.kind == "decode")?;
    Some((head.processes.first()?, decode))
}
