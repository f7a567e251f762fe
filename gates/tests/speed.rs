//! How long judging takes, and how much memory: a bundle of a million samples, and a family of eight at forty pairs.
//!
//! The demands hold for a release build: `cargo test --release -p tritgate-gates --test speed -- --ignored --nocapture`.

use std::time::Duration;

use baselines::{
    Evidence,
    testing::{Size, sized_evidence},
};
use gates::{DEFAULT_POLICY, MetricVerdict, Policy, Verdict, compare_arms, derive};

/// 8 series of 1,000 iterations, of which decode has 6 samples each, in 80 processes: 1,040,000 samples.
const MILLION: Size = Size { n_pairs: 40, iterations: Some(1_000), decode_tokens: 6 };

/// The six metrics that ship, and two more.
fn eight() -> String {
    let gated = |workload: &str, metric: &str| {
        format!(
            "\n[[gated]]\nworkload = \"{workload}\"\nmetric = \"{metric}\"\nmargin_negligible = 1.01\n\
             margin_unacceptable = 1.05\n"
        )
    };
    let more = gated("end-to-end", "ttft_ns") + &gated("quantize-tl1", "quantize_ns");
    DEFAULT_POLICY.to_owned() + &more
}

fn bundle(size: Size) -> Evidence {
    Evidence { policy: eight(), ..sized_evidence(1, 1.0, size) }
}

#[expect(clippy::disallowed_methods, reason = "a test that times the crate takes the time itself")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = std::time::Instant::now();
    let made = work();
    (made, start.elapsed())
}

/// `VmHWM` of this process in bytes, where the system says.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

#[test]
fn a_session_of_another_size_holds_every_rule_and_is_judged() {
    let small = Size { n_pairs: 24, iterations: Some(12), decode_tokens: 4 };
    let derived = derive(&bundle(small)).expect("the policy is read");
    assert_eq!(derived.refusals, []);
    assert_eq!((derived.verdict, derived.rows.len()), (Verdict::Pass, 8));
}

#[test]
#[ignore = "a release build: 8 metrics × 40 pairs × 1,000 iterations"]
fn long_a_million_samples_are_read_verified_and_judged_in_three_seconds() {
    let evidence = bundle(MILLION);
    let all = evidence.base.processes.iter().chain(&evidence.head.processes);
    let n_samples: usize = all.flat_map(|process| &process.series).map(|s| s.samples.len()).sum();
    let bytes = evidence.to_json();
    println!("{n_samples} samples, {} bytes, peak before: {:?} bytes", bytes.len(), peak_bytes());

    let policy = Policy::parse(&evidence.policy).expect("it is written here");
    let (rows, judging) = timed(|| compare_arms(&evidence.base, &evidence.head, &policy));
    assert!(rows.iter().all(|row| row.verdict == MetricVerdict::Pass), "{rows:?}");
    drop(evidence);

    let (read, reading) = timed(|| Evidence::from_json(&bytes).expect("ours"));
    let (derived, deriving) = timed(|| derive(&read).expect("the policy is read"));
    assert_eq!(derived.refusals, []);
    assert_eq!(derived.verdict, Verdict::Pass, "{:?}", derived.budgets);
    // The generator and its bundle are in it: an upper bound.
    println!("judging {judging:?}, reading {reading:?}, deriving {deriving:?}");
    println!("read and derived: {:?}, peak {:?} bytes", reading + deriving, peak_bytes());
    assert!(n_samples >= 1_000_000);
    if !cfg!(debug_assertions) {
        // The demands of the project for a machine of two cores.
        assert!(judging <= Duration::from_millis(200), "{judging:?}");
        assert!(reading + deriving <= Duration::from_secs(3), "{:?}", reading + deriving);
        assert!(peak_bytes().is_none_or(|bytes| bytes <= 500_000_000), "{:?}", peak_bytes());
    }
}
