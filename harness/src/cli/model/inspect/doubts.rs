//! What is doubtful about a model file: things that a program reads without an error and gets wrong.
//! Source of the rules: defects of published files, each named where it is looked for.

use engine::gguf::{File, Value};

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    /// Its name, for programs.
    pub(super) name: &'static str,
    /// What was found, and what it means.
    pub(super) text: String,
}

/// What a rule finds in a file, if it finds anything.
type Rule = fn(&File) -> Option<String>;

/// The rules, by name.
const RULES: [(&str, Rule); 5] = [
    ("alignment_gaps", alignment_gaps),
    ("eos_without_eot", eos_without_eot),
    ("i2_s_filler", i2_s_filler),
    ("missing_pre", missing_pre),
    ("wrong_chat_template", wrong_chat_template),
];

/// Texts of the token that ends a turn, by family.
const TURN_ENDS: [&str; 5] = ["<|eot_id|>", "<|im_end|>", "<end_of_turn>", "<|end|>", "<|eom_id|>"];

/// All findings, in the order of the rules.
pub(super) fn doubts(file: &File) -> Vec<Doubt> {
    let found = |(name, rule): (&'static str, Rule)| rule(file).map(|text| Doubt { name, text });
    RULES.into_iter().filter_map(found).collect()
}

/// Which of the layouts of I2_S is assumed, if there is such a tensor.
pub(super) fn i2_s_layout(file: &File) -> Option<String> {
    let any = file.tensors().iter().any(|tensor| tensor.format().name() == "i2_s");
    any.then(|| {
        "i2_s is read in groups of 128, the layout of published files; a file quantised by an Arm build of bitnet.cpp (groups \
         of 64) or by one without ACT_PARALLEL (four rows interleaved) has the same type and size, so it can't be told apart \
         and would give nonsense; `bench model quantize --from-arm` lays one of the former out anew"
            .to_owned()
    })
}

/// The official 2B-4T file has none: programs fall back to a splitter that cuts numbers and line ends differently.
fn missing_pre(file: &File) -> Option<String> {
    let is_bpe = string(file, "tokenizer.ggml.model") == Some("gpt2");
    if !is_bpe || file.value("tokenizer.ggml.pre").is_some() {
        return None;
    }
    let tokens = file.find_string_array("tokenizer.ggml.tokens").ok().flatten();
    let n_tokens = tokens.map_or(0, |tokens| tokens.len());
    let bos = token_text(file, "tokenizer.ggml.bos_token_id");
    let is_llama_3 = n_tokens == 128_256 && bos.as_deref() == Some("<|begin_of_text|>");
    let what = if is_llama_3 {
        "model `gpt2`, 128256 tokens and BOS `<|begin_of_text|>` mean `llama-bpe`".to_owned()
    } else {
        format!(
            "only `gpt2` with 128256 tokens and BOS `<|begin_of_text|>` is known to mean `llama-bpe`, and this file has \
             {n_tokens} and {}",
            bos.map_or_else(|| "none".to_owned(), |bos| format!("{bos:?}"))
        )
    };
    Some(format!(
        "no key `tokenizer.ggml.pre`: programs that guess `default` cut numbers, punctuation and line ends otherwise; {what}"
    ))
}

/// The official 2B-4T file's template renders `Human: … BITNETAssistant: `, which the model was not trained on.
fn wrong_chat_template(file: &File) -> Option<String> {
    let template = string(file, "tokenizer.chat_template")?;
    template.contains("BITNETAssistant").then(|| {
        "the chat template is that of the official 2B-4T file, which says `BITNETAssistant`; the model was trained on \
         `System: `, `User: ` and `Assistant: `, each text followed by `<|eot_id|>`"
            .to_owned()
    })
}

/// A turn ends with a token of its own; without its key, programs stop at the end of the text only.
fn eos_without_eot(file: &File) -> Option<String> {
    let eos = number(file, "tokenizer.ggml.eos_token_id")?;
    if file.value("tokenizer.ggml.eot_token_id").is_some() {
        return None;
    }
    let tokens = file.find_string_array("tokenizer.ggml.tokens").ok().flatten()?;
    let (id, text) = tokens.raw().enumerate().find_map(|(id, token)| {
        let text = TURN_ENDS.into_iter().find(|text| text.as_bytes() == token)?;
        Some((id as u64, text))
    })?;
    (id != eos).then(|| {
        format!(
            "no key `tokenizer.ggml.eot_token_id`, and `tokenizer.ggml.eos_token_id` is {eos}, not the end of a turn: stop at \
             {id} (`{text}`), too"
        )
    })
}

/// llama.cpp wants every tensor to begin where the one before it ends, padded.
fn alignment_gaps(file: &File) -> Option<String> {
    let mut ranges: Vec<_> =
        file.tensors().iter().map(|tensor| (tensor.range(), tensor.name())).collect();
    ranges.sort_by_key(|(range, _)| (range.start, range.end));
    let gap = |pair: &[(std::ops::Range<usize>, &str)]| {
        pair[1].0.start.saturating_sub(pair[0].0.end.next_multiple_of(file.alignment()))
    };
    let gaps: Vec<_> =
        ranges.windows(2).filter(|pair| gap(pair) > 0).map(|pair| (gap(pair), pair[1].1)).collect();
    let (_, first) = gaps.first()?;
    let n_bytes: usize = gaps.iter().map(|(n, _)| n).sum();
    Some(format!(
        "{n_bytes} bytes in {} between tensors belong to none, the first before `{first}`; llama.cpp refuses such a file",
        if gaps.len() == 1 { "a gap".to_owned() } else { format!("{} gaps", gaps.len()) }
    ))
}

/// The C quantiser of bitnet.cpp leaves 28 bytes behind the scale as they were in memory.
fn i2_s_filler(file: &File) -> Option<String> {
    let dirty = |tensor: &&engine::gguf::Tensor| {
        let bytes = file.tensor_bytes(tensor);
        tensor.format().name() == "i2_s" && bytes.iter().rev().take(28).any(|byte| *byte != 0)
    };
    let n = file.tensors().iter().filter(dirty).count();
    let first = file.tensors().iter().find(dirty)?;
    Some(format!(
        "the 28 bytes behind the scale, which have no meaning, are not zero in {n} of the i2_s tensors (first `{}`): files of \
         this writer are not reproducible byte by byte",
        first.name()
    ))
}

fn string<'a>(file: &'a File, key: &str) -> Option<&'a str> {
    file.find_string(key).ok().flatten()
}

/// Ids are u32, but some writers have them otherwise.
fn number(file: &File, key: &str) -> Option<u64> {
    match file.value(key)? {
        Value::U32(id) => Some(id.into()),
        Value::U64(id) => Some(id),
        Value::I32(id) => u64::try_from(id).ok(),
        Value::I64(id) => u64::try_from(id).ok(),
        _ => None,
    }
}

/// The text of the token that `key` names.
fn token_text(file: &File, key: &str) -> Option<String> {
    let id = usize::try_from(number(file, key)?).ok()?;
    let tokens = file.find_string_array("tokenizer.ggml.tokens").ok()??;
    tokens.raw().nth(id).map(|text| String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests;
