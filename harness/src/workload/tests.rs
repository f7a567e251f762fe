//! The register of workloads: sorted, documented, and every entry measurable on the built-in model.

use std::{cell::Cell, collections::BTreeMap};

use baselines::record::Suite;

use super::*;
use crate::measure::{ScriptedClock, SystemClock, Tally};

/// Kinds that look at the whole process, in which other tests run beside: `tests/memory.rs` has a process for each.
const WHOLE_PROCESS: [&str; 1] = ["memory"];

/// The other kinds.
fn walked() -> impl Iterator<Item = &'static &'static dyn Workload> {
    WORKLOADS.iter().filter(|workload| !WHOLE_PROCESS.contains(&workload.kind()))
}

/// A small definition of `kind`.
fn small(kind: &str) -> WorkloadDef {
    let params: &[(&str, u64)] = match kind {
        "batch" => &[("prompt_tokens", 4), ("sequences", 3), ("tokens", 3)],
        "decode" => &[("prompt_tokens", 4), ("tokens", 3)],
        "determinism" => &[("prompt_tokens", 2), ("tokens", 2)],
        "end-to-end" => &[("tokens", 3)],
        "prefill" => &[("prompt_tokens", 5)],
        "gemm" => &[("cols", 256), ("format", 36), ("rows", 32), ("tokens", 2)],
        "memory" => &[("generations", 2), ("tokens", 2)],
        "prefix-reuse" => &[("prompt_tokens", 9), ("shared_tokens", 6)],
        "sampling" => &[("prompt_tokens", 16), ("tokens", 20)],
        "tokenize" => &[("bytes", 2_000)],
        "quantize" => &[("cols", 128), ("format", 39), ("rows", 32), ("threads", 1)],
        _ => &[],
    };
    let counts = [("warmup", 1), ("iterations", 2)];
    let params: BTreeMap<String, u64> =
        params.iter().chain(&counts).map(|(name, value)| ((*name).to_owned(), *value)).collect();
    WorkloadDef { name: format!("{kind}-small"), kind: kind.to_owned(), params }
}

/// Runs `kind` small on the built-in model with one thread.
fn trace(kind: &str, hooks: &Hooks) -> Trace {
    trace_on(kind, hooks, Planted::none(), &SystemClock::new(), false)
}

fn trace_on(kind: &str, hooks: &Hooks, planted: Planted, clock: &dyn Clock, spans: bool) -> Trace {
    let source = Source::Builtin;
    let model = source.open().unwrap();
    let options = source.options(None, Some(1)).unwrap();
    let bench = Bench {
        source: &source,
        model: &model,
        options: &options,
        lane: &Lane::cpu().unwrap(),
        seed: 42,
        challenge_seed: 43,
        prompt: None,
        clock,
        hooks,
        planted,
        tally: &Tally::default(),
        spans,
    };
    let def = small(kind);
    check(find(kind).unwrap(), &def).unwrap();
    let suite = Suite {
        name: "small".to_owned(),
        digest: baselines::Digest::of(b"small"),
        rounds: 2,
        workloads: vec![def],
        metrics: Vec::new(),
    };
    let mut workloads = Workloads::prepare(bench, &suite, || Ok(())).unwrap();
    for round in 0..suite.rounds {
        workloads.take_turn(round, 0).unwrap();
    }
    let error = workloads.take_turn(0, 1).unwrap_err().to_string();
    assert!(error.contains("one of 1 workloads, found one of workload 1"), "{error}");
    workloads.traces().remove(0)
}

#[test]
fn kinds_are_sorted_kebab_case_and_say_what_a_sample_is() {
    let kinds: Vec<&str> = WORKLOADS.iter().map(|workload| workload.kind()).collect();
    assert!(kinds.is_sorted(), "{kinds:?}");
    for workload in WORKLOADS {
        assert!(
            workload.kind().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
            "{workload:?}"
        );
        assert!(workload.about().len() > 20, "{workload:?}");
        assert!(workload.params().iter().map(|param| param.name).is_sorted(), "{workload:?}");
    }
}

/// Requirement: Q1.
#[test]
fn every_kind_measures_registered_metrics_in_whole_iterations() {
    for workload in walked() {
        let trace = trace(workload.kind(), &Hooks::none());
        let sampled: Vec<&str> = trace.series.iter().map(|series| series.metric.as_str()).collect();
        assert_eq!(sampled, workload.metrics(), "{workload:?}");
        for series in &trace.series {
            let metric = baselines::metric::find(&series.metric);
            assert!(metric.is_some(), "{}", series.metric);
            assert_eq!(series.samples.len() as u64, 2 * series.per_iteration, "{}", series.metric);
            assert!(series.samples.iter().all(|ns| *ns > 0.0), "{series:?}");
        }
        if let (Some(output), Some(ids)) = (&trace.output, &trace.ids) {
            assert_eq!(output.output_ids_digest, baselines::Digest::of_ids(&ids.generated));
            assert_eq!(output.prompt_ids_digest, baselines::Digest::of_ids(&ids.prompt));
            assert_eq!(output.iterations, 3);
        }
    }
}

/// Spans lie within the sample that they are parts of, and what is counted about it is what a pass does.
#[test]
fn stamped_passes_have_a_series_for_every_span_and_none_is_longer_than_the_whole() {
    for (kind, metric, tokens) in [
        ("batch", "batch_step_ns", 3),
        ("decode", "decode_step_ns", 1),
        ("prefill", "prefill_ns", 5),
    ] {
        let trace = trace_on(kind, &Hooks::none(), Planted::none(), &SystemClock::new(), true);
        let series = |name: &str| {
            let found = trace.series.iter().find(|series| series.metric == name);
            &found.unwrap_or_else(|| panic!("{kind}: {name}")).samples
        };
        let whole = series(metric);
        for (i, whole) in whole.iter().enumerate() {
            let spans =
                engine::Span::ALL.map(|span| series(&format!("span_{}_ns", span.name()))[i]);
            let sum: f64 = spans.iter().sum();
            assert!(spans.iter().all(|ns| *ns >= 1.0), "{kind}: {spans:?}");
            assert!(sum <= *whole && sum >= whole / 2.0, "{kind}: {sum} of {whole}");
            // Eleven spans in each of 8 layers, three others; and two begin.
            assert_eq!(series("span_stamps_count")[i].to_bits(), (8.0_f64 * 10.0 + 5.0).to_bits());
            let rows: f64 = f64::from(4 * 8 * tokens);
            assert_eq!(series("span_packed_rows_count")[i].to_bits(), rows.to_bits(), "{kind}");
        }
        assert_eq!(series("thousand_stamps_ns").len(), 2, "one an iteration");
        for series in &trace.series {
            assert!(baselines::metric::find(&series.metric).is_some(), "{}", series.metric);
            assert_eq!(series.samples.len() as u64, 2 * series.per_iteration, "{}", series.metric);
        }
    }
}

#[test]
fn decode_counts_its_steps_and_nothing_else() {
    let trace = trace("decode", &Hooks::none());
    // 3 iterations of 3 steps through 8 layers; the prompt is not counted.
    let products =
        |linear: &str| trace.counts.iter().find(|c| c.linear == linear).unwrap().products;
    assert_eq!(products("ffn_down"), 3 * 3 * 8);
    assert_eq!(products("output"), 3 * 3);
}

#[test]
fn a_planted_slowdown_is_within_the_timed_step_and_changes_no_output() {
    fn spin(step_ns: u64, clock: &dyn Clock) {
        let until_ns = clock.now_ns() + step_ns.max(2_000_000);
        while clock.now_ns() < until_ns {
            std::hint::spin_loop();
        }
    }
    let plain = trace("decode", &Hooks::none());
    let slowed = trace("decode", &Hooks { after_decode_step: Some(spin), ..Hooks::none() });
    assert!(slowed.series[0].samples.iter().all(|ns| *ns >= 2e6), "{:?}", slowed.series[0].samples);
    assert_eq!(plain.output, slowed.output);
}

/// On a clock that counts its readings a plain stretch takes one tick. With all of it planted once more it takes at least
/// two and, by the two readings that planting costs, at most four; what several stretches make up takes that of each.
#[test]
fn a_planted_share_makes_every_timed_stretch_of_every_kind_longer_and_changes_no_output() {
    for workload in walked() {
        let clock = || ScriptedClock { now_ns: Cell::new(0), tick_ns: 1_000 };
        let plain = trace_on(workload.kind(), &Hooks::none(), Planted::none(), &clock(), false);
        let slowed =
            trace_on(workload.kind(), &Hooks::none(), Planted::of(1.0).unwrap(), &clock(), false);
        assert_eq!(plain.output, slowed.output, "{workload:?}");
        for (plain, slowed) in plain.series.iter().zip(&slowed.series) {
            for (plain, slowed) in plain.samples.iter().zip(&slowed.samples) {
                let ratio = slowed / plain;
                assert!((2.0..=4.0).contains(&ratio), "{}: {ratio}", workload.kind());
            }
        }
    }
}

#[test]
fn an_unknown_kind_suggests_the_nearest() {
    let error = find("decoed").unwrap_err().to_string();
    assert_eq!(error, "workload kind `decoed` is unknown; nearest: `decode`");
}
