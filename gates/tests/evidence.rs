//! Every rule of the register has a planted fault that turns it red, and a clean session turns none red.

mod common;
#[path = "common/gpu.rs"]
mod gpu;
#[path = "common/screened.rs"]
mod screened;

use std::collections::BTreeSet;

use baselines::{
    CheckRecord, Digest, Evidence, RunRecord,
    evidence::{BaselineRef, Given, TriageSession},
    metric::Better,
    record::{
        Accuracy, CommandInfo, DeviceUse, Engine, Layout, MetricDef, ProbeKind, ProbeWhen, Purpose,
        Runs, SchemaVersion, Series, What, is_challenged,
    },
    testing::{self, BENCHMARK, OWN_METRIC, benchmarks, commands},
    unit::Unit,
};
use common::{rewrite, session};
use gates::{Class, Policy, RULES, Verdict, check_evidence, check_record, derive};
use gpu::on_gpu;
use screened::{PACKED, SCREENED, head_counts, packed, screened};

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

/// What the head's third process says of its GPU, in the scripted session as one of a GPU.
fn used(evidence: &mut Evidence) -> &mut DeviceUse {
    on_gpu(evidence);
    evidence.head.processes[2].device.as_mut().expect("scripted")
}

/// Two layouts that the base's processes run by turns.
fn lay_out(evidence: &mut Evidence) {
    let subject = &mut evidence.base.subject;
    let layout = |binary, seed| Layout { binary, seed };
    subject.layouts = vec![layout(subject.binary, 1), layout(Digest::of(b"second"), 2)];
    for (place, process) in (0_u64..).zip(&mut evidence.base.processes) {
        process.layout = place % 2;
    }
    evidence.base = evidence.base.clone().sealed();
}

/// Iterations of the fixed prompt answered in half the time: a program that has learnt them by heart.
fn remembered(record: &mut RunRecord, metric: &str, per_iteration: usize) {
    for process in &mut record.processes {
        for series in process.series.iter_mut().filter(|series| series.metric == metric) {
            for (nth, iteration) in (0..).zip(series.samples.chunks_mut(per_iteration)) {
                for sample in iteration.iter_mut().filter(|_| !is_challenged(nth)) {
                    *sample /= 2.0;
                }
            }
        }
    }
    *record = record.clone().sealed();
}

fn counted(record: &mut RunRecord) -> &mut Accuracy {
    record.accuracy.as_mut().expect("accuracy is scripted")
}

fn engine(record: &mut RunRecord) -> &mut Engine {
    record.subject.engine_mut().expect("an engine is scripted")
}

/// The check of a bundle that has one.
fn checked(evidence: &mut Evidence) -> &mut CheckRecord {
    if evidence.checks.is_empty() {
        evidence.checks.push(testing::check("tests"));
    }
    &mut evidence.checks[0]
}

/// A session of triage of the very builds that are compared.
fn stamped(evidence: &mut Evidence) -> &mut TriageSession {
    let stamp = |arm: &RunRecord| RunRecord { purpose: Purpose::Triage, ..arm.clone() };
    let (base, head) = (stamp(&evidence.base), stamp(&evidence.head));
    evidence.triage.insert(TriageSession { base, head })
}

/// The engine's arms made into those of a command, with all else left as it is: what a forger would do to lose the rules
/// about model, counts and accuracy.
fn without_model(record: &mut RunRecord) {
    record.subject.what = commands(1, 1.0).base.subject.what;
}

fn command(record: &mut RunRecord) -> &mut CommandInfo {
    match &mut record.subject.what {
        What::Command(command) => command,
        What::Engine(_) => unreachable!("a command is scripted"),
    }
}

/// Rule, what is planted.
#[rustfmt::skip] // a table
const PLANTED: &[(&str, Plant)] = &[
    ("allocations", |e| { let again = e.head.processes[4].allocations[0].clone(); e.head.processes[4].allocations.push(again); }),
    ("allocations", |e| e.head.processes[4].allocations[0].workload = "other".to_owned()),
    ("allocations", |e| e.base.processes[4].allocations[0].requests = 0),
    ("accuracy", |e| counted(&mut e.head).top1_equal = 7_169),
    ("accuracy", |e| counted(&mut e.base).nll_int8 = f64::NAN),
    ("accuracy", |e| counted(&mut e.base).format = "q4_0".to_owned()),
    ("arms-alike", |e| e.head.processes[3].series = e.base.processes[3].series.clone()),
    ("base-source", |e| e.baseline = None),
    ("base-source", |e| e.given = Some(Given { asked: "HEAD~1".to_owned(), commit: None })),
    ("base-source", |e| e.policy_commit = Some("b".repeat(40))),
    ("base-source", |e| { give(e); e.base.tool.dirty = Some(false); e.policy_commit = e.head.tool.commit.clone(); }),
    ("base-source", |e| give(e).commit = Some("0".repeat(40))),
    ("base-source", |e| { give(e); e.base.tool.dirty = Some(true); }),
    ("baseline-fingerprint", |e| stored(e).fingerprint = Digest::of(b"another machine")),
    ("baseline-model", |e| stored(e).model = Digest::of(b"another model")),
    ("challenge", |e| e.head.nonce = None),
    ("challenge", |e| e.head.processes[4].challenges.clear()),
    ("challenge", |e| e.head.processes[4].challenges[0].iterations -= 1),
    ("challenge", |e| { e.head.processes[4].challenges[1].generated.pop(); }),
    ("challenge", |e| e.head.processes[4].challenges[1].generated[3] = 4_096),
    ("challenge", |e| { let fixed = e.head.processes[4].outputs[1].prompt_ids_digest; e.head.processes[4].challenges[1].prompt_ids_digest = fixed; }),
    ("challenge", |e| for r in common::arms(e) { r.processes[4].challenges = r.processes[3].challenges.clone(); }),
    ("challenge", |e| { let again = e.head.processes[4].challenges[1].clone(); e.head.processes[4].challenges.push(again); }),
    ("challenge", |e| e.head.processes[4].challenges[1].workload = "end-to-end".to_owned()),
    ("challenge-times", |e| remembered(&mut e.head, "prefill_ns", 1)),
    ("challenge-times", |e| for r in common::arms(e) { remembered(r, "decode_step_ns", 64); }),
    ("check-commit", |e| checked(e).commit = Some("0".repeat(40))),
    ("check-commit", |e| checked(e).commit = None),
    ("check-commit", |e| checked(e).dirty = Some(true)),
    ("check-commit", |e| checked(e).dirty = None),
    ("check-commit", |e| { checked(e); e.head.tool.dirty = Some(true); }),
    ("check-output", |e| checked(e).stdout.text = checked(e).stdout.text.replace("2 passed", "9 passed")),
    ("check-output", |e| checked(e).stdout.text.push('\n')),
    ("check-output", |e| checked(e).stderr.digest = Digest::of(b"other")),
    ("check-output", |e| checked(e).stderr.left_out_bytes = 1),
    ("check-output", |e| checked(e).stderr.total_bytes += 1),
    ("check-output", |e| checked(e).stderr.total_bytes = u64::MAX),
    ("check-output", |e| checked(e).stderr.tail.push('x')),
    ("check-output", |e| checked(e).stderr.replaced = "ff".to_owned()),
    ("check-output", |e| { let s = &mut checked(e).stderr; s.total_bytes += 2 << 20; s.left_out_bytes = s.total_bytes - (1 << 20); }),
    ("check-times", |e| { let c = checked(e); std::mem::swap(&mut c.started_at, &mut c.ended_at); }),
    ("check-times", |e| { let late = "2027-01-01T00:00:00.000Z".to_owned(); checked(e).ended_at = late; }),
    ("check-times", |e| e.created_at = checked(e).started_at.clone()),
    ("check-times", |e| checked(e).wall_ns /= 2),
    ("check-times", |e| checked(e).wall_ns = u64::MAX),
    ("check-times", |e| checked(e).started_at = "2026-03-02".to_owned()),
    ("chronology", |e| e.created_at = e.head.started_at.clone()),
    ("chronology", |e| { let late = e.created_at.clone(); stored(e).recorded_at = late; }),
    ("chronology", |e| { let (b, h) = (&mut e.base.processes[5], &mut e.head.processes[5]); std::mem::swap(&mut b.started_at, &mut h.started_at); }),
    ("chronology", |e| e.created_at = "yesterday".to_owned()),
    ("chronology", |e| { let last = e.base.ended_at.clone(); e.base.processes[0].ended_at = last; }),
    ("command", |e| without_model(&mut e.head)),
    ("command", |e| { without_model(&mut e.base); without_model(&mut e.head); e.baseline = None; }),
    ("command", |e| e.head.suite.workloads[0].kind = "command".to_owned()),
    ("command", |e| e.head.processes[0].runs.push(Runs { workload: "load".to_owned(), exit_codes: vec![], stdout_digests: vec![], iterations: vec![] })),
    ("command", |e| { let n = e.head.processes[0].series[0].samples.len(); e.head.processes[0].series.push(Series { workload: "load".to_owned(), metric: "cpu_ns".to_owned(), per_iteration: 1, samples: vec![1.0; n] }); }),
    ("command", |e| for r in common::arms(e) { r.suite.metrics = vec![MetricDef { name: "x_ns".to_owned(), pointer: String::new(), unit: Unit::Nanoseconds, better: Better::Lower }]; }),
    ("counts", |e| e.head.processes[2].counts[4].products += 1),
    ("counts", |e| e.head.processes[2].counts[4].macs += 1),
    ("counts", |e| e.head.processes[2].counts[4].bytes /= 2),
    ("counts", |e| e.head.processes[2].counts[4].bytes *= 1_000),
    ("counts", |e| { e.head.processes[2].counts.remove(4); }),
    ("counts", |e| { let again = e.head.processes[2].counts[4].clone(); e.head.processes[2].counts.push(again); }),
    ("counts", |e| e.base.processes[0].counts.retain(|c| c.workload != "matmul")),
    ("counts", |e| for c in &mut e.base.processes[0].counts { c.products /= 2; c.macs /= 2; c.bytes /= 2; }),
    ("device", |e| for r in common::arms(e) { engine(r).settings.device_selected = "cuda:0".to_owned(); }),
    ("device", |e| { on_gpu(e); for r in common::arms(e) { engine(r).settings.device_selected = "cpu".to_owned(); } }),
    ("device", |e| { on_gpu(e); for c in &mut e.head.processes[2].counts { if c.workload == "decode-64" && c.linear == "attn_q" { c.kernel = "ternary_i8.avx512".to_owned(); } } }),
    ("device", |e| used(e).id = "cuda:1".to_owned()),
    ("device", |e| used(e).peak_bytes = Some(1_000)),
    ("device", |e| used(e).peak_bytes = Some(81 << 30)),
    ("device", |e| used(e).to_device_bytes = 1_000),
    ("device", |e| used(e).to_host_bytes = 0),
    ("device", |e| used(e).launches = 3),
    ("device", |e| used(e).graphs = 100_001),
    ("fingerprint", |e| e.head.host.cpus = 64),
    ("head-source", |e| e.head_sha = Some("0".repeat(40))),
    ("head-source", |e| e.head_sha = None),
    ("head-source", |e| e.head.tool.commit = None),
    ("ids", |e| e.head.ids.clear()),
    ("ids", |e| e.head.ids[1].generated[3] ^= 1),
    ("ids", |e| { e.base.ids[1].generated.pop(); }),
    ("ids", |e| e.base.ids[0].prompt[0] = 7_000_000),
    ("ids", |e| { let again = e.head.ids[1].clone(); e.head.ids.push(again); }),
    ("ids", |e| e.head.ids[2].workload = "load".to_owned()),
    ("kept-binary", |e| e.base.subject.binary = e.head.subject.binary),
    ("kept-binary", |e| e.baseline = None),
    ("kernels", |e| e.head.processes[0].counts[0].kernel = "mock_inference".to_owned()),
    ("kernels", |e| e.head.processes[0].counts[0].kernel = "gemm_i2s_i8.avx2".to_owned()),
    ("kernels", |e| e.head.processes[0].counts[0].kernel = "gemm_f16_f32.avx512".to_owned()),
    ("kernels", |e| e.head.processes[0].counts[0].kernel = "ternary_i8.cpu".to_owned()),
    ("kernels", |e| e.head.processes[0].counts[0].kernel = "ternary_i8.cuda".to_owned()),
    ("kernels", |e| { on_gpu(e); e.head.processes[0].counts[0].kernel = "ternary_i8.metal".to_owned(); }),
    ("layouts", |e| e.head.processes[3].layout = 1),
    ("layouts", |e| { lay_out(e); e.base.subject.layouts[1].binary = e.base.subject.binary; }),
    ("layouts", |e| { lay_out(e); e.base.subject.layouts.reverse(); }),
    ("layouts", |e| { lay_out(e); for p in &mut e.base.processes { p.layout = 0; } }),
    ("model-shape", |e| engine(&mut e.head).model.linears[0].rows = 1),
    ("model-shape", |e| engine(&mut e.head).model.linears[0].bytes /= 2),
    ("model-shape", |e| { engine(&mut e.head).model.linears.remove(3); }),
    ("one-session", |e| e.head.session = "0".repeat(32)),
    ("one-session", |e| e.head.seed += 1),
    ("one-session", |e| e.base.purpose = Purpose::Run),
    ("pairing", |e| { e.head.processes.pop(); }),
    ("pairing", |e| e.head.processes[0].pair = 9),
    ("pairing", |e| e.head.processes[0].position = 7),
    ("phases", |e| rewrite(&mut e.head, "ttft_ns", |_, ns| ns * 10.0)),
    ("phases", |e| { e.head.processes[3].series[4].samples.pop(); }),
    ("physics-bandwidth", |e| rewrite(&mut e.head, "quantize_ns", |_, ns| ns / 400.0)),
    ("physics-bandwidth", |e| { on_gpu(e); rewrite(&mut e.head, "decode_step_ns", |_, ns| ns / 1e3); }),
    ("physics-compute", |e| { on_gpu(e); rewrite(&mut e.head, "prefill_ns", |_, ns| ns / 1e4); }),
    ("physics-compute", |e| rewrite(&mut e.head, "prefill_ns", |_, ns| ns / 4.0)),
    ("physics-kernel-rate", |e| { rewrite(&mut e.head, "decode_step_ns", |_, ns| ns / 3.0); }),
    ("probes", |e| e.head.probes.retain(|p| p.when == ProbeWhen::Before)),
    ("probes", |e| e.head.probes[1].samples_ns.truncate(2)),
    ("probes", |e| e.head.probes[1].samples_ns[0] = 0.0),
    ("probes", |e| for p in &mut e.head.probes { if p.kind == ProbeKind::BandwidthCache { p.work *= 1_000; } }),
    ("probes", |e| { on_gpu(e); e.head.probes.retain(|p| p.kind != ProbeKind::DeviceInt8Peak); }),
    ("probes", |e| { on_gpu(e); for p in &mut e.head.probes { if p.kind == ProbeKind::DeviceBandwidth { p.work *= 1_000; } } }),
    ("probes", |e| for p in &mut e.head.probes { if p.kind == ProbeKind::Int8Peak { p.work *= 10_000; } }),
    ("purpose", |e| e.head.purpose = Purpose::Calibration),
    ("purpose", |e| for r in common::arms(e) { r.purpose = Purpose::Calibration; }),
    ("purpose", |e| for r in common::arms(e) { r.purpose = Purpose::Triage; }),
    ("repeated-samples", |e| e.base.processes[5].series = e.base.processes[4].series.clone()),
    ("required-accuracy", |e| e.head.accuracy = None),
    ("required-accuracy", |e| { let a = counted(&mut e.head); a.positions = 6_999; a.top1_equal = 6_999; }),
    ("required-gates", |e| e.policy = e.policy.replace("\"review:gate:perf\"]", "\"review:gate:security\"]")),
    ("required-gates", |e| { checked(e); e.policy = e.policy.replace("\"review:gate:perf\"]", "\"review:gate:clippy\"]"); }),
    ("required-metrics", |e| for p in &mut e.head.processes { p.series.retain(|s| s.metric != "matmul_ns"); }),
    ("same-challenge", |e| e.head.nonce = Some("0".repeat(32))),
    ("same-challenge", |e| e.head.processes[4].challenges[1].generated[3] ^= 1),
    ("same-challenge", |e| e.head.processes[4].challenges[0].logits_digest = Digest::of(b"other")),
    ("same-challenge", |e| e.head.processes[4].challenges[0].prompt_ids_digest = Digest::of(b"other")),
    ("same-challenge", |e| { e.head.processes[4].challenges.pop(); }),
    ("same-command", |e| without_model(&mut e.head)),
    ("same-host", |e| { e.head.host.cpus = 64; e.head.host.fingerprint = e.head.host.computed_fingerprint(); }),
    ("same-model", |e| engine(&mut e.head).model.digest = Digest::of(b"another model")),
    ("same-model", |e| engine(&mut e.head).model.file_bytes += 1),
    ("same-output", |e| for p in &mut e.head.processes { p.outputs[1].output_ids_digest = Digest::of(b"other"); }),
    ("same-output", |e| for p in &mut e.head.processes { p.outputs[1].logits_digest = Digest::of(b"other"); }),
    ("same-output", |e| for r in common::arms(e) { for p in &mut r.processes { p.outputs[0].logits_digest = Digest::of(b"other"); } }),
    ("same-settings", |e| engine(&mut e.head).settings.threads = 1),
    ("same-suite", |e| e.head.suite.digest = Digest::of(b"another suite")),
    ("same-suite", |e| { e.head.suite.workloads.pop(); }),
    ("samples", |e| e.head.processes[7].series[2].samples[5] = f64::NAN),
    ("samples", |e| e.head.processes[7].series[2].samples[5] = 0.0),
    ("samples", |e| e.head.processes[7].series[2].samples.fill(5_000_000.0)),
    ("samples", |e| rewrite(&mut e.head, "load_ns", |_, _| 99_000_000.0)),
    ("samples-digest", |e| e.head.processes[7].series[2].samples[5] += 1.0),
    ("samples-digest", |e| e.head.processes[7].samples_digest = None),
    ("samples-digest", |e| std::mem::swap(&mut e.base.processes, &mut e.head.processes)),
    ("samples-digest", |e| { let (b, h) = (&mut e.base.processes[7], &mut e.head.processes[7]); std::mem::swap(&mut b.series, &mut h.series); std::mem::swap(&mut b.samples_digest, &mut h.samples_digest); }),
    ("samples-digest", |e| e.head.processes[7].series.swap(0, 1)),
    ("schema", |e| { let old = SchemaVersion { major: 1, minor: 1 }; e.version = old; for r in common::arms(e) { r.version = old; } }),
    ("screening", |e| screened(&mut e.head, |s| s.refined_rows = s.screened_rows + 1)),
    ("screening", |e| screened(&mut e.head, |s| s.refined_rows -= 1)),
    ("screening", |e| screened(&mut e.head, |s| s.rescored_rows = 1)),
    ("screening", |e| screened(&mut e.head, |s| s.rescored_rows = s.refined_rows + 1)),
    ("screening", |e| screened(&mut e.head, |s| s.screened_rows -= 1)),
    ("screening", |e| screened(&mut e.head, |s| s.screened_rows *= 2)),
    ("screening", |e| screened(&mut e.head, |s| s.screened_rows = u64::MAX)),
    ("screening", |e| screened(&mut e.head, |s| s.workload = "prefill-128".to_owned())),
    ("screening", |e| { screened(&mut e.head, |_| {}); e.head.processes[2].screenings.clear(); }),
    ("screening", |e| { screened(&mut e.head, |_| {}); let p = &mut e.head.processes[2]; p.screenings.push(p.screenings[0].clone()); }),
    ("screening", |e| { screened(&mut e.head, |_| {}); for c in head_counts(&mut e.head, "prefill-128") { c.kernel = SCREENED.to_owned(); } }),
    ("screening", |e| for c in &mut e.head.processes[2].counts { if c.linear == "attn_q" { c.kernel = SCREENED.to_owned(); } }),
    ("counts", |e| { screened(&mut e.head, |_| {}); for c in head_counts(&mut e.head, "decode-64") { c.bytes = c.products * (4096 * (160 * 2 + 16)) - 1; } }),
    ("counts", |e| { screened(&mut e.head, |_| {}); for c in head_counts(&mut e.head, "decode-64") { c.bytes = c.products * (4096 * 384 * 2 + 4096 * (512 + 16)) + 1; } }),
    ("counts", |e| { screened(&mut e.head, |_| {}); for c in head_counts(&mut e.head, "decode-64") { c.kernel = "gemm_f16_f32.avx512".to_owned(); } }),
    ("counts", |e| { packed(&mut e.head, "ffn_down"); for c in &mut e.head.processes[2].counts { if c.kernel == PACKED { c.bytes -= 1; } } }),
    ("counts", |e| { packed(&mut e.head, "ffn_down"); for c in &mut e.head.processes[2].counts { if c.kernel == PACKED { c.bytes += 33 * c.products; } } }),
    ("kernels", |e| packed(&mut e.head, "attn_q")),
    ("kernels", |e| for c in head_counts(&mut e.head, "decode-64") { c.kernel = PACKED.to_owned(); }),
    ("kernels", |e| for c in head_counts(&mut e.head, "decode-64") { c.kernel = "screened_f16.avx2".to_owned(); }),
    ("kernels", |e| for c in head_counts(&mut e.head, "decode-64") { c.kernel = "screened_q8.avx512".to_owned(); }),
    ("series", |e| e.head.processes[0].series[0].metric = "load_ms".to_owned()),
    ("series", |e| e.head.processes[0].series[0].workload = "boot".to_owned()),
    ("series", |e| { e.head.processes[0].series[2].samples.pop(); }),
    ("series", |e| { let again = e.head.processes[0].series[0].clone(); e.head.processes[0].series.push(again); }),
    ("stable-output", |e| e.head.processes[9].outputs[1].logits_digest = Digest::of(b"other")),
    ("suite-digest", |e| for r in common::arms(e) { r.suite.digest = Digest::of(b"other"); }),
    ("suite-digest", |e| for r in common::arms(e) { r.suite.rounds = 1; }),
    ("timestamps", |e| e.head.processes[0].started_at = "2025-09-24T04:52:00Z".to_owned()),
    ("timestamps", |e| e.head.processes[0].started_at = "2025-09-24T04:52:00.000Z".to_owned()),
    ("timestamps", |e| e.head.processes[0].ended_at = e.head.processes[0].started_at.clone()),
    ("timestamps", |e| e.head.ended_at = e.head.started_at.clone()),
    ("tokens", |e| e.head.processes[0].outputs[1].n_generated = 63),
    ("tokens", |e| e.head.processes[0].outputs[0].n_prompt = 0),
    ("tokens", |e| e.head.processes[0].outputs[1].iterations = 1),
    ("tokens", |e| engine(&mut e.head).model.n_ctx = 64),
    ("tokens", |e| { e.head.processes[0].outputs.remove(2); }),
    ("tokens", |e| { let s = &mut e.head.processes[0].series[2]; s.samples.truncate(448); }),
    ("triage-arms", |e| { stamped(e).base.purpose = Purpose::Paired; }),
    ("triage-arms", |e| { stamped(e).head.subject.binary = Digest::of(b"another build"); }),
    ("triage-arms", |e| { stamped(e).base.subject.layouts = vec![Layout { binary: Digest::of(b"shuffled"), seed: 7 }]; }),
    ("turns", |e| { let (b, h) = (&e.base.processes[4], &mut e.head.processes[4]); h.started_at.clone_from(&b.started_at); h.ended_at.clone_from(&b.ended_at); }),
    ("wall", |e| e.head.processes[0].wall_ns /= 2),
    ("wall", |e| e.head.processes[0].wall_ns += 1_000_000_000),
];

/// Rule, what is planted in a session of two commands.
#[rustfmt::skip] // a table
const PLANTED_IN_COMMANDS: &[(&str, Plant)] = &[
    ("allocations", |e| e.head.processes[1].allocations = session(1, 1.0).head.processes[1].allocations.clone()),
    ("arms-alike", |e| e.head.processes[3].series = e.base.processes[3].series.clone()),
    ("base-source", |e| e.given.as_mut().expect("scripted").asked = "other".to_owned()),
    ("base-source", |e| { let commit = e.base.tool.commit.clone(); e.given.as_mut().expect("scripted").commit = commit; }),
    ("command", |e| e.head.processes[2].runs[0].exit_codes[1] = 1),
    ("command", |e| { e.head.processes[2].runs[0].exit_codes.pop(); }),
    ("command", |e| e.head.processes[2].runs.clear()),
    ("command", |e| { let again = e.head.processes[2].runs[0].clone(); e.head.processes[2].runs.push(again); }),
    ("command", |e| e.head.processes[2].runs[0].stdout_digests[4] = Digest::of(b"other")),
    ("command", |e| { e.head.processes[2].runs[0].stdout_digests.pop(); }),
    ("command", |e| rewrite(&mut e.head, "cpu_ns", |_, ns| ns * 100.0)),
    ("command", |e| e.head.processes[2].series[1].metric = "user_ns".to_owned()),
    ("command", |e| e.head.suite.workloads[0].kind = "load".to_owned()),
    ("command", |e| { e.head.suite.workloads[0].params.clear(); }),
    ("command", |e| e.head.processes[0].series[0].metric = "load_ns".to_owned()),
    ("command", |e| e.head.accuracy = session(1, 1.0).head.accuracy),
    ("command", |e| e.head.processes[0].outputs = session(1, 1.0).head.processes[0].outputs.clone()),
    ("command", |e| e.head.processes[0].counts = session(1, 1.0).head.processes[0].counts.clone()),
    ("kept-binary", |e| e.given = None),
    ("kept-binary", |e| e.baseline = session(1, 1.0).baseline),
    ("required-metrics", |e| for p in &mut e.head.processes { p.series.remove(0); }),
    ("same-command", |e| command(&mut e.head).prepare = None),
    ("same-command", |e| command(&mut e.head).shell = Some("sh".to_owned())),
    ("same-command", |e| e.head.subject.what = session(1, 1.0).head.subject.what),
    ("same-output", |e| for p in &mut e.head.processes { p.runs[0].stdout_digests.fill(Digest::of(b"other")); }),
    ("same-suite", |e| e.base.suite.metrics.clear()),
    ("samples", |e| rewrite(&mut e.head, "wall_ns", |_, _| 100e6)),
    ("samples", |e| e.head.processes[1].series[2].samples[0] = 0.0),
    ("series", |e| e.head.processes[0].series[2].metric = "unknown_count".to_owned()),
    ("tokens", |e| { e.head.processes[0].series[2].samples.pop(); }),
    ("triage-arms", |e| command(&mut stamped(e).head).line = "another command".to_owned()),
    ("turns", |e| { let (b, h) = (&e.base.processes[4], &mut e.head.processes[4]); h.started_at.clone_from(&b.started_at); h.ended_at.clone_from(&b.ended_at); rewrite(&mut e.head, "wall_ns", |_, ns| ns * 30.0); }),
    ("wall", |e| rewrite(&mut e.head, "wall_ns", |_, ns| ns * 100.0)),
];

/// Rule, what is planted in a session of two builds of a bench target.
#[rustfmt::skip] // a table
const PLANTED_IN_BENCHMARKS: &[(&str, Plant)] = &[
    ("base-source", |e| e.given.as_mut().expect("scripted").commit = None),
    ("base-source", |e| e.given.as_mut().expect("scripted").commit = Some("c".repeat(40))),
    ("command", |e| e.head.processes[2].runs[0].exit_codes = vec![101]),
    ("command", |e| e.head.processes[2].runs[0].exit_codes = vec![0, 0]),
    ("command", |e| { e.head.processes[2].runs[0].iterations.pop(); }),
    ("command", |e| e.head.processes[2].runs[0].iterations[1] = 0),
    ("command", |e| e.head.processes[2].runs.clear()),
    ("command", |e| e.head.processes[2].series.clear()),
    ("command", |e| { let again = e.head.processes[2].runs[0].clone(); e.head.processes[2].runs.push(again); }),
    ("command", |e| e.head.processes[2].series[0].metric = "wall_ns".to_owned()),
    ("check-commit", |e| { checked(e); }),
    ("command", |e| e.head.suite.workloads[0].kind = "command".to_owned()),
    ("command", |e| command(&mut e.head).bench = None),
    ("command", |e| e.head.accuracy = session(1, 1.0).head.accuracy),
    ("required-metrics", |e| for p in &mut e.head.processes { p.series.clear(); p.runs.clear(); }),
    ("same-command", |e| command(&mut e.head).bench.as_mut().expect("scripted").name = "other".to_owned()),
    ("same-suite", |e| e.head.suite.digest = Digest::of(b"another suite")),
    ("samples", |e| rewrite(&mut e.head, "iteration_ns", |_, _| 100e3)),
    ("samples", |e| e.head.processes[1].series[0].samples[0] = 0.0),
    ("turns", |e| { let (b, h) = (&e.base.processes[4], &mut e.head.processes[4]); h.started_at.clone_from(&b.started_at); h.ended_at.clone_from(&b.ended_at); for n in &mut h.runs[0].iterations { *n *= 30; } }),
    ("wall", |e| for n in &mut e.head.processes[3].runs[0].iterations { *n *= 100; }),
];

#[test]
fn every_fault_planted_in_a_session_of_benchmarks_is_refused_and_a_clean_one_is_judged() {
    let of = |factor: f64| {
        let policy = gates::command_policy(&[(BENCHMARK, "iteration_ns")]);
        Evidence { policy, ..benchmarks(42, factor) }
    };
    for (factor, verdict) in [(1.0, Verdict::Pass), (1.2, Verdict::Fail)] {
        let derived = derive(&of(factor)).unwrap();
        assert_eq!(
            (derived.refusals.len(), derived.verdict),
            (0, verdict),
            "{:?}",
            derived.refusals
        );
    }
    let mut quick = of(1.0);
    // A benchmark of less than a nanosecond, as an addition is.
    for record in common::arms(&mut quick) {
        rewrite(record, "iteration_ns", |_, ns| ns / 1e6);
    }
    assert_eq!(derive(&quick).unwrap().refusals, []);
    refused(PLANTED_IN_BENCHMARKS, || of(1.0));
}

#[test]
fn a_session_that_a_gpu_computed_is_judged_and_so_is_one_that_lost_it() {
    let of = |factor: f64| {
        let mut evidence = session(42, factor);
        on_gpu(&mut evidence);
        evidence
    };
    for (factor, verdict) in [(1.0, Verdict::Pass), (1.2, Verdict::Fail)] {
        let derived = derive(&of(factor)).unwrap();
        assert_eq!(derived.refusals, []);
        assert_eq!(derived.verdict, verdict, "{factor}");
    }
    // The CPU went on: its kernels, next to nothing moved, and a reason.
    let mut lost = of(1.0);
    let process = &mut lost.head.processes[2];
    let device = process.device.as_mut().unwrap();
    (device.lost, device.launches, device.graphs) = (Some("planted".to_owned()), 1, 1);
    for counts in process.counts.iter_mut().filter(|counts| counts.kernel.ends_with(".cuda")) {
        counts.kernel = counts.kernel.replace("cuda", "avx512");
    }
    assert_eq!(derive(&lost).unwrap().refusals, []);
}

/// Every fault is refused by its rule, and nothing passes.
fn refused(planted: &[(&str, Plant)], clean: impl Fn() -> Evidence) {
    for (place, (rule, plant)) in planted.iter().enumerate() {
        let mut evidence = clean();
        plant(&mut evidence);
        let found: BTreeSet<&str> = derive(&evidence).map_or_else(
            |error| panic!("fault {place} for `{rule}`: {error}"),
            |derived| {
                assert_ne!(derived.verdict, Verdict::Pass, "fault {place} for `{rule}`");
                derived.refusals.iter().map(|refusal| refusal.rule).collect()
            },
        );
        assert!(found.contains(rule), "fault {place} for `{rule}`: only {found:?}");
    }
}

/// A session of two commands under the policy that ships for them, with the suite's own metric gated as well.
fn session_of_commands(seed: u64, head_factor: f64) -> Evidence {
    let mut evidence = commands(seed, head_factor);
    let workload = testing::WORKLOAD;
    evidence.policy = gates::command_policy(&[(workload, "wall_ns"), (workload, OWN_METRIC)]);
    evidence
}

#[test]
fn a_clean_session_of_commands_is_judged_on_time_and_on_what_they_say_of_themselves() {
    for (factor, verdict) in [(1.0, Verdict::Pass), (1.2, Verdict::Fail), (0.8, Verdict::Pass)] {
        let derived = derive(&session_of_commands(3, factor)).unwrap();
        assert_eq!(derived.refusals, []);
        assert_eq!(derived.verdict, verdict, "{factor}");
        // A rate falls as the time rises: turned round, both say the same.
        let estimates: Vec<f64> =
            derived.rows.iter().map(|row| row.comparison.as_ref().unwrap().estimate).collect();
        assert!((estimates[0] - estimates[1]).abs() < 1e-6, "{estimates:?}");
        assert_eq!(derived.rows[1].unit, Unit::Count);
        assert_eq!(derived.inference["success"], false);
        let text = derived.inference["error"].as_str().unwrap();
        assert!(text.contains("external command"), "{text}");
        assert!(derived.budgets.is_empty());
    }
}

#[test]
fn every_fault_planted_in_a_session_of_commands_is_refused() {
    refused(PLANTED_IN_COMMANDS, || session_of_commands(42, 1.0));
}

#[test]
fn an_engines_evidence_that_calls_itself_a_command_is_invalid_whatever_else_it_drops() {
    let mut evidence = session(42, 1.0);
    evidence.baseline = None;
    for record in common::arms(&mut evidence) {
        without_model(record);
        record.accuracy = None;
        for process in &mut record.processes {
            process.counts.clear();
            process.outputs.clear();
        }
    }
    let derived = derive(&evidence).unwrap();
    assert_eq!(derived.verdict, Verdict::Invalid);
}

#[test]
fn a_clean_session_and_both_of_its_records_are_not_refused() {
    for seed in 0..20 {
        let evidence = session(seed, 1.0 + 0.05 * f64::from(u32::try_from(seed).unwrap()));
        let policy = Policy::parse(&evidence.policy).unwrap();
        assert_eq!(check_evidence(&evidence, &policy), [], "seed {seed}");
        assert_eq!(check_record(&evidence.head), [], "seed {seed}");
    }
}

/// Requirement: M4, M5, H1, H2, Z2.
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
    let mut items = derived.perf_gate.evidence.iter();
    let said = &items.find(|item| item.key == "baseline_comparison").expect("it is told").text;
    assert!(
        said.contains("against revision `HEAD~1` (")
            && said.contains("2 code layouts of the base and 1"),
        "{said}"
    );
}
