//! The words of verdicts: each has a sign and a class, so that a verdict is never told by colour alone.

use maud::{Markup, html};

/// How one verdict or outcome is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// The word, as design.md owns it.
    pub(super) name: &'static str,
    /// A sign that differs in shape from the others.
    pub(super) sign: &'static str,
    /// CSS class.
    pub(super) class: &'static str,
    /// What it means, in one sentence.
    pub(super) meaning: &'static str,
}

/// All words, sorted by name.
#[rustfmt::skip] // a table
pub(super) const WORDS: &[Word] = &[
    Word { name: "fail", sign: "✗", class: "fail", meaning: "A gated metric is slower by more than the negligible margin, at the stated confidence, or a budget is broken." },
    Word { name: "improved", sign: "✓", class: "pass", meaning: "Better than the base." },
    Word { name: "incomparable", sign: "≠", class: "fail", meaning: "Base and head can't be compared; nothing is said about speed." },
    Word { name: "inconclusive", sign: "?", class: "unsure", meaning: "The noise is too large to tell; more pairs or a quieter machine would." },
    Word { name: "invalid", sign: "!", class: "fail", meaning: "The evidence breaks a rule; no number below may be relied on." },
    Word { name: "missing", sign: "–", class: "fail", meaning: "One side has no samples." },
    Word { name: "pass", sign: "✓", class: "pass", meaning: "With the stated confidence, no gated metric is slower than its unacceptable margin, and the output is the same." },
    Word { name: "regressed", sign: "✗", class: "fail", meaning: "Worse than the base." },
    Word { name: "unchanged", sign: "=", class: "pass", meaning: "Within the margins." },
];

/// The entry of `name`; a word that isn't in the table is shown as it is, with no promise of its meaning.
pub(super) fn find(name: &str) -> Option<&'static Word> {
    WORDS.iter().find(|word| word.name == name)
}

/// Sign and word, coloured.
pub(super) fn badge(name: &str) -> Markup {
    let (class, sign) = find(name).map_or(("unsure", "·"), |word| (word.class, word.sign));
    html! { span class={ "badge " (class) } { span aria-hidden="true" { (sign) " " } (name) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_sorted_and_mean_something() {
        assert!(WORDS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(WORDS.iter().all(|word| word.meaning.ends_with('.')));
    }

    #[test]
    fn pass_and_fail_differ_in_sign_as_well_as_in_class() {
        let verdicts = ["pass", "fail", "inconclusive", "invalid", "incomparable"]
            .map(|name| find(name).unwrap());
        for (idx, verdict) in verdicts.iter().enumerate() {
            assert!(
                verdicts[..idx].iter().all(|other| other.sign != verdict.sign),
                "{}",
                verdict.name
            );
        }
    }
}
