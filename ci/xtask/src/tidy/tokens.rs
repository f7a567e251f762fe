//! Rust source as tokens, so that no rule mistakes a comment or a string for code.
//! In: the text of a file. Out: its token trees, with the line of each.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The tokens of a file, or why it has none.
pub(crate) fn parse(text: &str) -> Result<Vec<TokenTree>, String> {
    let stream: TokenStream = text.parse().map_err(|error| format!("{error}"))?;
    Ok(stream.into_iter().collect())
}

/// The tokens inside a group.
pub(crate) fn inside(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

/// The 1-based line of a token.
pub(crate) fn line(token: &TokenTree) -> usize {
    token.span().start().line
}

/// True for the identifier or keyword `word`.
pub(crate) fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

/// True for the punctuation character `sign`.
pub(crate) fn is_sign(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

/// The group, if `token` is one with this delimiter.
pub(crate) fn group(token: &TokenTree, delimiter: Delimiter) -> Option<&Group> {
    match token {
        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

/// Calls `visit` for every run of tokens: the given one and, recursively, the inside of each group in it.
pub(crate) fn each_level(tokens: &[TokenTree], visit: &mut impl FnMut(&[TokenTree])) {
    visit(tokens);
    for token in tokens {
        if let TokenTree::Group(group) = token {
            each_level(&inside(group), visit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_comments_and_strings_are_not_tokens() {
        let text = "//! unsafe\n/* unsafe */ fn f() { g(\"unsafe\", r#\"unsafe\"#, 'u'); }\n";
        let mut lines = Vec::new();
        let find = |text: &str, lines: &mut Vec<usize>| {
            each_level(&parse(text).unwrap(), &mut |level| {
                lines.extend(level.iter().filter(|token| is_word(token, "unsafe")).map(line));
            });
        };
        find(text, &mut lines);
        assert!(lines.is_empty(), "{lines:?}");
        find(&format!("{text}fn h() {{ unsafe {{ }} }}"), &mut lines);
        assert_eq!(lines, [3]);
    }

    #[test]
    fn text_that_is_not_rust_is_refused() {
        assert!(parse("fn f( {").is_err());
    }
}
