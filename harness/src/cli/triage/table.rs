//! A triage for people: a table of spans, or of a command's parts, a workload; products, and why; at most 80 columns.

use anyhow::Result;
use baselines::{Evidence, unit::Unit};
use gates::triage::{Attribution, Change, Part, ProductTime, Triage};
use serde_json::json;

use crate::{
    callgrind,
    cli::{
        Format,
        table::{columns, table, text, wrapped},
    },
    files,
    triage::{self, ExactDocument, Same},
};

/// Functions that are shown; all are in the document.
const FUNCTIONS_SHOWN: usize = 10;
/// Lines of each.
const LINES_SHOWN: usize = 3;

/// Both builds are the same bytes, or both commands the same words.
pub(super) fn identical(same: &Same, format: Format) -> Result<String> {
    let short = same.digest.short();
    Ok(match format {
        Format::Json => {
            let mut document = json!({ "identical": true, "binary": same.digest.to_string() });
            if let Some(line) = &same.line {
                document["command"] = json!(line);
            }
            serde_json::to_string_pretty(&document)? + "\n"
        }
        Format::Human | Format::Md => match &same.line {
            Some(line) => {
                let line = gates::plain(line);
                let said = format!(
                    "identical, nothing to explain: base and head are the same words and the same program ({short}): {line}"
                );
                columns(&said, None)
            }
            None => {
                format!(
                    "identical, nothing to explain: base and head are the same bytes ({short})\n"
                )
            }
        },
    })
}

/// Instructions alone.
pub(super) fn counted(exact: &ExactDocument, format: Format) -> Result<String> {
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(exact)? + "\n",
        Format::Human => instructions(exact),
        Format::Md => format!("```\n{}```\n", instructions(exact)),
    })
}

/// The triage, and instructions below it.
pub(super) fn markdown(found: &Triage, exact: Option<&ExactDocument>) -> String {
    let below = exact.map_or_else(String::new, |exact| {
        format!("\n### Executed instructions\n\n```\n{}```\n", instructions(exact))
    });
    found.to_markdown() + &below
}

/// Functions that execute more or less, and their lines.
fn instructions(exact: &ExactDocument) -> String {
    let ([base, again], [head, head_again]) = (exact.base_ir, exact.head_ir);
    let mut said = format!(
        "executed instructions: {base} → {head} ({:+})\n",
        head.cast_signed() - base.cast_signed()
    );
    let repeat = format!(
        "a second run: {again} → {head_again}; {} functions differ no more than two runs of one build do; {}",
        exact.n_unsteady,
        callgrind::ISA_NOTE
    );
    said += &format!("  {}\n", wrapped(&repeat, "    "));
    for note in &exact.notes {
        said += &format!("  {}\n", wrapped(note, "    "));
    }
    if exact.is_silent() {
        return said + "  no function executes more or less\n";
    }
    for row in exact.functions.iter().take(FUNCTIONS_SHOWN) {
        let calls = if row.base_calls == row.head_calls {
            format!("{} calls", row.head_calls)
        } else {
            format!("calls {} → {}", row.base_calls, row.head_calls)
        };
        let only = match row.only.as_str() {
            "both" => String::new(),
            only => format!(", only in the {only}"),
        };
        let line = format!("{:+}  {} ({calls}{only}) {}", row.delta_ir, row.function, row.file);
        said += &format!("  {}\n", wrapped(&line, "    "));
        for line in row.lines.iter().take(LINES_SHOWN) {
            said += &format!("      {}\n", wrapped(&line.to_string(), "        "));
        }
    }
    let n_more = exact.functions.len().saturating_sub(FUNCTIONS_SHOWN) + exact.n_more;
    if n_more > 0 {
        said += &format!("  and {n_more} more functions, in {}\n", triage::EXACT);
    }
    said
}

/// All of it.
pub(super) fn human(
    evidence: &Evidence,
    found: &Triage,
    exact: Option<&ExactDocument>,
    wall_ns: u64,
) -> String {
    let against =
        format!("triage: head against {}", gates::plain(&triage::compared_with(evidence)));
    let mut said = columns(&against, None);
    if let Some(command) = evidence.head.subject.command() {
        said += &columns(&format!("head: {}", gates::plain(&command.line)), None);
    }
    if !found.refusals.is_empty() {
        for refusal in &found.refusals {
            said += &wrapped(&files::paragraph(refusal), "  ");
            said.push('\n');
        }
        return said;
    }
    let left_out = match found.n_disturbed {
        0 => String::new(),
        n => format!(", {n} more left out as disturbed"),
    };
    said += &format!("{} pairs{left_out}\n", found.n_pairs);
    for workload in &found.workloads {
        said.push('\n');
        said += &of_workload(workload);
    }
    if !found.products.is_empty() {
        said.push('\n');
        said += &of_products(&found.products);
    }
    let (why, around): (Vec<_>, Vec<_>) = found.hints.iter().partition(|hint| hint.explains);
    for (title, hints) in [("what else differs", why), ("the session", around)] {
        if hints.is_empty() {
            continue;
        }
        said += &format!("\n{title}\n");
        for hint in hints {
            said += &format!("  {}\n", wrapped(&format!("{}: {}", hint.kind, hint.text), "    "));
        }
    }
    if let Some(exact) = exact {
        said.push('\n');
        said += &instructions(exact);
    }
    if found.is_silent() && exact.is_none_or(ExactDocument::is_silent) {
        said += "\nno difference was found: nothing to explain within these intervals\n";
    }
    #[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days")]
    let wall = Unit::Nanoseconds.text(wall_ns as f64);
    said += &format!("\nthis took {wall}\n");
    said
}

fn of_workload(workload: &Attribution) -> String {
    let whole = &workload.whole;
    let mut said = format!(
        "{} {}: {} → {}, {}\n",
        workload.workload,
        workload.metric,
        Unit::Nanoseconds.text(whole.base_ns),
        Unit::Nanoseconds.text(whole.head_ns),
        with_interval(whole),
    );
    let (part, of) =
        if workload.is_of_command() { ("part", "Δ of run") } else { ("span", "Δ of step") };
    let mut rows = table(&["", part, "base", "head", of, "95 % together", "of Δ"], 2..7);
    let named: Vec<&str> = workload.named().map(|part| part.name.as_str()).collect();
    for part in &workload.parts {
        let change = &part.change;
        let glyph = match (named.contains(&part.name.as_str()), change.share > 0.0) {
            (false, _) => "",
            (true, true) => "▲",
            (true, false) => "▼",
        };
        rows.add_row([
            glyph.to_owned(),
            part.name.clone(),
            Unit::Nanoseconds.text(change.base_ns),
            Unit::Nanoseconds.text(change.head_ns),
            percent(change.share),
            format!("{} {}", percent(change.low), percent(change.high)),
            part.of_whole.map_or_else(String::new, |share| format!("{:.0} %", share * 100.0)),
        ]);
    }
    said += &text(&rows);
    if workload.is_of_command() {
        for part in workload.named() {
            said += &format!("  {}\n", wrapped(&of_part(part), "    "));
        }
    }
    for part in workload.named().filter(|_| !workload.is_of_command()) {
        let kernels = match &part.kernels {
            [base, head] if base.is_empty() && head.is_empty() => String::new(),
            [base, head] if base == head => format!(" ({})", base.join(", ")),
            [base, head] => format!(" ({} → {})", base.join(", "), head.join(", ")),
        };
        let word = if part.change.share > 0.0 { "slower" } else { "faster" };
        let own = part.change.share * whole.base_ns / part.change.base_ns * 100.0;
        let line = format!(
            "{word}: {}{kernels}: {own:+.1} % of its own time; {}",
            part.name,
            if part.evidence.is_empty() {
                "its counts are the same".to_owned()
            } else {
                part.evidence.join("; ")
            }
        );
        said += &format!("  {}\n", wrapped(&line, "    "));
    }
    for (kernel, change) in &workload.kernels {
        let own = change.share * whole.base_ns / change.base_ns * 100.0;
        let line = format!(
            "kernel {kernel}, all its spans: {} → {} ({own:+.1} %), {} of the step{}",
            Unit::Nanoseconds.text(change.base_ns),
            Unit::Nanoseconds.text(change.head_ns),
            with_interval(change),
            if change.is_sure() { "" } else { ": not sure" }
        );
        said += &format!("  {}\n", wrapped(&line, "    "));
    }
    if let Some(overhead) = workload.overhead {
        let line = format!(
            "stamping: {:.0} readings of the clock a step, {:.1} ns each: {:.2} % of it, in both arms",
            overhead.stamps,
            overhead.stamp_ns,
            overhead.share * 100.0
        );
        said += &format!("  {}\n", wrapped(&line, "    "));
    }
    said
}

/// A part of a command's time that differs: the whole may be all of it, or none.
fn of_part(part: &Part) -> String {
    let change = &part.change;
    let word = if change.share > 0.0 { "slower" } else { "faster" };
    let own = if change.base_ns > 0.0 && change.head_ns > 0.0 {
        format!(" ({:+.1} %)", (change.head_ns / change.base_ns - 1.0) * 100.0)
    } else {
        String::new()
    };
    format!(
        "{word}: {} ({}): {} → {}{own}",
        part.name,
        part.about,
        Unit::Nanoseconds.text(change.base_ns),
        Unit::Nanoseconds.text(change.head_ns)
    )
}

fn of_products(products: &[ProductTime]) -> String {
    if products.is_empty() {
        return String::new();
    }
    let mut rows = table(&["", "product by itself", "base", "head", "Δ", "95 % together"], 2..6);
    for product in products {
        let change = &product.change;
        let glyph = match (change.is_sure(), change.share > 0.0) {
            (false, _) => "",
            (true, true) => "▲",
            (true, false) => "▼",
        };
        rows.add_row([
            glyph.to_owned(),
            product.workload.trim_start_matches("product-").to_owned(),
            Unit::Nanoseconds.text(change.base_ns),
            Unit::Nanoseconds.text(change.head_ns),
            percent(change.share),
            format!("{} {}", percent(change.low), percent(change.high)),
        ]);
    }
    text(&rows)
}

fn with_interval(change: &Change) -> String {
    format!("{} ({} to {})", percent(change.share), percent(change.low), percent(change.high))
}

/// A share as a change: `+1.23 %`.
fn percent(share: f64) -> String {
    format!("{:+.2} %", share * 100.0)
}
