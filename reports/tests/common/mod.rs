//! Scripted inputs of a page: evidence with a history, and findings computed here in the plainest way.
//! The findings only have to be plausible: what they say is the gate's business, the page shows it.

use baselines::{Evidence, evidence::HistoryPoint, testing};
use reports::{
    Finding, Judged, Summary, WarmUp,
    roofline::{Product, Roofline},
    series::{self, Series},
};

/// Metrics the scripted findings cover; the rest is measured without being gated.
const GATED: [&str; 6] =
    ["load_ns", "prefill_ns", "decode_step_ns", "e2e_ns", "quantize_ns", "matmul_ns"];

/// A paired session and the history of a store with `n_history` sessions.
#[must_use]
pub(crate) fn evidence(head_factor: f64, n_history: usize) -> Evidence {
    let mut evidence = testing::evidence(42, head_factor);
    let template = evidence.history.clone();
    evidence.history = (0..n_history)
        .flat_map(|session| template.iter().map(move |point| moved(point, session)))
        .collect();
    evidence
}

/// The point `session` days later, with a drift that a reader can see.
fn moved(point: &HistoryPoint, session: usize) -> HistoryPoint {
    let wave = [0.0, 0.012, 0.004, -0.008, 0.003, -0.004, 0.009][session % 7];
    let step = if session < 4 { 0.06 } else { 0.0 };
    let factor = 1.0 + wave + step;
    HistoryPoint {
        started_at: format!("2026-01-{:02}T09:00:00.000Z", 1 + session % 28),
        median: point.median * factor,
        min: point.min * factor * 0.985,
        max: point.max * factor * 1.02,
        ..point.clone()
    }
}

/// One finding per gated series.
#[must_use]
pub(crate) fn findings(evidence: &Evidence) -> Vec<Finding> {
    let all = series::collect(evidence);
    all.iter().filter(|series| GATED.contains(&series.metric.as_str())).map(finding).collect()
}

fn finding(series: &Series) -> Finding {
    let ratios: Vec<f64> = series.pairs().iter().filter_map(|pair| pair.log_ratio).collect();
    let n = f64::from(u32::try_from(ratios.len()).expect("few pairs"));
    let estimate = (n > 0.0).then(|| ratios.iter().sum::<f64>() / n);
    let half = estimate.map(|mean| {
        2.13 * (ratios.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n * (n - 1.0).max(1.0)))
            .sqrt()
    });
    let (m0, m1) = (1.01_f64.ln(), 1.05_f64.ln());
    let fails = estimate.zip(half).is_some_and(|(mean, half)| mean - half > m0);
    Finding {
        workload: series.workload.clone(),
        metric: series.metric.clone(),
        outcome: if fails { "regressed" } else { "unchanged" }.to_owned(),
        verdict: if fails { "fail" } else { "pass" }.to_owned(),
        reason: if fails {
            "slower than the negligible margin at 99 % confidence"
        } else {
            "not slower than 5 %, with 95 % confidence"
        }
        .to_owned(),
        unit: series.unit,
        n_pairs: ratios.len(),
        base_median: middle(&series.base),
        head_median: middle(&series.head),
        estimate,
        ci_low: estimate.zip(half).map(|(mean, half)| mean - half),
        ci_high: estimate.zip(half).map(|(mean, half)| mean + half),
        m0,
        m1,
        warm_up: WarmUp {
            class: Some("A".to_owned()),
            n_processes: series.base.len() + series.head.len(),
            n_too_short: 0,
            n_flagged: 1,
            median_cut: Some(2.0),
        },
    }
}

fn middle(processes: &[series::ProcessSamples]) -> Option<f64> {
    let mut medians: Vec<f64> = processes.iter().map(|process| process.median).collect();
    medians.sort_by(f64::total_cmp);
    medians.get(medians.len() / 2).copied()
}

/// The summary of `findings`.
#[must_use]
pub(crate) fn summary(findings: &[Finding]) -> Summary {
    let n_failed = findings.iter().filter(|finding| finding.verdict == "fail").count();
    let failed = n_failed > 0;
    Summary {
        verdict: if failed { "fail" } else { "pass" }.to_owned(),
        exit_code: if failed { 2 } else { 0 },
        route_to: if failed { "perf-fixer" } else { "docs-reviewer" }.to_owned(),
        tally: vec![
            format!("{} compared", findings.len()),
            format!("{n_failed} regressed"),
            "0 inconclusive".to_owned(),
            "0 missing".to_owned(),
        ],
        refusals: Vec::new(),
    }
}

/// All that a page is made of, with the rooflines of the scripted session.
#[must_use]
pub(crate) fn judged<'a>(
    evidence: &'a Evidence,
    summary: &'a Summary,
    findings: &'a [Finding],
) -> Judged<'a> {
    Judged { evidence, summary, findings, rooflines: rooflines(evidence) }
}

/// Floors that a reader can check in the head: a tenth of the time for bytes, a quarter for multiply-adds. Made once: a page
/// borrows them.
fn rooflines(evidence: &Evidence) -> &'static [Roofline] {
    if evidence.head.subject.engine().is_none() {
        return &[];
    }
    static ALL: std::sync::OnceLock<Vec<Roofline>> = std::sync::OnceLock::new();
    ALL.get_or_init(|| {
        let one = |workload: &str, metric: &str, median_ns: f64| Roofline {
            workload: workload.to_owned(),
            metric: metric.to_owned(),
            median_ns,
            bytes: 1e6,
            macs: 4e6,
            bytes_floor_ns: Some(0.1 * median_ns),
            macs_floor_ns: Some(0.25 * median_ns),
            products: Vec::new(),
        };
        let product = |name: &str, share: f64| Product {
            name: name.to_owned(),
            bytes: share * 1e6,
            macs: share * 4e6,
            floor_ns: Some(share * 100_000.0),
        };
        let products = vec![
            product("ffn_down i2_s", 0.5),
            product("output f16", 0.3),
            product("attn_q i2_s", 0.2),
        ];
        vec![
            one("prefill-128", "prefill_ns", 34e6),
            Roofline { products, ..one("decode-64", "decode_step_ns", 400_000.0) },
            one("matmul", "matmul_ns", 27_000.0),
        ]
    })
}
