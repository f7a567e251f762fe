//! Rule `map`: every repository path that a README shows in backticks exists, so that the map stays the territory.
//! Capital words (`engine/src/quant/NAME.rs`) stand for any name: there the folder must exist. Files that the tool
//! writes and git ignores are not looked for.

use super::{Finding, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let ignored: Vec<&str> = tree.text(".gitignore").unwrap_or_default().lines().collect();
    let mut findings = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| path.ends_with("README.md")) {
        for (line, span) in spans(text).filter(|(_, span)| is_path(tree, span)) {
            let generated =
                ignored.iter().any(|pattern| matches(pattern.trim_start_matches('/'), span));
            if !generated && !exists(tree, span) {
                let reason = format!("shows `{span}`, which does not exist");
                findings.push(Finding::of_file(path, reason, "show a path that does").at(line));
            }
        }
    }
    findings
}

/// The backticked spans outside code fences, with their 1-based lines.
pub(super) fn spans(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().flat_map(move |(idx, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        let line = if fenced || fence { "" } else { line };
        line.split('`').skip(1).step_by(2).map(move |span| (idx + 1, span))
    })
}

/// True if `text` is `pattern`, where one `*` stands for anything.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => text
            .strip_prefix(start)
            .and_then(|rest| rest.strip_suffix(end))
            .is_some_and(|middle| !middle.contains('/')),
    }
}

/// A span is a path of this repository if it has a `/`, no space, and starts with a folder of the top level.
fn is_path(tree: &Tree, span: &str) -> bool {
    span.split_once('/').is_some_and(|(first, _)| {
        let inside = |path: &str| path.split_once('/').is_some_and(|(folder, _)| folder == first);
        !span.contains(' ') && tree.paths().any(inside)
    })
}

fn exists(tree: &Tree, span: &str) -> bool {
    let placeholder = |part: &str| {
        let stem = part.trim_end_matches(".rs").rsplit('_').next().unwrap_or(part);
        part != "README.md" && stem.len() > 1 && stem.bytes().all(|byte| byte.is_ascii_uppercase())
    };
    let fixed: Vec<&str> = span.split('/').take_while(|part| !placeholder(part)).collect();
    let wanted = fixed.join("/");
    let wanted = wanted.trim_end_matches('/');
    let below = |path: &str| path.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('/'));
    tree.paths().any(|path| matches(wanted, path) || below(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::clean;

    fn found(line: &str) -> usize {
        let readme = format!("Intro.\n{line}\n");
        check(&clean().with(".gitignore", "/ci/*.json\n").with("README.md", &readme)).len()
    }

    #[test]
    fn paths_that_exist_patterns_placeholders_and_written_files_pass() {
        for line in [
            "`engine/src/lib.rs` and `engine/`",
            "`gates/src/*.rs`",
            "`engine/src/NAME.rs`, `engine/src/ISA/dot_NAME.rs`, `engine/src/dot_NAME.rs`",
            "`ci/evidence.json`",
            "`cargo run` and `either/or` and `a b/c`",
        ] {
            assert_eq!(found(line), 0, "{line}");
        }
    }

    #[test]
    fn paths_that_do_not_exist_are_found() {
        for line in
            ["`engine/src/gone.rs`", "`engine/gone/NAME.rs`", "`gates/src/*.toml`", "`ci/x.md`"]
        {
            assert_eq!(found(line), 1, "{line}");
        }
    }

    #[test]
    fn code_fences_hold_no_spans() {
        let text = "```\n`a`\n```\n`b` c `d`\n";
        assert_eq!(spans(text).collect::<Vec<_>>(), [(4, "b"), (4, "d")]);
    }
}
