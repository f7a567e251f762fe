//! A flame graph within the page: where instructions went, and where they became more.
//! In: the SVG of a flame graph, hostile until read. Out: frames drawn anew in the page's own colours, and nothing else of it.
//!
//! What is taken are rectangles with a name: four numbers, whether the colour is red or blue, and the words of the `<title>`. So no
//! script, no style, no reference and no id of the file can come along. Places are shares of the width, and each frame is a window
//! of its own that cuts off its text: it stays legible from a phone's width up.

use maud::{Markup, html};
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use crate::{quantity::counted, text::cut};

/// Height of a frame in pixels.
const FRAME_HEIGHT: u32 = 18;

/// Frames narrower than this share of the width, in percent, can't be seen.
const NARROWEST: f64 = 0.2;

/// Frames with text: from this width on, in percent.
const WITH_TEXT: f64 = 1.5;

/// More are no picture.
const MOST_FRAMES: usize = 4_000;

/// Deepest stack.
const MOST_LEVELS: u32 = 200;

/// Characters of a frame's words.
const MOST_CHARACTERS: usize = 400;

/// How a frame's own count changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tendency {
    More,
    Fewer,
    Same,
}

/// One frame.
#[derive(Clone, Debug, PartialEq)]
struct Frame {
    /// Left edge and width, percent.
    x: f64,
    width: f64,
    /// Pixels from the top of the file's picture.
    y: f64,
    tendency: Tendency,
    /// How strong its colour is, 0 to 1.
    strength: f64,
    /// Name and counts.
    words: String,
}

/// The frames as a picture; what was found instead where they can't be read.
pub(super) fn picture(svg: &str) -> Markup {
    match frames(svg) {
        Ok(frames) if frames.is_empty() => {
            html! { p.nothing { "The flame graph holds no frame." } }
        }
        Ok(frames) => drawn(&frames),
        Err(found) => {
            html! { p.nothing { "The flame graph can't be read: expected the SVG that inferno writes, found " (found) "." } }
        }
    }
}

fn drawn(all: &[Frame]) -> Markup {
    let shown: Vec<&Frame> =
        all.iter().filter(|frame| frame.width >= NARROWEST).take(MOST_FRAMES).collect();
    let mut rows: Vec<f64> = shown.iter().map(|frame| frame.y).collect();
    rows.sort_by(f64::total_cmp);
    rows.dedup();
    let level = |frame: &Frame| rows.iter().position(|y| *y >= frame.y).unwrap_or(0);
    let height = u32::try_from(rows.len()).unwrap_or(MOST_LEVELS).min(MOST_LEVELS) * FRAME_HEIGHT;
    let n_left_out = all.len() - shown.len();
    html! {
        svg.flame xmlns="http://www.w3.org/2000/svg" width="100%" height=(height) role="img"
            aria-labelledby="flame-title" aria-describedby="flame-desc" {
            title id="flame-title" { "Flame graph of executed instructions, head against base" }
            desc id="flame-desc" { (describe(&shown)) }
            @for frame in &shown {
                svg x={ (percent(frame.x)) } y=(level(frame) * FRAME_HEIGHT as usize) width={ (percent(frame.width)) } height=(FRAME_HEIGHT) {
                    title { (cut(&frame.words, MOST_CHARACTERS)) }
                    rect class=(class(frame.tendency)) width="100%" height=(FRAME_HEIGHT) fill-opacity={ (format!("{:.2}", opacity(frame))) } {}
                    @if frame.width >= WITH_TEXT { text x="3" y="13" { (label(frame)) } }
                }
            }
        }
        p.note {
            "A frame's width: what the head executed in it and below it. "
            span.key { span class="more" aria-hidden="true" {} "▲ more" } " and " span.key { span class="fewer" aria-hidden="true" {} "▼ fewer" }
            " instructions by itself than in the base; the stronger the colour, the larger the difference. The root is at the bottom; \
             pointing at a frame gives its numbers. Callgrind keeps a call graph and no stacks, so that who called whom for how much is an \
             estimate. "
            @if n_left_out > 0 { (counted(n_left_out, "frame", "frames")) " too narrow to be seen here: in " code { "triage_flame.svg" } "." }
        }
    }
}

fn percent(share: f64) -> String {
    format!("{share:.3}%")
}

const fn class(tendency: Tendency) -> &'static str {
    match tendency {
        Tendency::More => "more",
        Tendency::Fewer => "fewer",
        Tendency::Same => "same",
    }
}

/// Text stays legible on the strongest.
fn opacity(frame: &Frame) -> f64 {
    match frame.tendency {
        Tendency::Same => 0.7,
        Tendency::More | Tendency::Fewer => 0.15 + 0.3 * frame.strength,
    }
}

/// A sign and the name, without the counts behind it.
fn label(frame: &Frame) -> String {
    let name = frame.words.rsplit_once(" (").map_or(frame.words.as_str(), |(name, _)| name);
    let sign = match frame.tendency {
        Tendency::More => "▲ ",
        Tendency::Fewer => "▼ ",
        Tendency::Same => "",
    };
    format!("{sign}{}", cut(name, 120))
}

fn describe(frames: &[&Frame]) -> String {
    let of = |tendency: Tendency| frames.iter().filter(|frame| frame.tendency == tendency).count();
    let mut changed: Vec<&&Frame> =
        frames.iter().filter(|frame| frame.tendency != Tendency::Same).collect();
    changed.sort_by(|a, b| b.strength.total_cmp(&a.strength));
    let strongest: Vec<String> =
        changed.iter().take(3).map(|frame| cut(&frame.words, 160)).collect();
    let strongest = match strongest.is_empty() {
        true => String::new(),
        false => format!(" The strongest: {}.", strongest.join("; ")),
    };
    format!(
        "{}: {} execute more by themselves, {} fewer.{strongest} The table of functions has the numbers.",
        counted(frames.len(), "frame", "frames"),
        of(Tendency::More),
        of(Tendency::Fewer)
    )
}

/// All rectangles that stand beside a `<title>`, as inferno writes them; an error says what was found.
fn frames(svg: &str) -> Result<Vec<Frame>, String> {
    let mut reader = Reader::from_str(svg);
    let mut frames = Vec::new();
    let mut words = String::new();
    let (mut in_title, mut in_script) = (false, false);
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Eof => return Ok(frames),
            Event::Start(element) => match element.local_name().as_ref() {
                b"title" if !in_script => {
                    in_title = true;
                    words.clear();
                }
                b"script" | b"style" | b"foreignObject" => in_script = true,
                b"g" | b"a" => words.clear(),
                b"rect" if !in_script => frames.extend(frame(&element, &words)),
                _ => {}
            },
            Event::Empty(element) if element.local_name().as_ref() == b"rect" && !in_script => {
                frames.extend(frame(&element, &words));
            }
            Event::End(element) => match element.local_name().as_ref() {
                b"title" => in_title = false,
                b"script" | b"style" | b"foreignObject" => in_script = false,
                b"g" | b"a" => words.clear(),
                _ => {}
            },
            Event::Text(text) if in_title => {
                words.push_str(&text.decode().map_err(|error| error.to_string())?);
            }
            Event::GeneralRef(name) if in_title => words.push(character(&name)),
            _ => {}
        }
    }
}

/// The character of a reference such as `&lt;`; of one that is not XML's own, its sign of replacement.
fn character(name: &quick_xml::events::BytesRef<'_>) -> char {
    let named = match name.as_ref() {
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"amp" => Some('&'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        _ => name.resolve_char_ref().ok().flatten(),
    };
    named.unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// A frame, if the rectangle has words, a place within the picture, and a colour; the ground has no words.
fn frame(rect: &BytesStart<'_>, words: &str) -> Option<Frame> {
    let attribute = |name: &str| {
        let found = rect.try_get_attribute(name).ok().flatten()?;
        String::from_utf8(found.value.into_owned()).ok()
    };
    let number = |name: &str| {
        let text = attribute(name)?;
        let text = text.strip_suffix('%').unwrap_or(&text);
        text.parse::<f64>().ok().filter(|number| (0.0..=100_000.0).contains(number))
    };
    let (x, width, y) = (number("x")?, number("width")?, number("y")?);
    let (tendency, strength) = tendency(&attribute("fill")?)?;
    // Rounded to four digits, a frame at the right edge may reach over it.
    let is_inside = x + width <= 100.01;
    (!words.is_empty() && is_inside).then(|| Frame {
        x,
        width,
        y,
        tendency,
        strength,
        words: words.to_owned(),
    })
}

/// `rgb(255,c,c)`: more, the stronger the smaller `c`; `rgb(c,c,255)`: fewer; grey: the same.
fn tendency(fill: &str) -> Option<(Tendency, f64)> {
    let inside = fill.strip_prefix("rgb(")?.strip_suffix(')')?;
    let parts: Vec<u8> =
        inside.split(',').map(|part| part.trim().parse().ok()).collect::<Option<_>>()?;
    let [red, _, blue] = parts[..] else { return None };
    // inferno's colours leave 5 to 155 between red and blue.
    let strength = (f64::from(red.abs_diff(blue)) / 155.0).min(1.0);
    Some(match red.cmp(&blue) {
        std::cmp::Ordering::Greater => (Tendency::More, strength),
        std::cmp::Ordering::Less => (Tendency::Fewer, strength),
        std::cmp::Ordering::Equal => (Tendency::Same, 0.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r##"<?xml version="1.0"?><svg onload="init(evt)" xmlns="http://www.w3.org/2000/svg">
        <style>text { font-family:monospace } #title { fill:red }</style><script><![CDATA[ alert(1) ]]></script>
        <rect x="0" y="0" width="100%" height="99" fill="url(#background)"/><text id="title">t</text><svg id="frames" x="10" width="1180">"##;

    fn file(frames: &str) -> String {
        format!("{HEAD}{frames}</svg></svg>")
    }

    fn g(words: &str, rect: &str) -> String {
        format!(r#"<g><title>{words}</title><rect {rect}/><text x="1%" y="2">{words}</text></g>"#)
    }

    #[test]
    fn frames_keep_their_place_their_words_and_what_their_colour_says() {
        let svg = file(
            &[
                g(
                    "all (900 instructions, 100%)",
                    r#"x="0.0000%" y="84" width="100.0000%" height="15" fill="rgb(250,250,250)""#,
                ),
                g(
                    "a&lt;b&gt;::c (300 instructions, 33.33%; +5.00%)",
                    r#"x="0.0000%" y="68" width="33.3333%" height="15" fill="rgb(255,100,100)""#,
                ),
                g(
                    "d (600 instructions, 66.67%; -1.00%)",
                    r#"x="33.3333%" y="68" width="66.6667%" height="15" fill="rgb(220,220,255)""#,
                ),
            ]
            .concat(),
        );
        let found = frames(&svg).unwrap();
        let said: Vec<_> = found.iter().map(|frame| (label(frame), frame.tendency)).collect();
        assert_eq!(
            said,
            [
                ("all".to_owned(), Tendency::Same),
                ("▲ a<b>::c".to_owned(), Tendency::More),
                ("▼ d".to_owned(), Tendency::Fewer)
            ]
        );
        assert!((found[1].width - 33.3333).abs() < 1e-9 && (found[1].strength - 1.0).abs() < 1e-9);
        let page = picture(&svg).into_string();
        assert!(
            page.contains("<title>a&lt;b&gt;::c (300 instructions, 33.33%; +5.00%)</title>"),
            "{page}"
        );
        assert!(page.contains(r#"<svg x="33.333%" y="0" width="66.667%""#), "{page}");
        assert!(
            page.contains(r#"<svg x="0.000%" y="18" width="100.000%""#),
            "the root is below: {page}"
        );
    }

    #[test]
    fn nothing_of_a_file_but_numbers_and_words_comes_along() {
        let planted = [
            r#"<script>alert(2)</script><script src="http://example.invalid/x.js"/>"#,
            r#"<image href="http://example.invalid/a.png"/><use xlink:href="http://example.invalid/b.svg#x"/>"#,
            r#"<foreignObject><g><title>w</title><rect x="1%" y="1" width="50%" fill="rgb(1,2,3)"/></g></foreignObject>"#,
            r#"<style>@import url(http://example.invalid/c.css);</style>"#,
            &g("&lt;script&gt;alert(3)&lt;/script&gt; (1 instructions, 1%; +1%)", r#"id="tip" class="x" style="fill:url(http://example.invalid)" onclick="alert(4)" x="0%" y="1" width="50%" fill="rgb(255,100,100)""#),
            &g("far (1)", r#"x="90%" y="1" width="50%" fill="rgb(255,100,100)""#),
            &g("much (1)", r#"x="0%" y="1" width="1e99%" fill="rgb(255,100,100)""#),
            &g("none (1)", r#"x="0%" y="1" width="NaN" fill="red;x""#),
        ]
        .concat();
        let page = picture(&file(&planted)).into_string();
        for word in [
            "<script",
            "onclick",
            "onload",
            "example.invalid",
            "@import",
            "url(",
            "style",
            "<image",
            "<use",
            "foreignObject",
            "href",
            "src=",
            r#"id="tip""#,
        ] {
            assert!(!page.contains(word), "{word}: {page}");
        }
        assert!(page.contains("&lt;script&gt;alert(3)"), "{page}");
        assert_eq!(page.matches("<rect").count(), 1, "{page}");
    }

    #[test]
    fn what_is_no_flame_graph_says_so() {
        for svg in ["", "<svg></svg>", "no picture", "<svg><rect/></svg>"] {
            assert!(picture(svg).into_string().contains("holds no frame"), "{svg}");
        }
        assert!(picture("<svg><g></svg>").into_string().contains("can't be read"));
    }
}
