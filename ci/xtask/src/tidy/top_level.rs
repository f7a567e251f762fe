//! Rule `top-level`: the visible top level holds exactly what the design lists; dotfiles are free.

use std::collections::BTreeSet;

use super::{Finding, Tree};

const ENTRIES: [&str; 11] = [
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "baselines",
    "ci",
    "engine",
    "gates",
    "harness",
    "reports",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let first = |path| str::split(path, '/').next().unwrap_or(path);
    let found: BTreeSet<&str> =
        tree.paths().map(first).filter(|entry| !entry.starts_with('.')).collect();
    let stray = found.iter().filter(|entry| !ENTRIES.contains(entry)).map(|entry| {
        let fix = "move it into the crate it belongs to, or into `ci/`";
        Finding::of_file(entry, "not one of the entries that the top level may hold", fix)
    });
    let absent = ENTRIES.iter().filter(|entry| !found.contains(**entry)).map(|entry| {
        Finding::of_file(entry, "missing from the top level", "add it: the design lists it")
    });
    stray.chain(absent).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::clean;

    #[test]
    fn a_stray_entry_and_a_missing_one_are_both_found() {
        let tree =
            clean().with("scripts/go.sh", "").with(".editorconfig", "").without("Cargo.lock");
        let found: Vec<_> = check(&tree).iter().map(|finding| finding.path().to_owned()).collect();
        assert_eq!(found, ["scripts", "Cargo.lock"]);
    }
}
