//! `bench` with a planted slowdown: each decode step takes a fifth longer, and puts out the same.
//!
//! A build for tests and for showing what a caught regression looks like:
//! `cargo run --release -p tritgate-harness --example slow_worker -- gate`. The shipped `bench` has no such hook.

use std::{env, process::ExitCode};

use harness::{Clock, Hooks};

/// Spins within the timed step for 20 % of the time that the step took.
fn spin(step_ns: u64, clock: &dyn Clock) {
    let until_ns = clock.now_ns() + step_ns / 5;
    while clock.now_ns() < until_ns {
        std::hint::spin_loop();
    }
}

fn main() -> ExitCode {
    let hooks = Hooks { after_decode_step: Some(spin), ..Hooks::none() };
    harness::run_cli(env::args_os(), env::vars_os(), &hooks)
}
