//! A command that works in a way that is known: `toil spin 20 sleep 10 touch 64` takes 20 ms of processor time in its own code,
//! sleeps 10 ms and touches 64 MiB of memory, each in turn. `tests/triage_commands.rs` runs it as base and as head.

use std::{
    hint::black_box,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

/// Bytes of a page: each is touched once.
const PAGE: usize = 4096;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    for two in args.chunks(2) {
        let [what, amount] = two else { return ExitCode::FAILURE };
        let Ok(amount) = amount.parse::<u32>() else { return ExitCode::FAILURE };
        match what.as_str() {
            "spin" => spin(amount),
            "sleep" => thread::sleep(Duration::from_millis(amount.into())),
            "touch" => touch(amount as usize),
            "turn" => turn(u64::from(amount)),
            _ => return ExitCode::FAILURE,
        }
    }
    ExitCode::SUCCESS
}

/// So many milliseconds of this thread.
#[expect(clippy::disallowed_methods, reason = "a time is what is planted")]
fn spin(ms: u32) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(ms.into()) {
        turn(10_000);
    }
}

/// So many turns of a loop that nobody needs.
#[inline(never)]
fn turn(turns: u64) {
    black_box((0..turns).fold(0_u64, |sum, turn| sum ^ black_box(turn)));
}

/// So many MiB, a byte of each page.
fn touch(mebibytes: usize) {
    let mut bytes = vec![0_u8; mebibytes << 20];
    for page in bytes.chunks_mut(PAGE) {
        page[0] = 1;
    }
    black_box(&bytes);
}
