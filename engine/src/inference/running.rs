//! One request being answered: its sampler, its text so far, its stamps.

use std::ops::ControlFlow;

use super::{
    Clock, Generated, Logits, Metrics, Request, Stop, Token,
    stop::{Decided, StopStrings},
};
use crate::{Memory, Result, Sampler, TokenStream, Tokenizer};

/// A request whose prompt is tokenized.
#[derive(Debug)]
pub(super) struct Running<'a> {
    pub(super) request: &'a Request,
    pub(super) prompt: Vec<u32>,
    pub(super) stamps: Stamps<'a>,
    pub(super) metrics: Metrics,
    sampler: Sampler,
    answer: Answer<'a>,
    /// When the pass to the next token's logits began; `None` before the first token.
    step_from: Option<u64>,
}

impl<'a> Running<'a> {
    /// Tokenizes the prompt with `encode`.
    pub(super) fn start(
        tokenizer: &'a Tokenizer,
        request: &'a Request,
        clock: &'a dyn Clock,
        memory: Memory,
        encode: impl FnOnce() -> Result<Vec<u32>>,
    ) -> Result<Self> {
        let stamps = Stamps::start(clock);
        let sampler = Sampler::new(request.sampler)?;
        let answer = Answer::new(tokenizer, request)?;
        let prompt = encode()?;
        let metrics = Metrics {
            tokenize_ns: stamps.elapsed(),
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
            memory,
        };
        Ok(Self { request, prompt, stamps, metrics, sampler, answer, step_from: None })
    }

    /// Reads the prompt with `read`, which is asked whether it was read to its end; the reason to stop, if there is one.
    pub(super) fn read(
        &mut self,
        read: impl FnOnce(&Self) -> Result<bool>,
    ) -> Result<Option<Stop>> {
        let before = self.stamps.elapsed();
        let is_read = read(self);
        self.metrics.prefill_ns = self.stamps.elapsed() - before;
        self.sampler.observe(&self.prompt);
        Ok(if !is_read? {
            Some(self.reason_to_end().unwrap_or(Stop::Cancelled))
        } else if self.request.max_tokens == 0 {
            Some(Stop::Length)
        } else {
            None
        })
    }

    /// How many of the likeliest tokens decide; `None` where all logits do.
    pub(super) fn looks_at(&self) -> Option<usize> {
        self.sampler.looks_at()
    }

    /// Chooses the next token of `logits` and gives it to the caller; the reason to stop, if there is one. `has_room` says
    /// whether the context takes another token.
    pub(super) fn choose(
        &mut self,
        logits: Logits<'_>,
        has_room: bool,
        each: &mut impl FnMut(Token<'_>) -> ControlFlow<()>,
    ) -> Result<(u32, Option<Stop>)> {
        let Self { request, stamps, metrics, sampler, answer, .. } = self;
        let stepped = stamps.elapsed();
        let id = match logits {
            Logits::All(logits) => sampler.sample(logits),
            Logits::Likeliest(likeliest) => sampler.sample_likeliest(likeliest),
        }?;
        let sampled = stamps.elapsed();
        metrics.sampling_ns += sampled - stepped;
        match self.step_from {
            None => metrics.first_token_ns = Some(sampled),
            Some(from) => {
                metrics.steps_ns.push(sampled - from);
                metrics.decode_ns = metrics.first_token_ns.map(|first| sampled - first);
            }
        }
        let (text, stop) = answer.push(id)?;
        let written = stamps.elapsed();
        metrics.detokenize_ns += written - sampled;
        let flow = each(Token { id, text: &text, logits });
        let from = stamps.elapsed();
        metrics.caller_ns += from - written;
        self.step_from = Some(from);
        let stop = stop
            .or_else(|| flow.is_break().then_some(Stop::Cancelled))
            .or_else(|| (answer.ids.len() >= request.max_tokens).then_some(Stop::Length))
            .or_else(|| stamps.reason_to_end(request))
            .or_else(|| (!has_room).then_some(Stop::ContextFull));
        Ok((id, stop))
    }

    /// Why the request is to end now, if it is.
    pub(super) fn reason_to_end(&self) -> Option<Stop> {
        self.stamps.reason_to_end(self.request)
    }

    /// The answer.
    pub(super) fn finish(
        self,
        stop: Stop,
        counts: Vec<crate::Count>,
        memory: Memory,
    ) -> Result<Generated> {
        let Self { prompt, stamps, mut metrics, mut answer, .. } = self;
        let before = stamps.elapsed();
        answer.finish()?;
        metrics.detokenize_ns += stamps.elapsed() - before;
        (metrics.counts, metrics.memory) = (counts, memory);
        metrics.total_ns = stamps.elapsed();
        let Answer { ids, text, .. } = answer;
        Ok(Generated { prompt, ids, text, stop, metrics })
    }
}

/// The clock, from the start of a request on.
#[derive(Debug)]
pub(super) struct Stamps<'c> {
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
