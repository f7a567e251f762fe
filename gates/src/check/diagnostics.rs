//! Errors and warnings of rustc, clippy and rustdoc, as cargo shows them: for people, or as JSON messages.
//! In: a check record. Out: counts. Each diagnostic once: what cargo says about them in sum is used to check the count.
//! Source: the rustc and cargo books, "JSON output" and "External tools".

use std::collections::BTreeSet;

use baselines::CheckRecord;
use serde_json::{Value, json};

use super::{
    Reading,
    conclude::{Seen, conclude, n_of},
    output,
};

/// Counts of one stream.
#[derive(Default)]
struct Counts {
    errors: u64,
    warnings: u64,
    /// What cargo says in sum of each target.
    errors_in_sum: u64,
    warnings_in_sum: u64,
    /// Whether the build says that it came to its end.
    finished: bool,
}

/// The reading of a build, a lint or a documentation run.
pub(super) fn read(record: &CheckRecord) -> Reading {
    let (stdout, stderr) = (output::text(&record.stdout), output::text(&record.stderr));
    let (people, programs) = (for_people(&stderr), for_programs(&stdout));
    // Cargo's sum of errors counts those of code that two targets share twice.
    let errors = match people.errors + programs.errors {
        0 => people.errors_in_sum,
        counted => counted,
    };
    let warnings = (people.warnings + programs.warnings).max(people.warnings_in_sum);
    let mut doubts = Vec::new();
    if !people.finished && !programs.finished {
        doubts.push("no summary found: expected cargo's `Finished` line".to_owned());
    }
    doubts.extend(output::gap(&record.stderr).or_else(|| output::gap(&record.stdout)));
    let said = format!("{}, {}", n_of(errors, "error"), n_of(warnings, "warning"));
    let value = json!({
        "errors": errors,
        "warnings": warnings,
        "finished": people.finished || programs.finished,
        "exit_code": record.exit_code,
    });
    conclude(record, Seen { said, failure: errors > 0, doubts, value })
}

/// `warning: …` and `error[E0308]: …` at the start of a line, and the sums that cargo adds.
fn for_people(text: &str) -> Counts {
    let mut counts = Counts::default();
    for line in text.lines() {
        if line.trim_start().starts_with("Finished `") && line.contains("target(s) in") {
            counts.finished = true;
        } else if let Some((generated, duplicates)) = generated(line) {
            counts.warnings_in_sum += generated.saturating_sub(duplicates);
        } else if let Some(rest) = line.strip_prefix("error: could not compile `") {
            counts.errors_in_sum = counts
                .errors_in_sum
                .saturating_add(number_before(rest, " previous error").unwrap_or(1));
        } else if !is_sum(line) {
            counts.warnings += u64::from(is_head(line, "warning"));
            counts.errors += u64::from(is_head(line, "error"));
        }
    }
    counts
}

/// `warning: ` or `warning[name]: `.
fn is_head(line: &str, level: &str) -> bool {
    let Some(rest) = line.strip_prefix(level) else { return false };
    rest.starts_with(": ")
        || rest.strip_prefix('[').and_then(|code| code.split_once("]: ")).is_some()
}

/// A line about diagnostics that is none itself.
fn is_sum(line: &str) -> bool {
    line.starts_with("warning: build failed, waiting")
        || line.starts_with("error: aborting due to ")
        || (line.starts_with("warning: ") && line.ends_with(" emitted"))
}

/// warning: `toy` (lib test) generated 5 warnings (4 duplicates) (run …)
fn generated(line: &str) -> Option<(u64, u64)> {
    let rest = line.strip_prefix("warning: `")?;
    let (_, rest) = rest.split_once(" generated ")?;
    let (number, rest) = rest.split_once(" warning")?;
    let duplicates = number_before(rest, " duplicate").unwrap_or(0);
    Some((number.parse::<u32>().ok()?.into(), duplicates))
}

/// The number that stands just before `what`.
fn number_before(text: &str, what: &str) -> Option<u64> {
    let before = text.split_once(what)?.0;
    let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse::<u32>().ok().map(u64::from)
}

/// Compiler messages of `--message-format=json`; cargo repeats those of code that two targets share.
fn for_programs(text: &str) -> Counts {
    let mut counts = Counts::default();
    let mut known = BTreeSet::new();
    for line in text.lines().filter(|line| line.starts_with("{\"reason\":")) {
        let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
        match message["reason"].as_str() {
            Some("build-finished") => counts.finished = message["success"] == true,
            Some("compiler-message") => {
                let diagnostic = &message["message"];
                let rendered = diagnostic["rendered"].as_str().unwrap_or(line);
                let package = message["package_id"].as_str().unwrap_or_default();
                let sum = diagnostic["spans"].as_array().is_none_or(Vec::is_empty)
                    && diagnostic["message"].as_str().is_some_and(|said| {
                        said.starts_with("aborting due to ") || said.ends_with(" emitted")
                    });
                if sum || !known.insert((package.to_owned(), rendered.to_owned())) {
                    continue;
                }
                match diagnostic["level"].as_str() {
                    Some("warning") => counts.warnings += 1,
                    Some(level) if level.starts_with("error") => counts.errors += 1,
                    _ => {}
                }
            }
            _ => {}
        }
    }
    counts
}
