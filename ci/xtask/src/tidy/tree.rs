//! The tree that the rules look at: path → bytes, read once.
//! In: a folder. Out: its files as git sees them (tracked, or new and not ignored); without git, all but `target/`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

/// Files by path, relative to the root, with `/` between the parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, Vec<u8>>,
}

impl Tree {
    /// Reads the files under `root`.
    pub(crate) fn load(root: &Path) -> anyhow::Result<Self> {
        let paths = if root.join(".git").exists() { listed(root) } else { None };
        let paths = match paths {
            Some(paths) => paths,
            None => walked(root, "")?,
        };
        let mut files = BTreeMap::new();
        for path in paths {
            match std::fs::read(root.join(&path)) {
                Ok(bytes) => drop(files.insert(path, bytes)),
                // Removed from the work tree and not yet from the index.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error).with_context(|| format!("cannot read {path}")),
            }
        }
        Ok(Self { files })
    }

    /// All paths, sorted.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The bytes of a file.
    pub(crate) fn bytes(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// A file as text; none if it is absent or not UTF-8.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        std::str::from_utf8(self.bytes(path)?).ok()
    }

    /// All files that are UTF-8: (path, text).
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.paths().filter_map(|path| Some((path, self.text(path)?)))
    }

    /// All Rust files: (path, text).
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts().filter(|(path, _)| path.ends_with(".rs"))
    }
}

/// What git lists; none where git is absent or this is no repository.
fn listed(root: &Path) -> Option<Vec<String>> {
    let output = Command::new("git")
        .current_dir(root)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.split_terminator('\0').map(str::to_owned).collect())
}

/// Every file below `root/folder`, but for git's own folder and the build output.
fn walked(root: &Path, folder: &str) -> anyhow::Result<Vec<String>> {
    let mut paths = Vec::new();
    let at = root.join(folder);
    for entry in std::fs::read_dir(&at).with_context(|| format!("cannot list {}", at.display()))? {
        let entry = entry?;
        let name = entry.file_name().into_string().ok().context("a file name is not UTF-8")?;
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        if path == ".git" || path == "target" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            paths.extend(walked(root, &path)?);
        } else {
            paths.push(path);
        }
    }
    Ok(paths)
}

/// Planting faults.
#[cfg(test)]
impl Tree {
    /// A tree of these files.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        files.iter().fold(Self::default(), |tree, (path, text)| tree.with(path, text))
    }

    /// The same tree with one file added or replaced.
    pub(crate) fn with(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.as_bytes().to_vec());
        self
    }

    /// The same tree without one file.
    pub(crate) fn without(mut self, path: &str) -> Self {
        self.files.remove(path).expect("the file to remove is in the tree");
        self
    }

    /// Writes every file below `root`.
    pub(crate) fn write_to(&self, root: &Path) {
        for (path, bytes) in &self.files {
            let at = root.join(path);
            std::fs::create_dir_all(at.parent().expect("a file has a folder")).unwrap();
            std::fs::write(at, bytes).unwrap();
        }
    }
}

/// The smallest tree that no rule finds fault with.
#[cfg(test)]
pub(crate) fn clean() -> Tree {
    let library = "//! Door.\n#![forbid(unsafe_code)]\n";
    let baselines_only = "[dependencies]\nbaselines.workspace = true\n";
    let baselines_and_gates =
        "[dependencies]\nbaselines.workspace = true\ngates.workspace = true\n";
    let members = r#"members = ["engine", "baselines", "gates", "reports", "harness", "ci/xtask"]"#;
    let manifest = format!("[workspace]\n{members}\n");
    let all = "[dependencies]\nbaselines.workspace = true\nengine.workspace = true\n\
               gates.workspace = true\nreports.workspace = true\n";
    Tree::of(&[
        ("Cargo.toml", &manifest),
        ("Cargo.lock", "version = 4\n"),
        ("LICENSE-APACHE", ""),
        ("LICENSE-MIT", ""),
        ("README.md", "The road is `harness/src/lib.rs`.\n"),
        ("engine/Cargo.toml", ""),
        ("engine/src/lib.rs", "//! Door.\n"),
        ("baselines/Cargo.toml", ""),
        ("baselines/src/lib.rs", library),
        ("gates/Cargo.toml", baselines_only),
        ("gates/src/lib.rs", library),
        ("reports/Cargo.toml", baselines_only),
        ("reports/src/lib.rs", library),
        ("harness/Cargo.toml", all),
        ("harness/src/lib.rs", library),
        ("ci/README.md", ""),
        ("ci/xtask/Cargo.toml", baselines_and_gates),
        ("ci/xtask/src/main.rs", library),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_without_git_is_walked_but_for_the_build_output() {
        let dir = tempfile::tempdir().unwrap();
        let files = [(".ci/run", "#!"), ("gates/src/lib.rs", "//!"), ("target/debug/x", "no")];
        Tree::of(&files).write_to(dir.path());
        let tree = Tree::load(dir.path()).unwrap();
        assert!(tree.paths().eq([".ci/run", "gates/src/lib.rs"]));
    }

    #[test]
    fn a_repository_shows_tracked_and_new_files_but_not_ignored_ones() {
        let dir = tempfile::tempdir().unwrap();
        let init = Command::new("git").current_dir(&dir).args(["init", "--quiet"]).status();
        if !init.is_ok_and(|status| status.success()) {
            println!("skipped: git not available");
            return;
        }
        Tree::of(&[(".gitignore", "/ci/*.json\n"), ("ci/gate.json", "{}"), ("ci/README.md", "x")])
            .write_to(dir.path());
        let tree = Tree::load(dir.path()).unwrap();
        assert!(tree.paths().eq([".gitignore", "ci/README.md"]));
    }
}
