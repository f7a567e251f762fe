//! `bench` on GPUs that fail as `BENCH_FAULT` says (`cuda-oom@layer7`, …: `engine::device::Fault`), or on one that is none at all, where
//! `BENCH_SIMULATED_GPU` is set: a CPU session in its place. `tests/gpu.rs` and `ci/gpu.sh` run it; the shipped program has neither.

#![expect(clippy::print_stderr, reason = "a program")]

use std::process::ExitCode;

use engine::{
    device::{Backend, Fault, Host},
    testing::SimulatedGpu,
};
use harness::{Gpus, Hooks};

fn simulated(host: &Host) -> Vec<Box<dyn Backend>> {
    vec![Box::new(SimulatedGpu::new(host))]
}

fn main() -> ExitCode {
    let var = |name: &str| {
        let mut all = std::env::vars_os();
        all.find(|(known, _)| known == name).map(|(_, value)| value.to_string_lossy().into_owned())
    };
    let fault = match var("BENCH_FAULT").map(|name| name.parse::<Fault>()).transpose() {
        Ok(fault) => fault,
        Err(error) => {
            eprintln!("error: BENCH_FAULT: {error}");
            return ExitCode::FAILURE;
        }
    };
    let gpus = var("BENCH_SIMULATED_GPU").map(|_| -> Gpus { simulated });
    let hooks = Hooks { fault, gpus, ..Hooks::none() };
    harness::run_cli(std::env::args_os(), std::env::vars_os(), &hooks)
}
