//! Expressions of numbers.

use super::classes::{is_number, run};

/// `\p{N}`
pub(super) fn one(text: &str) -> usize {
    text.chars().next().filter(|c| is_number(*c)).map_or(0, char::len_utf8)
}

/// `\p{N}+`
pub(super) fn run_of_numbers(text: &str) -> usize {
    run(text, is_number)
}

/// `[0-9][0-9][0-9]`
pub(super) fn three(text: &str) -> usize {
    let three = text.as_bytes().first_chunk::<3>();
    three.filter(|three| three.iter().all(u8::is_ascii_digit)).map_or(0, |three| three.len())
}
