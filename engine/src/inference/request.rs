//! What is asked of the engine, and what it answers.

use std::time::Duration;

use super::{Cancel, Metrics};
use crate::{ChatTemplate, Error, ErrorKind, Likely, Message, Result, SamplerOptions};

/// What to go on from.
#[derive(Clone, Debug)]
pub enum Prompt {
    /// Text as a user typed it: names of control tokens in it are text.
    Text(String),
    /// Text that names control tokens: a chat template's.
    Template(String),
    /// A conversation in the model's own form, to which the answer is the next turn.
    Chat(ChatTemplate, Vec<Message>),
    /// Ids, taken as they are.
    Ids(Vec<u32>),
}

/// One generation.
#[derive(Clone, Debug)]
pub struct Request {
    /// What to go on from. A text begins with BOS where the model's tokenizer adds it.
    pub prompt: Prompt,
    /// How tokens are chosen.
    pub sampler: SamplerOptions,
    /// Tokens at most; 0 reads the prompt and generates nothing.
    pub max_tokens: usize,
    /// Texts that end the answer and are no part of it.
    pub stop: Vec<String>,
    /// Ids that end the answer, besides the model's own.
    pub stop_ids: Vec<u32>,
    /// Go on past the model's own end-of-generation tokens.
    pub ignores_end: bool,
    /// Time from the start of the request on.
    pub time_limit: Option<Duration>,
    /// Ends the generation from elsewhere.
    pub cancel: Cancel,
    /// Keep what the sequence already holds of the prompt, instead of reading it again. Never changes a result.
    pub reuses_prefix: bool,
}

impl Request {
    /// Greedy, 128 tokens at most, no other stop than the model's own.
    #[must_use]
    pub fn new(prompt: Prompt) -> Self {
        Self {
            prompt,
            sampler: SamplerOptions::default(),
            max_tokens: 128,
            stop: Vec::new(),
            stop_ids: Vec::new(),
            ignores_end: false,
            time_limit: None,
            cancel: Cancel::default(),
            reuses_prefix: true,
        }
    }
}

/// One token as it comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Token<'a> {
    /// Its id.
    pub id: u32,
    /// The text that is certain now: empty while a character or a possible stop string is not complete.
    pub text: &'a str,
    /// What it was chosen of, before any stage of the sampler.
    pub logits: Logits<'a>,
}

/// What a token is chosen of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Logits<'a> {
    /// `[n_vocab]`.
    All(&'a [f32]),
    /// Those that decide, the likeliest first: the others were not computed.
    Likeliest(&'a [Likely]),
}

/// Why a generation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The number of tokens asked for was reached.
    Length,
    /// The model put out this end-of-generation token.
    EndOfGeneration(u32),
    /// One of the request's ids came.
    Id(u32),
    /// One of the request's texts came.
    Text(String),
    /// The context has no room for another token.
    ContextFull,
    /// The switch was used, or the caller's function said to break.
    Cancelled,
    /// The time was up.
    TimeLimit,
}

impl Stop {
    /// Its name in files and messages.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::EndOfGeneration(_) => "end_of_generation",
            Self::Id(_) => "stop_id",
            Self::Text(_) => "stop_text",
            Self::ContextFull => "context_full",
            Self::Cancelled => "cancelled",
            Self::TimeLimit => "time_limit",
        }
    }
}

/// An answer, whole or until it was stopped.
#[derive(Clone, Debug)]
pub struct Generated {
    /// Ids of the prompt.
    pub prompt: Vec<u32>,
    /// Every id that was sampled, one that ended the answer included.
    pub ids: Vec<u32>,
    /// The answer's text, without what ended it.
    pub text: String,
    /// Why it ended.
    pub stop: Stop,
    /// What was measured.
    pub metrics: Metrics,
}

impl Generated {
    /// The answer, unless it was cut off from outside: for callers that take a part for nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`], [`ErrorKind::TimeLimit`].
    pub fn complete(self) -> Result<Self> {
        let n = self.ids.len();
        match self.stop {
            Stop::Cancelled => Err(Error::new(
                ErrorKind::Cancelled,
                format!("generate: cancelled after {n} tokens"),
            )),
            Stop::TimeLimit => Err(Error::new(
                ErrorKind::TimeLimit,
                format!(
                    "generate: the time was up after {n} tokens; raise the limit or ask for fewer"
                ),
            )),
            _ => Ok(self),
        }
    }
}
