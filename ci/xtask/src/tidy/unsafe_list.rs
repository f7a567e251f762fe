//! Rule `unsafe-list`: unsafe stands only in the listed files, and four crates forbid it outright.

use super::{Finding, Tree, tokens};

/// The files that may hold unsafe: per-ISA loads and tables, the file map, and the few that talk to the system.
const ALLOWED: [&str; 15] = [
    "engine/src/device/cuda/driver.rs",
    "engine/src/device/cuda/launch.rs",
    "engine/src/device/cuda/program.rs",
    "engine/src/gguf/mmap.rs",
    "engine/src/kernels/avx2/lanes.rs",
    "engine/src/kernels/avx2/mod.rs",
    "engine/src/kernels/avx2/tables.rs",
    "engine/src/kernels/avx512/lanes.rs",
    "engine/src/kernels/avx512/mod.rs",
    "engine/src/kernels/avx512/tables.rs",
    "engine/src/kernels/neon/lanes.rs",
    "engine/src/kernels/neon/mod.rs",
    "engine/src/memory/counting_alloc.rs",
    "engine/src/memory/huge_pages.rs",
    "engine/src/threads.rs",
];

/// Crates that hold none at all, and say so.
const FORBIDDING: [&str; 5] = [
    "baselines/src/lib.rs",
    "ci/xtask/src/main.rs",
    "gates/src/lib.rs",
    "harness/src/lib.rs",
    "reports/src/lib.rs",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.rust().filter(|(path, _)| !ALLOWED.contains(path)) {
        match tokens::parse(text) {
            Ok(tokens) => tokens::each_level(&tokens, &mut |level| {
                for token in level.iter().filter(|token| tokens::is_word(token, "unsafe")) {
                    let reason = "`unsafe` outside the allow-list";
                    let fix = "write it in safe Rust, or move it into a file of the list in \
                               ci/xtask/src/tidy/unsafe_list.rs";
                    findings.push(Finding::of_file(path, reason, fix).at(tokens::line(token)));
                }
            }),
            Err(error) => {
                let reason = format!("cannot be read as Rust: {error}");
                findings.push(Finding::of_file(path, reason, "make it compile"));
            }
        }
    }
    for path in FORBIDDING {
        if !tree.text(path).is_some_and(|text| text.contains("\n#![forbid(unsafe_code)]\n")) {
            let reason = "the crate does not forbid unsafe code";
            let fix = "add `#![forbid(unsafe_code)]` below the file's door";
            findings.push(Finding::of_file(path, reason, fix));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::clean;

    #[test]
    fn unsafe_is_found_with_its_line_wherever_it_is_not_allowed() {
        let text = "//! Door.\nmod a {\n    impl T for X {\n        unsafe fn f() {}\n    }\n}\n";
        let found = check(&clean().with("engine/src/session.rs", text));
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().starts_with("engine/src/session.rs:4: "), "{}", found[0]);
        assert!(check(&clean().with("engine/src/kernels/avx2/lanes.rs", text)).is_empty());
    }

    #[test]
    fn a_lint_name_a_comment_and_a_string_are_not_unsafe_code() {
        let text = "//! unsafe\n#![deny(unsafe_code)]\nconst S: &str = \"unsafe\";\n";
        assert!(check(&clean().with("engine/src/session.rs", text)).is_empty());
    }

    #[test]
    fn a_crate_that_stops_forbidding_is_found_and_so_is_a_file_that_is_not_rust() {
        let found = check(&clean().with("gates/src/lib.rs", "//! Door.\n"));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path(), "gates/src/lib.rs");
        assert_eq!(check(&clean().with("gates/src/a.rs", "//! Door.\nfn f( {\n")).len(), 1);
    }
}
