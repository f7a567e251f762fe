//! Rule `edges`: the crates depend on each other exactly as drawn in the README.
//! In: the manifests. Out: edges that are not drawn, drawn ones that are missing, members that are not in the drawing.
//! A dev- or build-dependency on a sibling may follow a drawn edge, and need not; a crate may be its own dev-dependency,
//! to turn one of its features on for its tests.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::{Finding, Tree};

/// The drawing: (folder, the siblings it depends on).
const DRAWING: [(&str, &[&str]); 6] = [
    ("engine", &[]),
    ("baselines", &[]),
    ("gates", &["baselines"]),
    ("reports", &["baselines"]),
    ("harness", &["engine", "baselines", "gates", "reports"]),
    ("ci/xtask", &["baselines", "gates"]),
];

const FIX: &str = "follow the drawing in README.md; a new edge changes the drawing and \
                   ci/xtask/src/tidy/edges.rs first";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    match manifest(tree, "Cargo.toml") {
        Ok(root) => findings.extend(members(&root)),
        Err(finding) => findings.push(finding),
    }
    for (folder, drawn) in DRAWING {
        let path = format!("{folder}/Cargo.toml");
        match manifest(tree, &path) {
            Ok(table) => findings.extend(of_crate(folder, &table, drawn)),
            Err(finding) => findings.push(finding),
        }
    }
    findings
}

fn manifest(tree: &Tree, path: &str) -> Result<Table, Finding> {
    let fix = "restore the manifest";
    let text = tree.text(path).ok_or_else(|| Finding::of_file(path, "no such manifest", fix))?;
    text.parse().map_err(|error: toml::de::Error| Finding::of_file(path, error.to_string(), fix))
}

fn members(root: &Table) -> Option<Finding> {
    let listed: BTreeSet<&str> = root
        .get("workspace")
        .and_then(|workspace| workspace.get("members")?.as_array())
        .map(|members| members.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let drawn: BTreeSet<&str> = DRAWING.iter().map(|(folder, _)| *folder).collect();
    let reason = format!("workspace members: expected {drawn:?}, found {listed:?}");
    (listed != drawn).then(|| Finding::of_file("Cargo.toml", reason, FIX))
}

fn of_crate(folder: &str, manifest: &Table, drawn: &[&str]) -> Vec<Finding> {
    let path = &format!("{folder}/Cargo.toml");
    let drawn: BTreeSet<&str> = drawn.iter().copied().collect();
    let normal = siblings(manifest, "dependencies");
    let other: BTreeSet<_> = ["dev-dependencies", "build-dependencies"]
        .into_iter()
        .flat_map(|kind| siblings(manifest, kind))
        .filter(|name| *name != folder)
        .collect();
    let surplus = normal.union(&other).filter(|name| !drawn.contains(**name)).map(|name| {
        Finding::of_file(path, format!("depends on `{name}`, an edge that is not drawn"), FIX)
    });
    let absent = drawn.iter().filter(|name| !normal.contains(**name)).map(|name| {
        Finding::of_file(
            path,
            format!("does not depend on `{name}`, though the edge is drawn"),
            FIX,
        )
    });
    surplus.chain(absent).collect()
}

/// The siblings that one kind of dependency table names, also per target, by any of the names they can go by.
fn siblings(manifest: &Table, kind: &str) -> BTreeSet<&'static str> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let tables = targets.into_iter().flat_map(Table::values).filter_map(|target| target.get(kind));
    manifest
        .get(kind)
        .into_iter()
        .chain(tables)
        .filter_map(Value::as_table)
        .flatten()
        .filter_map(|(key, value)| sibling(key, value))
        .collect()
}

fn sibling(key: &str, value: &Value) -> Option<&'static str> {
    let field = |name| value.get(name).and_then(Value::as_str);
    let package = field("package").unwrap_or(key);
    let folder = field("path").and_then(|path| path.trim_end_matches('/').rsplit('/').next());
    DRAWING.iter().map(|(folder, _)| folder.rsplit('/').next().unwrap_or(folder)).find(|name| {
        package == *name || package.strip_prefix("tritgate-") == Some(name) || folder == Some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::clean;

    #[test]
    fn an_edge_that_is_not_drawn_is_found_in_every_spelling() {
        for spelling in [
            "[dependencies]\nengine.workspace = true\n",
            "[dependencies]\nmodel = { package = \"tritgate-engine\", path = \"../engine\" }\n",
            "[dependencies]\nmodel = { path = \"../engine/\" }\n",
            "[dev-dependencies]\nengine.workspace = true\n",
            "[build-dependencies]\ntritgate-engine = \"0.1\"\n",
            "[target.'cfg(unix)'.dependencies]\nengine.workspace = true\n",
        ] {
            let found = check(&clean().with("baselines/Cargo.toml", spelling));
            assert_eq!(found.len(), 1, "{spelling}");
            assert!(found[0].to_string().contains("`engine`"), "{}", found[0]);
        }
    }

    #[test]
    fn a_drawn_edge_may_be_a_dev_dependency_too_and_must_be_a_normal_one() {
        let both = "[dependencies]\nbaselines.workspace = true\n\
                    [dev-dependencies]\nbaselines.workspace = true\n";
        assert!(check(&clean().with("gates/Cargo.toml", both)).is_empty());
        let dev = "[dev-dependencies]\nbaselines.workspace = true\n";
        assert_eq!(check(&clean().with("gates/Cargo.toml", dev)).len(), 1);
        let own = "[dev-dependencies]\nbaselines = { path = \".\", features = [\"testing\"] }\n";
        assert!(check(&clean().with("baselines/Cargo.toml", own)).is_empty());
    }

    #[test]
    fn a_seventh_member_a_missing_manifest_and_a_broken_one_are_found() {
        let seventh = "[workspace]\nmembers = [\"engine\", \"baselines\", \"gates\", \"reports\", \
                       \"harness\", \"ci/xtask\", \"utils\"]\n";
        assert_eq!(check(&clean().with("Cargo.toml", seventh)).len(), 1);
        assert_eq!(check(&clean().without("gates/Cargo.toml")).len(), 1);
        assert_eq!(check(&clean().with("gates/Cargo.toml", "[dependencies\n")).len(), 1);
    }
}
