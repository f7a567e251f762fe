//! `clippy`: lints: `cargo clippy`. In: a check record. Out: errors and warnings, counted.

use super::{Check, diagnostics};

pub(super) const CHECK: Check = Check {
    name: "clippy",
    demand: "Exit code 0, the line that says it finished, and no error; warnings are counted, and are errors under `-D warnings`.",
    is: |words| words.is_cargo(&["clippy"]),
    read: diagnostics::read,
};
