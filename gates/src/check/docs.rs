//! `docs`: the documentation is built: `cargo doc`. In: a check record. Out: errors and warnings, counted.

use super::{Check, diagnostics};

pub(super) const CHECK: Check = Check {
    name: "docs",
    demand: "Exit code 0, the line that says it finished, and no error; warnings are counted, broken links among them.",
    is: |words| words.is_cargo(&["d", "doc", "rustdoc"]),
    read: diagnostics::read,
};
