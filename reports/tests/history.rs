//! The page of a history: complete, escaped, thinned without losing a change, the same bytes each time; and the SVG of a fixed one.

#![forbid(unsafe_code)]

use history::{history, hostile, mixed, typical};
use reader::visible;
use reports::{
    History,
    history::{Track, levels},
};

#[path = "common/history.rs"]
mod history;
#[path = "common/reader.rs"]
mod reader;
#[path = "common/mod.rs"]
mod session;

fn page(history: &History) -> String {
    reports::history_page(history, None).expect("the page is made")
}

#[test]
fn the_same_history_gives_the_same_bytes() {
    assert_eq!(page(&typical()), page(&typical()));
    assert_ne!(page(&typical()), page(&history(90, 6, &[])));
}

/// The SVG of a fixed history; origin: this crate, looked at in a browser when it was taken.
#[test]
fn the_chart_of_a_fixed_history_is_what_it_was() {
    let history = history(12, 1, &[(6, 0.05)]);
    let svg = reports::track_svg(&history, &history.tracks[0]).unwrap();
    insta::assert_snapshot!("short_history", svg.replace('>', ">\n"));
    let mut typical = typical();
    typical.sessions[89].is_current = true;
    let svg = reports::track_svg(&typical, &typical.tracks[0]).unwrap();
    insta::assert_snapshot!("typical_history", svg.replace('>', ">\n"));
}

#[test]
fn changes_come_largest_first_with_their_interval_and_commits() {
    let text = visible(&page(&typical()));
    let first = "decode-64/ decode_step_ns ▲ +6.18 % worse +5.76 % … +6.61 % 2026-02-04 009d7004e0aa engine: change number 30 \
                 2026-02-05 75a744c7e35d engine: change number 31 2 of 6";
    let place = text.find(first).unwrap_or_else(|| panic!("{text}"));
    let other = text.find("▼ −3.92 % better −4.30 % … −3.54 %").expect("the smaller one");
    assert!(place < other);
}

#[test]
fn changes_of_many_series_at_once_are_counted_by_class_and_place() {
    let mut history = mixed();
    let track = history.tracks[0].clone();
    let change = track.changes[0];
    let n = |history: &History| history.together(&track, &change);
    assert_eq!(
        n(&history),
        1,
        "of one track in three there is a step, and the other machine's is another's"
    );
    history.tracks[2].changes = vec![change];
    assert_eq!(n(&history), 2);
    history.tracks[2].changes[0].last_good = change.first_bad;
    history.tracks[2].changes[0].first_bad = change.first_bad + 1;
    assert_eq!(n(&history), 1, "it lies after the other");
}

#[test]
fn everything_left_out_is_counted_and_named() {
    let text = visible(&page(&typical()));
    assert!(text.contains("2 left out : why"), "{text}");
    assert!(text.contains("2 : written by a newer bench than this one 0123456789ab: version 2.0 ba9876543210: version 2.1"));
    assert!(visible(&page(&mixed())).contains("Left out Nothing."));
}

#[test]
fn a_baseline_a_waiver_a_promotion_a_gap_and_a_calibration_are_told() {
    let text = visible(&page(&typical()));
    for said in [
        "Baseline main : 489.3 µs, 2026-03-10",
        "margins +1.00 % and +5.00 %",
        "Waiver (in force) up to +20 % until 2026-12-31, by ada : the new tokenizer",
        "main promote 2026-03-10",
        "Nothing for 31 days before 2026-04-15",
        "every demand is met. a build with itself: 0 of 60 (0.0 % to 6.0 %) fail",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn two_machines_are_two_series_and_the_page_says_which() {
    let page = page(&mixed());
    assert_eq!(page.matches("<svg class=\"chart\"").count(), 6);
    let text = visible(&page);
    assert!(text.contains("2 classes"));
    assert!(text.contains("AMD EPYC 9R14 · stories, avx512, 2 threads"));
    assert!(text.contains("Intel Xeon Platinum 8488C · stories, avx512, 2 threads"));
}

#[test]
fn an_empty_store_and_a_single_session_have_a_page() {
    let text = visible(&page(&History::default()));
    assert!(
        text.contains("No session in this store") && text.contains("bench baseline record"),
        "{text}"
    );
    let one = page(&history(1, 3, &[]));
    assert_eq!(one.matches("<svg class=\"chart\"").count(), 3);
    assert!(visible(&one).contains("1 session in this store"));
}

#[test]
fn hostile_text_is_text_and_hides_nothing() {
    let page = page(&hostile());
    assert_eq!(page.matches("<script").count(), 1, "the page's own");
    assert!(!page.contains("<img") && !page.contains('\u{202e}'));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && page.contains("⟨U+202E⟩"));
    assert_eq!(page.matches("</svg>").count(), page.matches("<svg").count());
    assert_eq!(page.matches("</style>").count(), 1);
    assert!(!page.contains(&"x".repeat(1_000)), "a subject of ten kilobytes is cut");
    assert!(page.contains("characters)"), "and says so");
    assert!(!page.contains("href=\"javascript:") && !page.contains("commit/javascript:"));
    let svg = reports::track_svg(&hostile(), &hostile().tracks[0]).unwrap();
    assert!(!svg.contains("<script") && !svg.contains('\u{202e}'), "{}", &svg[..400]);
}

#[test]
fn a_commit_is_linked_only_by_https_and_only_by_its_digits() {
    let links = |url: Option<&str>| {
        let mut history = typical();
        history.commit_url = url.map(str::to_owned);
        page(&history).matches(" rel=\"noreferrer\"").count()
    };
    assert!(links(Some("https://example.org/c/")) > 10);
    assert_eq!(links(Some("javascript:alert(1)//")), 0);
    assert_eq!(links(Some("http://example.org/c/")), 0);
    assert_eq!(links(None), 0);
    let mut history = typical();
    history.sessions[89].commit = Some("javascript:alert(3)".to_owned());
    let page = page(&history);
    assert!(page.contains("javascript:a"), "the latest session is shown");
    assert!(!page.contains("commit/javascript:"), "and leads nowhere");
}

/// The thinned chart still has each change at its place: the level lines of the picture end where the levels do.
#[test]
fn ten_thousand_sessions_are_thinned_and_no_change_is_lost() {
    let steps = [(17, 0.05), (2_500, 0.04), (2_503, 0.04), (9_998, -0.06)];
    let long = history(10_000, 1, &steps);
    let svg = reports::track_svg(&long, &long.tracks[0]).unwrap();
    for percent in ["+5.13", "+4.08", "−5.82"] {
        assert!(svg.contains(percent), "{percent}");
    }
    assert_eq!(svg.matches("after 20").count(), 2 * steps.len(), "a tip each, and the description");
    assert_eq!(levels(&long.tracks[0]).len(), steps.len() + 1);
    let band = svg.matches("#D6DCE2").count();
    assert_eq!(band, steps.len() + 1, "no part of the band reaches over a change");
    assert!(svg.len() < 120_000, "{} bytes", svg.len());
}

#[test]
fn a_page_of_years_stays_below_five_megabytes() {
    let years = history(10_000, 20, &[(2_500, 0.05), (5_000, -0.03), (9_990, 0.04)]);
    let page = page(&years);
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
    assert_eq!(page.matches("<svg class=\"chart\"").count(), 20);
    let wide = history(300, 260, &[(100, 0.05)]);
    let page = reports::history_page(&wide, None).unwrap();
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
    assert_eq!(page.matches("<svg class=\"chart\"").count(), 200);
    assert!(visible(&page).contains("60 series have no chart on this page"), "said, not dropped");
}

#[test]
fn a_session_beside_its_history_shows_its_verdict_first() {
    let evidence = session::evidence(1.2, 12);
    let findings = session::findings(&evidence);
    let summary = session::summary(&findings);
    let judged = session::judged(&evidence, &summary, &findings);
    let page = reports::history_page(&typical(), Some(judged)).unwrap();
    let text = visible(&page);
    assert!(text.starts_with("tritgate · quick · stories Verdict: ✗ fail"), "{}", &text[..200]);
    for id in ["metrics", "changes", "series", "trends", "evidence", "sources"] {
        assert_eq!(page.matches(&format!(" id=\"{id}\"")).count(), 1, "{id}");
    }
}

#[test]
fn a_track_without_a_value_or_a_search_says_so() {
    let mut history = history(3, 1, &[]);
    history.tracks[0].not_searched = Some("fewer than six sessions".to_owned());
    history.tracks[0].n_unusable = 2;
    let empty = Track { points: Vec::new(), processes: Vec::new(), ..history.tracks[0].clone() };
    history.tracks.push(empty);
    let text = visible(&page(&history));
    assert!(text.contains("No change was looked for: fewer than six sessions."), "{text}");
    assert!(text.contains("2 sessions left out of the chart"));
    assert!(text.contains("Nothing to draw: no session has a value that can be drawn."));
}
