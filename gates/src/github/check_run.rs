//! Check runs: what is posted on the commit, one for each gate.
//!
//! In: what follows from the evidence, or why it was refused; which run measured it. Out: bodies of
//! `POST /repos/{owner}/{repo}/check-runs`, complete at once, so that nothing has to be changed later. The same evidence gives the same
//! bytes. Every word that comes from the evidence stands in code (`quoted`).

use baselines::Digest;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{
    Refused,
    event::{MeasuredRun, Trigger},
    quoted::quoted,
};
use crate::{
    Derived, Row,
    gate::{GateReport, NAMES},
    markdown,
    text::change,
    verdict::{MetricVerdict, Outcome, Verdict},
};

/// Bytes of a summary, and of a text: GitHub takes 65,535 characters.
const MAX_BYTES: usize = 60_000;
/// Rows of the table that the summary shows; the others are counted there and listed in the text.
const MAX_ROWS: usize = 50;
/// Annotations that GitHub takes with one request.
pub const MAX_ANNOTATIONS: usize = 50;

/// One check run, completed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckRun {
    /// Name of the gate, which branch protection matches.
    pub name: String,
    /// The commit that was measured, as GitHub says.
    pub head_sha: String,
    /// The same for the same run, attempt and result, so that a second attempt to post finds the first.
    pub external_id: String,
    /// Always `completed`.
    pub status: &'static str,
    /// `success`, `failure`, `action_required`, or `neutral` where the policy asks for it.
    pub conclusion: &'static str,
    /// What a reader sees.
    pub output: Output,
}

/// What a reader sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Output {
    /// One line, the verdict first.
    pub title: String,
    /// Markdown.
    pub summary: String,
    /// Markdown, below the summary.
    pub text: String,
    /// On lines of the repository's own files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Annotation>,
}

/// A remark on a line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Annotation {
    /// Path in the repository.
    pub path: String,
    /// From 1.
    pub start_line: usize,
    /// The same.
    pub end_line: usize,
    /// Always `warning`: the conclusion decides.
    pub annotation_level: &'static str,
    /// What is seen first.
    pub title: String,
    /// Plain text.
    pub message: String,
}

/// What is known beside the evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetUp {
    /// Path of the policy in the repository: annotations stand on its lines, never on those that evidence names.
    pub policy_path: String,
    /// Its text at the base's commit.
    pub policy: String,
    /// Annotations of one check run at most; GitHub takes 50.
    pub annotations: usize,
    /// What the change edits of what measures and judges it.
    pub touched: Vec<String>,
}

/// The check runs of what follows from the evidence of `run`.
///
/// Both gates of the measurement, and of the checks in the bundle those that the policy requires: others would be names that the author
/// of the evidence chose.
#[must_use]
pub fn check_runs(derived: &Derived, run: &MeasuredRun, set_up: &SetUp) -> Vec<CheckRun> {
    let required =
        |gate: &&GateReport| derived.other_gates.iter().any(|(name, _)| *name == gate.name);
    let gates = [&derived.benchmarks_gate, &derived.perf_gate];
    let of_gate = |gate: &GateReport| {
        let rows: &[Row] = if gate.name == NAMES[1] { &derived.rows } else { &[] };
        let summary = format!(
            "{}{}\n{}\n{}",
            edited(&set_up.touched),
            findings(gate),
            table(rows),
            provenance(run)
        );
        let (conclusion, title) = concluded(gate, rows, set_up);
        let annotations = annotations(rows, set_up);
        let text = format!("{}{}", details(rows), triage(derived, gate));
        let body = Body { title, summary, text, annotations };
        let result = [gate.to_json(), set_up.touched.join("\n").into_bytes()].concat();
        check_run(run, &gate.name, conclusion, &result, body)
    };
    gates.into_iter().chain(derived.check_gates.iter().filter(required)).map(of_gate).collect()
}

/// The check runs of evidence that was refused before anything could follow from it: each gate fails.
#[must_use]
pub fn refused(refused: &Refused, run: &MeasuredRun) -> Vec<CheckRun> {
    let title = format!("No valid evidence: rule {}", refused.rule);
    let summary = format!("{}.\n\n{}", refused, provenance(run));
    let of_gate = |name| {
        let body = Body {
            title: title.clone(),
            summary: summary.clone(),
            text: String::new(),
            annotations: Vec::new(),
        };
        check_run(run, name, Verdict::Invalid.conclusion(), summary.as_bytes(), body)
    };
    NAMES.into_iter().map(of_gate).collect()
}

/// What is to be seen, of any length.
struct Body {
    title: String,
    summary: String,
    text: String,
    annotations: Vec<Annotation>,
}

/// Conclusion and title. What would be satisfied is not while nobody has looked at a change of what measures it.
fn concluded(gate: &GateReport, rows: &[Row], set_up: &SetUp) -> (&'static str, String) {
    let title = title(gate, rows);
    if set_up.touched.is_empty() || !matches!(gate.conclusion, "success" | "neutral") {
        return (gate.conclusion, title);
    }
    ("action_required", format!("The measuring set-up was edited, look at it first. {title}"))
}

/// What the change edits of what measures it, named.
fn edited(touched: &[String]) -> String {
    if touched.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = touched.iter().take(MAX_ROWS).map(|path| quoted(path)).collect();
    let others = touched.len() - shown.len();
    let others = if others > 0 { format!(" and {others} more") } else { String::new() };
    format!(
        "This change edits what measures or judges it: {}{others}. The policy of the base's commit was used.\n\n",
        shown.join(", ")
    )
}

/// A remark for each row that failed, where the policy gates it; the worst first.
fn annotations(rows: &[Row], set_up: &SetUp) -> Vec<Annotation> {
    let estimate =
        |row: &&Row| row.comparison.as_ref().map_or(f64::INFINITY, |found| found.estimate);
    let mut failed: Vec<&Row> =
        rows.iter().filter(|row| row.verdict == MetricVerdict::Fail).collect();
    failed.sort_by(|a, b| estimate(b).total_cmp(&estimate(a)));
    let of_row = |row: &&Row| {
        let line = gated_line(&set_up.policy, &row.workload, &row.metric);
        Annotation {
            path: set_up.policy_path.clone(),
            start_line: line,
            end_line: line,
            annotation_level: "warning",
            title: row.comparison.as_ref().map_or_else(
                || "Slower than allowed".to_owned(),
                |found| format!("Slower than allowed: {}", change(found.estimate)),
            ),
            message: format!("{}: {}", of_row(row), quoted(&row.reason)),
        }
    };
    failed.iter().take(set_up.annotations.min(MAX_ANNOTATIONS)).map(of_row).collect()
}

/// The line of the policy that gates this metric, from 1.
fn gated_line(policy: &str, workload: &str, metric: &str) -> usize {
    #[derive(Deserialize)]
    struct Lines {
        gated: Vec<Spanned<Gated>>,
    }
    #[derive(Deserialize)]
    struct Gated {
        workload: String,
        metric: String,
    }
    let lines: Option<Lines> = toml::from_str(policy).ok();
    let entry = lines.iter().flat_map(|lines| &lines.gated).find(|entry| {
        let Gated { workload: of, metric: what } = entry.as_ref();
        of == workload && what == metric
    });
    let before = entry.and_then(|entry| policy.get(..entry.span().start)).unwrap_or_default();
    before.matches('\n').count() + 1
}

fn check_run(
    run: &MeasuredRun,
    name: &str,
    conclusion: &'static str,
    result: &[u8],
    Body { title, summary, text, annotations }: Body,
) -> CheckRun {
    let digest = Digest::of(result).to_string();
    let rest = "`report.md`, on the page of the run that measured";
    CheckRun {
        name: name.to_owned(),
        head_sha: run.head_sha.clone(),
        external_id: format!("tritgate/1/{name}/{}.{}/{}", run.id, run.attempt, &digest[..16]),
        status: "completed",
        conclusion,
        output: Output {
            title,
            summary: markdown::cut(&summary, MAX_BYTES, rest).into_owned(),
            text: markdown::cut(&text, MAX_BYTES, rest).into_owned(),
            annotations,
        },
    }
}

/// The verdict and what it rests on, in a line without a word of the evidence.
fn title(gate: &GateReport, rows: &[Row]) -> String {
    let n = rows.len();
    let failed: Vec<&Row> = rows.iter().filter(|row| row.verdict == MetricVerdict::Fail).collect();
    let worst =
        failed.iter().filter_map(|row| Some(row.comparison.as_ref()?.estimate)).reduce(f64::max);
    let rule = gate.refusals.first().map(|refusal| refusal.rule);
    match (gate.verdict, worst, rule) {
        (Verdict::Pass, ..) if n > 0 => {
            format!("Pass: {n} metrics compared, none slower than its margin")
        }
        (Verdict::Pass, ..) => "Pass".to_owned(),
        (Verdict::Fail, Some(worst), _) => {
            format!(
                "Fail: {} of {n} metrics slower than allowed, worst {}",
                failed.len(),
                change(worst)
            )
        }
        (Verdict::Fail, None, _) => "Fail: a limit of the policy is broken".to_owned(),
        (Verdict::Inconclusive, ..) => {
            let hidden = rows.iter().filter(|row| row.outcome == Outcome::Inconclusive).count();
            format!("Inconclusive: noise hides the answer for {hidden} of {n} metrics")
        }
        (Verdict::Invalid, _, Some(rule)) => format!("No valid evidence: rule {rule}"),
        (Verdict::Invalid, ..) => "No valid evidence".to_owned(),
        (Verdict::Incomparable, _, Some(rule)) => format!("Nothing to compare: rule {rule}"),
        (Verdict::Incomparable, ..) => "Nothing to compare".to_owned(),
    }
}

fn findings(gate: &GateReport) -> String {
    let mut block = format!("**{}**\n\n| finding | |\n|---|---|\n", gate.verdict.name());
    for item in &gate.evidence {
        block.push_str(&format!("| {} | {} |\n", item.key.replace('_', " "), quoted(&item.text)));
    }
    for refusal in &gate.refusals {
        block.push_str(&format!(
            "| refused by the rule {} | {}: expected {}, found {} |\n",
            refusal.rule,
            quoted(&refusal.field),
            quoted(&refusal.expected),
            quoted(&refusal.found)
        ));
    }
    block
}

/// The rows, what decides first: failed, missing, undecided, passed; in the policy's order among them.
fn table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let rank = |row: &&Row| match row.verdict {
        MetricVerdict::Fail => 0,
        MetricVerdict::Missing => 1,
        MetricVerdict::Inconclusive => 2,
        MetricVerdict::Pass => 3,
    };
    let mut sorted: Vec<&Row> = rows.iter().collect();
    sorted.sort_by_key(rank);
    let mut block =
        "| metric | base | head | change, 95 % interval | outcome |\n|---|---|---|---|---|\n"
            .to_owned();
    for row in sorted.iter().take(MAX_ROWS) {
        let found = row.comparison.as_ref().map_or_else(
            || "– | – | –".to_owned(),
            |found| {
                let [base, head] =
                    [found.base_median, found.head_median].map(|median| row.unit.text(median));
                let [middle, low, high] = [found.estimate, found.ci_low, found.ci_high].map(change);
                format!("{base} | {head} | {middle}, {low} to {high}")
            },
        );
        block.push_str(&format!("| {} | {found} | {} |\n", of_row(row), row.outcome.name()));
    }
    if let Some(others) = sorted.len().checked_sub(MAX_ROWS).filter(|others| *others > 0) {
        block.push_str(&format!("\n{others} more metrics: see below.\n"));
    }
    block
}

/// Why each row came out as it did.
fn details(rows: &[Row]) -> String {
    let line =
        |row: &Row| format!("- {} {}: {}\n", of_row(row), row.outcome.name(), quoted(&row.reason));
    rows.iter().map(line).collect()
}

/// Below the gate of performance: where the time went, if that was asked.
fn triage(derived: &Derived, gate: &GateReport) -> String {
    let found = derived.triage.as_ref().filter(|_| gate.name == NAMES[1]);
    found.map_or_else(String::new, |found| format!("\n{}", found.to_markdown()))
}

fn of_row(row: &Row) -> String {
    quoted(&format!("{}/{}", row.workload, row.metric))
}

fn provenance(run: &MeasuredRun) -> String {
    let by = match run.trigger {
        Trigger::PullRequest => "this pull request's own code, which can write any sample",
        Trigger::MergeGroup => "the merge queue",
    };
    format!(
        "Measured by {by}: run {}, attempt {}. The verdict was derived again from the samples.\n",
        run.id, run.attempt
    )
}
