//! `build`: the workspace compiles: `cargo build`, `cargo check`. In: a check record. Out: errors and warnings, counted.

use super::{Check, diagnostics};

pub(super) const CHECK: Check = Check {
    name: "build",
    demand: "Exit code 0, the line that says it finished, and no error; warnings are counted.",
    is: |words| words.is_cargo(&["b", "build", "c", "check"]),
    read: diagnostics::read,
};
