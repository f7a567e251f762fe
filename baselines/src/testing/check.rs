//! A scripted check: a run of tests on the commit of the scripted head, done before its session began.

use super::evidence;
use crate::{
    check::{Captured, CheckRecord},
    record::SCHEMA_VERSION,
    timestamp::{format_ms, parse_ms},
};

/// What the scripted run of tests wrote to stdout.
const STDOUT: &str = "\nrunning 3 tests\ntest adds ... ok\ntest later ... ignored\ntest whole ... ok\n\n\
                      test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\n";
/// And to stderr.
const STDERR: &str = "    Finished `test` profile [unoptimized + debuginfo] target(s) in 0.08s\n     \
                      Running unittests src/lib.rs (target/debug/deps/toy-72d1228a8632fa39)\n";

/// `cargo test` as the gate `gate`: two tests passed, one was ignored.
///
/// # Panics
/// Never: the stamps are scripted.
#[must_use]
pub fn check(gate: &str) -> CheckRecord {
    let head = evidence(42, 1.0).head;
    let wall_ms = 2_250;
    let ended_ms = parse_ms(&head.started_at).expect("it is scripted") - 60_000;
    let stamp = |ms| format_ms(ms).expect("it is scripted");
    CheckRecord {
        version: SCHEMA_VERSION,
        gate: gate.to_owned(),
        command: vec!["cargo".to_owned(), "test".to_owned()],
        commit: head.tool.commit.clone(),
        dirty: Some(false),
        folder: String::new(),
        started_at: stamp(ended_ms - wall_ms),
        ended_at: stamp(ended_ms),
        wall_ns: 2_250_000_000,
        exit_code: 0,
        stdout: Captured::whole(STDOUT.as_bytes()),
        stderr: Captured::whole(STDERR.as_bytes()),
        tool: head.tool,
    }
}
