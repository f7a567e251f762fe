//! The `bench` command line: deterministic workloads in worker processes, paired sessions, gates and reports.
//!
//! `pipeline.rs` is the road from a model file to a verdict as code; read it first. This crate is the only one that
//! reads the environment, the command line or the clock, and it does so in one place each: `main` hands over the
//! arguments and variables, `measure/clock.rs` holds the one real clock. `docs/methodology.md` says what a number means.

#![forbid(unsafe_code)]

mod accuracy;
mod agreement;
mod arms;
mod baseline;
mod bisect;
mod build;
mod calibrate;
mod callgrind;
mod check;
mod cli;
mod command;
mod config;
mod doctor;
mod environment;
mod evidence;
mod expectations;
mod failure;
mod files;
mod findings;
mod given;
mod halt;
mod history;
mod hops;
mod inference;
mod init;
mod keys;
mod measure;
mod nearest;
mod nonce;
mod pipeline;
mod policy;
mod progress;
mod record;
mod replay;
mod runner;
mod session;
mod step_outputs;
mod step_summary;
mod subject;
mod suite;
mod triage;
mod variables;
mod verification;
mod worker;
mod workload;

use std::{ffi::OsString, process::ExitCode};

pub use measure::Clock;

use engine::{
    Isa,
    device::{Backend, Fault, Host},
    kernels::Kernels,
};

/// GPUs of a device layer of its own, on this host.
pub type Gpus = fn(&Host) -> Vec<Box<dyn Backend>>;

/// What a test build plants: a slowdown in the timed decode loop, a fault in a kernel, a leak, a GPU
/// that is none. Nothing in the shipped program.
#[derive(Clone, Copy, Debug)]
pub struct Hooks {
    /// Takes the kernels of the engine and gives those to compute with.
    pub kernels: Option<fn(Kernels) -> Kernels>,
    /// Runs after each decode step, before its time is taken; gets the nanoseconds the step took so far.
    pub after_decode_step: Option<fn(step_ns: u64, clock: &dyn Clock)>,
    /// Runs after each generation of a `memory` workload.
    pub after_generation: Option<fn()>,
    /// GPUs in front of those of the build.
    pub gpus: Option<Gpus>,
    /// What goes wrong with a GPU of the build.
    pub fault: Option<Fault>,
}

impl Hooks {
    /// No hooks: what `bench` runs with.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            after_decode_step: None,
            after_generation: None,
            kernels: None,
            gpus: None,
            fault: None,
        }
    }

    /// The kernels of `isa`, with what is planted in them.
    pub(crate) fn kernels(&self, isa: Isa) -> engine::Result<Kernels> {
        let kernels = Kernels::of(isa)?;
        Ok(self.kernels.map_or(kernels, |plant| plant(kernels)))
    }
}

/// Runs the command line `args` (program name first) under the environment `vars`.
///
/// The exit codes are those of `gates::Verdict`; 1 is a usage or tool error.
pub fn run_cli(
    args: impl IntoIterator<Item = OsString>,
    vars: impl IntoIterator<Item = (OsString, OsString)>,
    hooks: &Hooks,
) -> ExitCode {
    cli::run(args, &variables::Variables::from_pairs(vars), hooks)
}
