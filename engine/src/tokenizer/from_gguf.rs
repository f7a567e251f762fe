//! A tokenizer out of a model file's metadata, every claim of it checked.
//!
//! Keys and rules: llama.cpp, `src/llama-vocab.cpp`. Unlike there, a missing pre-tokenizer name is an error, a missing BOS
//! or EOS is none (not id 11), and control tokens never take part in merging.

use tokenizers::models::bpe::{BPE, Merges, Vocab};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use super::alphabet;
use super::pre;
use super::special::{Special, Specials, ends_generation};
use super::text::Tokenizer;
use super::vocabulary::{TokenKind, Vocabulary};
use crate::gguf::File;
use crate::{Error, ErrorKind, Result};

const MODEL: &str = "tokenizer.ggml.model";
const TOKENS: &str = "tokenizer.ggml.tokens";
const TYPES: &str = "tokenizer.ggml.token_type";
const MERGES: &str = "tokenizer.ggml.merges";

impl Tokenizer {
    /// The tokenizer of `file`.
    ///
    /// # Errors
    /// [`ErrorKind::MissingTokenizer`] if the file has none, or one of a family this build does not know;
    /// [`ErrorKind::Gguf`] if what it has contradicts itself.
    pub fn from_gguf(file: &File) -> Result<Self> {
        check_model(file)?;
        let pre = pre::read(file)?;
        let (vocabulary, texts) = read_tokens(file)?;
        let bpe = build_bpe(texts.normal, read_merges(file)?)?;
        let id = |name: &str| read_id(file, name, vocabulary.len());
        let bos = id("bos")?;
        let eos = id("eos")?;
        let mut ends = texts.ends;
        ends.extend([eos, id("eot")?, id("eom")?].into_iter().flatten());
        ends.sort_unstable();
        ends.dedup();
        Ok(Self {
            vocabulary,
            specials: Specials::new(texts.special),
            words: ByteLevel::new(false, true, true),
            bpe,
            bos,
            eos,
            adds_bos: file.find_bool("tokenizer.ggml.add_bos_token")?.unwrap_or(pre.adds_bos),
            ends,
        })
    }
}

fn check_model(file: &File) -> Result<()> {
    let refuse = |found: &str| {
        let text = format!("key `{MODEL}`: expected `gpt2` (byte-level BPE), found {found}");
        Err(Error::new(ErrorKind::MissingTokenizer, text))
    };
    match file.find_string(MODEL)? {
        Some("gpt2") => Ok(()),
        Some(other) => refuse(&format!("`{}`", other.escape_debug())),
        None => refuse(
            "no such key: the model file carries no tokenizer, convert it with its tokenizer files",
        ),
    }
}

/// The tokens sorted by what is done with them.
#[derive(Default)]
struct Texts {
    normal: Vocab,
    special: Vec<Special>,
    ends: Vec<u32>,
}

fn read_tokens(file: &File) -> Result<(Vocabulary, Texts)> {
    let tokens = file.string_array(TOKENS)?;
    let kinds = read_kinds(file, tokens.len())?;
    let mut vocabulary = Vocabulary::default();
    let mut texts = Texts { normal: Vocab::with_capacity(tokens.len()), ..Texts::default() };
    for (id, (text, kind)) in (0_u32..).zip(tokens.iter().zip(kinds)) {
        let text = text?;
        vocabulary.push(text, kind);
        if ends_generation(text) {
            texts.ends.push(id);
        }
        match kind {
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
    check_bytes(&texts.normal)?;
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

/// Without a token for every byte, some text would vanish without a sign.
fn check_bytes(normal: &Vocab) -> Result<()> {
    for (byte, character) in alphabet::characters().iter().enumerate() {
        if !normal.contains_key(character.encode_utf8(&mut [0; 4]) as &str) {
            return Err(Error::gguf(format!(
                "key `{TOKENS}`: expected a token for each of the 256 bytes, found none for {byte:#04x} (`{character}`)"
            )));
        }
    }
    Ok(())
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

fn build_bpe(normal: Vocab, merges: Merges) -> Result<BPE> {
    BPE::builder().vocab_and_merges(normal, merges).build().map_err(|e| {
        Error::gguf(format!("key `{MERGES}`: expected merges of tokens into tokens, found: {e}"))
    })
}

fn read_id(file: &File, name: &str, n_tokens: usize) -> Result<Option<u32>> {
    let key = format!("tokenizer.ggml.{name}_token_id");
    let id = file.find_u32(&key)?;
    if let Some(id) = id.filter(|&id| id as usize >= n_tokens) {
        return Err(Error::gguf(format!(
            "key `{key}`: expected an id below {n_tokens}, the number of tokens, found {id}"
        )));
    }
    Ok(id)
}
