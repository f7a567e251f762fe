//! `tests`: a run of tests (`cargo test`, `cargo nextest run`). A run of no test is no success.
//! In: a check record. Out: passed, failed and the rest, held against each other, against what was announced and the exit code.

mod libtest;
mod nextest;

use baselines::CheckRecord;
use serde_json::{Value, json};

use super::{
    Check, Reading,
    conclude::{Seen, conclude, first_of, n_of},
    output,
};

pub(super) const CHECK: Check = Check {
    name: "tests",
    demand: "Exit code 0, at least one test passed, none failed, and every run of tests has one summary that its numbers fit.",
    is: |words| {
        words.is_cargo(&["t", "test"])
            || (words.is_cargo(&["nextest"]) && matches!(words.rest.get(1), Some(&"r" | &"run")))
    },
    read,
};

/// Exit code of nextest where there was no test to run.
const NEXTEST_NO_TESTS: u64 = 4;

/// What one of the two formats says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    /// `#[ignore]`; nextest counts them among those skipped.
    ignored: u64,
    /// Not asked for; nextest: skipped.
    filtered: u64,
    /// Summaries found.
    n_summaries: u64,
    /// Test binaries, and crates with documentation tests, as far as cargo or nextest names them.
    n_targets: u64,
    failed_names: Vec<String>,
    doubts: Vec<String>,
}

fn read(record: &CheckRecord) -> Reading {
    let (stdout, stderr) = (output::text(&record.stdout), output::text(&record.stderr));
    // Under nextest each test may show a summary of libtest's, of that one test.
    let by_nextest = nextest::read(&stderr);
    let (format, mut counts) = match by_nextest {
        Some(counts) => ("nextest", counts),
        None => ("libtest", libtest::read(&stdout, &stderr)),
    };
    if format == "libtest" {
        counts.doubts.extend(output::gap(&record.stdout));
    }
    let n_run = counts.passed.saturating_add(counts.failed);
    if counts.n_summaries == 0 {
        counts.doubts.push("no summary found".to_owned());
    } else if n_run == 0 {
        counts.doubts.push("no test was run: 0 of 0 is an error".to_owned());
    }
    let (failure, said) = (counts.failed > 0, said(format, &counts));
    let value = value(format, &counts, record.exit_code);
    if format == "nextest" && n_run == 0 && record.exit_code == NEXTEST_NO_TESTS {
        let (verdict, doubts) = (crate::Verdict::Incomparable, counts.doubts.join(", "));
        return Reading { verdict, text: format!("{said}; but {doubts}"), value };
    }
    conclude(record, Seen { said, failure, doubts: counts.doubts, value })
}

fn said(format: &str, counts: &Counts) -> String {
    let Counts { passed, failed, ignored, filtered, n_summaries, n_targets, .. } = counts;
    let mut said = format!("{passed} passed, {failed} failed");
    said += &match format {
        "nextest" => format!(", {filtered} skipped in {}", n_of(*n_targets, "target")),
        _ => {
            format!(", {ignored} ignored, {filtered} filtered out in {}", n_of(*n_summaries, "run"))
        }
    };
    if format == "libtest" && n_targets > n_summaries {
        let silent = n_of(n_targets - n_summaries, "target");
        said += &format!(" ({silent} said nothing of their tests)");
    }
    if !counts.failed_names.is_empty() {
        let first: Vec<String> = first_of(&counts.failed_names);
        let more = counts.failed_names.len().saturating_sub(first.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        said += &format!(": {}{more}", first.join(", "));
    }
    said
}

fn value(format: &str, counts: &Counts, exit_code: u64) -> Value {
    json!({
        "format": format,
        "passed": counts.passed,
        "failed": counts.failed,
        "ignored": (format == "libtest").then_some(counts.ignored),
        "filtered": (format == "libtest").then_some(counts.filtered),
        "skipped": (format == "nextest").then_some(counts.filtered),
        "summaries": counts.n_summaries,
        "targets": counts.n_targets,
        "failed_names": first_of(&counts.failed_names),
        "doubts": counts.doubts,
        "exit_code": exit_code,
    })
}
