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
    let mut command = workspace.cargo_here();
    command
        .args(["run", "--release", "--quiet", "--manifest-path"])
        .arg(workspace.root.join("Cargo.toml"))
        .args(["--package", "tritgate-harness", "--bin", "bench", "--", subcommand])
        .args(args);
    command
}

/// The child's own code; 1 (tool error) where a signal left none.
fn exit_code(status: ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

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
