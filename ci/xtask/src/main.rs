//! `cargo xtask …`: the checks and generators of this workspace, and the seed report's two command lines.
//! In: the tree it is run in. Out: findings and wall times on stdout; exit code 0 or 1, or that of `bench`.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command-line tool: what it prints is its result")]

mod check;
mod fixtures;
mod picture;
mod planted;
mod requirements;
mod schemas;
mod seed;
mod tidy;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Checks and generators of the tritgate workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The register of subcommands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run every check that CI runs, and print the wall time of each.
    Check {
        /// Leave a step out; may be repeated.
        #[arg(long, value_name = "STEP", value_parser = check::step_names())]
        skip: Vec<String>,
    },
    /// Check what a reader would trip over: edges, unsafe, doors, registers, golden files, paths.
    Tidy,
    /// Write the published JSON schemas from the wire types.
    Schemas {
        /// Write nothing; fail where a file differs.
        #[arg(long)]
        check: bool,
    },
    /// Rewrite golden files and snapshots by running the tests that own them; name what changed.
    Fixtures,
    /// List what is promised and the tests that show it: id, state, tests; fail where one is missing.
    Requirements,
    /// Measure a history with this machine's `bench`, gate against it, and write the README's picture of the report.
    Picture(picture::Args),
    /// Plant regressions in a scratch clone, and see whether `bench triage` says what each of them is.
    Planted(planted::Args),
    /// The seed report's `benchmark`: builds `bench` and starts `bench run` with these arguments.
    #[command(disable_help_flag = true)]
    Benchmark {
        /// Arguments of `bench run`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// The seed report's `bench-compare`: builds `bench` and starts `bench compare` with these arguments.
    #[command(disable_help_flag = true)]
    BenchCompare {
        /// Arguments of `bench compare`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    #[expect(clippy::disallowed_methods, reason = "main is where the environment is read")]
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let workspace = Workspace::find(&std::env::current_dir()?, cargo)?;
    let passed = match cli.command {
        Command::Check { skip } => check::run(&workspace, &skip)?,
        Command::Tidy => tidy::run(&workspace)?,
        Command::Schemas { check } => schemas::run(&workspace, check)?,
        Command::Fixtures => fixtures::run(&workspace)?,
        Command::Requirements => requirements::run(&workspace)?,
        Command::Picture(args) => picture::run(&workspace, &args)?,
        Command::Planted(args) => planted::run(&workspace, &args)?,
        Command::Benchmark { args } => return seed::bench(&workspace, "run", &args),
        Command::BenchCompare { args } => return seed::bench(&workspace, "compare", &args),
    };
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn the_seed_lines_pass_their_arguments_on_untouched() {
        let line = ["xtask", "benchmark", "--model", "m.gguf", "--allow-mock", "--tokens", "64"];
        let Command::Benchmark { args } = Cli::parse_from(line).command else {
            panic!("`benchmark` is its own subcommand");
        };
        assert_eq!(args, line[2..]);
        let line = ["xtask", "bench-compare", "--help", "--current", "a.json"];
        let Command::BenchCompare { args } = Cli::parse_from(line).command else {
            panic!("`bench-compare` is its own subcommand");
        };
        assert_eq!(args, line[2..]);
    }

    #[test]
    fn an_unknown_step_to_skip_is_a_usage_error() {
        assert!(Cli::try_parse_from(["xtask", "check", "--skip", "tets"]).is_err());
        assert!(Cli::try_parse_from(["xtask", "check", "--skip", "test"]).is_ok());
    }
}
