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

    /// The parts of `text`, in order, none of them empty.
    pub(super) fn parts<'t>(&self, text: &'t str, with_control: bool) -> Vec<Part<'t>> {
        let mut parts = Vec::new();
        let mut plain = 0; // where the plain text not yet pushed begins
        let mut at = 0;
        while at < text.len() {
            match self.at(&text.as_bytes()[at..], with_control) {
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

    /// The longest token `rest` starts with. A match starts at a character's first byte, since every text does.
    fn at(&self, rest: &[u8], with_control: bool) -> Option<&Special> {
        if !self.begins[usize::from(rest[0])] {
            return None;
        }
        self.longest_first.iter().find(|special| {
            (with_control || !special.is_control) && rest.starts_with(special.text.as_bytes())
        })
    }
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
        assert_eq!(specials().parts("x<a>y", false), [Part::Text("x<a>y")]);
        assert_eq!(
            specials().parts("x<a>y", true),
            [Part::Text("x"), Part::Token(1), Part::Text("y")]
        );
    }

    #[test]
    fn the_longest_token_wins_and_neighbours_leave_no_empty_part() {
        assert_eq!(
            specials().parts("<a><b><a><a", true),
            [Part::Token(2), Part::Token(1), Part::Text("<a")]
        );
        assert_eq!(specials().parts("", true), []);
    }

    #[test]
    fn user_defined_tokens_always_match() {
        assert_eq!(
            specials().parts("aéè", false),
            [Part::Text("a"), Part::Token(3), Part::Text("è")]
        );
    }
}
