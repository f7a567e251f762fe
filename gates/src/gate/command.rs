//! What was measured of two external commands, as one finding: every series of the head with the base's beside it.
//! In: a judged bundle. Out: an [`Item`]; nothing of it is judged here.

use serde_json::{Value, json};

use super::Item;
use crate::{derive::Judged, facts};

/// Key of the finding.
pub(crate) const KEY: &str = "command";

pub(crate) fn item(judged: &Judged<'_>) -> Item {
    let (base, head) = (&judged.evidence.base, &judged.evidence.head);
    let mut texts = Vec::new();
    let mut values = Vec::new();
    let first = head.processes.first().map(|process| process.series.as_slice()).unwrap_or_default();
    for series in first {
        let (workload, metric) = (&series.workload, &series.metric);
        let of = |record| facts::of(record, workload, metric);
        let (Some(of_base), Some(of_head), Some((unit, _))) =
            (of(base), of(head), head.suite.metric(metric))
        else {
            continue;
        };
        texts.push(format!(
            "{workload}/{metric} {} (base {}), median of {} blocks of runs ({} runs)",
            unit.text(of_head.median),
            unit.text(of_base.median),
            of_head.n_processes,
            of_head.n_samples
        ));
        values.push(json!({
            "workload": workload, "metric": metric, "base": of_base.value(), "head": of_head.value(),
        }));
    }
    let line = |record: &baselines::RunRecord| {
        record.subject.command().map(|command| command.line.clone())
    };
    let value = json!({
        "base_line": line(base),
        "head_line": line(head),
        "series": Value::Array(values),
    });
    let text = if texts.is_empty() { "not measured".to_owned() } else { texts.join("; ") };
    Item { key: KEY, text, value }
}
