//! Criterion as a development dependency of a package, by `cargo add`.
//! In: the workspace's folder and the package. Out: manifest and lock file as cargo leaves them, or what it said.

use std::{path::Path, process::Command};

use anyhow::{Result, bail};

use super::cargo::{run, tail};
use crate::runner;

/// Arguments of the call. `criterion_main!` answers to `cargo bench` with this feature alone (criterion 0.8.2).
fn args(package: &str) -> [&str; 8] {
    let features = ["--no-default-features", "--features", "cargo_bench_support"];
    ["add", "--package", package, "--dev", "criterion", features[0], features[1], features[2]]
}

/// The call, as a person would type it.
pub(crate) fn add_criterion_line(package: &str) -> String {
    format!("cargo {}", args(package).join(" "))
}

/// Adds it.
pub(crate) fn add_criterion(folder: &Path, package: &str) -> Result<()> {
    let mut command = Command::new("cargo");
    runner::unshare(baselines::git::isolate(&mut command)).args(args(package)).current_dir(folder);
    let output = run(&mut command)?;
    if !output.status.success() {
        bail!(
            "failed to add Criterion to `{package}`: `{}` ended with {}; run it by hand where it reaches a registry, then \
             `bench init` again. It said:\n{}",
            add_criterion_line(package),
            output.status,
            tail(&output.stderr)
        );
    }
    Ok(())
}
