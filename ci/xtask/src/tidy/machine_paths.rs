//! Rule `machine-paths`: no file names a folder of the machine it was written on.

use super::{Finding, Tree};

/// Folders that exist on one machine only. Written without the closing slash, so that this file passes its own rule.
const FOLDERS: [&str; 2] = ["/root", "/work"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts() {
        for (idx, line) in text.lines().enumerate() {
            if let Some(folder) = FOLDERS.into_iter().find(|folder| names(line, folder)) {
                let reason = format!("names a path of one machine: `{folder}/…`");
                let fix = "say it relative to the repository, or take it as an argument";
                findings.push(Finding::of_file(path, reason, fix).at(idx + 1));
            }
        }
    }
    findings
}

/// True if `line` holds `folder/` as the start of a path, not as the middle of a longer one.
fn names(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let inner = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '~' | '}');
        line[at + folder.len()..].starts_with('/') && !line[..at].ends_with(inner)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_machine_paths_are_found_and_relative_ones_are_not() {
        for folder in FOLDERS {
            let red = format!("//! Door.\n// See {folder}/main/engine.\n");
            assert_eq!(check(&Tree::of(&[("engine/src/a.rs", &red)])).len(), 1, "{red}");
            let red = format!("path = \"{folder}/x\"\n");
            assert_eq!(check(&Tree::of(&[(".cargo/config.toml", &red)])).len(), 1, "{red}");
            let green = format!("a{folder}/b ../shared{folder}/ and {folder} alone\n");
            assert!(check(&Tree::of(&[("README.md", &green)])).is_empty(), "{green}");
        }
    }
}
