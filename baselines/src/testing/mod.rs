//! Scripted records for tests: a plausible paired session, made from a seed and nothing else.
//! Behind the feature `testing`, so that no scripted sample can be in the shipped binary.
//!
//! The counts are exactly consistent with the model, the workloads and the number of samples; the times lie well
//! within what the scripted probes allow; the timestamps hold every process. A test that wants a fault plants it.

mod check;
mod command;
pub mod hostile;
mod noise;
mod patch;
mod process;
mod session;
mod subject;
mod years;

use crate::{
    Digest, Evidence, RunRecord,
    evidence::{BaselineOutput, BaselineRef, HistoryPoint},
    record::{Purpose, SCHEMA_VERSION},
};
pub use check::check;
pub use command::{BENCHMARK, OWN_METRIC, WORKLOAD, benchmarks, commands};
use noise::Noise;
pub use patch::patch;
use session::{Arm, Session};
pub use years::{Day, day, moved};

/// How large a scripted session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Pairs; an even number, so that each arm is first in half of them.
    pub n_pairs: u64,
    /// Iterations of each workload in a process, with an eighth series (`quantize-tl1`); `None`: as many as each workload of
    /// the script has, and seven series.
    pub iterations: Option<u64>,
    /// Tokens, and so samples, of one iteration of decode, at least 2; of no account where `iterations` is `None`.
    pub decode_tokens: u64,
}

impl Size {
    /// 16 pairs of the script as it stands.
    pub const SCRIPT: Self = Self { n_pairs: 16, iterations: None, decode_tokens: 64 };
}

/// Root seed of sessions that ask one question.
const ROOT_SEED: u64 = 42;

/// The base arm of a paired session of 16 pairs; equal to `evidence(seed, _).base`.
#[must_use]
pub fn record(seed: u64) -> RunRecord {
    arm(&Session::new(seed, Size::SCRIPT), Arm::Base, 1.0)
}

/// A paired session whose head takes `head_factor` times as long as its base, on every workload.
///
/// 1.0 is an A/A run, 1.2 a head that is 20 % slower. Noise is about 1 % per sample, shared drift about 1 % per pair.
#[must_use]
pub fn evidence(seed: u64, head_factor: f64) -> Evidence {
    sized_evidence(seed, head_factor, Size::SCRIPT)
}

/// The same of another size.
#[must_use]
pub fn sized_evidence(seed: u64, head_factor: f64, size: Size) -> Evidence {
    let session = Session::new(seed, size);
    let base = arm(&session, Arm::Base, 1.0);
    let head = arm(&session, Arm::Head, head_factor);
    let stored = Digest::of(b"scripted stored record");
    let recorded_at = "2026-03-01T09:00:00.000Z".to_owned();
    let baseline = BaselineRef {
        name: "main".to_owned(),
        record: stored,
        binary: base.subject.binary,
        model: subject::model().digest,
        fingerprint: base.host.fingerprint,
        recorded_at: recorded_at.clone(),
        bootstrap: false,
        outputs: base.processes[0]
            .outputs
            .iter()
            .map(|output| BaselineOutput {
                workload: output.workload.clone(),
                prompt_ids_digest: output.prompt_ids_digest,
                output_ids_digest: output.output_ids_digest,
                logits_digest: output.logits_digest,
            })
            .collect(),
    };
    let history = process::SCRIPTS
        .iter()
        .map(|script| HistoryPoint {
            record: stored,
            started_at: recorded_at.clone(),
            commit: Some(subject::COMMIT_BASE.to_owned()),
            workload: script.workload.to_owned(),
            metric: script.metric.to_owned(),
            median: script.typical_ns,
            min: (script.typical_ns * 0.99).round(),
            max: (script.typical_ns * 1.01).round(),
        })
        .collect();
    Evidence {
        version: SCHEMA_VERSION,
        created_at: session.timestamp(session.end_ms() + 250),
        head_sha: head.tool.commit.clone(),
        baseline: Some(baseline),
        given: None,
        base,
        head,
        history,
        checks: Vec::new(),
        policy: "# scripted policy: the defaults\n".to_owned(),
        policy_commit: None,
        edits: Vec::new(),
        triage: None,
        hops: Vec::new(),
    }
}

/// A session of one build by itself, as `bench baseline record` keeps it, `level` times as slow as the script.
///
/// Each seed is another session, of the same question with the same answers.
#[must_use]
pub fn session(seed: u64, level: f64) -> RunRecord {
    let session = Session::new(seed, Size::SCRIPT);
    let mut record = arm(&session, Arm::Base, level);
    record.purpose = Purpose::Baseline;
    record.seed = ROOT_SEED;
    record.ids = process::ids(&session.scripts, ROOT_SEED);
    for (place, process) in (0..).zip(&mut record.processes) {
        (process.order, process.pair, process.position) = (place, place, 0);
        process.outputs = process::outputs(&session.scripts, ROOT_SEED);
    }
    record.sealed()
}

/// Makes again every digest that the records of a bundle hold of their own parts, as a forger would after a change.
pub fn reseal(evidence: &mut Evidence) {
    for record in [&mut evidence.base, &mut evidence.head] {
        let line = record.subject.command().filter(|command| command.bench.is_some());
        record.suite.digest = record.suite.computed_digest(line.map(|command| &*command.line));
        record.host.fingerprint = record.host.computed_fingerprint();
        *record = record.clone().sealed();
    }
}

/// `n` sessions, newest first, whose levels vary by a relative standard deviation of `sd` about 1.
#[must_use]
pub fn sessions(seed: u64, n: u64, sd: f64) -> Vec<RunRecord> {
    let mut levels = Noise::new(seed, "levels");
    let mut one = |place| session(seed.wrapping_mul(1000) + place, 1.0 + sd * levels.normal());
    (0..n).map(&mut one).collect()
}

fn arm(session: &Session, arm: Arm, factor: f64) -> RunRecord {
    let record = RunRecord {
        version: SCHEMA_VERSION,
        session: session.id.clone(),
        purpose: Purpose::Paired,
        started_at: session.timestamp(0),
        ended_at: session.timestamp(session.end_ms()),
        seed: session.seed,
        deterministic: true,
        tool: subject::tool(arm),
        subject: subject::subject(arm),
        suite: subject::suite(&session.scripts),
        host: subject::host(),
        marks: subject::marks(),
        probes: session.probes(),
        nonce: Some(session.nonce.clone()),
        ids: process::ids(&session.scripts, session.seed),
        processes: (0..session.size.n_pairs)
            .map(|pair| session.process(arm, pair, factor))
            .collect(),
        accuracy: Some(subject::accuracy()),
        format_accuracy: Vec::new(),
    };
    record.sealed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_is_the_base_arm_whatever_the_head_does() {
        assert_eq!(record(7), evidence(7, 1.2).base);
        assert_ne!(record(7), record(8));
    }

    #[test]
    fn the_head_is_slower_by_the_factor_asked_for() {
        let sum = |record: &RunRecord| -> f64 {
            record
                .samples("decode-64", "decode_step_ns")
                .map(|(_, ns)| ns.iter().sum::<f64>())
                .sum()
        };
        let bundle = evidence(3, 1.2);
        let ratio = sum(&bundle.head) / sum(&bundle.base);
        assert!((ratio - 1.2).abs() < 0.012, "ratio {ratio}");
    }

    #[test]
    fn sessions_ask_one_question_and_vary_by_what_was_asked_for() {
        let sessions = sessions(1, 40, 0.04);
        let first =
            |record: &RunRecord| record.samples("load", "load_ns").next().map(|(_, ns)| ns[0]);
        let times: Vec<f64> = sessions.iter().filter_map(first).collect();
        let mean = times.iter().sum::<f64>() / 40.0;
        let variance = times.iter().map(|ns| (ns / mean - 1.0).powi(2)).sum::<f64>() / 39.0;
        // One sample holds 1 % of drift and 1 % of its own: √(4² + 1 + 1) = 4.2 %, ± 3 standard errors of 40 (11 % each).
        assert!((0.028..0.057).contains(&variance.sqrt()), "{}", variance.sqrt());
        for two in sessions.windows(2) {
            assert_ne!(two[0].session, two[1].session);
            assert_eq!(two[0].processes[0].outputs, two[1].processes[0].outputs);
        }
    }

    #[test]
    fn both_arms_cover_every_place_of_the_order_once_and_are_counterbalanced() {
        let bundle = evidence(5, 1.0);
        let both: Vec<_> = bundle.base.processes.iter().chain(&bundle.head.processes).collect();
        let mut orders: Vec<u64> = both.iter().map(|process| process.order).collect();
        orders.sort_unstable();
        assert_eq!(orders, (0..32).collect::<Vec<_>>());
        assert_eq!(bundle.base.processes.iter().filter(|process| process.position == 0).count(), 8);
        for process in both {
            assert_eq!(process.order, 2 * process.pair + process.position);
        }
    }

    #[test]
    fn no_process_holds_more_time_than_its_wall_and_none_overlaps_the_next() {
        let bundle = evidence(11, 1.3);
        let mut both: Vec<_> = bundle.base.processes.iter().chain(&bundle.head.processes).collect();
        both.sort_by_key(|process| process.order);
        for process in &both {
            let sum: f64 = process
                .series
                .iter()
                .filter(|s| s.metric != "ttft_ns")
                .flat_map(|s| &s.samples)
                .sum();
            #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
            let wall = process.wall_ns as f64;
            assert!(sum < wall, "process {}: {sum} of {wall}", process.order);
            assert!(process.started_at < process.ended_at);
        }
        for two in both.windows(2) {
            assert!(two[0].ended_at <= two[1].started_at);
        }
        assert!(bundle.base.started_at < both[0].started_at);
        assert!(both[31].ended_at <= bundle.base.ended_at);
        assert!(bundle.base.ended_at < bundle.created_at);
    }

    #[test]
    fn counts_follow_from_the_model_the_workload_and_the_iterations() {
        let record = record(1);
        let process = &record.processes[0];
        let products = |workload: &str, linear: &str| {
            let found =
                process.counts.iter().find(|c| c.workload == workload && c.linear == linear);
            found.map(|counts| counts.products)
        };
        assert_eq!(products("prefill-128", "attn_q"), Some(8 * 128 * 10));
        assert_eq!(products("prefill-128", "output"), Some(10));
        assert_eq!(products("decode-64", "ffn_down"), Some(8 * 64 * 8));
        assert_eq!(products("decode-64", "output"), Some(64 * 8));
        assert_eq!(products("end-to-end", "attn_k"), Some(8 * (32 + 63) * 5));
        assert_eq!(products("end-to-end", "output"), Some(64 * 5));
        assert_eq!(products("matmul", "ffn_up"), Some(200));
        assert_eq!(products("matmul", "output"), None);
        for counts in &process.counts {
            let linear =
                subject::model().linears.into_iter().find(|linear| linear.name == counts.linear);
            let linear = linear.expect("counts name a linear of the model");
            assert_eq!(counts.macs, counts.products * linear.rows * linear.cols);
        }
    }
}
