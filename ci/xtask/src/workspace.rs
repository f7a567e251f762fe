//! Where the workspace is and how cargo is started in it.
//! In: a folder inside the workspace, cargo's path. Out: the root, and commands that run there.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

/// The workspace that xtask works on.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    /// The folder of the virtual manifest.
    pub(crate) root: PathBuf,
    /// The cargo that started xtask.
    cargo: OsString,
}

impl Workspace {
    /// Finds the nearest folder at or above `start` that holds `ci/xtask/Cargo.toml`.
    pub(crate) fn find(start: &Path, cargo: OsString) -> anyhow::Result<Self> {
        let root = start
            .ancestors()
            .find(|folder| folder.join("ci/xtask/Cargo.toml").is_file())
            .with_context(|| {
                let at = start.display();
                format!("{at}: expected a folder inside the tritgate workspace; run xtask there")
            })?;
        Ok(Self { root: root.to_owned(), cargo })
    }

    /// A cargo command in the caller's own folder.
    pub(crate) fn cargo_here(&self) -> Command {
        Command::new(&self.cargo)
    }

    /// A cargo command in the root of the workspace.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = self.cargo_here();
        command.current_dir(&self.root);
        command
    }

    /// Builds `bench` in release mode and runs it with `args`, in the caller's own folder.
    pub(crate) fn bench_here<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = self.cargo_here();
        command
            .args(["run", "--release", "--quiet", "--manifest-path"])
            .arg(self.root.join("Cargo.toml"))
            .args(["--package", "tritgate-harness", "--bin", "bench", "--"])
            .args(args);
        command
    }
}

/// Runs `command` to its end. True if it succeeded.
pub(crate) fn succeeds(mut command: Command) -> anyhow::Result<bool> {
    let program = command.get_program().to_owned();
    let status = command.status().with_context(|| format!("cannot start {}", program.display()))?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_found_from_below_and_missed_from_outside() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("engine/src/kernels");
        std::fs::create_dir_all(&deep).unwrap();
        let error = Workspace::find(&deep, "cargo".into()).unwrap_err();
        assert!(error.to_string().contains("inside the tritgate workspace"), "{error}");
        std::fs::create_dir_all(dir.path().join("ci/xtask")).unwrap();
        std::fs::write(dir.path().join("ci/xtask/Cargo.toml"), "").unwrap();
        let found = Workspace::find(&deep, "cargo".into()).unwrap();
        assert_eq!(found.root, dir.path());
    }
}
