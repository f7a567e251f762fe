//! The `bench` command: hand over the arguments and the environment, return the exit code.

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    harness::run_cli(env::args_os(), env::vars_os(), &harness::Hooks::none())
}
