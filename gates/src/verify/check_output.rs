//! The captured output of checks: its sizes add up, and where all of it was kept, it has the digest that was taken on the way.

use baselines::{
    Digest, Evidence,
    check::{Captured, KEPT_BYTES, KEPT_HEAD_BYTES},
};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "check-output",
    class: Class::Invalid,
    demand: "What was kept of a check's output has the sizes that the whole implies, and its digest where nothing was left out.",
    way_out: "run `bench check` again; the output is captured by the program, never written by hand",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (place, check) in evidence.checks.iter().enumerate() {
        for (name, stream) in [("stdout", &check.stdout), ("stderr", &check.stderr)] {
            faults.extend(of_stream(&format!("checks[{place}].{name}"), stream));
        }
    }
    faults
}

fn of_stream(at: &str, stream: &Captured) -> Option<Fault> {
    let field = |name: &str| format!("{at}.{name}");
    let Some(parts) = stream.parts() else {
        let expected = "the bytes of each U+FFFD of the text, in hex digits";
        return Some(Fault::new(field("replaced"), expected, "others, more or fewer"));
    };
    let (total, kept) = (stream.total_bytes, KEPT_BYTES as u64);
    let left_out = total.saturating_sub(kept);
    let found = stream.left_out_bytes;
    let sizes = if left_out == 0 {
        (total, 0)
    } else {
        (KEPT_HEAD_BYTES as u64, kept - KEPT_HEAD_BYTES as u64)
    };
    let lengths = (parts.head.len() as u64, parts.tail.len() as u64);
    Fault::unless_equal(&field("left_out_bytes"), left_out, found)
        .or_else(|| Fault::unless_equal(&field("text"), bytes(sizes.0), bytes(lengths.0)))
        .or_else(|| Fault::unless_equal(&field("tail"), bytes(sizes.1), bytes(lengths.1)))
        .or_else(|| match left_out {
            0 => Fault::unless_equal(&field("digest"), Digest::of(&parts.head), stream.digest),
            _ => None,
        })
}

fn bytes(n: u64) -> String {
    format!("{n} bytes")
}
