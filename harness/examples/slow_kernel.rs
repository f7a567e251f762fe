//! `bench` with one kernel that takes longer and computes the same: the rotation of queries and keys. `tests/triage.rs` runs it as
//! the head of a session, which must name the span that the kernel is in.

use std::process::ExitCode;

use engine::{Isa, kernels::Kernels};
use harness::Hooks;

/// Turns of a loop that nobody needs: some microseconds.
const TURNS: u64 = 3_000;

fn slow_rope(head: &mut [f32], cos: &[f32], sin: &[f32]) {
    let rope = Kernels::of(Isa::Scalar).expect("scalar is always there").rope;
    rope(head, cos, sin);
    std::hint::black_box((0..TURNS).fold(0_u64, |sum, turn| sum ^ std::hint::black_box(turn)));
}

const fn plant(mut kernels: Kernels) -> Kernels {
    kernels.rope = slow_rope;
    kernels
}

fn main() -> ExitCode {
    let hooks = Hooks { kernels: Some(plant), ..Hooks::none() };
    harness::run_cli(std::env::args_os(), std::env::vars_os(), &hooks)
}
