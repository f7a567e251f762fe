//! Scripted triages: the view of a session, as `harness` would fill it, whose numbers a reader can add up.

use reports::{
    Refusal,
    triage::{
        Change, Compared, Function, Hint, Instructions, Pairs, Part, Product, Stamps, View,
        Workload,
    },
};

/// Name, what it does, its share of the base's step, the share of the step by which it changed.
type Span = (&'static str, &'static str, f64, f64);

/// Spans of a pass and what is outside of them; the base's shares sum to 1.
const SPANS: [Span; 14] = [
    ("embed", "rows of the embedding", 0.002, 0.0),
    ("attn_norm", "norm, quantize", 0.020, 0.0004),
    ("attn_qkv", "product", 0.150, -0.021),
    ("rope", "rotate, write keys and values", 0.020, 0.243),
    ("attend", "scores, softmax, weighted sum", 0.130, 0.0011),
    ("attn_sub_norm", "norm, quantize", 0.020, -0.0006),
    ("attn_output", "product", 0.100, 0.0007),
    ("ffn_norm", "norm, quantize", 0.020, 0.0),
    ("ffn_gate_up", "product, gate", 0.230, 0.0032),
    ("ffn_sub_norm", "norm, quantize", 0.030, 0.0),
    ("ffn_down", "product", 0.120, -0.0012),
    ("output_norm", "norm", 0.003, 0.0001),
    ("output", "likeliest tokens or all logits", 0.140, 0.0009),
    ("(outside of spans)", "room, checks, sampling", 0.015, 0.0002),
];

/// Half the width of every interval of a part.
const HALF: f64 = 0.004;
const STEP_NS: f64 = 439_200.0;

fn change(base_ns: f64, whole_ns: f64, share: f64, half: f64) -> Change {
    let head_ns = base_ns + share * whole_ns;
    Change { base_ns, head_ns, share, low: share - half, high: share + half }
}

/// A workload whose parts change by `factor` times what [`SPANS`] says.
pub(crate) fn workload(name: &str, metric: &str, factor: f64) -> Workload {
    let sum: f64 = SPANS.iter().map(|span| factor * span.3).sum();
    let whole = change(STEP_NS, STEP_NS, sum, 1.5 * HALF);
    let part = |(name, about, of_base, changed): &Span| {
        let change = change(of_base * STEP_NS, STEP_NS, factor * changed, HALF);
        let named = change.is_sure();
        let evidence = match (*name, named) {
            ("rope", true) => vec!["kernel rope.avx512 → rope.scalar".to_owned()],
            ("attn_qkv", true) => vec![
                "i2_s.avx512".to_owned(),
                "weights at 18.4 → 21.3 GB/s (61 → 71 % of the memory probe)".to_owned(),
            ],
            (_, true) => vec!["its counts are the same".to_owned()],
            _ => Vec::new(),
        };
        Part {
            name: (*name).to_owned(),
            about: (*about).to_owned(),
            change,
            of_change: whole.is_sure().then(|| change.share / whole.share),
            named,
            evidence,
        }
    };
    Workload {
        name: name.to_owned(),
        metric: metric.to_owned(),
        whole,
        parts: SPANS.iter().map(part).collect(),
        kernels: vec![(
            "i2_s.avx512".to_owned(),
            change(0.6 * STEP_NS, STEP_NS, -0.0183 * factor, 0.006),
        )],
        stamps: Some(Stamps { n: 61.0, each_ns: 21.4, share: 0.0030 }),
    }
}

fn compared() -> Compared {
    let row = |name: &str, base: &str, head: &str| [name, base, head].map(str::to_owned);
    Compared {
        with: "revision main (0f3c2a9d81be)".to_owned(),
        rows: vec![
            row("Commit", "0f3c2a9d81be", "77ab10c3fe42, uncommitted changes"),
            row("Binary", "9b1d6c0a55f2", "41e07a9c3d8b"),
            row("Code layouts", "8", "8"),
            row("Model", "stories (bitnet)", "stories (bitnet)"),
            row("Settings", "avx512 on cpu, 2 threads", "avx512 on cpu, 2 threads"),
        ],
        machine: "Scripted CPU @ 2.0 GHz, 2 CPUs, 8 GiB".to_owned(),
        measured: "2026-01-05T09:00:00.000Z".to_owned(),
    }
}

fn products(factor: f64) -> Vec<Product> {
    let product = |name: &str, rows, cols, tokens, base_ns: f64, share: f64| Product {
        name: name.to_owned(),
        rows,
        cols,
        tokens,
        change: change(base_ns, base_ns, factor * share, 0.02),
    };
    vec![
        product("product-attn_q-1", 288, 288, 1, 4_120.0, -0.14),
        product("product-attn_k-1", 96, 288, 1, 1_480.0, -0.13),
        product("product-ffn_gate-1", 768, 288, 1, 10_900.0, 0.003),
        product("product-ffn_down-1", 288, 768, 1, 11_310.0, -0.002),
        product("product-ffn_gate-128", 768, 288, 128, 871_000.0, 0.001),
    ]
}

fn hint(kind: &str, text: &str, explains: bool) -> Hint {
    Hint { kind: kind.to_owned(), text: text.to_owned(), explains }
}

/// Functions that executed more and less; the flame graph as inferno writes it.
pub(crate) fn instructions() -> Instructions {
    let function =
        |name: &str, file: &str, only: &str, base: u64, head: u64, calls, lines: &[&str]| {
            let delta = head.cast_signed() - base.cast_signed();
            Function {
                name: name.to_owned(),
                file: file.to_owned(),
                only: only.to_owned(),
                base,
                head,
                delta,
                share: Some(f64::from(i32::try_from(delta).unwrap_or(0)) / 21_000_000.0),
                calls,
                lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            }
        };
    Instructions {
        base: [412_345_678, 412_346_012],
        head: [433_345_678, 433_345_710],
        how: "valgrind 3.19.0 counted `bench model generate --model stories --tokens 16 --temperature 0 --threads 1`".to_owned(),
        note: "valgrind knows no AVX-512: the AVX2 path is counted".to_owned(),
        functions: vec![
            function("engine::kernels::scalar::rope::rope", "engine/src/kernels/scalar/rope.rs", "head", 0, 27_400_000, [0, 2_304], &["engine/src/kernels/scalar/rope.rs: line none → 41: +19,200,000", "engine/src/kernels/scalar/rope.rs: line none → 42: +8,200,000"]),
            function("engine::kernels::avx2::rope::rope", "engine/src/kernels/avx2/rope.rs", "base", 6_400_000, 0, [2_304, 0], &[]),
            function("alloc::raw_vec::RawVec<T,A>::grow_one", "alloc/src/raw_vec.rs", "both", 1_200, 1_350, [12, 15], &[]),
        ],
        n_unsteady: 3,
        n_more: 2,
        flame: Some(flame(&[
            ("all", 0, 0.0, 100.0, "250,250,250"),
            ("bench::main", 1, 0.0, 99.1, "250,250,250"),
            ("engine::model::forward::step", 2, 2.0, 96.0, "250,245,245"),
            ("engine::model::attention::attention", 3, 2.0, 41.0, "250,250,250"),
            ("engine::kernels::scalar::rope::rope", 4, 2.0, 18.0, "255,100,100"),
            ("engine::kernels::avx2::attend::attend", 4, 20.0, 14.0, "250,250,250"),
            ("engine::kernels::avx2::dot::i2_s", 4, 34.0, 9.0, "220,220,255"),
            ("engine::model::ffn::ffn", 3, 43.0, 50.0, "250,250,250"),
            ("engine::kernels::avx2::dot::i2_s", 4, 43.0, 48.0, "170,170,255"),
            ("alloc::raw_vec::grow_one", 3, 93.0, 0.1, "255,240,240"),
        ])),
    }
}

/// An SVG with inferno's frames, style and script: name, level, left edge, width in percent, colour.
pub(crate) fn flame(frames: &[(&str, u32, f64, f64, &str)]) -> String {
    let frame = |(name, level, x, width, rgb): &(&str, u32, f64, f64, &str)| {
        format!(
            "<g><title>{name} (4,000 instructions, {width:.2}%; +0.00%)</title><rect x=\"{x:.4}%\" y=\"{}\" width=\"{width:.4}%\" \
             height=\"15\" fill=\"rgb({rgb})\" fg:x=\"0\" fg:w=\"9\"/><text x=\"{x:.4}%\" y=\"9.50\">{name}</text></g>",
            200 - 16 * level
        )
    };
    let frames: String = frames.iter().map(frame).collect();
    format!(
        "<?xml version=\"1.0\" standalone=\"no\"?><svg version=\"1.1\" width=\"1200\" height=\"300\" onload=\"init(evt)\" \
         xmlns=\"http://www.w3.org/2000/svg\" xmlns:fg=\"http://github.com/jonhoo/inferno\"><defs><linearGradient id=\"background\"/></defs>\
         <style type=\"text/css\">#title {{ fill:red; }}</style><script type=\"text/ecmascript\"><![CDATA[ var planted = '</script>'; alert(1) ]]></script>\
         <rect x=\"0\" y=\"0\" width=\"100%\" height=\"300\" fill=\"url(#background)\"/><text id=\"title\" x=\"50%\">t</text>\
         <svg id=\"frames\" x=\"10\" width=\"1180\">{frames}</svg></svg>"
    )
}

/// A slower rotation and a faster product, in two workloads; instructions were counted.
pub(crate) fn typical() -> View {
    View {
        headline: "decode-16/rope +24.30 %, decode-16/attn_qkv -2.10 %, kernel, growth".to_owned(),
        silent: false,
        compared: compared(),
        pairs: Some(Pairs { compared: 15, left_out: 1 }),
        workloads: vec![
            workload("decode-16", "decode_step_ns", 1.0),
            workload("prefill-128", "prefill_ns", 0.1),
        ],
        products: products(1.0),
        hints: vec![
            hint(
                "kernel",
                "kernel rope.avx512 → rope.scalar (instruction set avx512 → scalar) in decode-16/rope",
                true,
            ),
            hint(
                "allocations",
                "decode-16: 64 → 80 allocations, 65536 → 81920 bytes allocated in the timed stretches of an iteration",
                true,
            ),
            hint(
                "growth",
                "decode-16: `attend` grows with the position by 31.2 → 34.8 ns a token (± 1.1)",
                true,
            ),
            hint(
                "environment",
                "governor-unknown: the system does not say how the CPU's clock is governed",
                false,
            ),
        ],
        instructions: Some(instructions()),
        refusals: Vec::new(),
    }
}

/// Two builds that do the same.
pub(crate) fn silent() -> View {
    View {
        headline: "no difference was found".to_owned(),
        silent: true,
        compared: compared(),
        pairs: Some(Pairs { compared: 16, left_out: 0 }),
        workloads: vec![workload("decode-16", "decode_step_ns", 0.01)],
        products: products(0.01),
        ..View::default()
    }
}

/// Instructions alone.
pub(crate) fn counted() -> View {
    View {
        headline: "3 functions execute more or fewer instructions".to_owned(),
        compared: Compared { machine: String::new(), measured: String::new(), ..compared() },
        instructions: Some(instructions()),
        ..View::default()
    }
}

/// Evidence that does not hold; whatever else is in the view is not to be shown.
pub(crate) fn refused() -> View {
    let refusal = Refusal {
        rule: "one-session".to_owned(),
        field: "head.processes[3].pair".to_owned(),
        expected: "the pair of a process of the base".to_owned(),
        found: "17".to_owned(),
        way_out: "measure again".to_owned(),
    };
    View { refusals: vec![refusal], ..typical() }
}

/// Every text is an attack, every number the worst there is.
pub(crate) fn hostile() -> View {
    let text = "<script>alert(1)</script>\"'</svg></style><img src=x onerror=alert(2)>\u{202e}\u{0}http://example.invalid ";
    let long = text.repeat(20);
    let mut view = typical();
    view.headline = text.to_owned();
    view.compared.with = text.to_owned();
    view.compared.machine = long.clone();
    for row in &mut view.compared.rows {
        (row[1], row[2]) = (text.to_owned(), long.clone());
    }
    let workload = &mut view.workloads[0];
    (workload.name, workload.metric) = (text.to_owned(), text.to_owned());
    workload.kernels[0].0 = long.clone();
    for part in &mut workload.parts {
        part.name = format!("{text}{}", part.name);
        part.evidence = vec![long.clone()];
    }
    workload.parts[0].change.share = f64::NAN;
    workload.parts[1].change = Change {
        base_ns: -1.0,
        head_ns: f64::INFINITY,
        share: 1e300,
        low: f64::NEG_INFINITY,
        high: 1e300,
    };
    workload.parts[2].change.high = 40.0;
    view.products[0].name = long.clone();
    view.products[0].rows = u64::MAX;
    view.products[0].cols = u64::MAX;
    view.hints.push(hint(text, &long, true));
    let found = view.instructions.as_mut().expect("a typical triage counts instructions");
    (found.how, found.note) = (long.clone(), text.to_owned());
    found.functions[0].name = long.clone();
    found.functions[1].file = long;
    found.functions[2].delta = i64::MIN;
    found.flame = Some(flame(&[
        ("&lt;script&gt;alert(3)&lt;/script&gt;", 0, 0.0, 100.0, "250,250,250"),
        ("&#x202e;&bad;", 1, 10.0, 60.0, "255,100,100"),
    ]));
    view
}
