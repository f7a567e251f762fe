//! The engine itself: one sequence that generations go on from.

use std::ops::ControlFlow;

use super::{Clock, Generated, Logits, Prompt, Request, Stop, Token, running::Running};
use crate::{Error, ErrorKind, Model, Result, Session, SessionOptions, Tokenizer};

/// Generates with one model, one request after the other.
///
/// See `engine/README.md` for a program that runs a model.
#[derive(Debug)]
pub struct InferenceEngine<'m> {
    tokenizer: &'m Tokenizer,
    session: Session<'m>,
    /// The ids whose keys and values the session holds.
    sequence: Vec<u32>,
    clock: &'m dyn Clock,
}

impl<'m> InferenceEngine<'m> {
    /// An engine that holds no sequence yet.
    ///
    /// # Errors
    /// [`ErrorKind::MissingTokenizer`] if the model's file has none that this build knows; as [`Session::new`].
    pub fn new(model: &'m Model, options: &SessionOptions, clock: &'m dyn Clock) -> Result<Self> {
        Self::with_session(model, Session::new(model, options)?, clock)
    }

    /// The same over a session of the caller's, which is emptied.
    ///
    /// # Errors
    /// [`ErrorKind::MissingTokenizer`] if the model's file has none that this build knows.
    pub fn with_session(
        model: &'m Model,
        mut session: Session<'m>,
        clock: &'m dyn Clock,
    ) -> Result<Self> {
        session.rewind(0);
        Ok(Self { tokenizer: model.tokenizer()?, session, sequence: Vec::new(), clock })
    }

    pub(super) const fn session_mut(&mut self) -> &mut Session<'m> {
        &mut self.session
    }

    /// The session behind it.
    #[must_use]
    pub const fn session(&self) -> &Session<'m> {
        &self.session
    }

    /// The ids whose keys and values it holds.
    #[must_use]
    pub fn sequence(&self) -> &[u32] {
        &self.sequence
    }

    /// Forgets the sequence; the memory is kept.
    pub fn forget(&mut self) {
        self.session.rewind(0);
        self.sequence.clear();
    }

    /// Answers `request`, calling `each` with every token as it comes; where that says to break, the answer ends.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for options out of range or an empty prompt, [`ErrorKind::ContextExceeded`] for a prompt
    /// that does not fit with one token more, [`ErrorKind::NonFinite`] for a damaged model. The engine can be used again.
    pub fn generate(
        &mut self,
        request: &Request,
        mut each: impl FnMut(Token<'_>) -> ControlFlow<()>,
    ) -> Result<Generated> {
        let mut running = self.start(request)?;
        self.session.reset_counters();
        running.metrics.reused_tokens =
            if request.reuses_prefix { self.keep(&running.prompt) } else { self.keep(&[]) };
        let read = running
            .read(|running| self.read(&running.prompt, || running.reason_to_end().is_none()))?;
        let stop = match read {
            Some(stop) => stop,
            None => self.decode(&mut running, &mut each)?,
        };
        running.finish(stop, self.session.counters(), self.session.memory())
    }

    /// Chooses and steps until there is a reason to stop.
    fn decode(
        &mut self,
        running: &mut Running<'_>,
        each: &mut impl FnMut(Token<'_>) -> ControlFlow<()>,
    ) -> Result<Stop> {
        let looks_at = running.looks_at();
        let (mut len, n_ctx) = (self.session.len(), self.session.n_ctx());
        let mut logits = Logits::All(self.session.logits());
        loop {
            let (id, stop) = running.choose(logits, len < n_ctx, each)?;
            if let Some(stop) = stop {
                return Ok(stop);
            }
            logits = match looks_at {
                Some(k) => Logits::Likeliest(self.session.step_likeliest(id, k)?),
                None => Logits::All(self.session.step(id)?),
            };
            len += 1;
            self.sequence.push(id);
        }
    }

    /// A request with its prompt tokenized, which fits.
    pub(super) fn start<'r>(&self, request: &'r Request) -> Result<Running<'r>>
    where
        'm: 'r,
    {
        let memory = self.session.memory();
        let encode = || self.prompt(&request.prompt);
        let running = Running::start(self.tokenizer, request, self.clock, memory, encode)?;
        self.check(&running.prompt, request)?;
        Ok(running)
    }

    fn prompt(&self, prompt: &Prompt) -> Result<Vec<u32>> {
        let adds_bos = self.tokenizer.adds_bos();
        match prompt {
            Prompt::Text(text) => self.tokenizer.encode(text, adds_bos),
            Prompt::Template(text) => self.tokenizer.encode_with_control(text, adds_bos),
            Prompt::Chat(template, messages) => self.tokenizer.encode_chat(template, messages),
            Prompt::Ids(ids) => Ok(ids.clone()),
        }
    }

    fn check(&self, prompt: &[u32], request: &Request) -> Result<()> {
        let n_ctx = self.session.n_ctx();
        let n = prompt.len() + usize::from(request.max_tokens > 0);
        if n <= n_ctx {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::ContextExceeded,
            format!(
                "prompt: expected fewer than {n_ctx} tokens, the context of this session, found {}; shorten it",
                prompt.len()
            ),
        ))
    }

    /// Keeps what the sequence shares with `prompt`, but for the prompt's last token, whose logits are needed.
    fn keep(&mut self, prompt: &[u32]) -> usize {
        let shared = self.sequence.iter().zip(prompt).take_while(|(a, b)| a == b).count();
        let shared = shared.min(prompt.len().saturating_sub(1));
        self.session.rewind(shared);
        self.sequence.truncate(shared);
        shared
    }

    /// Reads the rest of the prompt; whether it was read to its end.
    fn read(&mut self, prompt: &[u32], goes_on: impl FnMut() -> bool) -> Result<bool> {
        let from = self.sequence.len();
        let read = self.session.prefill_while(&prompt[from..], goes_on);
        self.sequence.extend_from_slice(&prompt[from..self.session.len()]);
        read
    }
}
