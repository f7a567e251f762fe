//! Citations: which requirement a test shows, as the test says it in a doc comment line, `Requirement: S2, M1.`
//! In: the Rust files under a `src` or `tests` folder, as tokens. Out: the tests that cite, and a finding for each citation
//! that stands on no test or is spelt otherwise.
//!
//! A test is a function that `cargo test` would run: at the top of a file, in a module, or in a `proptest!` block. What
//! stands inside another function, an `impl` or another macro is none.

use proc_macro2::{Delimiter, TokenTree};

use crate::tidy::tokens;
use crate::tidy::{Finding, Tree};

/// A test that cites requirements.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) path: String,
    /// Of its name, 1-based.
    pub(super) line: usize,
    pub(super) name: String,
    /// Left out of a plain `cargo test`, always or under a condition.
    pub(super) ignored: bool,
    /// The ids it cites, as written.
    pub(super) cites: Vec<String>,
}

/// All tests that cite, in the order of their files, and the citations that are wrong.
pub(super) fn read(tree: &Tree) -> (Vec<Test>, Vec<Finding>) {
    let (mut tests, mut findings) = (Vec::new(), Vec::new());
    for (path, text) in tree.rust().filter(|(path, _)| is_tested(path)) {
        // A file that is no Rust is the finding of tidy's `unsafe-list`.
        let Ok(tokens) = tokens::parse(text) else { continue };
        let mut on_tests = Vec::new();
        functions(&tokens, &mut |function| {
            let Some(test) = test(path, function) else { return };
            on_tests.extend(function.attributes.iter().map(tokens::line));
            if !test.cites.is_empty() {
                tests.push(test);
            }
        });
        findings.extend(wrong(path, &tokens, &on_tests));
    }
    (tests, findings)
}

/// Examples and benches are built by `cargo test`, and their tests are not run.
fn is_tested(path: &str) -> bool {
    path.contains("/src/") || path.contains("/tests/")
}

/// A function at a place where a test would run.
struct Function<'a> {
    /// The bracket groups of its attributes; a doc comment line is one of them.
    attributes: &'a [TokenTree],
    name: &'a TokenTree,
}

/// Calls `visit` for every function of these items, and of the modules and `proptest!` blocks among them.
fn functions(items: &[TokenTree], visit: &mut impl FnMut(&Function<'_>)) {
    let mut attributes = Vec::new();
    let mut rest = items;
    while let [token, after @ ..] = rest {
        rest = after;
        match (token, after) {
            // An inner attribute, or a `//!` line: of the file.
            (hash, [bang, TokenTree::Group(_), beyond @ ..])
                if tokens::is_sign(hash, '#') && tokens::is_sign(bang, '!') =>
            {
                rest = beyond;
            }
            (hash, [group @ TokenTree::Group(_), beyond @ ..]) if tokens::is_sign(hash, '#') => {
                attributes.push(group.clone());
                rest = beyond;
            }
            (word, [name, beyond @ ..]) if tokens::is_word(word, "fn") => {
                visit(&Function { attributes: &attributes, name });
                rest = beyond;
            }
            (word, [_, block, beyond @ ..])
                if tokens::is_word(word, "mod") || tokens::is_word(word, "proptest") =>
            {
                if let Some(block) = tokens::group(block, Delimiter::Brace) {
                    functions(&tokens::inside(block), visit);
                    rest = beyond;
                    attributes.clear();
                }
            }
            (end, _) if tokens::is_sign(end, ';') => attributes.clear(),
            (end, _) if tokens::group(end, Delimiter::Brace).is_some() => attributes.clear(),
            _ => {}
        }
    }
}

fn test(path: &str, function: &Function<'_>) -> Option<Test> {
    let inner: Vec<Vec<TokenTree>> = function
        .attributes
        .iter()
        .filter_map(|token| tokens::group(token, Delimiter::Bracket))
        .map(tokens::inside)
        .collect();
    let is_test = |inner: &Vec<TokenTree>| matches!(inner.as_slice(), [word] if tokens::is_word(word, "test"));
    inner.iter().any(is_test).then(|| Test {
        path: path.to_owned(),
        line: tokens::line(function.name),
        name: function.name.to_string(),
        ignored: inner.iter().any(|inner| ignores(inner)),
        cites: inner.iter().filter_map(|inner| cited(&citation(inner)?)).flatten().collect(),
    })
}

/// `ignore`, or `cfg_attr` with it.
fn ignores(attribute: &[TokenTree]) -> bool {
    let mut found = false;
    let of = |word| attribute.first().is_some_and(|token| tokens::is_word(token, word));
    if of("ignore") || of("cfg_attr") {
        tokens::each_level(attribute, &mut |level| {
            found |= level.iter().any(|token| tokens::is_word(token, "ignore"));
        });
    }
    found
}

/// The text of a doc comment line that means to cite, however it spells that.
fn citation(attribute: &[TokenTree]) -> Option<String> {
    let [doc, equals, TokenTree::Literal(text)] = attribute else { return None };
    let text = text.to_string();
    let text = text.trim_matches('"').trim();
    let word = text.split(':').next()?.trim_end_matches(['s', 'S']);
    let cites = text.contains(':') && word.eq_ignore_ascii_case("requirement");
    (cites && tokens::is_word(doc, "doc") && tokens::is_sign(equals, '=')).then(|| text.to_owned())
}

/// The ids of `Requirement: S2, M1.`; none if it is spelt otherwise.
fn cited(text: &str) -> Option<Vec<String>> {
    let ids = text.strip_prefix("Requirement: ")?.strip_suffix('.')?;
    let is_id =
        |id: &str| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '–');
    ids.split(", ").map(|id| is_id(id).then(|| id.to_owned())).collect()
}

/// Citations anywhere in the file that are not among the attributes at `on_tests`, or have another form.
fn wrong(path: &str, tokens: &[TokenTree], on_tests: &[usize]) -> Vec<Finding> {
    let mut findings = Vec::new();
    tokens::each_level(tokens, &mut |level| {
        for token in level {
            let Some(group) = tokens::group(token, Delimiter::Bracket) else { continue };
            let Some(text) = citation(&tokens::inside(group)) else { continue };
            let line = tokens::line(token);
            let fault = if cited(&text).is_none() {
                Some(("is spelt otherwise than others", "write `/// Requirement: S2, M1.`"))
            } else if !on_tests.contains(&line) {
                Some(("stands on no test", "put it directly on the #[test] that shows it"))
            } else {
                None
            };
            findings.extend(fault.map(|(reason, fix)| {
                Finding::of_file(path, format!("`{text}` {reason}"), fix).at(line)
            }));
        }
    });
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (Vec<Test>, Vec<String>) {
        let (tests, findings) = read(&Tree::of(&[("gates/src/a.rs", text)]));
        (tests, findings.iter().map(|f| f.to_string().lines().next().unwrap().to_owned()).collect())
    }

    #[test]
    fn a_citation_is_read_wherever_cargo_test_would_run_the_function() {
        let test = "/// Why.\n/// Requirement: S2, T1–T3.\n#[cfg(unix)]\n#[test]\nfn shown() {}\n";
        for text in [
            test.to_owned(),
            format!("//! Door.\n#![allow(x)]\nconst A: &[u8] = &[1];\nfn f() {{ g(); }}\n{test}"),
            format!(
                "#[cfg(test)]\nmod tests {{\n    use super::*;\n    mod deeper {{ {test} }}\n}}"
            ),
            format!("proptest! {{\n    #![proptest_config(c())]\n{test}}}"),
            test.replace("fn shown()", "pub(crate) fn shown() -> Result<(), Box<dyn Error>>"),
            test.replace("#[cfg(unix)]\n#[test]", "#[test]\n#[should_panic(expected = \"x\")]"),
        ] {
            let (tests, findings) = of(&text);
            assert_eq!((tests.len(), findings.len()), (1, 0), "{text}: {findings:?}");
            assert_eq!((tests[0].name.as_str(), tests[0].ignored), ("shown", false), "{text}");
            assert_eq!(tests[0].cites, ["S2", "T1–T3"], "{text}");
            let at = text.lines().position(|line| line.contains("fn shown")).unwrap() + 1;
            assert_eq!(tests[0].line, at, "{text}");
        }
    }

    #[test]
    fn a_citation_on_anything_but_a_test_is_found() {
        for text in [
            "/// Requirement: S2.\nfn helper() {}\n",
            "/// Requirement: S2.\nconst A: u8 = 1;\n#[test]\nfn a() {}\n",
            "/// Requirement: S2.\nmod tests {\n    #[test]\n    fn a() {}\n}\n",
            "//! Requirement: S2.\n#[test]\nfn a() {}\n",
            "#[test]\nfn a() {\n    /// Requirement: S2.\n    #[test]\n    fn b() {}\n}\n",
            "macro_rules! m { () => {\n/// Requirement: S2.\n#[test]\nfn a() {} } }\n",
            "impl A {\n    /// Requirement: S2.\n    #[test]\n    fn a() {}\n}\n",
            "/// Requirement: S2.\n#[cfg(test)]\nfn a() {}\n",
        ] {
            let (tests, findings) = of(text);
            assert_eq!((tests.len(), findings.len()), (0, 1), "{text}: {findings:?}");
            assert!(findings[0].ends_with("`Requirement: S2.` stands on no test"), "{findings:?}");
        }
    }

    #[test]
    fn another_spelling_is_found_and_never_passed_over() {
        for line in [
            "Requirement: S2",
            "Requirements: S2.",
            "requirement: S2.",
            "Requirement:S2.",
            "Requirement: S2 M1.",
            "Requirement: S2,M1.",
            "Requirement: .",
            "Requirement: S2, the bound.",
        ] {
            let (tests, findings) = of(&format!("/// {line}\n#[test]\nfn a() {{}}\n"));
            assert_eq!((tests.len(), findings.len()), (0, 1), "{line}: {findings:?}");
            assert!(findings[0].starts_with("gates/src/a.rs:1: "), "{findings:?}");
        }
    }

    #[test]
    fn comments_strings_and_sentences_cite_nothing() {
        let (tests, findings) = of("// Requirement: S2.\n/// Requirements are met.\n#[test]\n\
            fn a() { f(\"/// Requirement: S2.\"); }\n");
        assert_eq!((tests.len(), findings.len()), (0, 0), "{findings:?}");
    }

    #[test]
    fn an_example_runs_no_tests_and_cites_nothing() {
        let text = "/// Requirement: S2.\n#[test]\nfn a() {}\n";
        assert!(read(&Tree::of(&[("gates/examples/a.rs", text)])).0.is_empty());
        assert_eq!(read(&Tree::of(&[("gates/tests/a.rs", text)])).0.len(), 1);
    }
}
