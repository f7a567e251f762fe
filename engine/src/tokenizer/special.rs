//! Tokens that stand for themselves in raw text: control tokens when the caller asks for them, user-defined ones always.
//! In: a text. Out: its parts, each a token or plain text; the leftmost, then the longest, token wins.

/// Texts that end a turn in the models we know; a token of such a text ends generation even if no key names it.
const ENDS: [&str; 10] = [
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|eom_id|>",
    "<EOT>",
    "</s>",
    "<|end_of_text|>",
    "<|eos|>",
];

/// Whether a token of this text ends generation in every model that has it.
pub(super) fn ends_generation(text: &str) -> bool {
    ENDS.contains(&text)
}

/// A token and the raw text that names it.
#[derive(Clone, Debug)]
pub(super) struct Special {
    pub(super) text: String,
    pub(super) id: u32,
    /// Control tokens are matched only when asked for.
    pub(super) is_control: bool,
}

/// All such tokens of a vocabulary.
#[derive(Debug)]
pub(super) struct Specials {
    longest_first: Vec<Special>,
    /// Whether a token's text begins with the byte: few do, so most of a text is passed over quickly.
    begins: [bool; 256],
}

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'t> {
    Text(&'t str),
    Token(u32),
}

impl Specials {
    /// Tokens with an empty text match nothing.
    pub(super) fn new(mut specials: Vec<Special>) -> Self {
        specials.retain(|special| !special.text.is_empty());
        specials.sort_by_key(|special| (usize::MAX - special.text.len(), special.id));
        let mut begins = [false; 256];
        for special in &specials {
            begins[usize::from(special.text.as_bytes()[0])] = true;
        }
        Self { longest_first: specials, begins }
    }

    /// The parts of `text`, in order, none of them empty. With `guard`, a control token's name behind that character is text.
    pub(super) fn parts<'t>(
        &self,
        text: &'t str,
        with_control: bool,
        guard: Option<char>,
    ) -> Vec<Part<'t>> {
        let mut parts = Vec::new();
        let mut plain = 0; // where the plain text not yet pushed begins
        let mut at = 0;
        while at < text.len() {
            let is_guarded = || {
                guard.is_some_and(|guard| text.as_bytes()[..at].ends_with(utf8(guard, &mut [0; 4])))
            };
            match self.at(&text.as_bytes()[at..], with_control, is_guarded) {
                None => at += 1,
                Some(special) => {
                    push_text(&mut parts, &text[plain..at]);
                    parts.push(Part::Token(special.id));
                    at += special.text.len();
                    plain = at;
                }
            }
        }
        push_text(&mut parts, &text[plain..]);
        parts
    }

    /// `text` with `guard` before every control token's name, at any place, so that none is left.
    pub(super) fn guarded(&self, text: &str, guard: char) -> String {
        let mut guarded = String::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            let rest = &text.as_bytes()[at..];
            let begins = self.begins[usize::from(rest[0])];
            let is_name =
                |special: &Special| special.is_control && rest.starts_with(special.text.as_bytes());
            if begins && self.longest_first.iter().any(is_name) {
                guarded.push(guard);
            }
            guarded.push(c);
        }
        guarded
    }

    /// The longest token `rest` starts with. A match starts at a character's first byte, since every text does.
    fn at(
        &self,
        rest: &[u8],
        with_control: bool,
        is_guarded: impl Fn() -> bool,
    ) -> Option<&Special> {
        if !self.begins[usize::from(rest[0])] {
            return None;
        }
        let with_control = with_control && !is_guarded();
        self.longest_first.iter().find(|special| {
            (with_control || !special.is_control) && rest.starts_with(special.text.as_bytes())
        })
    }
}

fn utf8(c: char, buffer: &mut [u8; 4]) -> &[u8] {
    c.encode_utf8(buffer).as_bytes()
}

fn push_text<'t>(parts: &mut Vec<Part<'t>>, text: &'t str) {
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specials() -> Specials {
        let special =
            |text: &str, id, is_control| Special { text: text.to_owned(), id, is_control };
        Specials::new(vec![
            special("<a>", 1, true),
            special("<a><b>", 2, true),
            special("é", 3, false),
            special("", 4, false),
        ])
    }

    #[test]
    fn control_tokens_are_plain_text_unless_asked_for() {
        assert_eq!(specials().parts("x<a>y", false, None), [Part::Text("x<a>y")]);
        assert_eq!(
            specials().parts("x<a>y", true, None),
            [Part::Text("x"), Part::Token(1), Part::Text("y")]
        );
    }

    #[test]
    fn the_longest_token_wins_and_neighbours_leave_no_empty_part() {
        assert_eq!(
            specials().parts("<a><b><a><a", true, None),
            [Part::Token(2), Part::Token(1), Part::Text("<a")]
        );
        assert_eq!(specials().parts("", true, None), []);
    }

    #[test]
    fn guarded_names_are_none_even_where_they_overlap_or_are_short() {
        let mut special = specials().longest_first;
        special.push(Special { text: "!".to_owned(), id: 5, is_control: true });
        let specials = Specials::new(special);
        let guarded = specials.guarded("x<a><b>!<a", '|');
        assert_eq!(guarded, "x|<a><b>|!<a");
        let parts = |text, guard| specials.parts(text, true, guard);
        assert_eq!(parts(&guarded, Some('|')), [Part::Text(&guarded)]);
        assert_eq!(parts("|!<a>", None), [Part::Text("|"), Part::Token(5), Part::Token(1)]);
        assert_eq!(parts("|!<a>", Some('|')), [Part::Text("|!"), Part::Token(1)]);
    }

    #[test]
    fn user_defined_tokens_always_match() {
        assert_eq!(
            specials().parts("aéè", false, None),
            [Part::Text("a"), Part::Token(3), Part::Text("è")]
        );
    }
}
