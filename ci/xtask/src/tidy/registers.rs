//! Rule `registers`: the slice that ends a family is sorted by name, unless its doc comment says which order it keeps,
//! and a test of its crate walks it. A new entry is then tested before its author writes a test.

use proc_macro2::{Delimiter, TokenTree};

use super::{Finding, Tree, tokens};

/// The names that registers go by; tidy looks wherever one is defined.
const NAMES: [&str; 17] = [
    "ARCHS",
    "CHARTS",
    "CHECKS",
    "COLLECTORS",
    "COMMANDS",
    "DEVICES",
    "FORMATS",
    "IMPORTERS",
    "ISAS",
    "METRICS",
    "ROUTES",
    "RULES",
    "SCHEMAS",
    "STAGES",
    "STEPS",
    "SUITES",
    "WORKLOADS",
];

/// One register as it stands in a file.
struct Register {
    name: String,
    line: usize,
    docs: String,
    keys: Vec<String>,
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.rust() {
        // A file that is no Rust is the finding of `unsafe-list`.
        let Ok(tokens) = tokens::parse(text) else { continue };
        let mut registers = Vec::new();
        tokens::each_level(&tokens, &mut |level| registers.extend(definitions(level)));
        for register in registers {
            findings.extend(in_order(path, &register));
            findings.extend(walked(tree, path, &register));
        }
    }
    findings
}

fn in_order(path: &str, register: &Register) -> Option<Finding> {
    let unsorted = register.keys.windows(2).find(|pair| pair[0] >= pair[1])?;
    let docs = register.docs.to_lowercase();
    if docs.contains("order") || docs.contains("first") {
        return None;
    }
    let reason = format!("`{}`: `{}` comes before `{}`", register.name, unsorted[0], unsorted[1]);
    let fix = "sort the register by name, or say in its doc comment which order it keeps \
               (`in the order of …`, `slowest first`)";
    Some(Finding::of_file(path, reason, fix).at(register.line))
}

fn walked(tree: &Tree, path: &str, register: &Register) -> Option<Finding> {
    let crate_of = |path: &str| path.split("/src/").next().map(str::to_owned);
    let home = crate_of(path)?;
    let by_a_test = tree
        .rust()
        .filter(|(other, _)| other.strip_prefix(&home).is_some_and(|rest| rest.starts_with('/')))
        .any(|(other, text)| test_uses(other, text, &register.name));
    let reason = format!("no test of `{home}` walks the register `{}`", register.name);
    let fix = "add a #[test] that visits every entry: unique names, and the family's law";
    (!by_a_test).then(|| Finding::of_file(path, reason, fix).at(register.line))
}

/// `const|static NAME: &[T] = &[…];` or `[T; n]`, with its doc comment and the key of each entry.
fn definitions(level: &[TokenTree]) -> Vec<Register> {
    let mut found = Vec::new();
    for (idx, pair) in level.windows(2).enumerate() {
        let keyword = tokens::is_word(&pair[0], "const") || tokens::is_word(&pair[0], "static");
        let name = pair[1].to_string();
        if !keyword || !NAMES.contains(&name.as_str()) {
            continue;
        }
        let rest = &level[idx + 2..];
        let Some(equals) = rest.iter().position(|token| tokens::is_sign(token, '=')) else {
            continue;
        };
        let slice = |part: &[TokenTree]| {
            part.iter().find_map(|token| tokens::group(token, Delimiter::Bracket)).cloned()
        };
        let end = rest.iter().position(|token| tokens::is_sign(token, ';')).unwrap_or(rest.len());
        // A `;` inside the type `[T; n]` is within its group, so the first one here ends the item.
        let (Some(_), Some(entries)) = (slice(&rest[..equals]), slice(&rest[equals..end])) else {
            continue;
        };
        let keys = tokens::inside(&entries)
            .split(|token| tokens::is_sign(token, ','))
            .map(without_attributes)
            .filter(|entry| !entry.is_empty())
            .map(key)
            .collect();
        let docs = docs(&level[..idx]);
        found.push(Register { name, line: tokens::line(&pair[0]), docs, keys });
    }
    found
}

/// An entry without the `#[cfg(…)]` before it.
fn without_attributes(entry: &[TokenTree]) -> &[TokenTree] {
    match entry {
        [hash, TokenTree::Group(_), rest @ ..] if tokens::is_sign(hash, '#') => {
            without_attributes(rest)
        }
        _ => entry,
    }
}

/// An entry's name: its field `name`, else the literal a tuple or call begins with, else its path as written.
fn key(entry: &[TokenTree]) -> String {
    let fields = entry.iter().find_map(|token| tokens::group(token, Delimiter::Brace));
    let named = fields.map(tokens::inside).and_then(|fields| {
        let at = fields.iter().position(|token| tokens::is_word(token, "name"))?;
        literal(fields.get(at + 2)?)
    });
    let first = entry.iter().find_map(|token| tokens::group(token, Delimiter::Parenthesis));
    let first = first.map(tokens::inside).and_then(|args| literal(args.first()?));
    let path = || entry.iter().map(ToString::to_string).collect::<String>();
    named.or(first).unwrap_or_else(path)
}

fn literal(token: &TokenTree) -> Option<String> {
    matches!(token, TokenTree::Literal(_)).then(|| token.to_string())
}

/// The text of the attributes and visibility just before an item.
fn docs(before: &[TokenTree]) -> String {
    let ends_item = |token: &TokenTree| {
        tokens::is_sign(token, ';') || tokens::group(token, Delimiter::Brace).is_some()
    };
    let start = before.iter().rposition(ends_item).map_or(0, |at| at + 1);
    before[start..].iter().map(ToString::to_string).collect()
}

/// True if test code of this file uses `name`: a whole file of tests, or what stands under `#[cfg(test)]`.
fn test_uses(path: &str, text: &str, name: &str) -> bool {
    if !text.contains(name) {
        return false;
    }
    let Ok(tokens) = tokens::parse(text) else { return false };
    let is_tests = path.contains("/tests/") || path.ends_with("/tests.rs");
    if is_tests {
        return mentions(&tokens, name) && has_test(&tokens);
    }
    let mut used = false;
    tokens::each_level(&tokens, &mut |level| {
        for (idx, token) in level.iter().enumerate() {
            let cfg_test = tokens::group(token, Delimiter::Bracket)
                .is_some_and(|group| group.stream().to_string().replace(' ', "") == "cfg(test)");
            if cfg_test {
                let body = level[idx..]
                    .iter()
                    .find_map(|token| tokens::group(token, Delimiter::Brace))
                    .map(tokens::inside)
                    .unwrap_or_default();
                used |= mentions(&body, name) && has_test(&body);
            }
        }
    });
    used
}

fn mentions(tokens: &[TokenTree], name: &str) -> bool {
    let mut found = false;
    tokens::each_level(tokens, &mut |level| {
        found |= level.iter().any(|token| tokens::is_word(token, name));
    });
    found
}

fn has_test(tokens: &[TokenTree]) -> bool {
    let mut found = false;
    tokens::each_level(tokens, &mut |level| {
        found |= level.windows(2).any(|pair| {
            let attribute = tokens::group(&pair[1], Delimiter::Bracket);
            tokens::is_sign(&pair[0], '#')
                && attribute.is_some_and(|group| group.stream().to_string() == "test")
        });
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALK: &str = "#[cfg(test)]\nmod tests {\n    use super::*;\n    #[test]\n    fn walk() { \
                        for x in ROUTES { x.check(); } }\n}\n";

    fn reasons(register: &str, test: &str) -> Vec<String> {
        let text = format!("//! Door.\n{register}\n{test}");
        let tree = Tree::of(&[("gates/src/route/mod.rs", &text)]);
        check(&tree).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_sorted_and_walked_register_passes_in_every_shape() {
        for register in [
            "pub const ROUTES: &[&dyn Route] = &[&file::File, &stdout::Stdout];",
            "pub static ROUTES: &[Route] = &[Route { name: \"a\", x: 2 }, Route { name: \"b\" }];",
            "const ROUTES: [(&str, u8); 2] = [(\"a\", 9), (\"b\", 1)];",
            "const ROUTES: &[R] = &[a::route, #[cfg(unix)] b::route];",
            "/// Slowest first.\npub static ROUTES: &[u8] = &[c, b];",
            "/// In the order they are tried.\npub(crate) const ROUTES: &[u8] = &[b, a];",
        ] {
            assert_eq!(reasons(register, WALK), [""; 0], "{register}");
        }
    }

    #[test]
    fn an_unsorted_or_doubled_entry_is_found() {
        for register in [
            "pub const ROUTES: &[&dyn Route] = &[&stdout::Stdout, &file::File];",
            "pub const ROUTES: &[R] = &[R { name: \"b\", x: 1 }, R { name: \"a\", x: 2 }];",
            "/// All of them.\nconst ROUTES: [(&str, u8); 2] = [(\"a\", 9), (\"a\", 1)];",
        ] {
            let found = reasons(register, WALK);
            assert_eq!(found.len(), 1, "{register}: {found:?}");
            assert!(found[0].contains("comes before"), "{}", found[0]);
        }
    }

    #[test]
    fn the_word_order_of_another_item_excuses_nothing() {
        let register = "/// Any order.\nfn f() {}\npub const ROUTES: &[&str] = &[\"b\", \"a\"];";
        assert_eq!(reasons(register, WALK).len(), 1);
    }

    #[test]
    fn a_register_that_no_test_walks_is_found() {
        let register = "pub const ROUTES: &[&str] = &[\"a\"];\nfn all() { ROUTES; }";
        let idle = WALK.replace("ROUTES", "OTHERS");
        let helper = WALK.replace("#[test]", "");
        for test in ["", idle.as_str(), helper.as_str(), "// #[test] ROUTES"] {
            let found = reasons(register, test);
            assert_eq!(found.len(), 1, "{test}: {found:?}");
            assert!(found[0].starts_with("gates/src/route/mod.rs:2: no test"), "{}", found[0]);
        }
    }

    #[test]
    fn a_walk_counts_in_the_same_crate_only() {
        let register = "//! Door.\npub const ROUTES: &[&str] = &[\"a\"];\n";
        let walk = "//! Door.\n#[test]\nfn walk() { gates::ROUTES.len(); }\n";
        let tree = |at| Tree::of(&[("gates/src/route/mod.rs", register), (at, walk)]);
        assert!(check(&tree("gates/tests/routes.rs")).is_empty());
        assert_eq!(check(&tree("harness/tests/routes.rs")).len(), 1);
    }
}
