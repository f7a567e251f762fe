//! The page of a triage: complete, whole numbers, escaped, silent about what is refused.

#![forbid(unsafe_code)]

use reader::visible;
use reports::triage::View;

#[path = "common/reader.rs"]
mod reader;
#[path = "common/triage.rs"]
mod scripted;

fn page(view: &View) -> String {
    reports::triage_page(view).expect("the page is made")
}

/// The inside of the first element that starts with `start`.
fn inside<'a>(page: &'a str, start: &str, end: &str) -> &'a str {
    let rest = page.split_once(start).unwrap_or_else(|| panic!("no {start}")).1;
    rest.split_once(end).expect("the element ends").0
}

/// The numbers of a column of the first table of parts: of its rows, and of the sum below them.
fn column(page: &str, nth: usize) -> (Vec<f64>, f64) {
    let table = inside(page, "<table class=\"parts\"", "</table>");
    let cell = |row: &str| -> Option<f64> {
        let cell = row.split("<td class=\"number\"").nth(nth)?.split_once('>')?.1;
        let text = cell.split_once('<')?.0.replace('−', "-").replace(['+', '%', '\u{a0}'], "");
        text.trim().parse().ok()
    };
    let (body, foot) = table.split_once("<tfoot>").expect("a sum below the rows");
    let rows = body.split("<tr").skip(2).map(|row| cell(row).expect("a number in each row"));
    (rows.collect(), cell(foot).expect("a number in the sum"))
}

#[test]
fn the_parts_that_are_shown_sum_to_the_whole_that_is_shown() {
    let page = page(&scripted::typical());
    for (nth, what) in [(1, "base"), (2, "head"), (3, "change")] {
        let (parts, whole) = column(&page, nth);
        assert_eq!(parts.len(), 14, "{what}");
        // Each of 14 is rounded to two digits.
        let sum: f64 = parts.iter().sum();
        assert!(
            (sum - whole).abs() <= 14.0 * 0.005 + 1e-9,
            "{what}: {parts:?} sum to {sum}, not {whole}"
        );
    }
}

#[test]
fn what_is_named_is_marked_by_a_sign_and_a_word_and_nothing_else_is() {
    let view = scripted::typical();
    let page = page(&view);
    let table = inside(&page, "<table class=\"parts\"", "</table>");
    let rows: Vec<&str> = table.split("<tr").skip(2).collect();
    for (part, row) in view.workloads[0].parts.iter().zip(&rows) {
        let text = row.contains("▲ </span>slower") || row.contains("▼ </span>faster");
        assert_eq!(text, part.named, "{}: {row}", part.name);
        assert_eq!(row.starts_with(" class=\"named\""), part.named, "{}", part.name);
    }
    assert!(rows[3].contains("slower") && rows[2].contains("faster"));
    let chart = inside(&page, "<svg class=\"chart\"", "</svg>");
    let bold = |y: &str| chart.matches(y).count();
    assert_eq!(bold("+24.30\u{a0}%"), 2, "a label and the description: {chart}");
    assert!(
        chart.contains("Named: attn_qkv −2.10\u{a0}% (−2.50\u{a0}% to −1.70\u{a0}%); rope +24.30"),
        "{chart}"
    );
}

#[test]
fn everything_that_a_triage_says_is_on_the_page() {
    let text = visible(&page(&scripted::typical()));
    for said in [
        "tritgate · triage · head against revision main (0f3c2a9d81be) Where the time went decode-16/rope +24.30 %",
        "15 pairs compared 1 pair left out as disturbed",
        "rotate, write keys and values +1215.00 % of its own time kernel rope.avx512 → rope.scalar 8.78 115.51 +24.30 %",
        "Commit 0f3c2a9d81be 77ab10c3fe42, uncommitted changes",
        "Scripted CPU @ 2.0 GHz, 2 CPUs, 8 GiB",
        "decode_step_ns: 439.2 µs → 538.8 µs, +22.68 % (+22.08 % … +23.28 %)",
        "i2_s.avx512 263.5 µs 255.5 µs −1.83 %",
        "Stamping: 61 readings of the clock a sample, 21.4 ns each: 0.30 % of it, in both arms.",
        "faster attn_q-1 288 × 288 1 4.120 µs 3.543 µs −14.00 %",
        "What else differs From the record and nothing else; the strongest evidence first. kernel kernel rope.avx512",
        "The session Circumstances while it was measured: they explain no difference of the builds. environment governor-unknown",
        "+21,000,000 instructions (+5.09 %): 412,345,678 → 433,345,678; a second run of each: 412,346,012 → 433,345,710.",
        "engine::kernels::scalar::rope::rope engine/src/kernels/scalar/rope.rs, only in the head",
        "0 27,400,000 +27,400,000 130 % 0 → 2,304",
        "2 more functions differ",
        "bench verify ci/triage_evidence.json bench triage --from ci",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let explains = text.find("What else differs").unwrap();
    assert!(explains < text.find("Circumstances").unwrap(), "what explains comes first");
}

#[test]
fn without_a_difference_the_page_says_so_and_still_has_the_tables() {
    let text = visible(&page(&scripted::silent()));
    assert!(
        text.contains("No difference was found Nothing to explain within these intervals."),
        "{text}"
    );
    assert!(text.contains("whole, the sum"), "{text}");
    for silent in ["slower", "faster", "What else differs", "Executed instructions"] {
        assert!(!text.contains(silent), "{silent}: {text}");
    }
}

#[test]
fn instructions_alone_speak_of_no_time() {
    let text = visible(&page(&scripted::counted()));
    assert!(text.contains("no time was measured: instructions alone were counted"), "{text}");
    for silent in ["pairs compared", "A clock was read", "triage_evidence.json bench triage"] {
        assert!(!text.contains(silent), "{silent}: {text}");
    }
}

#[test]
fn a_refused_triage_says_only_that() {
    let page = page(&scripted::refused());
    let text = visible(&page);
    assert!(text.starts_with("tritgate · triage Refused: the evidence does not hold"), "{text}");
    assert!(
        text.contains(
            "one-session head.processes[3].pair the pair of a process of the base 17 measure again"
        ),
        "{text}"
    );
    for silent in ["rope", "decode-16", "Scripted CPU", "instructions", "<svg"] {
        assert!(!page.contains(silent), "{silent}: {text}");
    }
}

#[test]
fn nothing_on_any_page_asks_for_the_network_and_no_script_but_the_page_s_own_runs() {
    for view in [
        scripted::typical(),
        scripted::silent(),
        scripted::counted(),
        scripted::refused(),
        scripted::hostile(),
    ] {
        let page = page(&view);
        assert_eq!(page.matches("<script").count(), 1, "the page's own");
        for forbidden in [
            "<img",
            " src=",
            "@import",
            "url(",
            "<iframe",
            "<object",
            "javascript:",
            "onload",
            "<use",
            "<image",
        ] {
            let found = page.replace("onerror", "").replace("src=x", "");
            assert!(!found.contains(forbidden), "{forbidden}");
        }
        assert_eq!(page.matches("</style>").count(), 1);
        assert_eq!(page.matches("</svg>").count(), page.matches("<svg").count());
        let names = page.matches("=\"http://www.w3.org/2000/svg\"").count();
        assert_eq!(
            page.matches("=\"http").count(),
            names,
            "names of the SVG namespace, which nobody fetches"
        );
    }
}

#[test]
fn hostile_texts_are_text_and_hidden_characters_are_seen() {
    let page = page(&scripted::hostile());
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.contains("⟨U+202E⟩⟨U+0000⟩") && !page.contains('\u{202e}'));
    assert!(
        page.contains("<title>&lt;script&gt;alert(3)&lt;/script&gt;"),
        "a name in the flame graph"
    );
    for found in ["NaN", "inf"] {
        assert!(!visible(&page).split_whitespace().any(|word| word == found), "{found}");
    }
}

#[test]
fn ids_are_unique_and_every_label_has_its_element() {
    for view in [scripted::typical(), scripted::hostile()] {
        let page = page(&view);
        let all = |name: &str| -> Vec<String> {
            let start = format!(" {name}=\"");
            let starts = page.split(&start).skip(1);
            starts.map(|rest| rest.split_once('"').expect("quoted").0.to_owned()).collect()
        };
        let mut ids = all("id");
        let n_ids = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), n_ids);
        for label in all("aria-labelledby").iter().chain(&all("aria-describedby")) {
            assert!(ids.contains(label), "{label}");
        }
    }
}
