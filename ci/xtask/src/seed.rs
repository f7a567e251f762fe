//! The seed report's two command lines, `benchmark` and `bench-compare`, as `bench run` and `bench compare`.
//! In: their arguments, unread. Out: the exit code of `bench`, unchanged; paths stay relative to the caller's folder.
//!
//! xtask starts `bench` through cargo instead of linking it, so that `cargo xtask tidy` does not build the harness.

use std::ffi::OsString;
use std::process::{Command, ExitCode, ExitStatus};

use anyhow::Context as _;

use crate::workspace::Workspace;

/// Builds `bench` in release mode and runs `bench SUBCOMMAND ARGS`, environment and streams passed through.
pub(crate) fn bench(
    workspace: &Workspace,
    subcommand: &str,
    args: &[OsString],
) -> anyhow::Result<ExitCode> {
    let status =
        command(workspace, subcommand, args).status().context("cannot start cargo for `bench`")?;
    Ok(ExitCode::from(exit_code(status)))
}

fn command(workspace: &Workspace, subcommand: &str, args: &[OsString]) -> Command {
    let mut command = workspace.bench_here(&[subcommand]);
    command.args(args);
    command
}

/// The child's own code; 1 (tool error) where a signal left none.
fn exit_code(status: ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: K1–K6.
    #[test]
    fn arguments_reach_bench_in_order_after_the_subcommand() {
        let here = std::env::current_dir().unwrap();
        let workspace = Workspace::find(&here, "cargo".into()).unwrap();
        let args = ["--model", "a b.gguf", "--allow-mock"].map(OsString::from);
        let command = command(&workspace, "run", &args);
        let line: Vec<_> = command.get_args().collect();
        assert_eq!(line[line.len() - 5..], ["--", "run", "--model", "a b.gguf", "--allow-mock"]);
        assert_eq!(command.get_current_dir(), None, "relative paths are the caller's");
    }

    /// The flags of the seed's `cargo build`, `test`, `clippy` and `bench` lines: cargo resolves them, and no other feature.
    /// Requirement: I1–I3.
    #[test]
    fn the_workspace_has_the_feature_of_the_seeds_cargo_lines() {
        let workspace =
            Workspace::find(&std::env::current_dir().unwrap(), env!("CARGO").into()).unwrap();
        let resolves = |feature: &str| {
            let mut tree = workspace.cargo();
            tree.args(["tree", "--locked", "--workspace", "--no-default-features", "--features"]);
            tree.args([feature, "--depth", "0", "--prefix", "none"]).output().unwrap()
        };
        let found = resolves("cpu");
        assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
        assert!(String::from_utf8_lossy(&found.stdout).contains("tritgate-engine v"));
        assert!(!resolves("cpus").status.success(), "a feature that nobody has is refused");
    }

    #[cfg(unix)]
    #[test]
    fn every_documented_exit_code_passes_through_and_a_signal_is_a_tool_error() {
        let status = |script: &str| Command::new("sh").args(["-c", script]).status().unwrap();
        for code in 0..=5 {
            assert_eq!(exit_code(status(&format!("exit {code}"))), code);
        }
        assert_eq!(exit_code(status("kill -9 $$")), 1);
    }
}
