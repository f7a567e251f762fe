//! Seed → prompt: token ids for workloads that feed ids, text for the one that starts from text.
//! The same seed gives the same prompt in every version; a prompt's digest is in the record.

use anyhow::{Context as _, Result, ensure};
use engine::{Drawing, Model};

/// Openings that a small story model can go on from. Append only: a seed must keep its opening.
const OPENINGS: &[&str] = &[
    "Once upon a time, there was a little girl named Lily.",
    "One day, a boy went to the park with his mother.",
    "The old owl lived in a tall tree near the river.",
    "It was raining, and the cat sat by the window.",
    "Tom had a red ball. He liked to play with it every day.",
    "A small fish swam in the pond and looked for a friend.",
    "In the garden, there was a big yellow flower.",
    "The bear and the rabbit wanted to bake a cake.",
];

/// `n` ids: the beginning-of-sequence token if the model has one, then draws from the ordinary vocabulary.
pub(super) fn ids(model: &Model, drawing: &mut Drawing, n: usize) -> Result<Vec<u32>> {
    let n_ctx = model.config().n_ctx;
    ensure!(
        n <= n_ctx,
        "prompt: expected at most {n_ctx} tokens, the context of this model, found {n}; lower `prompt_tokens`"
    );
    let n_vocab = u32::try_from(model.config().n_vocab).context("vocabulary")?;
    // A model without a tokenizer can still be fed ids.
    let tokenizer = model.tokenizer().ok();
    let bos = tokenizer.and_then(engine::Tokenizer::bos);
    let special =
        |id: u32| Some(id) == bos || tokenizer.is_some_and(|t| t.is_end_of_generation(id));
    let mut ids: Vec<u32> = bos.into_iter().take(n).collect();
    while ids.len() < n {
        let id = drawing.below(n_vocab);
        if !special(id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// What prose has little of, and tokenizers take apart differently.
const HARD: &[&str] = &[
    "Zo\u{eb} paid 1,234.50 \u{20ac} for it -- na\u{ef}ve? I'd've said so at 07:45!",
    "\u{6771}\u{4eac}\u{306f}\u{3001}\u{96e8}\u{3002} \u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}, \u{43c}\u{438}\u{440}! \u{1f642}",
    "let x: Vec<u8> = s.trim().bytes().map(|b| b ^ 0xff).collect(); // 16\u{d7}16",
];

/// A text of at least `n_bytes`, of whole sentences.
pub(super) fn long_text(drawing: &mut Drawing, n_bytes: usize) -> String {
    let mut long = String::with_capacity(n_bytes + 128);
    let mut n_sentences = 0_usize;
    while long.len() < n_bytes {
        n_sentences += 1;
        let sentence =
            if n_sentences.is_multiple_of(8) { one_of(drawing, HARD) } else { text(drawing) };
        long.push_str(sentence);
        long.push(if n_sentences.is_multiple_of(5) { '\n' } else { ' ' });
    }
    long
}

/// An opening.
pub(super) fn text(drawing: &mut Drawing) -> &'static str {
    one_of(drawing, OPENINGS)
}

fn one_of(drawing: &mut Drawing, texts: &[&'static str]) -> &'static str {
    let n = u32::try_from(texts.len()).expect("a short list");
    texts[drawing.below(n) as usize]
}
