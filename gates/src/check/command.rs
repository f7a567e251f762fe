//! `command`: any program, of which nothing is known but how it ended. In: a check record. Out: its exit code, judged.

use baselines::CheckRecord;
use serde_json::json;

use super::{Check, Reading, conclude};
use crate::verdict::Verdict;

pub(super) const CHECK: Check = Check {
    name: "command",
    demand: "Exit code 0; nothing is read from what it wrote.",
    is: |_| false,
    read,
};

fn read(record: &CheckRecord) -> Reading {
    let verdict = if record.exit_code == 0 { Verdict::Pass } else { Verdict::Fail };
    let text = format!("{}, its output was not read", conclude::exit(record.exit_code));
    Reading { verdict, text, value: json!({ "exit_code": record.exit_code }) }
}
