//! Text of other people as a terminal, a table or a spreadsheet may have it: what would be obeyed or not be seen is spelt out.
//! In: names, subjects, reasons. Out: the same, control characters and those that turn the direction of text as `\u{202e}`.

/// `text` on one line, all of it to be seen.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether a character ends a line, is obeyed by a terminal, has no width or turns what follows.
pub(super) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}')
        || gates::is_unseen(character)
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn what_a_terminal_would_obey_is_spelt_out_and_the_rest_is_left_alone() {
        assert_eq!(visible("décode-64 <b> 日本"), "décode-64 <b> 日本");
        assert_eq!(visible("a\u{1b}[31m\nb"), "a\\u{1b}[31m\\u{a}b");
        assert_eq!(
            visible("\u{202e}x\u{2028}\u{9b}\u{feff}"),
            "\\u{202e}x\\u{2028}\\u{9b}\\u{feff}"
        );
    }
}
