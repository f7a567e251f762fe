//! `cargo xtask planted`: regressions planted in a scratch clone, and whether `bench` finds them.
//! In: the patches of `ci/planted/`. Out: a table of hits; what `bench` wrote stays in the folder.
//!
//! What counts as right is written down in registers before anything is measured. Like the picture it starts `bench` through cargo.

mod bisect;
mod triage;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::workspace::{Workspace, succeeds};

/// Options of `cargo xtask planted`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of the scratch clone, and of what `bench` writes.
    #[arg(long, value_name = "PATH")]
    folder: PathBuf,

    /// Search a chain of 16 commits with `bench bisect`, instead of explaining each fault with `bench triage`.
    #[arg(long, conflicts_with_all = ["rounds", "layouts", "faults"])]
    bisect: bool,

    /// Triages of each fault.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,

    /// Code layouts of each build that triage compares.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=40))]
    layouts: u32,

    /// Only these faults; may be repeated.
    #[arg(long = "fault", value_name = "NAME")]
    faults: Vec<String>,
}

/// Plants, measures and prints the table. True if as many answers are right as are wanted.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> anyhow::Result<bool> {
    triage::check_names(&args.faults)?;
    fs::create_dir_all(&args.folder)
        .with_context(|| format!("failed to make {}", args.folder.display()))?;
    let folder = args.folder.canonicalize().context("failed to find the folder again")?;
    let scratch = Scratch { workspace, clone: folder.join("clone"), folder };
    if !scratch.clone.is_dir() {
        scratch.git(&["clone", "--quiet"], &[&workspace.root, &scratch.clone])?;
        scratch.here(&["checkout", "--quiet", "-B", "base"])?;
        triage::plant(&scratch)?;
        bisect::plant(&scratch)?;
    }
    ensure!(
        succeeds(workspace.bench_here(&["--version"]))?,
        "failed to build `bench`; cargo says why"
    );
    if args.bisect { bisect::run(&scratch) } else { triage::run(&scratch, args) }
}

/// The scratch clone, and what is written beside it.
struct Scratch<'a> {
    workspace: &'a Workspace,
    folder: PathBuf,
    clone: PathBuf,
}

impl Scratch<'_> {
    /// git with `words` and then `paths`.
    fn git(&self, words: &[&str], paths: &[&Path]) -> anyhow::Result<()> {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=xtask", "-c", "user.email=xtask@localhost"]);
        command.args(words).args(paths);
        let line = format!("{command:?}");
        ensure!(succeeds(command)?, "failed to plant: {line}");
        Ok(())
    }

    /// git in the clone.
    fn here(&self, words: &[&str]) -> anyhow::Result<()> {
        self.git(&[&["-C", &self.clone.to_string_lossy()], words].concat(), &[])
    }

    /// Commits `patch` of `ci/planted/` on what is checked out.
    fn commit(&self, patch: &str, message: &str) -> anyhow::Result<()> {
        let path = self.workspace.root.join("ci/planted").join(format!("{patch}.patch"));
        self.here(&["apply", &path.to_string_lossy()])?;
        self.here(&["commit", "--quiet", "--all", "--message", message])
    }

    /// Runs `bench` in the clone. Out: the document that it wrote.
    fn bench(&self, args: &[&str], document: &Path) -> anyhow::Result<Value> {
        let mut command = self.workspace.bench_here(args);
        command.current_dir(&self.clone);
        ensure!(succeeds(command)?, "failed: bench {}; it says why", args.join(" "));
        let bytes =
            fs::read(document).with_context(|| format!("failed to read {}", document.display()))?;
        serde_json::from_slice(&bytes)
            .with_context(|| format!("failed to read {}", document.display()))
    }
}

/// The word of the table.
const fn word(is_right: bool) -> &'static str {
    if is_right { "right" } else { "WRONG" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Workspace {
        Workspace::find(&std::env::current_dir().unwrap(), "cargo".into()).unwrap()
    }

    /// The patches of a folder, by name.
    fn patches(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .filter_map(|file| file.unwrap().file_name().into_string().ok())
            .filter_map(|name| name.strip_suffix(".patch").map(str::to_owned))
            .collect();
        names.sort();
        names
    }

    fn applies(root: &Path, patches: &[String]) -> bool {
        let mut command = Command::new("git");
        command.current_dir(root).args(["apply", "--check"]);
        command.args(patches.iter().map(|name| format!("ci/planted/{name}.patch")));
        succeeds(command).unwrap()
    }

    #[test]
    fn every_fault_has_a_patch_that_still_applies_and_every_patch_is_a_fault() {
        let root = workspace().root;
        let names = patches(&root.join("ci/planted"));
        let mut known = triage::names();
        known.sort_unstable();
        assert_eq!(names, known);
        for name in names {
            assert!(
                applies(&root, std::slice::from_ref(&name)),
                "{name}: make it anew on today's source"
            );
        }
    }

    #[test]
    fn the_patches_of_the_chain_still_apply_one_after_the_other() {
        let root = workspace().root;
        let chain = bisect::patches();
        let mut known = chain.clone();
        known.sort_unstable();
        let names = patches(&root.join("ci/planted/chain"));
        let names: Vec<String> = names.iter().map(|name| format!("chain/{name}")).collect();
        assert_eq!(names, known);
        assert!(applies(&root, &chain), "make them anew on today's source");
    }
}
