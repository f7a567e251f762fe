//! Which benchmarks a bench target has, by asking it: `cargo bench … -- --list`.
//! In: the target. Out: the names, in the order in which they are defined. Source of the form: criterion 0.8.2,
//! `benchmark_group.rs`, which prints `NAME: benchmark`; a name of more than 100 bytes is cut there (`report.rs`).

use std::{path::Path, process::Command};

use anyhow::{Result, bail, ensure};

use super::cargo::{run, tail};
use crate::runner;

/// Builds the bench target of the workspace at `folder`, and asks it.
pub(crate) fn benchmarks(folder: &Path, package: &str, bench: &str) -> Result<Vec<String>> {
    let args = ["bench", "--package", package, "--bench", bench, "--", "--list"];
    let mut command = Command::new("cargo");
    let output =
        run(runner::unshare(baselines::git::isolate(&mut command)).args(args).current_dir(folder))?;
    let line = format!("cargo {}", args.join(" "));
    if !output.status.success() {
        bail!(
            "failed to list the benchmarks: `{line}` ended with {}:\n{}",
            output.status,
            tail(&output.stderr)
        );
    }
    let names = names(&String::from_utf8_lossy(&output.stdout));
    ensure!(
        !names.is_empty(),
        "failed to list the benchmarks: expected lines `NAME: benchmark` of `{line}`, as Criterion prints them, found none; \
         such a target has `harness = false` in Cargo.toml, and `criterion_main!` in its source"
    );
    if let Some(name) = names.iter().find(|name| name.chars().any(char::is_control)) {
        bail!(
            "failed to list the benchmarks: expected names without control characters, found {name:?}"
        );
    }
    Ok(names)
}

fn names(said: &str) -> Vec<String> {
    let names = said.lines().filter_map(|line| line.strip_suffix(": benchmark"));
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_are_what_stands_before_the_last_colon_in_the_order_printed() {
        let said =
            "b: benchmark\nTesting x\na: x/1: benchmark\n0 tests, 0 benchmarks\n: benchmark\n";
        assert_eq!(names(said), ["b", "a: x/1"]);
        assert!(names("parse: test\n").is_empty());
    }
}
