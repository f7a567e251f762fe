//! Every digit of every number of a bundle is held by its files: change one, and nothing verifies any more.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use baselines::{
    Evidence,
    record::WorkloadDef,
    testing::{Size, reseal, sized_evidence},
};

use super::{Found, difference, of_bundle};
use crate::{
    failure::{INVALID, exit_code},
    files::{self, Document},
};

/// A bundle as `bench gate` leaves it: its bytes, and every file beside it.
struct Folder {
    bundle: Vec<u8>,
    beside: BTreeMap<String, Vec<u8>>,
}

impl Folder {
    fn of(evidence: &Evidence) -> Self {
        let (_, files) = files::derive(evidence).expect("the policy is read");
        Self { bundle: evidence.to_json(), beside: files.into_iter().collect() }
    }

    /// What `bench verify` exits with where `bundle` lies among the files.
    fn exit_code(&self, bundle: &[u8]) -> u8 {
        let verify = || -> Result<u8> {
            let Document::Evidence(evidence) = Document::parse(bundle)? else {
                return Ok(INVALID);
            };
            let beside = |name: &str| Ok(Found::Bytes(self.beside[name].clone()));
            Ok(of_bundle(bundle, &evidence, Vec::new(), beside)?.exit_code())
        };
        verify().unwrap_or_else(|error| exit_code(&error))
    }
}

/// A session that passes under the policy that ships, with few samples: each of thousands of changes is derived anew.
fn passing() -> Evidence {
    let size = Size { n_pairs: 16, iterations: Some(2), decode_tokens: 2 };
    let mut evidence = sized_evidence(11, 1.0, size);
    gates::DEFAULT_POLICY.clone_into(&mut evidence.policy);
    evidence
}

/// Where each digit of a number is: outside of strings.
fn digits(json: &[u8]) -> Vec<usize> {
    let (mut places, mut in_text) = (Vec::new(), false);
    for (at, byte) in json.iter().enumerate() {
        match byte {
            // No string of the scripted bundle but the policy holds an escape.
            b'"' if at == 0 || json[at - 1] != b'\\' => in_text = !in_text,
            b'0'..=b'9' if !in_text => places.push(at),
            _ => {}
        }
    }
    places
}

/// A stream of draws, the same everywhere (`SplitMix64`; Steele, Lea, Flood 2014).
fn draw(state: &mut u64) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((z ^ (z >> 31)) >> 33).expect("31 bits")
}

/// Requirement: E0, C1.
#[test]
fn no_digit_of_any_number_can_be_another() {
    let evidence = passing();
    let folder = Folder::of(&evidence);
    assert_eq!(folder.exit_code(&folder.bundle), 0, "the bundle as it was written");
    let places = digits(&folder.bundle);
    let n_flips = 3_000;
    assert!(places.len() > n_flips, "{} digits", places.len());

    // A worker each, one stream each: the flips are the same on any machine.
    let flip = |worker: u64| {
        let mut state = worker;
        for _ in 0..n_flips / 4 {
            let at = places[draw(&mut state) % places.len()];
            let mut bundle = folder.bundle.clone();
            let found = bundle[at];
            let other = u8::try_from(1 + draw(&mut state) % 9).expect("a digit");
            bundle[at] = b'0' + (found - b'0' + other) % 10;
            let code = folder.exit_code(&bundle);
            let around = String::from_utf8_lossy(&bundle[at.saturating_sub(60)..=at]);
            assert_eq!(code, INVALID, "byte {at}, {} made {}: …{around}", found, bundle[at]);
        }
    };
    std::thread::scope(|scope| {
        for worker in 0..4 {
            scope.spawn(move || flip(worker));
        }
    });
}

/// Requirement: E0.
#[test]
fn a_bundle_written_in_another_way_is_another_bundle() {
    let folder = Folder::of(&passing());
    let text = String::from_utf8(folder.bundle.clone()).unwrap();
    for other in [text.replacen(':', ": ", 1), format!("{text}\n"), text.trim_end().to_owned()] {
        assert_eq!(folder.exit_code(other.as_bytes()), INVALID);
    }
}

#[test]
fn the_first_differing_line_is_named() {
    let text =
        difference(b"{\n \"a\": 1,\n \"b\": 2\n}\n", b"{\n \"a\": 1,\n \"b\": 3\n}\n").unwrap();
    assert_eq!(text, "line 3, byte 7: expected \"\\\"b\\\": 2\", found \"\\\"b\\\": 3\"");
    assert_eq!(difference(b"", b""), None);
}

#[test]
fn a_file_cut_short_or_too_long_differs_where_it_ends() {
    let text = difference(b"one\ntwo\n", b"one\n").unwrap();
    assert!(text.starts_with("line 2, byte 1: expected \"two\", found \"\""), "{text}");
    let text = difference(b"one\n", b"one\n\xff").unwrap();
    assert!(text.starts_with("line 2, byte 1: expected \"\", found \"\u{fffd}\""), "{text}");
}

/// A session of 40 pairs and ten workloads, as many iterations as the quick suite has.
fn forty_pairs_of_ten() -> Evidence {
    let size = Size { n_pairs: 40, iterations: Some(40), decode_tokens: 64 };
    let mut evidence = sized_evidence(11, 1.0, size);
    gates::DEFAULT_POLICY.clone_into(&mut evidence.policy);
    for record in [&mut evidence.base, &mut evidence.head] {
        let quantize = record.suite.workloads.iter().find(|def| def.kind == "quantize").cloned();
        let quantize = quantize.expect("the script has it");
        for name in ["quantize-a", "quantize-b", "quantize-c"] {
            record.suite.workloads.push(WorkloadDef { name: name.to_owned(), ..quantize.clone() });
            for process in &mut record.processes {
                let timed = process.series.iter().find(|series| series.workload == quantize.name);
                let mut series = timed.expect("measured").clone();
                series.workload = name.to_owned();
                for (nth, sample) in (1_u32..).zip(&mut series.samples) {
                    *sample = (*sample / 100.0).round() + f64::from(nth % 7);
                }
                process.series.push(series);
            }
        }
        assert_eq!(record.suite.workloads.len(), 10);
    }
    reseal(&mut evidence);
    evidence
}

/// The demand holds for a release build: `cargo test --release -p tritgate-harness --lib a_bundle_of_forty -- --ignored --nocapture`.
#[test]
#[ignore = "a release build: the time to verify 40 pairs of ten workloads"]
#[expect(clippy::disallowed_methods, reason = "a test that times the crate takes the time itself")]
fn a_bundle_of_forty_pairs_of_ten_workloads_is_verified_in_a_second() {
    let evidence = forty_pairs_of_ten();
    let folder = Folder::of(&evidence);
    let mut took: Vec<Duration> = (0..5)
        .map(|_| {
            let start = std::time::Instant::now();
            assert_eq!(folder.exit_code(&folder.bundle), 0);
            start.elapsed()
        })
        .collect();
    took.sort_unstable();
    println!("{} bytes, read, checked, derived and compared: {took:?}", folder.bundle.len());
    assert!(cfg!(debug_assertions) || took[2] <= Duration::from_secs(1), "{took:?}");
}
