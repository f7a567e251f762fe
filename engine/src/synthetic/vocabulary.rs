//! Vocabularies of real sizes whose tokens mean nothing: letters, pairs and triples of letters, then drawn fours.
//!
//! In: how many tokens and merges, of which family. Out: the tokenizer's keys. What takes time to load and to use is there in
//! its real number; which texts are one token is not.

use std::collections::HashSet;

use super::Shape;
use crate::{Drawing, gguf::Writer, tokenizer::alphabet};

/// What the tokens of a shape are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    /// `tokenizer.ggml.pre`; `None` for a vocabulary of SentencePiece's kind.
    pub pre: Option<&'static str>,
    /// Merges; `None` where there is one for each token of several bytes.
    pub n_merges: Option<usize>,
    /// Markers, which are no text.
    pub specials: Specials,
}

/// Tokens that are no text, and which of them begin and end one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Specials {
    /// How many, the last ids of the vocabulary.
    pub n: u32,
    /// Those that have a name, by their place among them; the rest are reserved ones.
    pub named: &'static [(u32, &'static str)],
    /// Place of the one that begins a text, if there is one.
    pub bos: Option<u32>,
    /// Place of the one that ends a text.
    pub eos: u32,
}

const BEGIN: &str = "<|begin_of_text|>";
const END: &str = "<|end_of_text|>";

/// Llama 3's: 128,000 tokens of text and 256 markers; 280,147 merges, since most tokens are reached in several ways.
pub(super) const LLAMA3: Vocabulary = Vocabulary {
    pre: Some("llama-bpe"),
    n_merges: Some(280_147),
    specials: Specials {
        n: 256,
        named: &[(0, BEGIN), (1, END), (9, "<|eot_id|>")],
        bos: Some(0),
        eos: 1,
    },
};
/// Falcon3's size. How many of its tokens are markers and how many merges it has is not confirmed: 256, and one a token.
pub(super) const FALCON3: Vocabulary = Vocabulary {
    pre: Some("falcon3"),
    n_merges: None,
    specials: Specials { n: 256, named: &[(0, "<|endoftext|>")], bos: None, eos: 0 },
};
/// Llama 2's 32,000 pieces and the two tokens that 1bitLLM added, whose texts are not confirmed.
pub(super) const LLAMA2: Vocabulary = Vocabulary {
    pre: None,
    n_merges: None,
    specials: Specials { n: 2, named: &[], bos: None, eos: 0 },
};
/// As Llama 3's, without the reserved markers and the other ways to a token.
pub(super) const SMALL: Vocabulary = Vocabulary {
    pre: Some("llama-bpe"),
    n_merges: None,
    specials: Specials {
        n: 3,
        named: &[(0, BEGIN), (1, END), (2, "<|eot_id|>")],
        bos: Some(0),
        eos: 1,
    },
};

/// Letters that the drawn tokens are made of, behind a blank or another letter.
const LETTERS: std::ops::RangeInclusive<char> = 'a'..='z';
/// A blank as byte-level BPE writes it.
const BLANK_BPE: char = '\u{120}';
/// A blank as SentencePiece writes it.
const BLANK_SPM: char = '\u{2581}';

impl Vocabulary {
    /// The smallest vocabulary there can be: all bytes, all markers and a token of text.
    pub(super) const fn least(&self) -> u32 {
        256 + self.specials.n + 4
    }

    /// Writes the tokenizer's keys for `shape`, whose vocabulary this is.
    pub(super) fn keys(&self, shape: &Shape, seed: u64, writer: &mut Writer) {
        let mut drawing = Drawing::new(seed, &format!("synthetic:{}/vocabulary", shape.name));
        let n_text = (shape.n_vocab - self.specials.n) as usize;
        match self.pre {
            Some(pre) => self.bpe(pre, n_text, &mut drawing, writer),
            None => self.spm(n_text, &mut drawing, writer),
        }
    }

    fn bpe(&self, pre: &str, n_text: usize, drawing: &mut Drawing, writer: &mut Writer) {
        let singles = alphabet::characters().map(String::from).to_vec();
        let mut words = Words::drawn(singles, BLANK_BPE, n_text, drawing);
        if let Some(n_merges) = self.n_merges {
            words.merge_otherwise(n_merges);
        }
        let Words { mut tokens, merges, .. } = words;
        let mut types = vec![1; n_text];
        let mut scores = vec![0.0; n_text];
        for i in 0..self.specials.n {
            let named = self.specials.named.iter().find(|(place, _)| *place == i);
            let reserved = || format!("<|reserved_special_token_{i}|>");
            tokens.push(named.map_or_else(reserved, |(_, name)| (*name).to_owned()));
            types.push(3);
            scores.push(-1000.0);
        }
        writer.string("tokenizer.ggml.model", "gpt2").string("tokenizer.ggml.pre", pre);
        lists(writer, &tokens, &scores, &types);
        writer.strings("tokenizer.ggml.merges", &merges);
        let id = |place: u32| u32::try_from(n_text).unwrap_or(u32::MAX) + place;
        if let Some(bos) = self.specials.bos {
            writer.u32("tokenizer.ggml.bos_token_id", id(bos));
        }
        writer
            .u32("tokenizer.ggml.eos_token_id", id(self.specials.eos))
            .bool("tokenizer.ggml.add_bos_token", self.specials.bos.is_some());
    }

    /// Three markers and a token for every byte in front; a piece's score is minus its place, as SentencePiece trains them.
    fn spm(&self, n_text: usize, drawing: &mut Drawing, writer: &mut Writer) {
        let front = ["<unk>", "<s>", "</s>"].map(str::to_owned).into_iter();
        let bytes = (0..=u8::MAX).map(|byte| format!("<0x{byte:02X}>"));
        let mut tokens: Vec<String> = front.chain(bytes).collect();
        let mut types = vec![2, 3, 3];
        types.resize(tokens.len(), 6);
        let singles = std::iter::once(BLANK_SPM).chain(LETTERS).map(String::from).collect();
        tokens.extend(Words::drawn(singles, BLANK_SPM, n_text - tokens.len(), drawing).tokens);
        types.resize(tokens.len(), 1);
        let first = 259;
        #[expect(clippy::cast_precision_loss, reason = "a place below 2^24")]
        let mut scores: Vec<f32> =
            (0..n_text).map(|id| -(id.saturating_sub(first) as f32)).collect();
        for i in 0..self.specials.n {
            tokens.push(format!("<added_{i}>"));
            types.push(3);
            scores.push(0.0);
        }
        writer.string("tokenizer.ggml.model", "llama");
        lists(writer, &tokens, &scores, &types);
        writer
            .u32("tokenizer.ggml.bos_token_id", 1)
            .u32("tokenizer.ggml.eos_token_id", 2)
            .u32("tokenizer.ggml.unknown_token_id", 0)
            .bool("tokenizer.ggml.add_bos_token", true)
            .bool("tokenizer.ggml.add_space_prefix", true);
    }
}

fn lists(writer: &mut Writer, tokens: &[String], scores: &[f32], types: &[i32]) {
    writer
        .strings("tokenizer.ggml.tokens", tokens)
        .f32s("tokenizer.ggml.scores", scores)
        .i32s("tokenizer.ggml.token_type", types);
}

/// Tokens of text in order, and the merges that make them.
struct Words {
    tokens: Vec<String>,
    known: HashSet<String>,
    merges: Vec<String>,
    n: usize,
}

impl Words {
    /// `singles`, then pairs, triples and drawn fours until there are `n` tokens. The first character may be `blank`.
    fn drawn(singles: Vec<String>, blank: char, n: usize, drawing: &mut Drawing) -> Self {
        let letters: Vec<String> = LETTERS.map(String::from).collect();
        let firsts = [vec![blank.to_string()], letters.clone()].concat();
        let known = singles.iter().cloned().collect();
        let mut words = Self { known, tokens: singles, merges: Vec::new(), n };
        words.tokens.truncate(n);
        let pairs = words.extend_all(&firsts, &letters);
        let triples = words.extend_all(&pairs, &letters);
        while words.tokens.len() < n {
            let mut one_of = |words: &[String]| {
                let n = u32::try_from(words.len()).expect("fewer than 2^32");
                words[drawing.below(n) as usize].clone()
            };
            let (left, right) = (one_of(&triples), one_of(&letters));
            words.extend(&left, &right);
        }
        words
    }

    /// Adds `left` before `right`, unless it is there or there is no room.
    fn extend(&mut self, left: &str, right: &str) {
        let token = format!("{left}{right}");
        if self.tokens.len() < self.n && self.known.insert(token.clone()) {
            self.merges.push(format!("{left} {right}"));
            self.tokens.push(token);
        }
    }

    /// Adds all combinations; returns those that are new.
    fn extend_all(&mut self, lefts: &[String], rights: &[String]) -> Vec<String> {
        let first = self.tokens.len();
        for left in lefts {
            for right in rights {
                self.extend(left, right);
            }
        }
        self.tokens[first..].to_vec()
    }

    /// Other ways to the tokens that are there, until there are `n_merges` merges or no more ways.
    fn merge_otherwise(&mut self, n_merges: usize) {
        for cut in 1..4 {
            for token in self.tokens.iter().skip(256) {
                if self.merges.len() == n_merges {
                    return;
                }
                let mut behind = token.char_indices().skip(cut);
                // The way that is there has one letter on its right.
                let (Some((at, _)), Some(_)) = (behind.next(), behind.next()) else { continue };
                let (left, right) = token.split_at(at);
                if self.known.contains(left) && self.known.contains(right) {
                    self.merges.push(format!("{left} {right}"));
                }
            }
        }
    }
}
