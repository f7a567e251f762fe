//! `cargo xtask tidy`: what a reader of this repository would trip over, one rule per file.
//! In: the tree (tracked files, and new ones git does not ignore). Out: findings, each with path, reason and fix.

mod doors;
mod edges;
mod finding;
mod golden;
mod machine_paths;
mod map;
mod registers;
mod sources;
pub(crate) mod tokens;
mod top_level;
mod tree;
mod unsafe_list;

pub(crate) use finding::Finding;
pub(crate) use tree::Tree;

use crate::workspace::Workspace;

/// One rule: a pure function of the tree.
struct Rule {
    name: &'static str,
    about: &'static str,
    check: fn(&Tree) -> Vec<Finding>,
}

/// All rules, sorted by name.
const RULES: &[Rule] = &[
    Rule {
        name: "doors",
        about: "the first line of a Rust file says what is inside",
        check: doors::check,
    },
    Rule {
        name: "edges",
        about: "crates depend on each other as drawn, and no other way",
        check: edges::check,
    },
    Rule {
        name: "golden",
        about: "every golden file is named, with its maker, in the README beside it",
        check: golden::check,
    },
    Rule {
        name: "machine-paths",
        about: "no file names a folder of one person's machine",
        check: machine_paths::check,
    },
    Rule { name: "map", about: "every path that a README names exists", check: map::check },
    Rule {
        name: "registers",
        about: "every register is in its stated order and walked by a test",
        check: registers::check,
    },
    Rule {
        name: "sources",
        about: "every dependency comes from the public registry, by version",
        check: sources::check,
    },
    Rule {
        name: "top-level",
        about: "the top level holds what the design lists, and nothing else",
        check: top_level::check,
    },
    Rule {
        name: "unsafe-list",
        about: "unsafe stands only in the files allowed to hold it",
        check: unsafe_list::check,
    },
];

/// Checks the workspace and prints every finding. True if there is none.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<bool> {
    let tree = Tree::load(&workspace.root)?;
    let mut n_findings = 0;
    for rule in RULES {
        for finding in (rule.check)(&tree) {
            println!("{finding}\n    rule: {}: {}", rule.name, rule.about);
            n_findings += 1;
        }
    }
    println!(
        "tidy: {} rules, {} files, {n_findings} finding(s)",
        RULES.len(),
        tree.paths().count()
    );
    Ok(n_findings == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_sorted_described_and_silent_on_a_clean_tree() {
        let clean = tree::clean();
        for (idx, rule) in RULES.iter().enumerate() {
            let kebab = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
            assert!(rule.name.bytes().all(kebab), "{}", rule.name);
            assert!(!rule.about.is_empty(), "{}", rule.name);
            assert!(RULES[..idx].iter().all(|other| other.name < rule.name), "{}", rule.name);
            let findings: Vec<_> = (rule.check)(&clean).iter().map(Finding::to_string).collect();
            assert!(findings.is_empty(), "{}: {findings:#?}", rule.name);
        }
    }

    /// Every rule must speak up for one tree, the empty one or one with a single fault: a rule that is never red is no
    /// rule. The rules' own tests plant the finer faults.
    #[test]
    fn every_rule_turns_red_for_a_planted_fault_read_from_disk() {
        let faults: &[(&str, &str, &str)] = &[
            ("doors", "gates/src/verdict.rs", "// no door\n"),
            ("edges", "engine/Cargo.toml", "[dependencies]\ngates.workspace = true\n"),
            ("golden", "gates/tests/data/orphan.json", "{}\n"),
            ("machine-paths", "gates/src/verdict.rs", "//! See /root\u{2f}notes.md.\n"),
            ("map", "README.md", "Look into `gates/src/nowhere.rs`.\n"),
            ("registers", "gates/src/route.rs", "//! Routes.\npub const ROUTES: &[&str] = &[];\n"),
            ("sources", "Cargo.lock", "[[package]]\nname = \"x\"\nsource = \"git+ssh://x\"\n"),
            ("top-level", "notes.txt", "stray\n"),
            ("unsafe-list", "gates/src/verdict.rs", "//! Door.\nunsafe fn f() {}\n"),
        ];
        assert_eq!(faults.len(), RULES.len(), "each rule has one planted fault");
        for (rule, (name, path, text)) in RULES.iter().zip(faults) {
            assert_eq!(rule.name, *name);
            let dir = tempfile::tempdir().unwrap();
            tree::clean().with(path, text).write_to(dir.path());
            let found = (rule.check)(&Tree::load(dir.path()).unwrap());
            assert_eq!(found.len(), 1, "{name}: {found:#?}");
            assert_eq!(found[0].path(), *path, "{name}");
        }
    }
}
