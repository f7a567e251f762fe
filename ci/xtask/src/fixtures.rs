//! `cargo xtask fixtures`: golden files and snapshots, rewritten by the tests that own them.
//! In: the workspace. Out: the files that changed, by name. The diff is read like code before it is committed.

use std::collections::BTreeSet;

use crate::tidy::Tree;
use crate::workspace::{Workspace, succeeds};

/// Runs the tests with `UPDATE_GOLDEN=1` and `INSTA_UPDATE=always`. True if they passed.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<bool> {
    let before = Tree::load(&workspace.root)?;
    let mut command = workspace.cargo();
    command
        .args(["test", "--workspace", "--no-fail-fast"])
        .env("UPDATE_GOLDEN", "1")
        .env("INSTA_UPDATE", "always");
    let passed = succeeds(command)?;
    let changed = changed(&before, &Tree::load(&workspace.root)?);
    for path in &changed {
        println!("changed: {path}");
    }
    println!("{} golden file(s) changed; read `git diff` before you commit", changed.len());
    Ok(passed)
}

/// Golden files that are in one tree only, or differ.
fn changed(before: &Tree, after: &Tree) -> BTreeSet<String> {
    let golden = |path: &&str| path.split('/').any(|part| part == "tests" || part == "snapshots");
    before
        .paths()
        .chain(after.paths())
        .filter(golden)
        .filter(|path| !path.ends_with(".rs") && before.bytes(path) != after.bytes(path))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_edited_and_removed_golden_files_are_named_and_sources_are_not() {
        let before = Tree::of(&[
            ("gates/tests/data/same.json", "1"),
            ("gates/tests/data/edited.json", "1"),
            ("gates/tests/data/removed.json", "1"),
            ("gates/tests/golden.rs", "1"),
            ("README.md", "1"),
        ]);
        let after = Tree::of(&[
            ("gates/tests/data/same.json", "1"),
            ("gates/tests/data/edited.json", "2"),
            ("reports/src/snapshots/new.snap", "1"),
            ("gates/tests/golden.rs", "2"),
            ("README.md", "2"),
        ]);
        let want = [
            "gates/tests/data/edited.json",
            "gates/tests/data/removed.json",
            "reports/src/snapshots/new.snap",
        ];
        assert!(changed(&before, &after).iter().eq(want.iter()));
    }
}
