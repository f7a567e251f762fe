//! The expressions of GPT-2, Llama 3 and Qwen 2: words with the blank before them, numbers, the rest, blanks.

use super::classes::{Class, class, is_number, run};

/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
///
/// llama.cpp's form lacks the last alternative: the one blank that it would take is then a piece that nothing matched.
pub(super) fn gpt2(text: &str) -> usize {
    let n = contraction(text, |c, small| c == small);
    if n > 0 {
        return n;
    }
    let word = text.strip_prefix(' ').unwrap_or(text);
    match word.chars().next().map(class) {
        None | Some(Class::Space) => spaces(text),
        Some(first) => text.len() - word.len() + run(word, |c| class(c) == first),
    }
}

/// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
pub(super) fn llama3(text: &str) -> usize {
    with_numbers_of(3, text)
}

/// The same with `\p{N}` in place of `\p{N}{1,3}`.
pub(super) fn qwen2(text: &str) -> usize {
    with_numbers_of(1, text)
}

fn with_numbers_of(digits: usize, text: &str) -> usize {
    let n = contraction(text, same_letter);
    if n > 0 {
        return n;
    }
    let Some(first) = text.chars().next() else { return 0 };
    let letters = |text| run(text, |c| class(c) == Class::Letter);
    match class(first) {
        Class::Letter => return letters(text),
        Class::Number => {
            let numbers = text.chars().take_while(|c| is_number(*c));
            return numbers.take(digits).map(char::len_utf8).sum();
        }
        Class::Space | Class::Other if is_line_end(first) => {}
        Class::Space | Class::Other => {
            let n = letters(&text[first.len_utf8()..]);
            if n > 0 {
                return first.len_utf8() + n;
            }
        }
    }
    let others = text.strip_prefix(' ').unwrap_or(text);
    let n = run(others, |c| class(c) == Class::Other);
    if n > 0 {
        return text.len() - others.len() + n + run(&others[n..], is_line_end);
    }
    let blanks = &text[..run(text, char::is_whitespace)];
    blanks.rfind(is_line_end).map_or_else(|| spaces(text), |last| last + 1)
}

const fn is_line_end(c: char) -> bool {
    matches!(c, '\r' | '\n')
}

/// `'s|'t|'re|'ve|'m|'ll|'d`, with letters compared by `same`.
fn contraction(text: &str, same: impl Fn(char, char) -> bool) -> usize {
    let mut chars = text.chars();
    if chars.next() != Some('\'') {
        return 0;
    }
    let (Some(first), second) = (chars.next(), chars.next()) else { return 0 };
    let one = "stmd".chars().any(|small| same(first, small));
    let two = || {
        let second = second?;
        let pairs = [('r', 'e'), ('v', 'e'), ('l', 'l')];
        let found = pairs.iter().any(|&(a, b)| same(first, a) && same(second, b));
        found.then(|| first.len_utf8() + second.len_utf8())
    };
    if one { 1 + first.len_utf8() } else { two().map_or(0, |n| 1 + n) }
}

/// As `(?i)` compares: the long s is an s as well.
fn same_letter(c: char, small: char) -> bool {
    c.eq_ignore_ascii_case(&small) || (c, small) == ('\u{17f}', 's')
}

/// `\s+(?!\S)|\s+`: a run of blanks gives up its last one to the word that follows.
fn spaces(text: &str) -> usize {
    let n = run(text, char::is_whitespace);
    if n == text.len() {
        return n;
    }
    match text[..n].char_indices().next_back() {
        Some((last, _)) if last > 0 => last,
        _ => n,
    }
}
