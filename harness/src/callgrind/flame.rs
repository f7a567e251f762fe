//! A differential flame graph: where instructions went, and red where they became more.
//! In: two comparable profiles. Out: an SVG that needs nothing beside it, the same bytes for the same profiles.
//!
//! Width is what head executed; the colour of a frame is the change of what it executed by itself. What only base executed
//! has no width: the table of a diff names it.

use anyhow::{Context as _, Result, ensure};
use inferno::flamegraph::{self, Options};

use super::{
    fold::{self, Stack},
    profile::Profile,
};

/// Longest name of a frame: names of Rust's generics know no bound.
const NAME_CHARS_MAX: usize = 300;

/// Draws `head` in the colours of its difference from `base`.
pub(crate) fn flame_graph(base: &Profile, head: &Profile, title: &str) -> Result<String> {
    ensure!(
        head.total_ir > 0,
        "failed to draw a flame graph: expected instructions that head executed, found none"
    );
    let lines: Vec<String> = fold::stacks(base, head).iter().map(line).collect();
    let mut options = Options::default();
    options.title = clean(title);
    options.subtitle = Some(
        "width: instructions of head; red: more than base, blue: fewer; stacks estimated from the call graph"
            .to_owned(),
    );
    options.count_name = "instructions".to_owned();
    options.deterministic = true;
    let mut svg = Vec::new();
    flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), &mut svg)
        .context("failed to draw a flame graph")?;
    let svg = String::from_utf8(svg).context("failed to draw a flame graph")?;
    Ok(without_doctype(&svg))
}

/// `root;caller;callee BASE HEAD`
fn line(stack: &Stack<'_>) -> String {
    let frames: Vec<String> = stack.frames.iter().map(|name| clean(name)).collect();
    format!("{} {} {}", frames.join(";"), stack.ir[0], stack.ir[1])
}

/// A name that cannot end a frame, a line or an attribute.
fn clean(name: &str) -> String {
    let plain = |c: char| match c {
        ';' => ':',
        c if c.is_control() => ' ',
        // Not to be written in XML 1.0, in any form.
        '\u{fffe}' | '\u{ffff}' => ' ',
        c => c,
    };
    name.chars().take(NAME_CHARS_MAX).map(plain).collect()
}

/// Without the reference to the DTD: a strict reader would fetch it.
fn without_doctype(svg: &str) -> String {
    match svg.split_once("<!DOCTYPE") {
        Some((before, rest)) => {
            let after = rest.split_once('>').map_or("", |(_, after)| after);
            format!("{before}{}", after.trim_start())
        }
        None => svg.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callgrind::profile::tests::profile;

    fn pair(name: &str) -> (Profile, Profile) {
        let of = |ir| {
            profile(
                &[("main", 10), (name, ir), ("other", 50)],
                &[("main", name, 1, ir), ("main", "other", 1, 50)],
            )
        };
        (of(100), of(300))
    }

    #[test]
    fn the_same_profiles_give_the_same_bytes() {
        let (base, head) = pair("grown");
        let svg = flame_graph(&base, &head, "Two builds").unwrap();
        assert_eq!(svg, flame_graph(&base, &head, "Two builds").unwrap());
        for part in ["Two builds", "<title>grown (300 instructions, 83.33%; +55.56%)</title>"] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        assert_ne!(svg, flame_graph(&head, &base, "Two builds").unwrap());
    }

    #[test]
    fn nothing_is_fetched() {
        let (base, head) = pair("grown");
        let svg = flame_graph(&base, &head, "t").unwrap();
        for word in [
            "<!DOCTYPE",
            "<!ENTITY",
            "<image",
            "<link",
            "@import",
            "url(http",
            "src=",
            "href=\"http",
            "fetch(",
        ] {
            assert!(!svg.contains(word), "{word}");
        }
    }

    #[test]
    fn hostile_names_stay_names() {
        let name = "a<script>alert(1)</script>;b\"'&\n]]>\u{0}\u{1b}[31m 7 9\u{ffff}";
        let (base, head) = pair(name);
        let svg = flame_graph(&base, &head, "</title><script>x</script>").unwrap();
        assert!(!svg.contains("<script>alert") && !svg.contains("<script>x"), "{svg}");
        assert!(svg.contains("a&lt;script&gt;alert(1)"), "{svg}");
        assert!(svg.contains("(300 instructions"), "the numbers in the name are no counts: {svg}");
        assert!(!svg.chars().any(|c| c.is_control() && !c.is_whitespace()), "{svg}");
    }

    #[test]
    fn a_semicolon_in_a_name_ends_no_frame() {
        let (base, head) = pair("<[u8; 4] as Read>::read");
        let svg = flame_graph(&base, &head, "t").unwrap();
        assert!(svg.contains("<title>&lt;[u8: 4] as Read&gt;::read (300 instructions"), "{svg}");
    }

    #[test]
    fn without_instructions_there_is_no_picture() {
        let (_, head) = pair("f");
        let empty = profile(&[], &[]);
        assert!(flame_graph(&head, &empty, "t").unwrap_err().to_string().contains("found none"));
        assert!(flame_graph(&empty, &head, "t").is_ok());
    }
}
