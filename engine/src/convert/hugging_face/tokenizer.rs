//! tokenizer.json (byte-level BPE) to the `tokenizer.ggml.*` keys. A tokenizer of another family is left out with a
//! warning: none is better than a wrong one.

use std::path::Path;

use serde_json::Value;

use super::{config::Config, json, pre};
use crate::{Result, gguf::Writer};

const FILE: &str = "tokenizer.json";
const SETTINGS: &str = "tokenizer_config.json";

/// Types of tokens, as GGUF numbers them.
const NORMAL: i32 = 1;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const UNUSED: i32 = 5;

/// Writes the tokenizer of `folder`, or says in `warnings` why there is none.
pub(super) fn write(
    writer: &mut Writer,
    folder: &Path,
    config: &Config,
    warnings: &mut Vec<String>,
) -> Result<()> {
    let Some(tokenizer) = json::find(folder, FILE)? else {
        warnings.push(format!(
            "there is no {FILE}: the model has no tokenizer, it takes token ids only"
        ));
        return Ok(());
    };
    let settings = json::find(folder, SETTINGS)?.unwrap_or_default();
    match Tokens::read(&tokenizer, config.n_vocab) {
        Ok(tokens) => tokens.write(writer, &tokenizer, &settings, config, warnings),
        Err(reason) => {
            warnings.push(format!("{FILE} is left out, the model takes token ids only: {reason}"));
        }
    }
    Ok(())
}

/// One token per row of the embedding, and the merges.
struct Tokens {
    texts: Vec<String>,
    kinds: Vec<i32>,
    merges: Vec<String>,
}

impl Tokens {
    /// The error is a reason for a warning.
    fn read(tokenizer: &Value, n_vocab: usize) -> Result<Self, String> {
        let (model, pre_tokenizer) = (&tokenizer["model"], &tokenizer["pre_tokenizer"]);
        let kind = &model["type"];
        if kind != "BPE" || !pre::is_byte_level(pre_tokenizer) {
            return Err(format!("expected byte-level BPE, found another family ({kind})"));
        }
        let mut texts: Vec<Option<String>> = vec![None; n_vocab];
        let mut kinds = vec![UNUSED; n_vocab];
        let vocab = model["vocab"].as_object().ok_or("expected a vocabulary, found none")?;
        let mut put = |id: &Value, text: &str, kind: i32| {
            let slot =
                id.as_u64().and_then(|id| usize::try_from(id).ok()).filter(|id| *id < n_vocab);
            let id = slot.ok_or_else(|| {
                format!("expected ids below {n_vocab}, one per row of the embedding, found {id} of {text:?}")
            })?;
            texts[id] = Some(text.to_owned());
            kinds[id] = kind;
            Ok::<_, String>(())
        };
        for (text, id) in vocab {
            put(id, text, NORMAL)?;
        }
        for added in tokenizer["added_tokens"].as_array().into_iter().flatten() {
            let text = added["content"].as_str().ok_or("expected a text for every added token")?;
            let kind = if added["special"] == true { CONTROL } else { USER_DEFINED };
            put(&added["id"], text, kind)?;
        }
        let named =
            |(id, text): (usize, Option<String>)| text.unwrap_or_else(|| format!("[PAD{id}]"));
        let texts = texts.into_iter().enumerate().map(named).collect();
        let merges = model["merges"].as_array().into_iter().flatten().map(merge).collect();
        Ok(Self { texts, kinds, merges: Option::ok_or(merges, "expected merges of two tokens")? })
    }

    fn write(
        &self,
        writer: &mut Writer,
        tokenizer: &Value,
        settings: &Value,
        config: &Config,
        warnings: &mut Vec<String>,
    ) {
        writer.string("tokenizer.ggml.model", "gpt2");
        match pre::name(&tokenizer["pre_tokenizer"]) {
            Some(name) => {
                writer.string("tokenizer.ggml.pre", name);
            }
            None => warnings.push(format!(
                "{FILE}: its pre-tokenizer is none of those with a name here, so `tokenizer.ggml.pre` is missing and the \
                 model takes token ids only"
            )),
        }
        if !tokenizer["normalizer"].is_null() {
            warnings.push(format!(
                "{FILE}: its normalizer is left out; text must be normalized before"
            ));
        }
        writer.strings("tokenizer.ggml.tokens", &self.texts);
        writer.i32s("tokenizer.ggml.token_type", &self.kinds);
        writer.strings("tokenizer.ggml.merges", &self.merges);
        for (name, fallback) in [("bos", config.bos), ("eos", config.eos)] {
            let id = self.id_of(&settings[format!("{name}_token")]).or(fallback);
            match id.filter(|id| (*id as usize) < self.texts.len()) {
                Some(id) => {
                    writer.u32(&format!("tokenizer.ggml.{name}_token_id"), id);
                }
                None => {
                    warnings.push(format!("no file names the {name} token; the model has none"));
                }
            }
        }
        for key in ["add_bos_token", "add_eos_token"] {
            if let Some(adds) = settings[key].as_bool() {
                writer.bool(&format!("tokenizer.ggml.{key}"), adds);
            }
        }
        if let Some(template) = settings["chat_template"].as_str() {
            writer.string("tokenizer.chat_template", template);
        }
    }

    /// The id of a token that stands as its text or as an object with it.
    fn id_of(&self, token: &Value) -> Option<u32> {
        let text = token.as_str().or_else(|| token.get("content")?.as_str())?;
        let id = self.texts.iter().position(|known| known == text)?;
        u32::try_from(id).ok()
    }
}

/// "A B", or a pair.
fn merge(merge: &Value) -> Option<String> {
    match merge {
        Value::String(merge) => Some(merge.clone()),
        Value::Array(pair) => match pair.as_slice() {
            [left, right] => Some(format!("{} {}", left.as_str()?, right.as_str()?)),
            _ => None,
        },
        _ => None,
    }
}
