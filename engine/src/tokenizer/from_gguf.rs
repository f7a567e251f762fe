//! A tokenizer out of a model file's metadata, every claim of it checked.
//!
//! Keys and rules: llama.cpp, `src/llama-vocab.cpp`. Unlike there, a missing pre-tokenizer name is an error (but for one
//! known file), a BPE file's missing BOS or EOS is none (not id 11), and control tokens never take part in merging.

use std::collections::HashMap;

use tokenizers::models::bpe::{BPE, Merges, Vocab};

use super::alphabet;
use super::bpe::Bpe;
use super::pre::{self, Pre};
use super::special::{Special, Specials, ends_generation};
use super::spm::{BLANK, Spm};
use super::text::{Family, Tokenizer};
use super::vocabulary::{Spelling, TokenKind, Vocabulary, named_byte};
use crate::gguf::File;
use crate::{Error, ErrorKind, Result};

const MODEL: &str = "tokenizer.ggml.model";
const TOKENS: &str = "tokenizer.ggml.tokens";
const TYPES: &str = "tokenizer.ggml.token_type";
const MERGES: &str = "tokenizer.ggml.merges";
const SCORES: &str = "tokenizer.ggml.scores";

impl Tokenizer {
    /// The tokenizer of `file`.
    ///
    /// # Errors
    /// [`ErrorKind::MissingTokenizer`] if the file has none, or one of a family this build does not know;
    /// [`ErrorKind::Gguf`] if what it has contradicts itself.
    pub fn from_gguf(file: &File) -> Result<Self> {
        let spelling = read_model(file)?;
        let (vocabulary, texts) = read_tokens(file, spelling)?;
        let id = |name: &str, usual: Option<u32>| read_id(file, name, usual, vocabulary.len());
        let mut notes = Vec::new();
        let (family, bos, eos, adds_bos) = match spelling {
            Spelling::Mapped => {
                let bos = id("bos", None)?;
                let missing = pre_of_2b_4t(file, &vocabulary, bos, &mut notes)?;
                let pre = pre::read(file, missing)?;
                let missing = bytes_without_token(&texts.normal, &mut notes);
                let merges = build_bpe(texts.normal, read_merges(file)?, pre)?;
                let bpe = Bpe::new(pre, merges, missing);
                (Family::Bpe(Box::new(bpe)), bos, id("eos", None)?, pre.adds_bos)
            }
            Spelling::Blanks => {
                let spm = Family::Spm(Box::new(build_spm(file, texts.normal, &texts.bytes)?));
                (spm, id("bos", Some(1))?, id("eos", Some(2))?, true)
            }
        };
        let mut ends = texts.ends;
        ends.extend([eos, id("eot", None)?, id("eom", None)?].into_iter().flatten());
        ends.sort_unstable();
        ends.dedup();
        Ok(Self {
            vocabulary,
            specials: Specials::new(texts.special),
            family,
            bos,
            eos,
            adds_bos: file.find_bool("tokenizer.ggml.add_bos_token")?.unwrap_or(adds_bos),
            ends,
            notes,
        })
    }
}

fn read_model(file: &File) -> Result<Spelling> {
    let refuse = |found: &str| {
        let text = format!(
            "key `{MODEL}`: expected `gpt2` (byte-level BPE) or `llama` (SentencePiece), found {found}"
        );
        Err(Error::new(ErrorKind::MissingTokenizer, text))
    };
    match file.find_string(MODEL)? {
        Some("gpt2") => Ok(Spelling::Mapped),
        Some("llama") => Ok(Spelling::Blanks),
        Some(other) => refuse(&format!("`{}`", other.escape_debug())),
        None => refuse(
            "no such key: the model file carries no tokenizer, convert it with its tokenizer files",
        ),
    }
}

/// The family of a file without a name for it that has the vocabulary of the official BitNet 2B-4T: Llama 3's.
fn pre_of_2b_4t(
    file: &File,
    vocabulary: &Vocabulary,
    bos: Option<u32>,
    notes: &mut Vec<String>,
) -> Result<Option<&'static str>> {
    let Some(bos) = bos.filter(|_| vocabulary.len() == 128_256) else { return Ok(None) };
    if pre::is_named(file)? || vocabulary.bytes(bos)? != b"<|begin_of_text|>" {
        return Ok(None);
    }
    notes.push(format!(
        "no key `tokenizer.ggml.pre`: taken for `{}`, since the vocabulary is that of Llama 3",
        pre::LLAMA3
    ));
    Ok(Some(pre::LLAMA3))
}

/// The tokens sorted by what is done with them.
#[derive(Default)]
struct Texts {
    normal: Vocab,
    /// Tokens of bytes by name, where the family has such.
    bytes: HashMap<u8, u32>,
    special: Vec<Special>,
    ends: Vec<u32>,
}

fn read_tokens(file: &File, spelling: Spelling) -> Result<(Vocabulary, Texts)> {
    let tokens = file.string_array(TOKENS)?;
    let kinds = read_kinds(file, tokens.len())?;
    let mut vocabulary = Vocabulary::default();
    let mut texts = Texts::default();
    texts.normal.reserve(tokens.len());
    for (id, (text, kind)) in (0_u32..).zip(tokens.iter().zip(kinds)) {
        let text = text?;
        vocabulary.push(text, kind, spelling);
        if ends_generation(text) {
            texts.ends.push(id);
        }
        match kind {
            TokenKind::Byte if spelling == Spelling::Blanks => {
                texts.bytes.extend(named_byte(text).map(|byte| (byte, id)));
            }
            TokenKind::Normal | TokenKind::Byte => {
                if let Some(first) = texts.normal.insert(text.to_owned(), id) {
                    return Err(Error::gguf(format!(
                        "key `{TOKENS}`: expected every text once, found `{}` as {first} and as {id}",
                        text.escape_debug()
                    )));
                }
            }
            TokenKind::Control | TokenKind::UserDefined | TokenKind::Unknown => {
                let is_control = kind != TokenKind::UserDefined;
                texts.special.push(Special { text: text.to_owned(), id, is_control });
            }
            TokenKind::Unused => {}
        }
    }
    Ok((vocabulary, texts))
}

/// The kind of each of `n` tokens: normal for all, where the file does not say.
fn read_kinds(file: &File, n: usize) -> Result<Vec<TokenKind>> {
    let Some(ids) = file.find_i32_array(TYPES)? else { return Ok(vec![TokenKind::Normal; n]) };
    if ids.len() != n {
        return Err(Error::gguf(format!(
            "key `{TYPES}`: expected one for each of the {n} tokens, found {}",
            ids.len()
        )));
    }
    let kind = |(i, &id): (usize, &i32)| {
        TokenKind::from_id(id).ok_or_else(|| {
            Error::gguf(format!(
                "element {i} of key `{TYPES}`: expected a number from 1 to 6, found {id}"
            ))
        })
    };
    ids.iter().enumerate().map(kind).collect()
}

/// The bytes that no token stands for. 0xC0, 0xC1 and those from 0xF5 on are in no text, and some published files lack them;
/// a few lack control characters as well.
fn bytes_without_token(normal: &Vocab, notes: &mut Vec<String>) -> Vec<u8> {
    let has = |c: char| normal.contains_key(c.encode_utf8(&mut [0; 4]) as &str);
    let is_in_texts = |byte: &u8| !matches!(byte, 0xc0 | 0xc1 | 0xf5..=0xff);
    let bytes = (0..=u8::MAX).zip(alphabet::characters());
    let missing: Vec<u8> =
        bytes.filter_map(|(byte, c)| (!has(c)).then_some(byte)).filter(is_in_texts).collect();
    if !missing.is_empty() {
        let named: Vec<String> = missing.iter().map(|byte| format!("{byte:#04x}")).collect();
        let named = named.join(", ");
        notes.push(format!("key `{TOKENS}`: no token for {named}: a text with one is an error"));
    }
    missing
}

/// "A B" splits at the first space behind position 0, so that a leading mapped character is never taken for one.
fn read_merges(file: &File) -> Result<Merges> {
    let merges = file.string_array(MERGES)?;
    let split = |(i, merge): (usize, Result<&str>)| {
        let merge = merge?;
        let first = merge.chars().next().map_or(0, char::len_utf8);
        let (left, right) = merge[first..].split_once(' ').ok_or_else(|| {
            Error::gguf(format!(
                "element {i} of key `{MERGES}`: expected two tokens and a space between them, found `{}`",
                merge.escape_debug()
            ))
        })?;
        Ok((merge[..first + left.len()].to_owned(), right.to_owned()))
    };
    merges.iter().enumerate().map(split).collect()
}

fn build_bpe(normal: Vocab, merges: Merges, pre: &Pre) -> Result<BPE> {
    let builder = BPE::builder().vocab_and_merges(normal, merges);
    // Words are kept for the length of a text (`known::Known`): a cache across texts would make a time depend on what came before.
    let builder = builder.ignore_merges(pre.ignore_merges).cache_capacity(0);
    builder.build().map_err(|e| {
        Error::gguf(format!("key `{MERGES}`: expected merges of tokens into tokens, found: {e}"))
    })
}

fn build_spm(file: &File, normal: Vocab, named: &HashMap<u8, u32>) -> Result<Spm> {
    let scores = file.f32_array(SCORES)?;
    let n = file.string_array(TOKENS)?.len();
    if scores.len() != n {
        return Err(Error::gguf(format!(
            "key `{SCORES}`: expected one for each of the {n} tokens, found {}",
            scores.len()
        )));
    }
    if let Some(i) = scores.iter().position(|score| !score.is_finite()) {
        return Err(Error::gguf(format!(
            "element {i} of key `{SCORES}`: expected a finite number, found {}",
            scores[i]
        )));
    }
    let mut bytes = Box::new([0; 256]);
    for (byte, id) in (0..=u8::MAX).zip(bytes.iter_mut()) {
        *id = *named.get(&byte).ok_or_else(|| {
            Error::gguf(format!(
                "key `{TOKENS}`: expected a token of type 6 for each of the 256 bytes, found none for `<0x{byte:02X}>`"
            ))
        })?;
    }
    let goes_on = |text: &String| text.trim_start_matches(BLANK).contains(BLANK);
    Ok(Spm {
        by_words: !normal.keys().any(goes_on),
        ids: normal.into_iter().map(|(text, id)| (text.into_boxed_str(), id)).collect(),
        // No negative zero: it would come after zero.
        scores: scores.iter().map(|score| score + 0.0).collect(),
        bytes,
        adds_blank: file.find_bool("tokenizer.ggml.add_space_prefix")?.unwrap_or(true),
    })
}

/// The id that the file names, or the family's `usual` one.
fn read_id(file: &File, name: &str, usual: Option<u32>, n_tokens: usize) -> Result<Option<u32>> {
    let key = format!("tokenizer.ggml.{name}_token_id");
    let id = file.find_u32(&key)?.or(usual);
    if let Some(id) = id.filter(|&id| id as usize >= n_tokens) {
        return Err(Error::gguf(format!(
            "key `{key}`: expected an id below {n_tokens}, the number of tokens, found {id}"
        )));
    }
    Ok(id)
}
