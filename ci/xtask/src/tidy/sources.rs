//! Rule `sources`: every dependency comes from the public registry by version: no git source, no mirror.
//! In: `Cargo.lock`, `.cargo/config.toml`. Out: other sources, and source replacement, which would send every newcomer
//! to one machine's mirror.

use toml::{Table, Value};

use super::{Finding, Tree};

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in ["Cargo.lock", ".cargo/config.toml"] {
        let Some(text) = tree.text(path) else { continue };
        match text.parse::<Table>() {
            Ok(table) if path == "Cargo.lock" => findings.extend(foreign_packages(path, &table)),
            Ok(table) => findings.extend(replacements(path, &table)),
            Err(error) => {
                findings.push(Finding::of_file(path, error.to_string(), "make it valid TOML"));
            }
        }
    }
    findings
}

fn foreign_packages(path: &str, lock: &Table) -> Vec<Finding> {
    let packages = lock.get("package").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    packages
        .iter()
        .filter_map(|package| {
            let source = package.get("source")?.as_str()?;
            let name = package.get("name").and_then(Value::as_str).unwrap_or("?");
            let reason = format!("package `{name}`: expected source {REGISTRY}, found {source}");
            let fix = "depend on a published version, and lock it without source replacement";
            (source != REGISTRY).then(|| Finding::of_file(path, reason, fix))
        })
        .collect()
}

fn replacements(path: &str, config: &Table) -> Vec<Finding> {
    ["source", "registries", "registry"]
        .into_iter()
        .filter(|key| config.contains_key(*key))
        .map(|key| {
            let reason = format!("`[{key}]` would change where everyone's packages come from");
            Finding::of_file(path, reason, "keep it in your own cargo home")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_sources_and_mirrors_are_found_and_the_public_registry_is_not() {
        let lock = |source: &str| {
            let text = format!(
                "[[package]]\nname = \"own\"\n\n[[package]]\nname = \"x\"\nsource = \"{source}\"\n"
            );
            check(&Tree::of(&[("Cargo.lock", &text)]))
        };
        assert!(lock(REGISTRY).is_empty());
        assert_eq!(lock("git+https://example.org/x#0123").len(), 1);
        assert_eq!(lock("sparse+https://mirror.example.org/").len(), 1);
        let config = |text: &str| check(&Tree::of(&[(".cargo/config.toml", text)]));
        assert_eq!(config("[source.crates-io]\nreplace-with = \"near\"\n").len(), 1);
        assert!(config("[alias]\nxtask = \"run\"\n").is_empty());
        assert_eq!(config("[alias\n").len(), 1, "broken TOML is a finding, not a pass");
    }
}
