//! The policy that a session is judged by: a file, the base revision's own, or the one that ships; and what the head edits of
//! the files that say how it is judged.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use baselines::{Digest, evidence::Edit};

use crate::{
    config::{Config, FILE_NAME},
    files,
    given::Arm,
    suite,
};

/// Where a repository keeps its own.
pub(crate) const FILE: &str = "ci/policy.toml";
/// Edits that are named at most.
const MOST_EDITS: usize = 100;

/// A policy, and where it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ruling {
    /// Its text.
    pub(crate) text: String,
    /// The commit whose policy it is, where it is the base revision's own.
    pub(crate) commit: Option<String>,
    /// What the head edits.
    pub(crate) edits: Vec<Edit>,
}

impl Ruling {
    /// A policy that was given, or is this folder's.
    pub(crate) const fn of_text(text: String) -> Self {
        Self { text, commit: None, edits: Vec::new() }
    }

    /// The base revision's own policy: a change is never judged by what it wrote itself. `None` where the base is a mere program.
    /// `store` is the folder of baselines.
    pub(crate) fn of_base(base: &Arm, head: &Arm, store: Option<&Path>) -> Result<Option<Self>> {
        let Some(tree) = &base.tree else { return Ok(None) };
        let path = Config::of_tree(tree)?.policy;
        let path =
            path.as_deref().map_or(Path::new(FILE), |path| path.strip_prefix(tree).unwrap_or(path));
        let own = tree.join(path);
        let text = if own.exists() {
            String::from_utf8(files::read(&own)?)
                .with_context(|| format!("failed to read the base's policy `{}`", path.display()))?
        } else {
            gates::DEFAULT_POLICY.to_owned()
        };
        let edits = match &head.tree {
            Some(head) => edits(tree, head, path, store)?,
            None => Vec::new(),
        };
        Ok(Some(Self { text, commit: base.given.commit.clone(), edits }))
    }
}

/// The text of the policy at `path`; without one, `ci/policy.toml` of the current folder, else the one that ships.
pub(crate) fn text(path: Option<&Path>) -> Result<String> {
    match path {
        Some(path) => fs::read_to_string(path)
            .with_context(|| format!("failed to read the policy `{}`", path.display())),
        None => match fs::read_to_string(FILE) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(gates::DEFAULT_POLICY.to_owned())
            }
            Err(error) => Err(error).with_context(|| format!("failed to read the policy `{FILE}`")),
        },
    }
}

/// Files that say how a change is judged, and are not the same in both trees.
fn edits(base: &Path, head: &Path, policy: &Path, store: Option<&Path>) -> Result<Vec<Edit>> {
    let mut paths: BTreeSet<PathBuf> = [FILE_NAME, FILE].into_iter().map(PathBuf::from).collect();
    paths.insert(policy.to_owned());
    paths.extend(suite::files().map(|file| Path::new("harness").join(file)));
    // A store that is kept beside the code.
    let store = store.and_then(|store| store.canonicalize().ok());
    let below =
        store.as_deref().and_then(|store| store.strip_prefix(head.canonicalize().ok()?).ok());
    if let Some(below) = below {
        for tree in [base, head] {
            files_below(tree, below, &mut paths)?;
        }
    }
    let digest = |tree: &Path, path: &Path| match fs::read(tree.join(path)) {
        Ok(bytes) => Ok(Some(Digest::of(&bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(error).with_context(|| format!("failed to read `{}`", tree.join(path).display()))
        }
    };
    let mut edits = Vec::new();
    for path in paths {
        let (base, head) = (digest(base, &path)?, digest(head, &path)?);
        if base != head && edits.len() < MOST_EDITS {
            edits.push(Edit { path: path.to_string_lossy().into_owned(), base, head });
        }
    }
    Ok(edits)
}

/// The plain files in `tree` below `folder`, by their paths in the tree.
fn files_below(tree: &Path, folder: &Path, paths: &mut BTreeSet<PathBuf>) -> Result<()> {
    let at = tree.join(folder);
    let entries = match fs::read_dir(&at) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(error).with_context(|| format!("failed to list `{}`", at.display()));
        }
    };
    for entry in entries {
        let entry = entry.with_context(|| format!("failed to list `{}`", at.display()))?;
        let (kind, path) = (entry.file_type()?, folder.join(entry.file_name()));
        if kind.is_dir() {
            files_below(tree, &path, paths)?;
        } else if kind.is_file() {
            paths.insert(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use baselines::evidence::Given;

    use super::*;
    use crate::subject::{Binary, Program};

    fn arm(tree: &Path) -> Arm {
        let program = Program::single(Binary::current().unwrap());
        let given = Given { asked: "HEAD~1".to_owned(), commit: Some("b".repeat(40)) };
        Arm { program, given, tree: Some(tree.to_owned()) }
    }

    /// A tree with these files.
    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    /// Requirement: S2, T6.
    #[test]
    fn a_change_of_the_policy_is_judged_by_the_bases_and_named() {
        let strict = gates::DEFAULT_POLICY;
        let loose = strict.replace("1.05", "1.50");
        let (base, head) = (tree(&[(FILE, strict)]), tree(&[(FILE, &loose)]));
        let ruling = Ruling::of_base(&arm(base.path()), &arm(head.path()), None).unwrap().unwrap();
        assert_eq!(ruling.text, strict);
        assert_eq!(ruling.commit, Some("b".repeat(40)));
        let (was, is) = (Digest::of(strict.as_bytes()), Digest::of(loose.as_bytes()));
        assert_eq!(ruling.edits, [Edit { path: FILE.to_owned(), base: Some(was), head: Some(is) }]);
    }

    #[test]
    fn a_base_without_a_policy_is_judged_by_the_one_that_ships_whatever_the_head_adds() {
        let (base, head) = (tree(&[]), tree(&[(FILE, "version = 1"), (FILE_NAME, "")]));
        let ruling = Ruling::of_base(&arm(base.path()), &arm(head.path()), None).unwrap().unwrap();
        assert_eq!(ruling.text, gates::DEFAULT_POLICY);
        let named: Vec<&str> = ruling.edits.iter().map(|edit| edit.path.as_str()).collect();
        assert_eq!(named, [FILE_NAME, FILE]);
        assert!(ruling.edits.iter().all(|edit| edit.base.is_none() && edit.head.is_some()));
    }

    #[test]
    fn edits_of_suites_and_of_a_store_beside_the_code_are_named() {
        let suite = "harness/workloads/quick.toml";
        let is = include_str!("../workloads/quick.toml");
        let was = is.replace("iterations = 40", "iterations = 80");
        let base = tree(&[(suite, &was), ("perf/heads/main", "1"), ("perf/old", "1")]);
        let head =
            tree(&[(suite, is), ("perf/heads/main", "2"), ("perf/new", "1"), ("other", "1")]);
        let store = head.path().join("perf");
        let ruling =
            Ruling::of_base(&arm(base.path()), &arm(head.path()), Some(&store)).unwrap().unwrap();
        let named: Vec<&str> = ruling.edits.iter().map(|edit| edit.path.as_str()).collect();
        assert_eq!(named, [suite, "perf/heads/main", "perf/new", "perf/old"]);
        // A program has no policy of its own.
        let program = Arm { tree: None, ..arm(base.path()) };
        assert_eq!(Ruling::of_base(&program, &arm(head.path()), None).unwrap(), None);
    }
}
