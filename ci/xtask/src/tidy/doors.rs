//! Rule `doors`: each Rust file starts with `//!`, saying what is inside.

use super::{Finding, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let doorless = |text: &str| {
        let first = text.lines().next().unwrap_or_default();
        first.strip_prefix("//!").is_none_or(|door| door.trim().is_empty())
    };
    tree.rust()
        .filter(|(_, text)| doorless(text))
        .map(|(path, _)| {
            let fix = "begin the file with `//!` and one sentence: what is inside";
            Finding::of_file(path, "the file has no door: its first line is not `//! …`", fix).at(1)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_starts_otherwise_is_found() {
        for text in ["", "use std::fmt;\n", "\n//! Late.\n", "//!\n", "/// Not a door.\n"] {
            let tree = Tree::of(&[("gates/src/a.rs", text), ("gates/src/b.rs", "//! Door.\n")]);
            let found = check(&tree);
            assert_eq!(found.len(), 1, "{text:?}");
            assert_eq!(found[0].path(), "gates/src/a.rs");
        }
    }
}
