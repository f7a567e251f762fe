//! `cargo xtask schemas`: the published JSON schemas, written from the wire types of `baselines` and the policy of `gates`.
//! In: the types. Out: the files under `baselines/schema/` and `gates/schema/`, or with `--check` the ones that differ.

use std::path::Path;

use anyhow::Context as _;

use crate::tidy::Finding;
use crate::workspace::Workspace;

/// One published schema.
struct Schema {
    /// Folder, from the top of the workspace.
    folder: &'static str,
    /// File name in it.
    name: &'static str,
    /// What the types say now.
    text: String,
}

fn published() -> Vec<Schema> {
    let of = |folder, schemas: Vec<(&'static str, String)>| {
        schemas.into_iter().map(move |(name, text)| Schema { folder, name, text })
    };
    of("baselines/schema", baselines::schemas())
        .chain(of("gates/schema", gates::schemas()))
        .collect()
}

/// Writes the schemas, or with `check` compares them. True unless `check` found a difference.
pub(crate) fn run(workspace: &Workspace, check: bool) -> anyhow::Result<bool> {
    let schemas = published();
    let root = &workspace.root;
    let stale: Vec<_> =
        schemas.iter().filter_map(|schema| Some((schema, difference(root, schema)?))).collect();
    for (schema, finding) in &stale {
        if check {
            println!("{finding}");
        } else {
            write(root, schema)?;
            println!("written: {}/{}", schema.folder, schema.name);
        }
    }
    println!("schemas: {} of {} differed", stale.len(), schemas.len());
    Ok(!check || stale.is_empty())
}

fn write(root: &Path, schema: &Schema) -> anyhow::Result<()> {
    let folder = root.join(schema.folder);
    std::fs::create_dir_all(&folder).context("cannot make the schema folder")?;
    let path = folder.join(schema.name);
    std::fs::write(&path, &schema.text).with_context(|| format!("cannot write {}", path.display()))
}

/// Where the file on disk differs from the types, if it does.
fn difference(root: &Path, schema: &Schema) -> Option<Finding> {
    let path = format!("{}/{}", schema.folder, schema.name);
    let fix = "run `cargo xtask schemas` and read the diff: a changed schema needs a new version";
    let Ok(found) = std::fs::read_to_string(root.join(&path)) else {
        return Some(Finding::of_file(&path, "no such file, or not UTF-8", fix));
    };
    if found == schema.text {
        return None;
    }
    let same = found.lines().zip(schema.text.lines()).take_while(|(a, b)| a == b).count();
    let line = |text: &str| text.lines().nth(same).unwrap_or("the end of the file").to_owned();
    let reason = format!("expected `{}`, found `{}`", line(&schema.text), line(&found));
    Some(Finding::of_file(&path, reason, fix).at(same + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_schema_is_a_versioned_json_file() {
        let schemas = published();
        assert!(!schemas.is_empty());
        for schema in &schemas {
            assert!(schema.name.ends_with(".v1.json"), "{}", schema.name);
            assert!(
                schema.text.starts_with('{') && schema.text.ends_with("}\n"),
                "{}",
                schema.name
            );
        }
    }

    #[test]
    fn a_written_schema_has_no_difference_and_an_edited_or_missing_one_has() {
        let dir = tempfile::tempdir().unwrap();
        let (root, folder) = (dir.path(), "baselines/schema");
        let text = "{\n  \"x\": 1\n}\n".to_owned();
        let schema = Schema { folder, name: "a.v1.json", text };
        assert!(difference(root, &schema).is_some(), "missing");
        write(root, &schema).unwrap();
        assert_eq!(difference(root, &schema), None);
        for edited in ["{\n  \"x\": 2\n}\n", "{\n  \"x\": 1\n}", "{\n  \"x\": 1\n}\n\n"] {
            std::fs::write(root.join(folder).join(schema.name), edited).unwrap();
            let finding = difference(root, &schema).expect("an edit is a difference");
            assert!(finding.to_string().starts_with("baselines/schema/a.v1.json:"), "{finding}");
        }
    }
}
