//! `format`: the sources are as the formatter writes them (`cargo fmt --check`).
//! In: a check record. Out: the files that differ. A formatter that finds nothing says nothing, so the command must ask.

use std::collections::BTreeSet;

use baselines::CheckRecord;
use serde_json::json;

use super::{
    Check, Reading,
    conclude::{Seen, conclude, first_of, n_of},
    output,
};

pub(super) const CHECK: Check = Check {
    name: "format",
    demand: "Exit code 0 of a command with `--check`, and no file that differs.",
    is: |words| words.is_cargo(&["fmt"]),
    read,
};

fn read(record: &CheckRecord) -> Reading {
    let (stdout, stderr) = (output::text(&record.stdout), output::text(&record.stderr));
    let files: BTreeSet<&str> = stdout.lines().filter_map(differing).collect();
    let files: Vec<String> = files.into_iter().map(str::to_owned).collect();
    let n_errors = stderr.lines().filter(|line| line.starts_with("error")).count() as u64;
    let mut doubts = Vec::new();
    if !record.command.iter().any(|word| word == "--check") {
        doubts.push("it did not ask whether files differ: expected `--check`".to_owned());
    }
    doubts.extend(output::gap(&record.stdout));
    let mut said = format!("{} differ", n_of(files.len() as u64, "file"));
    if n_errors > 0 {
        said += &format!(", {}", n_of(n_errors, "error"));
    }
    let failure = !files.is_empty() || n_errors > 0;
    let value = json!({
        "differ": files.len(),
        "errors": n_errors,
        "files": first_of(&files),
        "exit_code": record.exit_code,
    });
    conclude(record, Seen { said, failure, doubts, value })
}

/// The file of a line of rustfmt's: `Diff in PATH:12:`, of older ones `Diff in PATH at line 12:`.
fn differing(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("Diff in ")?.strip_suffix(':')?;
    let (path, number) = rest.rsplit_once(" at line ").or_else(|| rest.rsplit_once(':'))?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then_some(path)
}
