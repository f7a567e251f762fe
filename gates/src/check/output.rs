//! A captured stream as plain lines: no colours, no carriage returns.
//! In: a stream as it was kept. Out: text; where bytes were left out, the tail starts a line of its own.
//! Source: ECMA-48, 5th edition, §5.3–5.6 (control sequences and strings).

use baselines::check::Captured;

const ESCAPE: char = '\u{1b}';
const BELL: char = '\u{7}';

/// The stream without escape sequences.
pub(super) fn text(stream: &Captured) -> String {
    let mut text = plain(&stream.text);
    if !stream.tail.is_empty() {
        text.push('\n');
        text.push_str(&plain(&stream.tail));
    }
    text
}

/// What is missing from a stream, if anything is.
pub(super) fn gap(stream: &Captured) -> Option<String> {
    let n = stream.left_out_bytes;
    (n > 0)
        .then(|| format!("{n} bytes of the output were not kept, so that not all of it was seen"))
}

fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            ESCAPE => skip(&mut rest),
            '\r' => {}
            other => plain.push(other),
        }
    }
    plain
}

/// Takes the rest of an escape sequence.
fn skip(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match rest.next() {
        // A control sequence: parameters, then one final byte.
        Some('[') => while rest.next_if(|c| (' '..='?').contains(c)).is_some() {},
        // A string: up to the bell or the string terminator, on this line.
        Some(']') => {
            while let Some(character) = rest.next_if(|c| *c != '\n') {
                if character == BELL {
                    return;
                }
                if character == ESCAPE {
                    break;
                }
            }
        }
        // `ESC ( B`: intermediate bytes, then one final byte.
        Some(' '..='/') => while rest.next_if(|c| (' '..='/').contains(c)).is_some() {},
        _ => return,
    }
    rest.next_if(|c| ('0'..='~').contains(c));
}

#[cfg(test)]
mod strip {
    use baselines::{Digest, check::Captured};

    use super::{gap, text};

    #[test]
    fn colours_links_and_carriage_returns_are_gone_and_nothing_else_is() {
        for (raw, plain) in [
            ("\u{1b}[1m\u{1b}[92m    Finished\u{1b}[0m dev", "    Finished dev"),
            ("test \u{1b}[32mok\u{1b}(B\u{1b}[m. 2 passed", "test ok. 2 passed"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{7}.", "link."),
            ("a\r\nb\r\n", "a\nb\n"),
            ("cut \u{1b}[3", "cut "),
            ("cut \u{1b}", "cut "),
            ("\u{1b}]never ended\nnext", "\nnext"),
            ("[1m (B ä", "[1m (B ä"),
        ] {
            assert_eq!(text(&Captured::whole(raw.as_bytes())), plain, "{raw:?}");
        }
    }

    #[test]
    fn a_gap_is_said_and_the_tail_starts_a_line() {
        let cut = Captured::of(b"head", b"tail", 10, Digest::of(b"x"));
        assert_eq!(text(&cut), "head\ntail");
        assert!(gap(&cut).is_some_and(|said| said.starts_with("2 bytes")));
        assert_eq!(gap(&Captured::whole(b"head")), None);
    }
}
