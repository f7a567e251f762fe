//! The expressions by hand against the same expressions as text, matched by `fancy-regex`.

use fancy_regex::Regex;
use proptest::prelude::*;

use super::classes::Class;
use super::*;

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// One name of each family, and its expressions as llama.cpp and the models' own files have them.
const FAMILIES: &[(&str, &[&str])] = &[
    ("default", &[r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", r"[0-9][0-9][0-9]"]),
    ("falcon", &[r"[\p{P}\$\+<=>\^~\|`]+", GPT2, r"[0-9][0-9][0-9]"]),
    ("gpt-2", &[GPT2]),
    ("llama-bpe", &[LLAMA3]),
    ("qwen2", &[QWEN2]),
    ("smollm", &[r"\p{N}", GPT2]),
];

fn by_hand<'t>(name: &str, text: &'t str) -> Vec<&'t str> {
    let pre = PRES.iter().find(|pre| pre.names.contains(&name)).unwrap();
    let mut words = Vec::new();
    pre.split(text, &mut |word| words.push(word));
    words
}

fn by_regex<'t>(expressions: &[Regex], text: &'t str) -> Vec<&'t str> {
    let mut pieces = vec![text];
    for expression in expressions {
        let mut cut = Vec::new();
        for piece in pieces {
            let mut end = 0;
            for found in expression.find_iter(piece) {
                let found = found.unwrap();
                cut.extend([&piece[end..found.start()], found.as_str()]);
                end = found.end();
            }
            cut.push(&piece[end..]);
        }
        pieces = cut;
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

fn agree(text: &str) {
    thread_local!(static REGEXES: Vec<Vec<Regex>> = FAMILIES.iter().map(|(_, expressions)| {
        expressions.iter().map(|expression| Regex::new(expression).unwrap()).collect()
    }).collect());
    REGEXES.with(|regexes| {
        for ((name, _), expressions) in FAMILIES.iter().zip(regexes) {
            let words = by_hand(name, text);
            assert_eq!(words.concat(), text, "{name}");
            assert_eq!(words, by_regex(expressions, text), "{name}: {text:?}");
        }
    });
}

#[test]
fn every_family_is_tried_and_every_name_is_of_one() {
    let mut names: Vec<&str> = PRES.iter().flat_map(|pre| pre.names).copied().collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), PRES.iter().map(|pre| pre.names.len()).sum::<usize>());
    for pre in PRES {
        assert!(pre.names.is_sorted(), "{:?}", pre.names);
        assert_eq!(FAMILIES.iter().filter(|(name, _)| pre.names.contains(name)).count(), 1);
    }
}

#[test]
fn every_character_is_in_the_class_that_the_expressions_have_it_in() {
    let [letter, number, space, punctuation] =
        [r"\p{L}", r"\p{N}", r"\s", r"\p{P}"].map(|class| Regex::new(class).unwrap());
    for c in '\0'..=char::MAX {
        let mut text = [0; 4];
        let text: &str = c.encode_utf8(&mut text);
        let is = |regex: &Regex| regex.is_match(text).unwrap();
        let class = match (is(&letter), is(&number), is(&space)) {
            (true, false, false) => Class::Letter,
            (false, true, false) => Class::Number,
            (false, false, true) => Class::Space,
            (false, false, false) => Class::Other,
            several => panic!("{c:?}: {several:?}"),
        };
        assert_eq!(classes::class(c), class, "{c:?}");
        assert_eq!(classes::is_punctuation(c), is(&punctuation), "{c:?}");
    }
}

#[test]
fn every_character_of_the_first_scripts_before_a_letter_a_number_and_behind_a_quote() {
    for c in '\0'..='\u{3000}' {
        agree(&format!("{c}a {c}1 '{c} {c}{c}"));
    }
}

#[test]
fn the_hard_cases_of_blanks_quotes_and_numbers() {
    for text in [
        "",
        " ",
        "  a",
        "a  1",
        "\n",
        "a\nb",
        "a \n b",
        "a\r\n\r\n  b",
        "\t\tx",
        " \u{a0}x",
        "\u{2003}\u{2003}x\u{85}y",
        "it's IT'S 'Ll 'lL 'RE 'veal 'tis ' 'x '\u{17f}a",
        "1234567 12,345.67 ٣٤٥٦ ⅧⅨ ½¾x",
        "...!!\n\n x",
        "a``b`c ```\r\n",
        "$+<=>^~| ¤©",
        "e\u{301}e\u{301} नमस्ते Zß ʼn",
        "😀😀 👩‍👩‍👧 🏳️‍🌈x",
        "\u{feff}x\u{0}y\u{10ffff}",
    ] {
        agree(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_text_is_cut_as_the_expressions_cut_it(
        anything in any::<String>(),
        likely in r"[ \t\r\n'aAsStTrReEvVlLmMdD019.,!$`é\u{301}\u{17f}\u{a0}\u{2003}٣½日😀]{0,40}",
    ) {
        agree(&anything);
        agree(&likely);
    }
}
