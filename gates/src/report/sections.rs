//! The sections of the report that are rendered from facts, rows and budgets.

use baselines::{record::Engine, unit::Rate};

use super::text;
use crate::{
    budget::State,
    compare::Row,
    derive::Judged,
    exact, facts,
    gate::{GateReport, REPORTED_FORMATS},
    text::{change, inline, plain},
    verdict::{MetricVerdict, Verdict},
};

pub(super) fn head(judged: &Judged<'_>) -> String {
    let sha = judged.evidence.head_sha.as_deref().unwrap_or("commit unknown");
    format!("# Performance Baseline Evidence - {}\n", plain(sha))
}

pub(super) fn summary(judged: &Judged<'_>, perf: &GateReport) -> String {
    let decided = super::checks::decided(judged);
    let of_checks = match judged.verdict {
        Verdict::Fail => "❌ **Fail: a required check failed**",
        _ => "**Incomparable: a required check found nothing to check**",
    };
    let line = match judged.verdict {
        _ if decided.is_some() => of_checks,
        Verdict::Pass if output_is_same(judged) => {
            "✅ **Pass: not slower than the margins of the policy, on the same output**"
        }
        Verdict::Pass => {
            "✅ **Pass: not slower than the margins of the policy; outputs were not compared**"
        }
        Verdict::Fail => {
            "❌ **Fail: slower or larger than the policy allows, or a budget is broken**"
        }
        Verdict::Inconclusive => "**Inconclusive: the noise of this session hides the answer**",
        Verdict::Invalid => {
            "**Invalid: the evidence does not hold, so nothing is said about speed**"
        }
        Verdict::Incomparable => {
            "**Incomparable: something required is missing, or there is nothing to compare with**"
        }
    };
    let mut block =
        format!("## Executive Summary\n{line}\n- Gated metrics: {}\n", judged.counts.text());
    let engine = judged.evidence.head.subject.engine().is_some();
    let of_engine: &[&str] = &["neural_network_inference", "quantization_accuracy"];
    if let Some(names) = decided {
        block.push_str(&format!(
            "- decided by {names}; the measurement alone: {}\n",
            judged.measured.name()
        ));
    }
    for key in of_engine.iter().filter(|_| engine).chain(&["baseline_comparison"]) {
        block.push_str(&format!("- {}: {}\n", key.replace('_', " "), text(perf, key)));
    }
    for used in judged.waivers {
        block.push_str(&format!("- {}\n", used.text()));
    }
    for refusal in judged.refusals {
        block.push_str(&format!(
            "- refused by rule `{}`: {}: expected {}, found {}. Way out: {}\n",
            refusal.rule,
            plain(&refusal.field),
            plain(&refusal.expected),
            plain(&refusal.found),
            refusal.way_out
        ));
    }
    block
}

/// Whether the rules have compared outputs: always those of the engine, of commands where it was asked for.
fn output_is_same(judged: &Judged<'_>) -> bool {
    judged.evidence.head.subject.command().is_none_or(|command| command.same_output)
}

pub(super) fn metrics(judged: &Judged<'_>, benchmarks: &GateReport, perf: &GateReport) -> String {
    let head = &judged.evidence.head;
    let Some(engine) = head.subject.engine() else {
        return super::command::metrics(judged, benchmarks);
    };
    let settings = &engine.settings;
    let refused = judged.refused().is_some();
    let median = |kind: &str, metric: &str| {
        let fact = facts::of_kind(head, kind, metric).filter(|_| !refused);
        fact.map_or_else(
            || "not measured, or refused".to_owned(),
            |fact| baselines::unit::Unit::Nanoseconds.text(fact.median),
        )
    };
    let matmul = facts::of_kind(head, "matmul", "matmul_ns")
        .filter(|_| !refused)
        .map(|fact| layer_macs(engine) / fact.median * 1e9);
    let matmul =
        matmul.map_or_else(|| "not measured, or refused".to_owned(), |rate| Rate::Macs.text(rate));
    format!(
        "## Performance Metrics Summary\n\n### Neural Network Inference Performance\n- **CPU Inference Throughput**: {}\n\
         - **Device-aware Computing**: {}\n- **Prefill Latency**: {}\n- **Decode Latency**: {} a token\n\n\
         ### Quantization Performance\n- {}\n- **Accuracy**: {}\n\n### Model Loading Performance\n- {}\n\
         - **Memory Management**: leaks not measured in this session\n\n### Hardware-Specific Performance\n\
         - **Kernels**: {} on {} threads, counted by the dispatcher\n- **MatMul Performance**: {matmul}\n",
        text(benchmarks, "cpu_inference"),
        text(benchmarks, "gpu_fallback"),
        median("prefill", "prefill_ns"),
        median("decode", "decode_step_ns"),
        text(benchmarks, "quantization"),
        text(perf, "quantization_accuracy"),
        text(benchmarks, "model_loading"),
        plain(&settings.isa),
        settings.threads,
    )
}

/// Multiply-adds of one token through the linears of one layer.
#[expect(clippy::cast_precision_loss, reason = "shapes of a model are far below 2^53")]
fn layer_macs(engine: &Engine) -> f64 {
    let linears = &engine.model.linears;
    linears
        .iter()
        .filter(|linear| !linear.once_per_sequence)
        .map(|linear| linear.rows as f64 * linear.cols as f64)
        .sum()
}

pub(super) fn analysis(judged: &Judged<'_>) -> String {
    let recorded = judged.evidence.baseline.as_ref().map_or_else(String::new, |baseline| {
        format!(", recorded {}", plain(&baseline.recorded_at))
    });
    let mut block = format!(
        "## Benchmark Results Analysis\n\n### Comparison Against Baseline\n- **Base**: {}{recorded}\n\
         - **Historical Trend**: {} earlier points, drawn in report.html; no verdict depends on them\n",
        crate::text::base(judged.evidence),
        judged.evidence.history.len()
    );
    for trend in judged.trends {
        let (workload, metric) = (plain(&trend.workload), plain(&trend.metric));
        block.push_str(&format!("  - {workload}/{metric}: {}\n", trend.text()));
    }
    block.push('\n');
    if judged.rows.is_empty() {
        block.push_str("No metric was compared.\n");
        return block;
    }
    block.push_str("| workload | metric | base | head | change [95 %] | outcome | why |\n|---|---|---|---|---|---|---|\n");
    for row in judged.rows {
        block.push_str(&table_row(row));
    }
    block
}

fn table_row(row: &Row) -> String {
    let Row { workload, metric, unit, outcome, reason, .. } = row;
    let mark = match row.verdict {
        MetricVerdict::Pass => "✅ ",
        MetricVerdict::Fail => "❌ ",
        MetricVerdict::Inconclusive | MetricVerdict::Missing => "",
    };
    let (base, head, change) = row.comparison.as_ref().map_or_else(
        || ("–".to_owned(), "–".to_owned(), "–".to_owned()),
        |found| {
            let interval = format!(
                "{} [{}, {}]",
                change(found.estimate),
                change(found.ci_low),
                change(found.ci_high)
            );
            (unit.text(found.base_median), unit.text(found.head_median), interval)
        },
    );
    let workload = plain(workload);
    format!(
        "| {workload} | {metric} | {base} | {head} | {change} | {mark}{} | {reason} |\n",
        outcome.name()
    )
}

pub(super) fn characteristics(judged: &Judged<'_>) -> String {
    let mut block = "## Performance Characteristics Validated\n\n### Budgets\n".to_owned();
    if judged.budgets.is_empty() {
        block.push_str("- not judged\n");
    }
    for budget in judged.budgets {
        let mark = match budget.state {
            State::Met => "[x]",
            State::Broken | State::NotMeasured => "[ ]",
        };
        block.push_str(&format!("- {mark} {}: {}\n", budget.name, inline(&budget.text)));
    }
    block
}

pub(super) fn exact_metrics(judged: &Judged<'_>) -> String {
    let mut block = "### Exact Metrics\n".to_owned();
    if judged.exact.is_empty() {
        block.push_str("- not judged\n");
    }
    for summary in exact::summaries(judged.exact) {
        let mark = if summary.holds() && summary.count(exact::State::NotComparable) == 0 {
            "[x]"
        } else {
            "[ ]"
        };
        block.push_str(&format!("- {mark} {}\n", inline(&summary.text())));
        if summary.places.len() > 1 {
            for place in summary.changed() {
                block.push_str(&format!("  - {}\n", inline(&place.text)));
            }
        }
    }
    block
}

pub(super) fn quantization_matrix(judged: &Judged<'_>) -> String {
    let head = &judged.evidence.head;
    let Some(engine) = head.subject.engine() else { return super::command::infrastructure(judged) };
    let refused = judged.refused().is_some();
    let mut block = "### Quantization Matrix\n".to_owned();
    for format in REPORTED_FORMATS {
        let measured = facts::of_format(head, format).filter(|_| !refused);
        let (mark, text) = match measured {
            Some((_, fact)) => {
                ("[x]", format!("{} median", baselines::unit::Unit::Nanoseconds.text(fact.median)))
            }
            None => ("[ ]", "not measured, or refused".to_owned()),
        };
        block.push_str(&format!("- {mark} {}: {text}\n", format.to_uppercase()));
    }
    let gpu =
        if engine.settings.device_requested == "cpu" { "not measured" } else { "see gpu_fallback" };
    block.push_str(&format!(
        "- [ ] GPU: {gpu}\n\n### Infrastructure Validation\n{}\
         - Deterministic benchmarks: seed {}, deterministic {}; the same ids and logits digests in {} processes\n",
        super::checks::lines(judged),
        head.seed,
        head.deterministic,
        if refused { 0 } else { judged.evidence.base.processes.len() + head.processes.len() }
    ));
    block
}

pub(super) fn files(judged: &Judged<'_>) -> String {
    let records = &judged.records;
    let base = judged.evidence.given.as_ref().and_then(|given| given.commit.as_ref());
    let of_engine = || {
        base.map_or_else(
            || "bench gate".to_owned(),
            |base| format!("bench gate --base {}", plain(base)),
        )
    };
    let gate = super::command::history(judged).unwrap_or_else(of_engine);
    let replay = if judged.evidence.head.subject.engine().is_some() { " --replay" } else { "" };
    let baseline = records.baseline.map_or_else(|| "none".to_owned(), |digest| digest.to_string());
    format!(
        "## Technical Evidence Files\n- `ci/evidence.json` - every record and sample; SHA-256 {}\n- `ci/inference.json`, `ci/inference_gpu.json` - the head's figures\n\
         - `ci/benchmarks_gate.json`, `ci/perf_gate.json` - gate status\n{}- `ci/route.json` - where work goes next\n- `ci/attestation.json` - a statement about all of these, to be signed\n\
         - base record {}, head record {}, stored baseline {baseline}\n\n## Command History\n```bash\n{}{gate}\nbench verify ci{replay}\n```\n",
        records.evidence,
        super::checks::files(judged),
        records.base,
        records.head,
        super::checks::history(judged),
    )
}
