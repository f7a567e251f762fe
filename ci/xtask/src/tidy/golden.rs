//! Rule `golden`: every file under `tests/data` or `tests/golden` is named in that folder's README, which says what
//! made it. A name may hold one `*` for a family of files with one maker.

use super::{Finding, Tree, map};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in tree.paths() {
        let Some((folder, inner)) = split(path) else { continue };
        if inner == "README.md" {
            continue;
        }
        let readme = format!("{folder}/README.md");
        let name = inner.rsplit('/').next().unwrap_or(inner);
        let named = map::spans(tree.text(&readme).unwrap_or_default())
            .any(|(_, span)| map::matches(span, inner) || map::matches(span, name));
        if !named {
            let reason = format!("golden file without a named maker in {readme}");
            let fix = format!("name `{inner}` there, with the script and version that made it");
            findings.push(Finding::of_file(path, reason, fix));
        }
    }
    findings
}

/// `gates/tests/data/a/b.json` → (`gates/tests/data`, `a/b.json`).
fn split(path: &str) -> Option<(&str, &str)> {
    ["/tests/data/", "/tests/golden/"].into_iter().find_map(|folder| {
        let end = path.find(folder)? + folder.len();
        Some((&path[..end - 1], &path[end..]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_the_readme_does_not_name_is_found() {
        let readme = "`logits.bin`: by `dump.py` 1.2. `bad/*.gguf`: by `tests/bad.rs`.\n";
        let tree = |extra| {
            Tree::of(&[
                ("engine/tests/data/README.md", readme),
                ("engine/tests/data/logits.bin", "x"),
                ("engine/tests/data/bad/magic.gguf", "x"),
                (extra, "x"),
            ])
        };
        assert!(check(&tree("engine/tests/reference.rs")).is_empty());
        for orphan in ["engine/tests/data/ids.bin", "engine/tests/data/bad/magic.bin"] {
            let found = check(&tree(orphan));
            assert_eq!(found.len(), 1, "{orphan}");
            assert_eq!(found[0].path(), orphan);
        }
    }

    #[test]
    fn a_folder_without_a_readme_names_nothing() {
        let tree = Tree::of(&[("gates/tests/golden/verdict.json", "{}")]);
        assert_eq!(check(&tree).len(), 1);
    }
}
