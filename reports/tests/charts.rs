//! Every chart on awkward series: it draws or says why not, never panics, and stays inside its box.

#![forbid(unsafe_code)]

use baselines::{evidence::HistoryPoint, unit::Unit};
use common::{evidence, findings, judged, summary};
use reports::{
    CHARTS, Finding, Judged, WarmUp,
    chart::{Drawing, Picture},
    series::{self, ProcessSamples, Series},
    theme::CHART_SIZE,
};

mod common;

/// Width of a character in a chart, in pixels: generous for the 12 px sans-serif text they use.
const CHARACTER_PX: f64 = 7.0;

fn process(order: u64, samples: &[f64]) -> ProcessSamples {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    ProcessSamples {
        order,
        pair: order / 2,
        median: sorted[sorted.len() / 2],
        samples: samples.to_vec(),
        per_iteration: 1,
    }
}

/// A series whose arms take turns; `samples(order)` are those of one process.
fn series_of(n_pairs: u64, n_history: u8, samples: impl Fn(u64) -> Vec<f64>) -> Series {
    let arm = |first: u64| {
        (0..n_pairs)
            .map(|pair| 2 * pair + first)
            .map(|order| process(order, &samples(order)))
            .collect()
    };
    let history = (1..=n_history).map(|day| {
        let median = samples(0)[0];
        HistoryPoint {
            record: baselines::Digest::of(b"a record"),
            started_at: format!("2026-01-{day:02}T09:00:00.000Z"),
            commit: None,
            workload: "decode-64".into(),
            metric: "decode_step_ns".into(),
            median,
            min: median,
            max: median,
        }
    });
    let (base, head): (Vec<ProcessSamples>, Vec<_>) = (arm(0), arm(1));
    let positive =
        base.iter().zip(&head).filter(|(base, head)| base.median > 0.0 && head.median > 0.0);
    let ratios =
        positive.map(|(base, head)| (base.pair, (head.median / base.median).ln())).collect();
    Series {
        workload: "decode-64".into(),
        metric: "decode_step_ns".into(),
        unit: Unit::Nanoseconds,
        history: history.collect(),
        base,
        head,
        ratios,
        n_unusable: 0,
    }
}

fn finding(estimate: Option<f64>) -> Finding {
    Finding {
        workload: "decode-64".into(),
        metric: "decode_step_ns".into(),
        outcome: "unchanged".into(),
        verdict: "pass".into(),
        reason: String::new(),
        unit: Unit::Nanoseconds,
        n_pairs: 1,
        base_median: None,
        head_median: None,
        estimate,
        ci_low: estimate.map(|x| x - 0.01),
        ci_high: estimate.map(|x| x + 0.01),
        m0: 1.01_f64.ln(),
        m1: 1.05_f64.ln(),
        warm_up: WarmUp { median_cut: estimate, ..WarmUp::default() },
    }
}

/// Value of `name` in one element.
fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    element.split_once(&format!(" {name}=\""))?.1.split_once('"').map(|(value, _)| value)
}

fn parsed(number: &str) -> f64 {
    number.parse().expect("coordinates are numbers")
}

/// Every place in `picture` lies in its box, and so does every text, by a generous guess at its width.
fn assert_inside(picture: &Picture, what: &str) {
    let (width, height) = (f64::from(CHART_SIZE.0), f64::from(CHART_SIZE.1));
    let inside = |x: f64, y: f64, element: &str| {
        assert!((0.0..=width).contains(&x) && (0.0..=height).contains(&y), "{what}: {element}");
    };
    for element in
        picture.body.split('<').filter(|element| !element.is_empty() && !element.starts_with('/'))
    {
        let number = |name: &str| attribute(element, name).map(parsed);
        for (x, y) in [("x", "y"), ("cx", "cy"), ("x1", "y1"), ("x2", "y2")] {
            if let (Some(x), Some(y)) = (number(x), number(y)) {
                inside(x, y, element);
            }
        }
        for point in attribute(element, "points").unwrap_or_default().split_whitespace() {
            let (x, y) = point.split_once(',').expect("a point is a pair");
            inside(parsed(x), parsed(y), element);
        }
        if element.starts_with("text") {
            let text = element.split_once('>').expect("an element ends").1.trim();
            #[expect(clippy::cast_precision_loss, reason = "labels are short")]
            let wide = text.chars().count() as f64 * CHARACTER_PX;
            let (x, y) = (number("x").expect("a text has x"), number("y").expect("a text has y"));
            let left = match attribute(element, "text-anchor").expect("a text has an anchor") {
                "start" => x,
                "middle" => x - wide / 2.0,
                _ => x - wide,
            };
            inside(left, y, element);
            inside(left + wide, y, element);
        }
    }
}

#[test]
fn every_chart_takes_every_awkward_series() {
    let steady = |_| vec![481_730.0];
    let noisy =
        |order: u64| vec![481_730.0 + 1000.0 * f64::from(u32::try_from(order).unwrap() % 7)];
    let cases = [
        ("nothing at all", series_of(0, 0, steady)),
        ("history alone", series_of(0, 5, steady)),
        ("one process an arm, one sample", series_of(1, 0, steady)),
        ("one session of history", series_of(16, 1, steady)),
        ("zero variance", series_of(16, 12, steady)),
        ("zeros", series_of(16, 3, |_| vec![0.0])),
        ("a zero base", series_of(4, 0, |order| vec![if order % 2 == 0 { 0.0 } else { 1.0 }])),
        (
            "one tick apart",
            series_of(4, 0, |order| vec![if order % 2 == 0 { 1e6 } else { 1e6 + 1.0 }]),
        ),
        (
            "head a million times slower",
            series_of(4, 2, |order| vec![if order % 2 == 0 { 40.0 } else { 4e7 }]),
        ),
        (
            "tiny and huge",
            series_of(4, 2, |order| vec![if order % 2 == 0 { 5e-324 } else { 9e14 }]),
        ),
        (
            "many samples",
            series_of(16, 12, |order| {
                (0..500).map(|i| 4e5 + f64::from(i) + noisy(order)[0]).collect()
            }),
        ),
        ("many pairs", series_of(200, 31, noisy)),
        ("31 days", series_of(16, 31, noisy)),
    ];
    let estimates = [None, Some(0.0), Some(-3.0), Some(f64::NAN), Some(f64::INFINITY), Some(1e300)];
    for (name, series) in &cases {
        for chart in CHARTS {
            let mut all = vec![chart.draw(series, None).unwrap()];
            for estimate in estimates {
                all.push(chart.draw(series, Some(&finding(estimate))).unwrap());
            }
            for drawing in all {
                match drawing {
                    Drawing::Nothing(reason) => assert!(!reason.is_empty()),
                    Drawing::Picture(picture) => {
                        let what = format!("{} of {name}", chart.name());
                        assert_inside(&picture, &what);
                        assert!(
                            !picture.body.contains("NaN") && !picture.body.contains("inf"),
                            "{what}"
                        );
                        assert!(!picture.body.contains("svg"), "{what}: the root stays outside");
                        assert!(!picture.description.is_empty());
                    }
                }
            }
        }
    }
}

#[test]
fn only_a_series_without_samples_has_no_picture() {
    let drawn = |series: &Series| {
        CHARTS
            .iter()
            .filter(|chart| matches!(chart.draw(series, None), Ok(Drawing::Picture(_))))
            .map(|chart| chart.name())
            .collect::<Vec<_>>()
    };
    assert_eq!(drawn(&series_of(1, 0, |_| vec![5.0])), ["trend", "comparison", "distribution"]);
    assert_eq!(drawn(&series_of(0, 5, |_| vec![5.0])), ["trend"]);
    assert!(drawn(&series_of(0, 0, |_| vec![5.0])).is_empty());
}

#[test]
fn marks_give_way_to_lines_where_they_would_cover_each_other() {
    let body = |series: &Series, idx: usize| match CHARTS[idx].draw(series, None).unwrap() {
        Drawing::Picture(picture) => picture.body,
        Drawing::Nothing(reason) => panic!("{reason}"),
    };
    let circles = |series: &Series, idx: usize| body(series, idx).matches("<circle").count();
    let steady = |n: usize| move |_| vec![1e6; n];
    assert_eq!(circles(&series_of(1, 60, steady(1)), 0), 60 + 1, "60 sessions and the base");
    assert_eq!(circles(&series_of(1, 61, steady(1)), 0), 1, "61 sessions: the base alone");
    assert_eq!(circles(&series_of(1, 0, steady(24)), 2), 24 + 1, "24 samples and the legend");
    assert_eq!(circles(&series_of(1, 0, steady(25)), 2), 1 + 1, "25 samples: the median alone");
}

#[test]
fn colours_come_from_the_palette_so_that_the_dark_theme_reaches_them() {
    let series =
        series_of(16, 12, |order| vec![1e6, 1e6 + f64::from(u32::try_from(order).unwrap())]);
    let css = reports::theme::css();
    for chart in CHARTS {
        let Drawing::Picture(picture) = chart.draw(&series, Some(&finding(Some(0.01)))).unwrap()
        else {
            panic!("{} draws nothing", chart.name());
        };
        for name in ["fill", "stroke"] {
            for rest in picture.body.split(&format!(" {name}=\"")).skip(1) {
                let color = rest.split_once('"').unwrap().0;
                let rule = format!(".chart [{name}=\"{color}\"]");
                assert!(color == "none" || css.contains(&rule), "{}: {color}", chart.name());
            }
        }
    }
}

#[test]
fn descriptions_carry_the_figures_behind_the_pictures() {
    let series =
        series_of(2, 2, |order| vec![[1e6, 1.02e6, 1e6, 0.99e6][usize::try_from(order).unwrap()]]);
    let finding = finding(Some(1.005_f64.ln()));
    let text: Vec<String> = CHARTS
        .iter()
        .map(|chart| match chart.draw(&series, Some(&finding)).unwrap() {
            Drawing::Picture(picture) => picture.description.replace('\u{a0}', " "),
            Drawing::Nothing(reason) => reason,
        })
        .collect();
    insta::assert_snapshot!(text.join("\n"), @r"
    2 earlier sessions, the latest on 2026-01-02 with median 1.000 ms. This session's base: median 1.000 ms over 2 processes, from 1.000 ms to 1.000 ms. This session's head: median 1.005 ms over 2 processes, from 990.0 µs to 1.020 ms.
    2 pairs, head slower in 1 of them. Estimate +0.50 %, 95 % interval −0.50 % to +1.51 %. Margins: m0 +1 %, m1 +5 %.
    Base: 2 samples in 2 processes, from 1.000 ms to 1.000 ms. Head: 2 samples in 2 processes, from 990.0 µs to 1.020 ms.
    no process has a second iteration
    ");
}

#[test]
fn a_page_of_bare_evidence_is_still_a_page() {
    let mut bare = evidence(1.0, 0);
    let strip = |bare: &baselines::Evidence| {
        let findings = findings(bare);
        reports::page(Judged { rooflines: &[], ..judged(bare, &summary(&findings), &findings) })
            .unwrap()
    };
    for record in [&mut bare.base, &mut bare.head] {
        record.processes.truncate(1);
        for series in record.processes.iter_mut().flat_map(|process| &mut process.series) {
            series.samples.truncate(1);
        }
    }
    let n_pictures = 7 * (CHARTS.len() - 1);
    assert_eq!(strip(&bare).matches("<svg").count(), n_pictures, "one sample each: no warm-up");
    bare.head.processes.clear();
    assert!(strip(&bare).contains("no pair of processes"));
    bare.base.processes.clear();
    bare.base.probes.clear();
    bare.head.probes.clear();
    bare.base.accuracy = None;
    bare.head.accuracy = None;
    bare.base.marks.clear();
    bare.head.marks.clear();
    bare.baseline = None;
    let page = strip(&bare);
    assert_eq!(page.matches("<svg").count(), 0);
    assert!(page.contains("No metric was compared."));
}

#[test]
fn values_no_chart_can_show_are_counted_on_the_page() {
    let mut evidence = evidence(1.0, 1);
    let samples = &mut evidence.head.processes[3].series[0].samples;
    samples[0] = f64::NAN;
    samples[1] = 1e300;
    evidence.history[0].max = f64::INFINITY;
    let all = series::collect(&evidence);
    assert_eq!(all[0].n_unusable, 3);
    let findings = findings(&evidence);
    let page = reports::page(judged(&evidence, &summary(&findings), &findings)).unwrap();
    assert!(page.contains("3\u{a0}values"), "the page says what it left out");
}
