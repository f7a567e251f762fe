//! Bad input, one fault at a time: each ends in a named refusal or in a row that says why, never in a panic or a pass.

mod common;

use baselines::{Evidence, record::Process};
use common::{arms, rewrite, session};
use gates::{Derived, Verdict, derive};

type Plant = fn(&mut Evidence);

/// What is planted; the rule that refuses it, or words of the row that cannot be judged.
#[rustfmt::skip] // a table
const FAULTS: &[(&str, Plant, &str)] = &[
    ("constant samples in one process", |e| first(e, |ns| ns.fill(12_400_000.0), "matmul_ns"), "samples"),
    ("constant samples in one arm", |e| rewrite(&mut e.head, "load_ns", |_, _| 12_400_000.0), "samples"),
    ("constant samples in both arms", |e| everywhere(e, |_| 12_400_000.0), "samples"),
    ("a NaN", |e| first(e, |ns| ns[0] = f64::NAN, "load_ns"), "samples"),
    ("NaN everywhere", |e| everywhere(e, |_| f64::NAN), "samples"),
    ("an infinity", |e| first(e, |ns| ns[0] = f64::INFINITY, "load_ns"), "samples"),
    ("infinities everywhere", |e| everywhere(e, |_| f64::INFINITY), "samples"),
    ("minus infinity", |e| first(e, |ns| ns[0] = f64::NEG_INFINITY, "decode_step_ns"), "samples"),
    ("a zero", |e| first(e, |ns| ns[0] = 0.0, "load_ns"), "samples"),
    ("minus zero", |e| first(e, |ns| ns[0] = -0.0, "load_ns"), "samples"),
    ("zeros everywhere", |e| everywhere(e, |_| 0.0), "samples"),
    ("a negative time", |e| first(e, |ns| ns[0] = -1.0, "load_ns"), "samples"),
    ("negative times everywhere", |e| everywhere(e, |ns| -ns), "samples"),
    ("the largest double", |e| first(e, |ns| ns[0] = f64::MAX, "load_ns"), "wall"),
    ("the largest double everywhere", |e| everywhere(e, |ns| f64::MAX / ns), "wall"),
    ("the smallest double", |e| first(e, |ns| ns.fill(5e-324), "load_ns"), "samples"),
    ("no sample", |e| first(e, Vec::clear, "load_ns"), "series"),
    ("no sample in an arm", |e| for p in &mut e.head.processes { p.series[0].samples.clear(); }, "required-metrics"),
    ("one sample", |e| first(e, |ns| ns.truncate(1), "load_ns"), "tokens"),
    ("one sample in every process", |e| for r in arms(e) { for p in &mut r.processes { p.series[0].samples.truncate(1); } }, "tokens"),
    ("half an iteration", |e| first(e, |ns| ns.truncate(32), "decode_step_ns"), "series"),
    ("one pair", |e| for r in arms(e) { r.processes.truncate(1); }, "2 are the least"),
    ("two pairs", |e| for r in arms(e) { keep_pairs(&mut r.processes, &[0, 1]); }, "nothing to compare|allow no 95 % interval|pairing"),
    ("no process", |e| for r in arms(e) { r.processes.clear(); }, "series"),
    ("no process in one arm", |e| e.head.processes.clear(), "pairing"),
    ("a process less in one arm", |e| { e.head.processes.pop(); }, "pairing"),
    ("a process more in one arm", |e| { let p = e.head.processes[0].clone(); e.head.processes.push(p); }, "pairing"),
    ("fewer iterations in one arm", |e| for p in &mut e.head.processes { p.series[6].samples.truncate(100); }, "tokens"),
    ("a metric in the base only", |e| for p in &mut e.head.processes { p.series.remove(0); }, "required-metrics"),
    ("a metric in the head only", |e| for p in &mut e.base.processes { p.series.remove(0); }, "required-metrics"),
    ("a metric in half of the processes", |e| for r in arms(e) { for p in &mut r.processes[..8] { p.series.remove(0); } }, "required-metrics"),
    ("a series twice", |e| for r in arms(e) { for p in &mut r.processes { let s = p.series[0].clone(); p.series.push(s); } }, "series"),
    ("a workload twice", |e| for r in arms(e) { let w = r.suite.workloads[0].clone(); r.suite.workloads.push(w); }, "series"),
    ("two workloads of one name", |e| for r in arms(e) { r.suite.workloads[5].name = "load".to_owned(); }, "series"),
    ("no workload", |e| for r in arms(e) { r.suite.workloads.clear(); }, "series"),
    ("no round", |e| for r in arms(e) { r.suite.rounds = 0; }, "series"),
    ("2^64 − 1 rounds", |e| for r in arms(e) { r.suite.rounds = u64::MAX; }, "series"),
    ("no sample to an iteration", |e| for r in arms(e) { for p in &mut r.processes { p.series[0].per_iteration = 0; } }, "series"),
    ("2^64 − 1 samples to an iteration", |e| for r in arms(e) { for p in &mut r.processes { p.series[0].per_iteration = u64::MAX; } }, "series"),
    ("a pair of huge number", |e| for r in arms(e) { r.processes[0].pair = u64::MAX; }, "pairing|chronology"),
    ("a place of huge number", |e| e.head.processes[0].order = u64::MAX, "pairing|chronology"),
    ("two processes at one place", |e| e.head.processes[0].order = e.base.processes[0].order, "pairing|chronology"),
    ("a wall time of 2^64 − 1 ns", |e| e.head.processes[0].wall_ns = u64::MAX, "wall"),
    ("no wall time", |e| e.head.processes[0].wall_ns = 0, "wall"),
    ("huge counts", |e| for p in &mut e.head.processes { for c in &mut p.counts { (c.products, c.macs, c.bytes) = (u64::MAX, u64::MAX, u64::MAX); } }, "counts"),
    ("huge iterations of an output", |e| for p in &mut e.head.processes { for o in &mut p.outputs { o.iterations = u64::MAX; } }, "counts"),
    ("huge shapes", |e| for l in &mut e.head.subject.engine_mut().expect("scripted").model.linears { (l.rows, l.cols, l.bytes, l.n) = (u64::MAX, u64::MAX, u64::MAX, u64::MAX); }, "model-shape"),
    ("huge prompts and outputs", |e| for r in arms(e) { for p in &mut r.processes { for o in &mut p.outputs { (o.n_prompt, o.n_generated) = (u64::MAX, u64::MAX); } } }, "tokens"),
    ("huge parameters", |e| for r in arms(e) { for w in &mut r.suite.workloads { for param in w.params.values_mut() { *param = u64::MAX; } } }, "tokens"),
    ("a huge model", |e| for r in arms(e) { let m = &mut r.subject.engine_mut().expect("scripted").model; (m.n_layers, m.n_embd, m.n_ff, m.n_vocab, m.n_ctx) = (u64::MAX, u64::MAX, u64::MAX, u64::MAX, u64::MAX); }, "model-shape"),
    ("huge probes", |e| for r in arms(e) { for p in &mut r.probes { (p.work, p.working_set_bytes, p.threads) = (u64::MAX, u64::MAX, u64::MAX); } }, "probes"),
    ("a huge binary", |e| { e.head.subject.binary_bytes = u64::MAX; }, ", broken"),
    ("no binary", |e| { e.base.subject.binary_bytes = 0; }, "something in place of nothing, broken"),
    ("a process that ends before it starts", |e| { let p = &mut e.head.processes[3]; std::mem::swap(&mut p.started_at, &mut p.ended_at); }, "timestamps"),
    ("a session that ends before it starts", |e| for r in arms(e) { std::mem::swap(&mut r.started_at, &mut r.ended_at); }, "timestamps"),
    ("a clock set back by a day within the session", |e| for r in arms(e) { for p in &mut r.processes[8..] { for stamp in [&mut p.started_at, &mut p.ended_at] { *stamp = stamp.replace("2026-03-02", "2026-03-01"); } } }, "timestamps"),
    ("processes in the order of no clock", |e| for r in arms(e) { r.processes.reverse(); }, "timestamps"),
    ("a bundle older than its session", |e| e.created_at = "2026-03-01T09:00:00.000Z".to_owned(), "chronology"),
    ("a day that no year has", |e| e.head.processes[0].started_at = "2026-02-30T09:00:00.000Z".to_owned(), "timestamps"),
];

/// The samples of one metric in the head's first process, changed.
fn first(evidence: &mut Evidence, change: impl Fn(&mut Vec<f64>), metric: &str) {
    let series = &mut evidence.head.processes[0].series;
    change(
        &mut series.iter_mut().find(|series| series.metric == metric).expect("scripted").samples,
    );
}

/// Every sample of `load_ns` in both arms, changed.
fn everywhere(evidence: &mut Evidence, change: impl Fn(f64) -> f64) {
    for record in arms(evidence) {
        rewrite(record, "load_ns", |_, ns| change(ns));
    }
}

fn keep_pairs(processes: &mut Vec<Process>, pairs: &[u64]) {
    processes.retain(|process| pairs.contains(&process.pair));
}

/// Rules that refused, reasons of rows, sentences of exact metrics.
fn said(derived: &Derived) -> Vec<String> {
    let rules = derived.refusals.iter().map(|refusal| refusal.rule.to_owned());
    let rows = derived.rows.iter().map(|row| row.reason.clone());
    let exact = derived.exact.iter().map(|place| place.text.clone());
    rules.chain(rows).chain(exact).collect()
}

#[test]
fn every_fault_is_named_and_none_panics_or_passes() {
    let mut wrong = Vec::new();
    for (name, plant, named) in FAULTS {
        let mut evidence = session(21, 1.0);
        plant(&mut evidence);
        let Ok(derived) =
            std::panic::catch_unwind(|| derive(&evidence).expect("the policy is read"))
        else {
            wrong.push(format!("{name}: panics"));
            continue;
        };
        let said = said(&derived);
        let is_named = named.split('|').any(|one| said.iter().any(|said| said.contains(one)));
        if derived.verdict == Verdict::Pass || !is_named {
            wrong.push(format!("{name}: {:?}, wanted {named}, said {said:?}", derived.verdict));
        }
        // Documents hold no number that JSON cannot.
        for (file, bytes) in derived.files() {
            let is_sound = std::str::from_utf8(&bytes).is_ok()
                && (!file.ends_with(".json")
                    || serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
            if !is_sound {
                wrong.push(format!("{name}: {file} cannot be read"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_session_without_a_fault_passes() {
    assert_eq!(derive(&session(21, 1.0)).expect("the policy is read").verdict, Verdict::Pass);
}
