//! The installed valgrind: where it is, which version.
//! In: the value of `PATH`. Out: the tool; or how to get it.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::{command::find_program, runner};

/// What a report says beside counts: the program may have taken another path than on the bare machine.
/// Source: the VEX decoder of valgrind up to 3.25; `cpuid` answers under it as a processor with AVX2.
pub(crate) const ISA_NOTE: &str = "valgrind emulates x86-64 up to AVX2 and no AVX-512: a program that asks the \
                                   processor takes its AVX2 path under it";

/// The way out of there being none.
const INSTALL: &str = "install the package `valgrind` (Debian, Ubuntu: `apt-get install valgrind`)";

/// A valgrind that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Valgrind {
    pub(super) path: PathBuf,
    /// As it says it, e.g. `3.19.0`.
    pub(crate) version: String,
}

impl Valgrind {
    /// Looks in `folders`, the value of `PATH`.
    pub(crate) fn find(folders: &OsStr) -> Result<Self> {
        let path = find_program("valgrind", folders).with_context(|| {
            format!(
                "failed to find valgrind: expected the program `valgrind` in a folder of `PATH`, found none; {INSTALL}"
            )
        })?;
        Self::at(&path)
    }

    /// The valgrind at `path`.
    pub(crate) fn at(path: &Path) -> Result<Self> {
        let failed = || format!("failed to ask `{}` for its version", path.display());
        let output = runner::unshare(&mut Command::new(path))
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .with_context(failed)?;
        let said = String::from_utf8_lossy(&output.stdout);
        match said.trim().strip_prefix("valgrind-") {
            Some(version) if output.status.success() && !version.is_empty() => {
                Ok(Self { path: path.to_owned(), version: version.to_owned() })
            }
            _ => bail!(
                "{}: expected `valgrind-VERSION`, found {:?} ({}); {INSTALL}",
                failed(),
                said.trim(),
                output.status
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    fn error_of(script: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("valgrind");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let found = Valgrind::find(folder.path().as_os_str());
        found.map_or_else(|error| format!("{error:#}"), |tool| tool.version)
    }

    #[test]
    fn a_missing_valgrind_names_the_package() {
        let folder = tempfile::tempdir().unwrap();
        let error = Valgrind::find(folder.path().as_os_str()).unwrap_err().to_string();
        assert!(error.contains("install the package `valgrind`"), "{error}");
    }

    #[test]
    fn the_note_says_which_path_runs() {
        assert!(ISA_NOTE.contains("AVX2") && ISA_NOTE.contains("no AVX-512"));
    }

    #[test]
    fn a_version_is_read_and_anything_else_refused() {
        assert_eq!(error_of("echo valgrind-3.19.0"), "3.19.0");
        for script in ["echo hello", "echo valgrind-", "echo valgrind-3; exit 1"] {
            let error = error_of(script);
            assert!(error.contains("expected `valgrind-VERSION`"), "{script}: {error}");
        }
    }
}
