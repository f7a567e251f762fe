//! A command that works in a way that is known: `toil spin 20 sleep 10 touch 64` turns a loop 20 million times, some 20 ms of its own
//! code, sleeps 10 ms and touches 64 MiB of memory, one after the other. `tests/triage_commands.rs` runs it as base and as head.

use std::{hint::black_box, process::ExitCode, thread, time::Duration};

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
            _ => return ExitCode::FAILURE,
        }
    }
    ExitCode::SUCCESS
}

/// So many million turns of a loop that nobody needs: by work and not by the clock, so that time on other programs' behalf is none
/// of this one's.
#[inline(never)]
fn spin(millions: u32) {
    let turns = u64::from(millions) * 1_000_000;
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
