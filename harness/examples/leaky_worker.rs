//! `bench` with a planted leak: every generation of a `memory` workload keeps a kilobyte.
//!
//! A build for tests: the shipped `bench` has no such hook.

use std::{env, process::ExitCode};

use harness::Hooks;

fn leak() {
    std::mem::forget(vec![1_u8; 1024]);
}

fn main() -> ExitCode {
    let hooks = Hooks { after_generation: Some(leak), ..Hooks::none() };
    harness::run_cli(env::args_os(), env::vars_os(), &hooks)
}
