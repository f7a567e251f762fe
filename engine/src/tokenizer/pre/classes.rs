//! Classes of characters as the expressions name them: `\p{L}`, `\p{N}`, `\s`, `\p{P}`.

use unicode_general_category::{GeneralCategory, get_general_category};

/// What a character is to an expression. `\s` and the other classes have no character in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// `\p{L}`.
    Letter,
    /// `\p{N}`.
    Number,
    /// `\s`: the property `White_Space`.
    Space,
    /// `[^\s\p{L}\p{N}]`.
    Other,
}

/// The class of `c`. One table for letters and numbers: the compiler's own changes with its version.
pub(super) fn class(c: char) -> Class {
    match c {
        'a'..='z' | 'A'..='Z' => Class::Letter,
        '0'..='9' => Class::Number,
        ' ' | '\t'..='\r' => Class::Space,
        '\0'..='\x7f' => Class::Other,
        _ if c.is_whitespace() => Class::Space,
        _ => match get_general_category(c) {
            GeneralCategory::UppercaseLetter
            | GeneralCategory::LowercaseLetter
            | GeneralCategory::TitlecaseLetter
            | GeneralCategory::ModifierLetter
            | GeneralCategory::OtherLetter => Class::Letter,
            GeneralCategory::DecimalNumber
            | GeneralCategory::LetterNumber
            | GeneralCategory::OtherNumber => Class::Number,
            _ => Class::Other,
        },
    }
}

/// Whether `c` is in `\p{N}`.
pub(super) fn is_number(c: char) -> bool {
    class(c) == Class::Number
}

/// Whether `c` is in `\p{P}`.
pub(super) fn is_punctuation(c: char) -> bool {
    matches!(
        get_general_category(c),
        GeneralCategory::ConnectorPunctuation
            | GeneralCategory::DashPunctuation
            | GeneralCategory::OpenPunctuation
            | GeneralCategory::ClosePunctuation
            | GeneralCategory::InitialPunctuation
            | GeneralCategory::FinalPunctuation
            | GeneralCategory::OtherPunctuation
    )
}

/// Bytes of the characters that `text` starts with and `wanted` takes.
pub(super) fn run(text: &str, wanted: impl Fn(char) -> bool) -> usize {
    text.find(|c| !wanted(c)).unwrap_or(text.len())
}
