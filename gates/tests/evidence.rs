//! Every rule of the register has a planted fault that turns it red, and a clean session turns none red.

mod common;

use std::collections::BTreeSet;

use baselines::{
    Digest, Evidence, RunRecord,
    evidence::{BaselineRef, Given},
    record::{Accuracy, Layout, ProbeKind, ProbeWhen, Purpose},
};
use common::{rewrite, session};
use gates::{Class, Policy, RULES, Verdict, check_evidence, check_record, derive};

type Plant = fn(&mut Evidence);

fn stored(evidence: &mut Evidence) -> &mut BaselineRef {
    evidence.baseline.as_mut().expect("a baseline is scripted")
}

/// The scripted session as one of a revision that was given.
fn give(evidence: &mut Evidence) -> &mut Given {
    evidence.baseline = None;
    let commit = evidence.base.tool.commit.clone();
    evidence.given.insert(Given { asked: "HEAD~1".to_owned(), commit })
}

/// Two layouts that the base's processes run by turns.
fn lay_out(evidence: &mut Evidence) {
    let subject = &mut evidence.base.subject;
    let layout = |binary, seed| Layout { binary, seed };
    subject.layouts = vec![layout(subject.binary, 1), layout(Digest::of(b"second"), 2)];
    for (place, process) in (0_u64..).zip(&mut evidence.base.processes) {
        process.layout = place % 2;
    }
}

fn counted(record: &mut RunRecord) -> &mut Accuracy {
    record.accuracy.as_mut().expect("accuracy is scripted")
}

/// Rule, what is planted.
#[rustfmt::skip] // a table
const PLANTED: &[(&str, Plant)] = &[
    ("accuracy", |e| counted(&mut e.head).top1_equal = 7_169),
    ("accuracy", |e| counted(&mut e.base).nll_int8 = f64::NAN),
    ("accuracy", |e| counted(&mut e.base).format = "q4_0".to_owned()),
    ("arms-alike", |e| e.head.processes[3].series = e.base.processes[3].series.clone()),
    ("base-source", |e| e.baseline = None),
    ("base-source", |e| e.given = Some(Given { asked: "HEAD~1".to_owned(), commit: None })),
    ("base-source", |e| give(e).commit = Some("0".repeat(40))),
    ("base-source", |e| { give(e); e.base.tool.dirty = Some(true); }),
    ("baseline-fingerprint", |e| stored(e).fingerprint = Digest::of(b"another machine")),
    ("baseline-model", |e| stored(e).model = Digest::of(b"another model")),
    ("chronology", |e| e.created_at = e.head.started_at.clone()),
    ("chronology", |e| { let late = e.created_at.clone(); stored(e).recorded_at = late; }),
    ("chronology", |e| { let (b, h) = (&mut e.base.processes[5], &mut e.head.processes[5]); std::mem::swap(&mut b.started_at, &mut h.started_at); }),
    ("chronology", |e| e.created_at = "yesterday".to_owned()),
    ("chronology", |e| { let last = e.base.ended_at.clone(); e.base.processes[0].ended_at = last; }),
    ("counts", |e| e.head.processes[2].counts[4].products += 1),
    ("counts", |e| e.head.processes[2].counts[4].macs += 1),
    ("counts", |e| e.head.processes[2].counts[4].bytes /= 2),
    ("counts", |e| e.head.processes[2].counts[4].bytes *= 1_000),
    ("counts", |e| { e.head.processes[2].counts.remove(4); }),
    ("counts", |e| { let again = e.head.processes[2].counts[4].clone(); e.head.processes[2].counts.push(again); }),
    ("counts", |e| e.base.processes[0].counts.retain(|c| c.workload != "matmul")),
    ("counts", |e| for c in &mut e.base.processes[0].counts { c.products /= 2; c.macs /= 2; c.bytes /= 2; }),
    ("fingerprint", |e| e.head.host.cpus = 64),
    ("kept-binary", |e| e.base.subject.binary = e.head.subject.binary),
    ("kernels", |e| e.head.processes[0].counts[0].kernel = "mock_inference".to_owned()),
    ("kernels", |e| e.head.processes[0].counts[0].kernel = "gemm_i2s_i8.avx2".to_owned()),
    ("kernels", |e| e.head.processes[0].counts[0].kernel = "gemm_f16_f32.avx512".to_owned()),
    ("layouts", |e| e.head.processes[3].layout = 1),
    ("layouts", |e| { lay_out(e); e.base.subject.layouts[1].binary = e.base.subject.binary; }),
    ("layouts", |e| { lay_out(e); e.base.subject.layouts.reverse(); }),
    ("layouts", |e| { lay_out(e); for p in &mut e.base.processes { p.layout = 0; } }),
    ("model-shape", |e| e.head.subject.model.linears[0].rows = 1),
    ("model-shape", |e| e.head.subject.model.linears[0].bytes /= 2),
    ("model-shape", |e| { e.head.subject.model.linears.remove(3); }),
    ("one-session", |e| e.head.session = "0".repeat(32)),
    ("one-session", |e| e.head.seed += 1),
    ("one-session", |e| e.base.purpose = Purpose::Run),
    ("pairing", |e| { e.head.processes.pop(); }),
    ("pairing", |e| e.head.processes[0].pair = 9),
    ("pairing", |e| e.head.processes[0].position = 7),
    ("physics-bandwidth", |e| rewrite(&mut e.head, "quantize_ns", |_, ns| ns / 400.0)),
    ("physics-compute", |e| rewrite(&mut e.head, "prefill_ns", |_, ns| ns / 4.0)),
    ("physics-kernel-rate", |e| { rewrite(&mut e.head, "decode_step_ns", |_, ns| ns / 3.0); }),
    ("probes", |e| e.head.probes.retain(|p| p.when == ProbeWhen::Before)),
    ("probes", |e| e.head.probes[1].samples_ns.truncate(2)),
    ("probes", |e| e.head.probes[1].samples_ns[0] = 0.0),
    ("probes", |e| for p in &mut e.head.probes { if p.kind == ProbeKind::BandwidthCache { p.work *= 1_000; } }),
    ("probes", |e| for p in &mut e.head.probes { if p.kind == ProbeKind::Int8Peak { p.work *= 10_000; } }),
    ("purpose", |e| e.head.purpose = Purpose::Calibration),
    ("purpose", |e| for r in common::arms(e) { r.purpose = Purpose::Calibration; }),
    ("repeated-samples", |e| e.base.processes[5].series = e.base.processes[4].series.clone()),
    ("required-accuracy", |e| e.head.accuracy = None),
    ("required-accuracy", |e| { let a = counted(&mut e.head); a.positions = 6_999; a.top1_equal = 6_999; }),
    ("required-gates", |e| e.policy = e.policy.replace("\"review:gate:perf\"]", "\"review:gate:security\"]")),
    ("required-metrics", |e| for p in &mut e.head.processes { p.series.retain(|s| s.metric != "matmul_ns"); }),
    ("same-host", |e| { e.head.host.cpus = 64; e.head.host.fingerprint = e.head.host.computed_fingerprint(); }),
    ("same-model", |e| e.head.subject.model.digest = Digest::of(b"another model")),
    ("same-model", |e| e.head.subject.model.file_bytes += 1),
    ("same-output", |e| for p in &mut e.head.processes { p.outputs[1].output_ids_digest = Digest::of(b"other"); }),
    ("same-output", |e| for p in &mut e.head.processes { p.outputs[1].logits_digest = Digest::of(b"other"); }),
    ("same-output", |e| for r in common::arms(e) { for p in &mut r.processes { p.outputs[0].logits_digest = Digest::of(b"other"); } }),
    ("same-settings", |e| e.head.subject.settings.threads = 1),
    ("same-suite", |e| e.head.suite.digest = Digest::of(b"another suite")),
    ("same-suite", |e| { e.head.suite.workloads.pop(); }),
    ("samples", |e| e.head.processes[7].series[2].samples[5] = f64::NAN),
    ("samples", |e| e.head.processes[7].series[2].samples[5] = 0.0),
    ("samples", |e| e.head.processes[7].series[2].samples.fill(5_000_000.0)),
    ("samples", |e| rewrite(&mut e.head, "load_ns", |_, _| 99_000_000.0)),
    ("series", |e| e.head.processes[0].series[0].metric = "load_ms".to_owned()),
    ("series", |e| e.head.processes[0].series[0].workload = "boot".to_owned()),
    ("series", |e| { e.head.processes[0].series[2].samples.pop(); }),
    ("series", |e| { let again = e.head.processes[0].series[0].clone(); e.head.processes[0].series.push(again); }),
    ("stable-output", |e| e.head.processes[9].outputs[1].logits_digest = Digest::of(b"other")),
    ("timestamps", |e| e.head.processes[0].started_at = "2025-09-24T04:52:00Z".to_owned()),
    ("timestamps", |e| e.head.processes[0].started_at = "2025-09-24T04:52:00.000Z".to_owned()),
    ("timestamps", |e| e.head.processes[0].ended_at = e.head.processes[0].started_at.clone()),
    ("timestamps", |e| e.head.ended_at = e.head.started_at.clone()),
    ("tokens", |e| e.head.processes[0].outputs[1].n_generated = 63),
    ("tokens", |e| e.head.processes[0].outputs[0].n_prompt = 0),
    ("tokens", |e| e.head.processes[0].outputs[1].iterations = 1),
    ("tokens", |e| e.head.subject.model.n_ctx = 64),
    ("tokens", |e| { e.head.processes[0].outputs.remove(2); }),
    ("tokens", |e| { let s = &mut e.head.processes[0].series[2]; s.samples.truncate(448); }),
    ("turns", |e| { let (b, h) = (&e.base.processes[4], &mut e.head.processes[4]); h.started_at.clone_from(&b.started_at); h.ended_at.clone_from(&b.ended_at); }),
    ("wall", |e| e.head.processes[0].wall_ns /= 2),
    ("wall", |e| e.head.processes[0].wall_ns += 1_000_000_000),
];

#[test]
fn a_clean_session_and_both_of_its_records_are_not_refused() {
    for seed in 0..20 {
        let evidence = session(seed, 1.0 + 0.05 * f64::from(u32::try_from(seed).unwrap()));
        let policy = Policy::parse(&evidence.policy).unwrap();
        assert_eq!(check_evidence(&evidence, &policy), [], "seed {seed}");
        assert_eq!(check_record(&evidence.head), [], "seed {seed}");
    }
}

#[test]
fn every_planted_fault_turns_its_rule_red() {
    for (place, (rule, plant)) in PLANTED.iter().enumerate() {
        let mut evidence = session(42, 1.0);
        plant(&mut evidence);
        let derived = derive(&evidence).unwrap();
        let found: BTreeSet<&str> = derived.refusals.iter().map(|refusal| refusal.rule).collect();
        assert!(found.contains(rule), "fault {place} for `{rule}`: only {found:?}");
        assert_ne!(derived.verdict, Verdict::Pass, "fault {place} for `{rule}`");
        for refusal in &derived.refusals {
            let Some(known) = RULES.iter().find(|known| known.name == refusal.rule) else {
                panic!("`{}` is not in the register", refusal.rule);
            };
            assert_eq!((refusal.class, refusal.way_out), (known.class, known.way_out));
            assert!(!refusal.field.is_empty() && refusal.expected != refusal.found, "{refusal:?}");
        }
    }
}

#[test]
fn every_rule_has_a_planted_fault() {
    let planted: BTreeSet<&str> = PLANTED.iter().map(|(rule, _)| *rule).collect();
    let known: BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(planted, known);
}

#[test]
fn the_class_of_a_refusal_is_the_verdict() {
    for (rule, verdict) in [
        ("same-output", Verdict::Invalid),
        ("baseline-fingerprint", Verdict::Incomparable),
        ("same-settings", Verdict::Incomparable),
        ("required-accuracy", Verdict::Incomparable),
    ] {
        let (_, plant) = PLANTED.iter().find(|(name, _)| *name == rule).unwrap();
        let mut evidence = session(42, 1.0);
        plant(&mut evidence);
        let derived = derive(&evidence).unwrap();
        assert_eq!(derived.verdict, verdict, "{rule}");
        assert_eq!(derived.route.to, "blocked");
        let kept = RULES.iter().find(|known| known.name == rule).unwrap().class == Class::Missing;
        assert_eq!(
            derived.rows.is_empty(),
            !kept,
            "{rule}: times of refused evidence are not looked at"
        );
    }
}

#[test]
fn a_session_of_a_revision_with_several_layouts_holds() {
    let mut evidence = session(3, 1.0);
    give(&mut evidence);
    evidence.base.tool.dirty = Some(false);
    lay_out(&mut evidence);
    let derived = derive(&evidence).expect("the policy is read");
    assert_eq!(derived.refusals, []);
    assert_eq!(derived.verdict, Verdict::Pass);
    let said = &derived.perf_gate.evidence.last().expect("the comparison is last").text;
    assert!(
        said.contains("against revision `HEAD~1` (")
            && said.contains("2 code layouts of the base and 1"),
        "{said}"
    );
}
