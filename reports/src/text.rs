//! Text from elsewhere made harmless to look at: control and direction marks made visible, long texts cut aloud.
//! In: any text. Out: one line in which nothing hides; escaping for HTML and XML is maud's.

/// Longest text of a commit's subject, in characters.
pub(crate) const MOST_CHARACTERS: usize = 80;

/// `text` on one line, each character that has no picture of its own or turns the direction of others shown as its code.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if hides(character) {
            shown.push_str(&format!("⟨U+{:04X}⟩", u32::from(character)));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// [`visible`] of at most so many characters of `text`; of a longer one, how long it is.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    let n = text.chars().count();
    if n <= most {
        return visible(text);
    }
    let kept: String = text.chars().take(most).collect();
    format!("{}… ({} characters)", visible(&kept), crate::quantity::grouped(n as u64))
}

/// Controls, direction marks (UAX #9), line separators, zero-width characters and what XML can't hold.
fn hides(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{fffe}'
                | '\u{ffff}'
        )
}

#[cfg(test)]
mod tests {
    use super::{cut, visible};

    #[test]
    fn nothing_hides_and_nothing_turns_the_line() {
        assert_eq!(visible("a\u{202e}b\nc\0"), "a⟨U+202E⟩b⟨U+000A⟩c⟨U+0000⟩");
        assert_eq!(visible("décoder — 64 µs 日本"), "décoder — 64 µs 日本");
    }

    #[test]
    fn a_long_text_is_cut_aloud() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut(&"é".repeat(10_240), 2), "éé… (10,240 characters)");
    }
}
