//! The report this project started from, written as evidence: its own figures are refused on the physics rule, and by
//! no other. Everything else about the bundle is made consistent first: shapes, counts, kernels, digests, stamps.

mod common;

use baselines::{
    Evidence, RunRecord,
    record::{Counts, Linear, ModelInfo, Probe, ProbeKind, Process},
    timestamp::{format_ms, parse_ms},
};
use common::session;
use gates::{Verdict, derive};

/// 30 layers of 2560, FFN 6912, 20 query heads and 5 key/value heads of 128, vocabulary 128,256, F16 head.
fn model_2b(stories: &ModelInfo) -> ModelInfo {
    let ternary = |name: &str, rows: u64, cols: u64| Linear {
        name: name.to_owned(),
        rows,
        cols,
        format: "i2_s".to_owned(),
        n: 30,
        bytes: rows * cols / 4 + 32,
        once_per_sequence: false,
    };
    let head = Linear {
        name: "output".to_owned(),
        rows: 128_256,
        cols: 2560,
        format: "f16".to_owned(),
        n: 1,
        bytes: 128_256 * 2560 * 2,
        once_per_sequence: true,
    };
    ModelInfo {
        name: "microsoft-bitnet-b1.58-2B-4T-gguf/ggml-model-i2_s.gguf".to_owned(),
        file_bytes: 1_187_801_280,
        n_layers: 30,
        n_embd: 2560,
        n_ff: 6912,
        n_heads: 20,
        n_kv_heads: 5,
        head_dim: 128,
        n_vocab: 128_256,
        n_ctx: 4096,
        linears: vec![
            ternary("attn_q", 2560, 2560),
            ternary("attn_k", 640, 2560),
            ternary("attn_v", 640, 2560),
            ternary("attn_output", 2560, 2560),
            ternary("ffn_gate", 6912, 2560),
            ternary("ffn_up", 6912, 2560),
            ternary("ffn_down", 2560, 6912),
            head,
        ],
        ..stories.clone()
    }
}

/// The seed's time of one sample: 200 tok/s, prefill 10 ms, 64 tokens in 320 ms, `I2_S` 49.5 ms, load 1,980 ms, and one
/// layer's 69.5 M multiply-adds at 1.54 G/s, the middle of its 1.37 to 1.71.
fn seed_ns(metric: &str) -> f64 {
    match metric {
        "load_ns" => 1_980e6,
        "prefill_ns" | "ttft_ns" => 10e6,
        "decode_step_ns" => 5e6,
        "e2e_ns" => 330e6,
        "quantize_ns" => 49.5e6,
        "matmul_ns" => 69_468_160.0 / 1.54e9 * 1e9,
        other => panic!("the seed has no figure for {other}"),
    }
}

fn evidence() -> Evidence {
    let mut evidence = session(246, 1.0);
    let mut draw = 0x5eed_u64;
    for record in common::arms(&mut evidence) {
        let engine = record.subject.engine_mut().expect("an engine is scripted");
        engine.model = model_2b(&engine.model);
        let model = engine.model.clone();
        for process in &mut record.processes {
            fill_in(process, &model, &mut draw);
        }
        probes(record);
        let start = parse_ms(&record.started_at).expect("a stamp");
        schedule(record, start);
    }
    baselines::testing::reseal(&mut evidence);
    evidence.created_at =
        format_ms(parse_ms(&evidence.head.ended_at).expect("a stamp") + 250).expect("in range");
    evidence
}

/// The seed's figures with ±1 % jitter, and counts to match the larger model.
fn fill_in(process: &mut Process, model: &ModelInfo, draw: &mut u64) {
    for series in &mut process.series {
        for sample in &mut series.samples {
            *draw = draw
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let unit = f64::from(u32::try_from(*draw >> 32).expect("32 bits")) / 4_294_967_296.0;
            *sample = (seed_ns(&series.metric) * (0.99 + 0.02 * unit)).round();
        }
    }
    for counts in &mut process.counts {
        let linear =
            model.linears.iter().find(|linear| linear.name == counts.linear).expect("same names");
        refit(counts, linear);
    }
    let timed: f64 =
        process.series.iter().filter(|s| s.metric != "ttft_ns").flat_map(|s| &s.samples).sum();
    process.wall_ns = 0;
    while f64::from(u32::try_from(process.wall_ns / 1_000_000).expect("milliseconds")) * 1e6 < timed
    {
        process.wall_ns += 100_000_000;
    }
}

/// Products per layer and reads per product stay; shapes and number of layers are those of `linear`.
fn refit(counts: &mut Counts, linear: &Linear) {
    let (products, reads) = match counts.workload.as_str() {
        "matmul" => (counts.products, counts.products),
        // The scripted model has 8 layers; a prefill of 128 reads once, a step once.
        workload => {
            let layers = if linear.once_per_sequence { 1 } else { 8 };
            let tokens = counts.products / layers;
            let reads = match (workload, linear.once_per_sequence) {
                ("prefill-128", false) => tokens / 128,
                ("end-to-end", false) => tokens / 95 * 64,
                _ => tokens,
            };
            (tokens * linear.n, reads * linear.n)
        }
    };
    counts.products = products;
    counts.macs = products * linear.rows * linear.cols;
    counts.bytes = reads * linear.bytes;
}

/// What this class of machine has, measured on two threads: 55.8 GB/s from huge pages, 27.4 from 4 KiB pages, 144 from
/// cache, 465 G int8 multiply-adds/s.
fn probes(record: &mut RunRecord) {
    for probe in &mut record.probes {
        let per_s = match probe.kind {
            ProbeKind::BandwidthCache => 144e9,
            ProbeKind::BandwidthPages4k => 27.4e9,
            ProbeKind::BandwidthHugePages => 55.8e9,
            ProbeKind::Int8Peak => 465e9,
            kind => panic!("{kind:?} in a session without a GPU"),
        };
        let Probe { work, samples_ns, .. } = probe;
        let work = f64::from(u32::try_from(*work).expect("fits"));
        for (place, ns) in (0_u8..).zip(samples_ns) {
            *ns = (work / per_s * 1e9).round() + f64::from(place);
        }
    }
}

/// Every process in a slot of two minutes: loading 2B takes its time.
fn schedule(record: &mut RunRecord, start: i64) {
    let stamp = |ms: i64| format_ms(ms).expect("in range");
    let mut last = start;
    for process in &mut record.processes {
        let from = start + 5_000 + 120_000 * i64::try_from(process.order).expect("below 32");
        let to = from + i64::try_from(process.wall_ns / 1_000_000).expect("milliseconds");
        (process.started_at, process.ended_at) = (stamp(from), stamp(to));
        last = last.max(to);
    }
    record.ended_at = stamp(start + 120_000 * 32 + 10_000);
    assert!(last < start + 120_000 * 32 + 10_000);
}

/// Requirement: M1.
#[test]
fn the_seeds_own_figures_are_refused_on_the_physics_rule() {
    let derived = derive(&evidence()).expect("the policy is read");
    assert_eq!((derived.verdict, derived.verdict.exit_code()), (Verdict::Invalid, 4));
    assert!(!derived.refusals.is_empty());
    for refusal in &derived.refusals {
        assert!(refusal.rule.starts_with("physics-"), "{refusal:?}");
    }
    let of = |field: &str| derived.refusals.iter().any(|refusal| refusal.field.ends_with(field));
    assert!(
        of("decode-64/decode_step_ns"),
        "200 tok/s read 1.18 GB each 5 ms: {:?}",
        derived.refusals
    );
    assert!(of("prefill-128/prefill_ns"), "10 ms for 128 tokens of 2.1 G multiply-adds");
    assert!(!of("matmul/matmul_ns"), "1.54 G multiply-adds/s is slow, and possible");
    assert_eq!(derived.route.to, "blocked");
    assert!(derived.rows.is_empty(), "no time of it is looked at");
}

#[test]
fn the_same_bundle_at_a_possible_speed_is_not_refused() {
    let mut evidence = evidence();
    // 25 tok/s and 4 s of prefill: what this machine's bandwidth and integer peak allow. Matmul as fast as decode.
    for record in common::arms(&mut evidence) {
        for (metric, factor) in
            [("decode_step_ns", 8.0), ("prefill_ns", 400.0), ("ttft_ns", 100.0), ("e2e_ns", 10.0)]
        {
            common::rewrite(record, metric, |_, ns| (ns * factor).round());
        }
        for process in &mut record.processes {
            process.wall_ns = 100_000_000_000;
        }
        let start = parse_ms(&record.started_at).expect("a stamp");
        schedule(record, start);
    }
    assert_eq!(derive(&evidence).expect("the policy is read").refusals, []);
}
