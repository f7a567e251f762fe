//! Expressions of punctuation.

use super::classes::{is_punctuation, run};

/// `[\p{P}\$\+<=>\^~\|]+`
pub(super) fn runs(text: &str) -> usize {
    run(text, |c| is_punctuation(c) || "$+<=>^~|".contains(c))
}

/// ``[\p{P}\$\+<=>\^~\|`]+``
pub(super) fn runs_and_backticks(text: &str) -> usize {
    run(text, |c| is_punctuation(c) || "$+<=>^~|`".contains(c))
}
