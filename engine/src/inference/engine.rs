//! The engine itself: one sequence that generations go on from.

use std::ops::ControlFlow;

use super::{
    Clock, Generated, Metrics, Prompt, Request, Stop, Token,
    stop::{Decided, StopStrings},
};
use crate::{
    Error, ErrorKind, Model, Result, Sampler, Session, SessionOptions, TokenStream, Tokenizer,
};

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
        let stamps = Stamps::start(self.clock);
        let mut sampler = Sampler::new(request.sampler)?;
        let mut answer = Answer::new(self.tokenizer, request)?;
        let prompt = self.prompt(&request.prompt)?;
        let mut metrics = self.metrics(&prompt);
        metrics.tokenize_ns = stamps.elapsed();
        self.check(&prompt, request)?;

        self.session.reset_counters();
        metrics.reused_tokens =
            if request.reuses_prefix { self.keep(&prompt) } else { self.keep(&[]) };
        let before = stamps.elapsed();
        let read = self.read(&prompt, || stamps.reason_to_end(request).is_none());
        metrics.prefill_ns = stamps.elapsed() - before;
        sampler.observe(&prompt);
        let stop = if read? {
            self.decode(request, &mut sampler, &mut answer, &mut each, &stamps, &mut metrics)?
        } else {
            stamps.reason_to_end(request).unwrap_or(Stop::Cancelled)
        };
        let before = stamps.elapsed();
        answer.finish()?;
        metrics.detokenize_ns += stamps.elapsed() - before;
        metrics.counts = self.session.counters();
        metrics.memory = self.session.memory();
        metrics.total_ns = stamps.elapsed();
        let Answer { ids, text, .. } = answer;
        Ok(Generated { prompt, ids, text, stop, metrics })
    }

    /// Samples and steps until there is a reason to stop.
    fn decode(
        &mut self,
        request: &Request,
        sampler: &mut Sampler,
        answer: &mut Answer<'_>,
        each: &mut impl FnMut(Token<'_>) -> ControlFlow<()>,
        stamps: &Stamps<'_>,
        metrics: &mut Metrics,
    ) -> Result<Stop> {
        if request.max_tokens == 0 {
            return Ok(Stop::Length);
        }
        let mut stepped = stamps.elapsed();
        let mut step_from = None;
        loop {
            let id = sampler.sample(self.session.logits())?;
            let sampled = stamps.elapsed();
            metrics.sampling_ns += sampled - stepped;
            match step_from {
                None => metrics.first_token_ns = Some(sampled),
                Some(from) => {
                    metrics.steps_ns.push(sampled - from);
                    metrics.decode_ns = metrics.first_token_ns.map(|first| sampled - first);
                }
            }
            let (text, stop) = answer.push(id)?;
            let written = stamps.elapsed();
            metrics.detokenize_ns += written - sampled;
            let flow = each(Token { id, text: &text });
            let from = stamps.elapsed();
            metrics.caller_ns += from - written;
            let stop = stop
                .or_else(|| flow.is_break().then_some(Stop::Cancelled))
                .or_else(|| (answer.ids.len() >= request.max_tokens).then_some(Stop::Length))
                .or_else(|| stamps.reason_to_end(request))
                .or_else(|| {
                    (self.session.len() == self.session.n_ctx()).then_some(Stop::ContextFull)
                });
            if let Some(stop) = stop {
                return Ok(stop);
            }
            self.session.step(id)?;
            self.sequence.push(id);
            stepped = stamps.elapsed();
            step_from = Some(from);
        }
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

    fn metrics(&self, prompt: &[u32]) -> Metrics {
        Metrics {
            tokenize_ns: 0,
            prompt_tokens: prompt.len(),
            reused_tokens: 0,
            prefill_ns: 0,
            first_token_ns: None,
            steps_ns: Vec::new(),
            sampling_ns: 0,
            detokenize_ns: 0,
            caller_ns: 0,
            decode_ns: None,
            total_ns: 0,
            counts: Vec::new(),
            memory: self.session.memory(),
        }
    }
}

/// The clock, from the start of a request on.
#[derive(Debug)]
struct Stamps<'c> {
    clock: &'c dyn Clock,
    start_ns: u64,
}

impl<'c> Stamps<'c> {
    fn start(clock: &'c dyn Clock) -> Self {
        Self { clock, start_ns: clock.now_ns() }
    }

    fn elapsed(&self) -> u64 {
        self.clock.now_ns() - self.start_ns
    }

    /// Why the request is to end now, if it is.
    fn reason_to_end(&self, request: &Request) -> Option<Stop> {
        if request.cancel.is_cancelled() {
            return Some(Stop::Cancelled);
        }
        let limit = request.time_limit?;
        (u128::from(self.elapsed()) >= limit.as_nanos()).then_some(Stop::TimeLimit)
    }
}

/// The ids and the text so far.
#[derive(Debug)]
struct Answer<'a> {
    tokenizer: &'a Tokenizer,
    request: &'a Request,
    stream: TokenStream<'a>,
    stops: StopStrings<'a>,
    ids: Vec<u32>,
    text: String,
    /// A stop string was found: what is still held back is behind it.
    is_closed: bool,
}

impl<'a> Answer<'a> {
    fn new(tokenizer: &'a Tokenizer, request: &'a Request) -> Result<Self> {
        Ok(Self {
            tokenizer,
            request,
            stream: tokenizer.stream(),
            stops: StopStrings::new(&request.stop)?,
            ids: Vec::new(),
            text: String::new(),
            is_closed: false,
        })
    }

    /// Takes a sampled id; the text that is certain now, and whether the id ends the answer.
    fn push(&mut self, id: u32) -> Result<(String, Option<Stop>)> {
        self.ids.push(id);
        if !self.request.ignores_end && self.tokenizer.is_end_of_generation(id) {
            return Ok((String::new(), Some(Stop::EndOfGeneration(id))));
        }
        if self.request.stop_ids.contains(&id) {
            return Ok((String::new(), Some(Stop::Id(id))));
        }
        let part = self.stream.push(id)?.unwrap_or_default();
        let Decided { text, stop } = self.stops.push(&part);
        self.text.push_str(&text);
        self.is_closed = stop.is_some();
        Ok((text, stop.map(|stop| Stop::Text(stop.to_owned()))))
    }

    /// Adds what was held back.
    fn finish(&mut self) -> Result<()> {
        if self.is_closed {
            return Ok(());
        }
        let part = self.stream.finish()?.unwrap_or_default();
        let decided = self.stops.push(&part);
        self.text.push_str(&decided.text);
        if decided.stop.is_none() {
            self.text.push_str(&self.stops.finish());
        }
        Ok(())
    }
}
