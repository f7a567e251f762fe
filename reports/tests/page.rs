//! The page as a whole: self-contained, escaped, complete, the same bytes each time.

#![forbid(unsafe_code)]

use base64::Engine as _;
use baselines::{
    Digest, Evidence,
    record::{DeviceUse, Mark, What},
};
use common::{evidence, findings, judged, summary};
use reader::visible;
use reports::{CHARTS, Finding, Refusal, Summary, series};

mod common;
#[path = "common/reader.rs"]
mod reader;

fn page_of(evidence: &Evidence) -> String {
    let findings = findings(evidence);
    reports::page(judged(evidence, &summary(&findings), &findings)).expect("the page is made")
}

/// The values of every attribute called `name`.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    page.split(&format!(" {name}=\""))
        .skip(1)
        .map(|rest| rest.split_once('"').expect("attributes are quoted").0)
        .collect()
}

#[test]
fn the_same_evidence_gives_the_same_bytes() {
    assert_eq!(page_of(&evidence(1.2, 12)), page_of(&evidence(1.2, 12)));
    assert_ne!(page_of(&evidence(1.2, 12)), page_of(&evidence(1.0, 12)));
}

#[test]
fn nothing_on_the_page_asks_for_the_network_and_one_named_script_runs() {
    let page = page_of(&evidence(1.0, 12));
    let script = page.split_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
    let digest = base64::prelude::BASE64_STANDARD.encode(Digest::of(script.as_bytes()).bytes());
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:;"
    );
    assert!(page.contains(&policy), "a browser runs the script that the page has, and no other");
    assert_eq!(page.matches("<script").count(), 1);
    assert!(
        page.contains(r#"<link rel="icon" href="data:,">"#),
        "without it a browser asks for one"
    );
    for forbidden in [" src=", "@import", "url(", "<iframe", "<object", "javascript:"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    // The one URL is the name of the SVG namespace, which nobody fetches.
    let urls = page.matches("://").count();
    assert_eq!(urls, page.matches("http://www.w3.org/2000/svg").count());
    let links = attributes(&page, "href");
    assert!(links.iter().all(|href| *href == "data:," || href.starts_with('#')), "{links:?}");
}

#[test]
fn the_verdict_comes_first_and_in_words() {
    let text = visible(&page_of(&evidence(1.2, 12)));
    let start = "tritgate · quick · stories Verdict: ✗ fail A gated metric is slower by more than the \
                 negligible margin, at the stated confidence, or a budget is broken. 6 compared 6 regressed \
                 0 inconclusive 0 missing next: perf-fixer exit code 2 Largest changes: ";
    assert!(text.starts_with(start), "{}", &text[..400]);
    let all = findings(&evidence(1.2, 12));
    let size = |finding: &&Finding| finding.estimate.unwrap_or(0.0);
    let largest = all.iter().max_by(|a, b| size(a).total_cmp(&size(b))).unwrap();
    let named = format!("{} {}/{} ", start.trim_end(), largest.workload, largest.metric);
    assert!(text.starts_with(&named), "{}", &text[..400]);
}

#[test]
fn each_finding_has_a_row_with_its_numbers_and_its_reason() {
    let evidence = evidence(1.0, 3);
    let mut findings = findings(&evidence);
    findings.truncate(1);
    findings[0] = Finding {
        outcome: "inconclusive".into(),
        verdict: "inconclusive".into(),
        reason: "40 pairs would tell".into(),
        n_pairs: 16,
        base_median: Some(481_730.0),
        head_median: Some(501_234.0),
        estimate: Some(1.04_f64.ln()),
        ci_low: Some(0.97_f64.ln()),
        ci_high: Some(1.115_f64.ln()),
        ..findings[0].clone()
    };
    let text = visible(&reports::page(judged(&evidence, &summary(&findings), &findings)).unwrap());
    let row = "load/ load_ns ? inconclusive inconclusive +4.00 % −3.00 % … +11.50 % 481.7 µs 501.2 µs \
               +1 % / +5 % 16 40 pairs would tell";
    assert!(text.contains(row), "{text}");
    assert!(text.contains("Measured, not gated: prefill-128/prefill_ns, decode-64/decode_step_ns"));
}

#[test]
fn a_missing_metric_keeps_its_row_and_links_nowhere() {
    let evidence = evidence(1.0, 3);
    let mut findings = findings(&evidence);
    findings[2].workload = "decode-256".into();
    findings[2].outcome = "missing".into();
    findings[2].estimate = None;
    findings[2].ci_low = None;
    findings[2].ci_high = None;
    findings[2].base_median = None;
    findings[2].head_median = None;
    let page = reports::page(judged(&evidence, &summary(&findings), &findings)).unwrap();
    assert!(
        visible(&page).contains("decode-256/ decode_step_ns ✓ pass missing – – – – +1 % / +5 %")
    );
    assert!(visible(&page).contains("Measured, not gated: decode-64/decode_step_ns"));
    let ids = attributes(&page, "id");
    for href in attributes(&page, "href").into_iter().filter_map(|href| href.strip_prefix('#')) {
        assert!(ids.contains(&href), "{href} leads nowhere");
    }
}

#[test]
fn every_chart_is_drawn_for_every_series_and_described() {
    let evidence = evidence(1.0, 12);
    let page = page_of(&evidence);
    let n_series = series::collect(&evidence).len();
    assert_eq!(n_series, 7, "six gated metrics and time to first token");
    for idx in 0..n_series {
        for chart in CHARTS {
            for part in ["title", "desc"] {
                let id = format!("<{part} id=\"{}-{idx}-{part}\">", chart.name());
                let text = page.split_once(&id).unwrap_or_else(|| panic!("{id}")).1;
                assert!(text.split_once('<').unwrap().0.len() > 4, "{id} is empty");
            }
        }
    }
    let pictures = page.matches("<svg class=\"chart\"").count();
    assert_eq!(pictures, n_series * CHARTS.len() + 2, "and the rooflines' two");
    assert_eq!(page.matches(" role=\"img\"").count(), pictures);
    let mut ids = attributes(&page, "id");
    let n_ids = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), n_ids, "ids are unique over the whole page");
    for label in
        attributes(&page, "aria-labelledby").iter().chain(&attributes(&page, "aria-describedby"))
    {
        assert!(ids.contains(label), "{label}");
    }
}

#[test]
fn the_commands_and_the_recomputed_rates_are_on_the_page() {
    let mut evidence = evidence(1.0, 0);
    evidence.head.probes.truncate(1);
    evidence.head.probes[0].work = 1_000_000_000;
    evidence.head.probes[0].samples_ns = vec![3e7, 2.5e7, 4e7];
    let text = visible(&page_of(&evidence));
    assert!(text.contains("BITNET_SEED=42 cargo run --release -- gate bench verify ci"), "{text}");
    assert!(text.contains("3 40.0 GB/s"), "1 GB in 25 ms, the best of 3: {text}");
    assert!(text.contains(&evidence.head.subject.binary.to_string()));
    assert!(text.contains(&evidence.head.host.cpu_model));
}

#[test]
fn a_gpu_is_part_of_the_machine_and_of_the_command() {
    let mut evidence = evidence(1.0, 0);
    evidence.head.processes[0].device = Some(DeviceUse {
        id: "cuda:0".to_owned(),
        name: "Scripted GPU".to_owned(),
        capability: "sm_90".to_owned(),
        driver: None,
        total_bytes: None,
        peak_bytes: None,
        clock_before_mhz: None,
        clock_after_mhz: None,
        launches: 1,
        graphs: 0,
        to_device_bytes: 1,
        to_host_bytes: 1,
        lost: None,
    });
    let mut page_asked_for = |device: &str| {
        let engine = evidence.head.subject.engine_mut().expect("a session of the engine");
        engine.settings.device_requested = device.to_owned();
        engine.settings.device_selected = "cuda:0".to_owned();
        visible(&page_of(&evidence))
    };
    let text = page_asked_for("cuda");
    assert!(text.contains("Scripted GPU ( cuda:0 ), "), "{text}");
    let command = "BITNET_SEED=42 cargo run --release --features gpu -- gate --device cuda bench";
    assert!(text.contains(command), "{text}");
    assert!(page_asked_for("auto").contains("--features gpu -- gate --device auto bench"));
    let text = page_asked_for("cuda; date");
    assert!(text.contains("BITNET_SEED=42 cargo run --release -- gate bench verify ci"), "{text}");
}

#[test]
fn evidence_class_and_what_no_floor_accounts_for_are_said() {
    let text = visible(&page_of(&evidence(1.0, 3)));
    for said in [
        "Evidence class A: steady from iteration 2 on (median over those that settled); 1 of 32 processes judged still changed late",
        "decode-64/ decode_step_ns 400.0 µs 40.00 µs 100.0 µs 25 %",
        "ffn_down i2_s 488.3 KiB 2.000 million 50.00 µs 12 %",
        "all else, not divided further – – 300.0 µs 75 %",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn another_output_is_called_another_output() {
    let mut evidence = evidence(1.0, 0);
    assert!(!visible(&page_of(&evidence)).contains("≠ no"));
    let last = evidence.head.processes.last_mut().unwrap();
    last.outputs[0].logits_digest = Digest::of(b"other");
    let text = visible(&page_of(&evidence));
    assert_eq!(text.matches("≠ no").count(), 1, "one process of one workload differs");
    let mut evidence = common::evidence(1.0, 0);
    evidence.baseline.as_mut().unwrap().outputs[0].output_ids_digest = Digest::of(b"other");
    let text = visible(&page_of(&evidence));
    assert_eq!(text.matches("≠ no").count(), 1, "the stored record put out something else");
}

#[test]
fn a_session_of_commands_shows_the_lines_as_text_and_speaks_of_no_model() {
    let mut evidence = baselines::testing::commands(3, 1.0);
    let What::Command(command) = &mut evidence.head.subject.what else { unreachable!() };
    command.line = "work '<b>new</b>'".to_owned();
    let page = page_of(&evidence);
    assert!(!page.contains("<b>new</b>"));
    let text = visible(&page);
    for said in [
        "work --old",
        "No stored baseline",
        "before each run: sync",
        "wrote the same bytes to stdout",
        "ops_count",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    for silent in ["Base model", "git checkout", "No workload of this session generates text"] {
        assert!(!text.contains(silent), "{silent}");
    }
}

#[test]
fn hostile_strings_are_text_and_nothing_else() {
    let hostile = "<script>alert(1)</script>\"'</svg></style><img src=x onerror=alert(2)>";
    let mut evidence = evidence(1.0, 2);
    for record in [&mut evidence.base, &mut evidence.head] {
        record.subject.engine_mut().unwrap().model.name = hostile.into();
        record.host.cpu_model = hostile.into();
        record.tool.commit = Some(hostile.into());
        record.marks = vec![Mark { name: hostile.into(), detail: hostile.into() }];
        for series in record.processes.iter_mut().flat_map(|process| &mut process.series) {
            series.workload = format!("{hostile}{}", series.workload);
        }
    }
    evidence.history[0].started_at = hostile.into();
    let mut findings = findings(&evidence);
    findings[0].reason = hostile.into();
    findings[0].verdict = hostile.into();
    let summary = Summary {
        verdict: hostile.into(),
        route_to: hostile.into(),
        refusals: vec![Refusal {
            rule: hostile.into(),
            field: hostile.into(),
            expected: hostile.into(),
            found: hostile.into(),
            way_out: hostile.into(),
        }],
        ..summary(&findings)
    };
    let page = reports::page(judged(&evidence, &summary, &findings)).unwrap();
    assert_eq!(page.matches("<script").count(), 1, "the page's own");
    assert!(!page.contains("<img"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_eq!(page.matches("</style>").count(), 1);
    assert_eq!(page.matches("</svg>").count(), page.matches("<svg").count());
}

#[test]
fn refusals_say_rule_found_and_way_out() {
    let evidence = evidence(1.0, 0);
    let summary = Summary {
        verdict: "invalid".into(),
        exit_code: 4,
        route_to: "blocked".into(),
        refusals: vec![Refusal {
            rule: "physics".into(),
            field: "decode-64/decode_step_ns".into(),
            expected: "at most 50 GB/s".into(),
            found: "420 GB/s".into(),
            way_out: "measure again".into(),
        }],
        tally: vec!["0 compared".into()],
    };
    let text = visible(&reports::page(judged(&evidence, &summary, &[])).unwrap());
    assert!(text.contains("Verdict: ! invalid"), "{text}");
    assert!(
        text.contains("physics decode-64/decode_step_ns at most 50 GB/s 420 GB/s measure again")
    );
    assert!(text.contains("No metric was compared."));
}
