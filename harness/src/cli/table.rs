//! Results for people: tables of at most 80 columns, a verdict as glyph and word, colour never alone.

mod achieved;

use std::path::Path;

use baselines::{
    RunRecord,
    quantile::median,
    record::{Engine, Mark, ModelInfo, What},
    unit::{Rate, Unit},
};
use comfy_table::{CellAlignment, ContentArrangement, Row as TableRow, Table, presets};
use gates::{Derived, MetricVerdict, Row, Verdict};
use serde_json::{Value, json};

/// Columns of a table at most.
const WIDTH: u16 = 80;

/// A table without lines: cells two spaces apart, the columns of `numbers` flush right.
pub(crate) fn table(header: &[&str], numbers: std::ops::Range<usize>) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(header.to_vec());
    for (idx, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if idx + 1 == header.len() { 0 } else { 2 }));
        if numbers.contains(&idx) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Its lines, without blanks at their ends.
pub(crate) fn text(table: &Table) -> String {
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n") + "\n"
}

/// `said` in lines of at most 80 columns, each but the first after `indent`. A longer word stays in one piece.
pub(super) fn wrapped(said: &str, indent: &str) -> String {
    let most = usize::from(WIDTH) - indent.len();
    let (mut lines, mut line, mut n_chars) = (Vec::new(), String::new(), 0);
    for word in said.split(' ') {
        let n = word.chars().count();
        if n_chars > 0 && n_chars + 1 + n > most {
            lines.push(std::mem::take(&mut line));
            n_chars = 0;
        }
        if n_chars > 0 {
            line.push(' ');
            n_chars += 1;
        }
        line += word;
        n_chars += n;
    }
    lines.push(line);
    lines.join(&format!("\n{indent}"))
}

/// `said` in lines of at most 80 columns as a terminal counts them, a longer word in pieces; no more lines than `most`, if that is
/// given, and then `…`.
pub(super) fn columns(said: &str, most: Option<usize>) -> String {
    let mut alone = Table::new();
    alone
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH);
    let mut row = TableRow::from([said]);
    if let Some(most) = most {
        row.max_height(most);
    }
    alone.add_row(row);
    for column in alone.column_iter_mut() {
        column.set_padding((0, 0));
    }
    text(&alone)
}

/// The whole verdict of a gate.
pub(crate) fn verdict(derived: &Derived, marks: &[Mark], out: &Path, wall_ns: u64) -> String {
    let mut said = String::new();
    if !derived.rows.is_empty() {
        said += &rows(&derived.rows);
    }
    said += &exact_lines(&derived.exact);
    for budget in &derived.budgets {
        said += &format!(
            "{} {}\n",
            if budget.state == gates::budget::State::Met { "✔" } else { "✘" },
            budget.text
        );
    }
    for used in &derived.waivers {
        said += &format!("{}\n", wrapped(&used.text(), "  "));
    }
    for gate in &derived.check_gates {
        let glyph = if gate.verdict == Verdict::Pass { "✔" } else { "✘" };
        let required = derived.other_gates.iter().any(|(name, _)| *name == gate.name);
        let required = if required { "" } else { " (not required)" };
        let text = gate.evidence.first().map_or("", |item| item.text.as_str());
        let line = format!("{}{required}: {}", gate.name, one_line(text));
        said += &format!("{glyph} {}\n", wrapped(&line, "  "));
    }
    for refusal in &derived.refusals {
        said += &format!("✘ {}\n", crate::files::paragraph(refusal));
    }
    said += &warnings(marks);
    let verdict = derived.verdict;
    let (glyph, colour) = glyph(verdict);
    let n_pairs = |row: &Row| row.comparison.as_ref().map(|found| found.n_pairs);
    let pairs = derived.rows.iter().filter_map(n_pairs).max().unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "seconds for people")]
    let seconds = wall_ns as f64 / 1e9;
    said += &format!(
        "\n{pairs} pairs: {}\n{colour}{glyph} {}{RESET} (exit {}) → {}   [{seconds:.0} s, files in {}]\n",
        derived.counts.text(),
        verdict.name(),
        verdict.exit_code(),
        derived.route.to,
        out.display()
    );
    said
}

/// Text of a record on one line, without what a terminal would obey.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// A line for each exact metric, and one for each of its places that is broken or a hole.
fn exact_lines(exact: &[gates::Exact]) -> String {
    let mut said = String::new();
    for summary in gates::exact::summaries(exact) {
        let glyph = if summary.holds() { "✔" } else { "✘" };
        said += &format!("{glyph} {}\n", wrapped(&summary.text(), "  "));
        let many = summary.places.len() > 1;
        let open = |place: &&gates::Exact| {
            many && (place.is_hole() || place.state == gates::exact::State::Broken)
        };
        for place in summary.changed().filter(open) {
            said += &format!("  {}\n", wrapped(&place.text, "  "));
        }
    }
    said
}

/// Ends a colour.
pub(super) const RESET: &str = "\u{1b}[0m";

/// Colour only where a verdict differs from pass; the glyph and the word carry it alone.
pub(super) const fn glyph(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Pass => ("✔", ""),
        Verdict::Fail => ("✘", "\u{1b}[1;31m"),
        Verdict::Inconclusive => ("?", "\u{1b}[1;33m"),
        Verdict::Invalid | Verdict::Incomparable => ("✘", "\u{1b}[1;35m"),
    }
}

/// The rows of a comparison.
pub(crate) fn rows(rows: &[Row]) -> String {
    // Eight columns in 80: one space between them.
    let mut compared = table(&HEADER, 1..7);
    for (idx, column) in compared.column_iter_mut().enumerate() {
        column.set_padding((0, u16::from(idx + 1 < HEADER.len())));
    }
    for row in rows {
        compared.add_row(cells(row, rows));
    }
    let mut said = text(&compared);
    for row in rows {
        if row.verdict != MetricVerdict::Pass || row.proven_slower || row.waived.is_some() {
            said += &format!("{}: {}\n", row.workload, row.reason);
        } else if let Some(warning) = row.warm_up.warning() {
            said += &format!("{}: {warning}\n", row.workload);
        }
    }
    said
}

/// The same as a Markdown table.
pub(crate) fn rows_markdown(rows: &[Row]) -> String {
    let mut said = format!("| {} |\n|---|---:|---:|---:|---:|---:|---:|---|\n", HEADER.join(" | "));
    for row in rows {
        said += &format!("| {} |\n", cells(row, rows).join(" | "));
    }
    said
}

/// *n*: pairs behind the numbers; *detects*: the slow-down that the session finds 9 times in 10.
const HEADER: [&str; 8] =
    ["", "base", "head", "change", "95 % interval", "n", "detects", "verdict"];

fn cells(row: &Row, all: &[Row]) -> [String; 8] {
    let alone = all.iter().filter(|other| other.workload == row.workload).count() == 1;
    let name =
        if alone { row.workload.clone() } else { format!("{} {}", row.workload, row.metric) };
    let verdict = format!("{} {}", metric_glyph(row.verdict), row.outcome.name());
    let Some(found) = &row.comparison else {
        let none = "–".to_owned();
        let [a, b, c, d, e] = std::array::from_fn(|_| none.clone());
        return [name, a, b, c, d, e, none, verdict];
    };
    [
        name,
        row.unit.text(found.base_median),
        row.unit.text(found.head_median),
        format!("{} %", percent(found.estimate)),
        format!("{}…{} %", percent(found.ci_low), percent(found.ci_high)),
        found.n_pairs.to_string(),
        found.detectable.map_or_else(|| "–".to_owned(), |effect| format!("{} %", percent(effect))),
        verdict,
    ]
}

/// The sign before the word for a metric.
pub(super) const fn metric_glyph(verdict: MetricVerdict) -> &'static str {
    match verdict {
        MetricVerdict::Pass => "✔",
        MetricVerdict::Fail => "✘",
        MetricVerdict::Inconclusive => "?",
        MetricVerdict::Missing => "–",
    }
}

/// A log ratio as a change in per cent.
pub(crate) fn percent(log_ratio: f64) -> String {
    let percent = log_ratio.exp_m1() * 100.0;
    // "−0.0" would name a direction that the rounding has removed.
    format!("{:+.1}", if percent.abs() < 0.05 { 0.0 } else { percent })
}

/// The rows as JSON.
pub(crate) fn rows_json(rows: &[Row]) -> String {
    format!("{:#}\n", json!({ "rows": rows.iter().map(row_json).collect::<Vec<_>>() }))
}

/// The whole verdict as JSON.
pub(crate) fn verdict_json(derived: &Derived) -> String {
    let refusals: Vec<String> = derived.refusals.iter().map(crate::files::paragraph).collect();
    let counts = &derived.counts;
    let document = json!({
        "verdict": derived.verdict.name(),
        "exit_code": derived.verdict.exit_code(),
        "route": derived.route.to,
        "conclusion": derived.route.conclusion,
        "waivers": derived.waivers.iter().map(gates::WaiverUse::text).collect::<Vec<_>>(),
        "counts": {
            "compared": counts.compared, "regressed": counts.regressed, "improved": counts.improved,
            "unchanged": counts.unchanged, "inconclusive": counts.inconclusive, "missing": counts.missing,
        },
        "exact": derived.exact.iter().map(|place| json!({
            "metric": place.metric, "place": place.place, "base": place.base.map(gates::exact::Amount::per_iteration),
            "head": place.head.map(gates::exact::Amount::per_iteration), "max_increase": place.max_increase,
            "required": place.required, "state": place.state.name(), "text": place.text,
        })).collect::<Vec<_>>(),
        "rows": derived.rows.iter().map(row_json).collect::<Vec<_>>(),
        "budgets": derived.budgets.iter().map(|budget| json!({
            "name": budget.name, "state": budget.state.name(), "text": budget.text,
        })).collect::<Vec<_>>(),
        "refusals": refusals,
    });
    format!("{document:#}\n")
}

fn row_json(row: &Row) -> Value {
    let numbers = row.comparison.as_ref().map(|found| {
        json!({
            "n_pairs": found.n_pairs, "base_median": found.base_median, "head_median": found.head_median,
            "estimate": found.estimate, "ci_low": found.ci_low, "ci_high": found.ci_high,
            "p_fail": found.p_fail, "p_pass": found.p_pass, "m0": found.m0, "m1": found.m1,
            "level_fail": found.level_fail, "level_pass": found.level_pass, "block_size": found.block_size,
            "detectable": found.detectable, "passable": found.passable,
        })
    });
    json!({
        "workload": row.workload, "metric": row.metric, "outcome": row.outcome.name(), "verdict": row.verdict.name(),
        "reason": row.reason, "pairs_needed": row.pairs_needed,
        "warm_up": {
            "class": row.warm_up.class.map(gates::stats::EvidenceClass::name), "n_processes": row.warm_up.n_processes,
            "n_flagged": row.warm_up.n_flagged, "n_too_short": row.warm_up.n_too_short,
            "median_cut": row.warm_up.median_cut,
        },
        "comparison": numbers,
    })
}

/// What a record measured: one line for each series.
pub(crate) fn record(record: &RunRecord) -> String {
    let mut said = match &record.subject.what {
        What::Engine(Engine { model, settings }) => format!(
            "{} ({}, {}) on {}{}, {} {}\n{}",
            model.name,
            model.architecture,
            Unit::Bytes.text(as_f64(model.file_bytes)),
            gpu(record),
            record.host.cpu_model,
            settings.isa,
            count(settings.threads, "thread"),
            achieved::weights(record, settings)
        ),
        What::Command(command) => format!("{} on {}\n", command.line, record.host.cpu_model),
    };
    let mut measured = table(&["", "median", "fastest", "slowest", "rate", "n × samples"], 1..6);
    for [name, median, fastest, slowest, rate, n] in series(record) {
        measured.add_row([name, median, fastest, slowest, rate, n]);
    }
    said += &text(&measured);
    said += &achieved::human(record);
    said += &footer(record);
    said
}

/// The GPU that computed, in front of the CPU that gave it its work.
fn gpu(record: &RunRecord) -> String {
    record.gpu().map_or_else(String::new, |used| format!("{} ({}), ", used.name, used.id))
}

/// The same in Markdown.
pub(crate) fn record_markdown(record: &RunRecord) -> String {
    let mut said =
        "| | median | fastest | slowest | rate | n |\n|---|---:|---:|---:|---:|---:|\n".to_owned();
    for cells in series(record) {
        said += &format!("| {} |\n", cells.join(" | "));
    }
    said + "\n" + &achieved::markdown(record) + &footer(record)
}

/// Name, median of process medians, extreme process medians, rate, n.
fn series(record: &RunRecord) -> Vec<[String; 6]> {
    let Some(first) = record.processes.first() else { return Vec::new() };
    let line = |series: &baselines::record::Series| {
        let mut medians: Vec<f64> = record
            .samples(&series.workload, &series.metric)
            .filter_map(|(_, samples)| median(samples))
            .collect();
        medians.sort_by(f64::total_cmp);
        let middle = median(&medians)?;
        let (unit, _) = record.suite.metric(&series.metric)?;
        let ns = |value: f64| unit.text(value);
        let name = format!("{} {}", series.workload, series.metric.trim_end_matches("_ns"));
        let rate = rate(record, series, middle).unwrap_or_default();
        let n = format!("{} × {}", medians.len(), series.samples.len());
        Some([name, ns(middle), ns(*medians.first()?), ns(*medians.last()?), rate, n])
    };
    first.series.iter().filter_map(line).collect()
}

/// The rate of what a metric times, where its amount is known: tokens, multiply-adds, elements.
fn rate(record: &RunRecord, series: &baselines::record::Series, ns: f64) -> Option<String> {
    let workload = record.suite.workloads.iter().find(|def| def.name == series.workload)?;
    let params = |names: &[&str]| -> Option<f64> {
        names.iter().map(|name| workload.params.get(*name).map(|value| as_f64(*value))).product()
    };
    let (rate, amount) = match series.metric.as_str() {
        "gemm_ns" => (Rate::Macs, params(&["rows", "cols", "tokens"])?),
        "quantize_ns" => {
            (Rate::Elements, params(&["values"]).or_else(|| params(&["rows", "cols"]))?)
        }
        _ => return tokens_per_s(record, series, ns).map(|rate| Rate::Tokens.text(rate)),
    };
    Some(rate.text(amount / ns * 1e9))
}

/// Tokens per second of a decode step, or of a prompt.
fn tokens_per_s(record: &RunRecord, series: &baselines::record::Series, ns: f64) -> Option<f64> {
    let output = record
        .processes
        .first()?
        .outputs
        .iter()
        .find(|output| output.workload == series.workload)?;
    match series.metric.as_str() {
        "decode_step_ns" => Some(1e9 / ns),
        "prefill_ns" => Some(as_f64(output.n_prompt) / ns * 1e9),
        _ => None,
    }
}

fn footer(record: &RunRecord) -> String {
    let mut said = achieved::screenings(record);
    for accuracy in record.accuracy.iter().chain(&record.format_accuracy) {
        let n = as_f64(accuracy.positions);
        said += &format!(
            "top-1 equal to float run: {}, {} of {} positions ({:.2} %), perplexity {:.4} against {:.4}\n",
            accuracy.format,
            accuracy.top1_equal,
            accuracy.positions,
            as_f64(accuracy.top1_equal) / n * 100.0,
            (accuracy.nll_int8 / n).exp(),
            (accuracy.nll_float / n).exp()
        );
    }
    let rss = record.processes.iter().filter_map(|process| process.peak_rss_bytes).max();
    if let Some(bytes) = rss {
        said += &format!("peak memory of a process: {}\n", Unit::Bytes.text(as_f64(bytes)));
    }
    said + &warnings(&record.marks)
}

/// At most five, each with what would help.
fn warnings(marks: &[Mark]) -> String {
    marks.iter().take(5).map(|mark| format!("warning: {}: {}\n", mark.name, mark.detail)).collect()
}

/// What a model file says.
pub(crate) fn model(info: &ModelInfo, tokenizer: &str) -> String {
    let mut said = format!(
        "{}: {}, {}, SHA-256 {}\nlayers {}, width {}, feed-forward {}, heads {} of {}, key/value heads {}, vocabulary {}, \
         context {}\ntokenizer: {tokenizer}\n",
        info.name,
        info.architecture,
        Unit::Bytes.text(as_f64(info.file_bytes)),
        info.digest,
        info.n_layers,
        info.n_embd,
        info.n_ff,
        info.n_heads,
        info.head_dim,
        info.n_kv_heads,
        info.n_vocab,
        info.n_ctx
    );
    let mut linears = table(&["linear", "rows", "cols", "format", "count", "bytes each"], 1..6);
    for linear in &info.linears {
        linears.add_row([
            linear.name.clone(),
            linear.rows.to_string(),
            linear.cols.to_string(),
            linear.format.clone(),
            linear.n.to_string(),
            linear.bytes.to_string(),
        ]);
    }
    said += &text(&linears);
    said
}

pub(crate) fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

#[expect(clippy::cast_precision_loss, reason = "for people, and far below 2^53")]
const fn as_f64(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::verdict;

    /// What a gate prints of a scripted session whose head takes `factor` times as long.
    fn printed(seed: u64, factor: f64, policy: &str) -> String {
        let mut evidence = baselines::testing::evidence(seed, factor);
        evidence.policy = policy.to_owned();
        let derived = gates::derive(&evidence).unwrap();
        verdict(&derived, &[], Path::new("ci"), 43_000_000_000)
    }

    /// Lines of `text` that start with one of `names`.
    fn lines<'a>(text: &'a str, names: &[&str]) -> Vec<&'a str> {
        text.lines().filter(|line| names.iter().any(|name| line.starts_with(name))).collect()
    }

    /// Requirement: S2.
    #[test]
    fn every_line_names_estimate_interval_pairs_and_detectable_effect() {
        let slower = printed(4, 1.03, gates::DEFAULT_POLICY);
        assert_eq!(
            lines(&slower, &["          ", "decode-64", "16 pairs"]),
            [
                "                  base     head change 95 % interval  n detects verdict",
                "decode-64     413.6 µs 425.1 µs +2.9 %   +2.5…+3.2 % 16  +5.0 % ✔ unchanged",
                "decode-64: pass, proven slower by +2.9 % [+2.5 %, +3.2 %] over 16 pairs, within the margin of +5.0 %; 40 pairs find a slow-down of +5.0 % 9 times in 10",
                "16 pairs: 6 compared, 0 regressed, 0 improved, 6 unchanged, 0 inconclusive, 0 missing",
            ]
        );
        let far = printed(4, 1.2, gates::DEFAULT_POLICY);
        assert_eq!(
            lines(&far, &["decode-64"]),
            [
                "decode-64     413.6 µs 495.3 µs +19.8 % +19.4…+20.3 % 16  +5.0 % ✘ regressed",
                "decode-64: +19.8 % [+19.4 %, +20.3 %] over 16 pairs: slower than +1.0 % (p = 1.69e-15, level 7.7e-6 of a \
                 family of 6); 40 pairs find a slow-down of +5.0 % 9 times in 10",
            ]
        );
        for line in slower.lines().chain(far.lines()).filter(|line| !line.contains(": ")) {
            assert!(line.chars().count() <= 80 || line.starts_with(['✔', '✘']), "{line}");
        }
    }

    /// Requirement: S2, T6.
    #[test]
    fn a_waived_pass_says_so_and_so_does_a_waiver_that_is_over() {
        let waiver = |expires: &str| {
            format!(
                "{}\n[[waiver]]\nmetric = \"matmul_ns\"\nworkload = \"matmul\"\nceiling = 1.5\nreason = \"why\"\n\
                 owner = \"Ada\"\nexpires = \"{expires}\"\n",
                gates::DEFAULT_POLICY
            )
        };
        let waived = printed(4, 1.2, &waiver("2026-12-31"));
        let [_, reason] = lines(&waived, &["matmul"])[..] else { panic!("{waived}") };
        assert!(
            reason.contains("passes only by the waiver of Ada up to +50.0 % until 2026-12-31: why"),
            "{reason}"
        );
        assert!(
            waived.contains("5 regressed") && waived.contains("0 missing, 1 waived"),
            "{waived}"
        );
        let over = printed(4, 1.2, &waiver("2026-01-31"));
        assert!(over.contains("6 regressed") && !over.contains("1 waived"), "{over}");
        let said = over.replace("\n  ", " ");
        assert!(said.contains("until 2026-01-31 (why): expired, it changes nothing"), "{over}");
    }

    #[test]
    fn an_open_metric_says_what_would_decide_it() {
        let tight = gates::DEFAULT_POLICY
            .replace("looks = [16, 24, 32, 40]", "looks = [16]")
            .replace("margin_unacceptable = 1.05", "margin_unacceptable = 1.015");
        let open = printed(4, 1.012, &tight);
        assert_eq!(
            lines(&open, &["end-to-end"]),
            [
                "end-to-end    31.92 ms 32.08 ms +1.1 %   +0.5…+1.8 % 16  +2.6 % ? inconclusive",
                "end-to-end: +1.1 % [+0.5 %, +1.8 %] over 16 pairs: neither within +1.5 % nor slower than +1.0 %, 80 pairs would \
                 decide; 16 pairs find a slow-down of +2.6 % 9 times in 10",
            ]
        );
    }
}
