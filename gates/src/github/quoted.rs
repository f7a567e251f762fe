//! Text of other people on GitHub's pages: as code, which no mention, link, emoji, tag or heading comes out of.

use crate::text::is_unseen;

/// Characters of one quotation at most.
const MAX_CHARS: usize = 200;

/// `text` as a code span for any place in Markdown, a table's cell among them. What would end the span or the cell, moves text about or
/// is not seen is replaced; a long text is cut.
pub(super) fn quoted(text: &str) -> String {
    let mut inside: String = text.chars().filter_map(harmless).take(MAX_CHARS).collect();
    if text.chars().filter_map(harmless).nth(MAX_CHARS).is_some() {
        inside.push('…');
    }
    let inside = inside.trim();
    if inside.is_empty() { "–".to_owned() } else { format!("`{inside}`") }
}

fn harmless(character: char) -> Option<char> {
    match character {
        // What ends a span or a cell, and the marks of success, which are ours to give.
        '`' | '|' | '\\' | '✅' | '❌' => Some('·'),
        '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => Some(' '),
        other if other.is_control() || is_unseen(other) => None,
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn what_is_quoted_stays_one_span_of_one_cell() {
        for (text, want) in [
            ("decode-64", "`decode-64`"),
            ("a`b|c\\d", "`a·b·c·d`"),
            ("a\nb\r\n# c", "`a b  # c`"),
            ("@octocat #1 :tada: <b>", "`@octocat #1 :tada: <b>`"),
            ("\u{202e}txt\u{200b}.\u{7}exe", "`txt.exe`"),
            ("✅ success", "`· success`"),
            ("", "–"),
            (" \u{200b} ", "–"),
        ] {
            assert_eq!(quoted(text), want, "{text:?}");
        }
        let long = quoted(&"ä".repeat(300));
        assert_eq!(long, format!("`{}…`", "ä".repeat(200)));
        assert_eq!(quoted(&"a".repeat(200)), format!("`{}`", "a".repeat(200)));
    }
}
