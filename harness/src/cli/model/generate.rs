//! `bench model generate`: a prompt's continuation, token by token as it comes.

use std::{ops::ControlFlow, time::Duration};

use anyhow::{Context as _, Result};
use engine::{
    Cancel, Generated, Head, InferenceEngine, KvFormat, Model, Prompt, Request, SamplerOptions,
    SessionOptions, Stop, device::Selection, kernels::Kernels,
};
use serde_json::{Value, json};

use super::{Context, EngineArgs, ModelArgs, prompt::PromptArgs};
use crate::{
    cli::{
        Format,
        options::{DeviceArgs, seconds},
        print,
    },
    failure::INTERRUPTED,
    halt::at_interrupt,
    subject::{device, engine::Source, lane::Lane},
};

/// Options of `bench model generate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    engine: EngineArgs,

    #[command(flatten)]
    device: DeviceArgs,

    #[command(flatten)]
    prompt: PromptArgs,

    /// Tokens to generate at most; fewer where the model ends its text or its context is full.
    #[arg(long, value_name = "N", default_value_t = 200)]
    tokens: usize,

    /// 0 takes the most likely token always.
    #[arg(long, value_name = "T", default_value_t = 0.8, allow_negative_numbers = true)]
    temperature: f32,

    /// Choose among the K most likely tokens; 0 is off.
    #[arg(long, value_name = "K", default_value_t = 0)]
    top_k: usize,

    /// Choose among the most likely tokens of this total probability; 1 is off.
    #[arg(long, value_name = "P", default_value_t = 1.0)]
    top_p: f32,

    /// Choose among tokens at least this share as likely as the most likely one; 0 is off.
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    min_p: f32,

    /// Make tokens of the last 64 less likely; 1 is off.
    #[arg(long, value_name = "R", default_value_t = 1.0)]
    repetition_penalty: f32,

    /// Stop before this text; can be given several times.
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,

    /// Stop after this time.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    time_limit: Option<Duration>,

    /// Seed of the sampler [env: `BITNET_SEED`] [default: 42].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let seed = args.seed.or(context.vars.seed()?).unwrap_or(42);
    let source = Source::named(&args.model.model);
    let model = source.open()?;
    let mut options = args.engine.options(&source, context)?;
    if args.sampler(seed).looks_at().is_none() {
        // No token is drawn from the likeliest alone: bounds would only be in the way.
        options.head = Head::Full;
    }
    let tokenizer = model.tokenizer().context("failed to read the tokenizer")?;
    for note in tokenizer.notes() {
        context.progress.note(&format!("warning: {note}"));
    }
    let (prompt, echoed) = args.prompt.read(&model, context)?;
    let lane = args.lane(&model, &options, &prompt, context)?;
    let request = args.request(prompt, seed, interrupt()?);
    let session = lane.session(&model, &options, Kernels::of(options.isa)?)?;
    let mut engine = InferenceEngine::with_session(&model, session, context.clock)
        .context("failed to set up the engine")?;

    let streams = context.format != Format::Json;
    let mut shown = 0;
    let mut written = Ok(());
    // With the first token: a prompt that is refused leaves nothing on stdout.
    let mut before = Some(echoed);
    let answer = engine.generate(&request, |token| {
        if streams {
            let prompt = before.take().unwrap_or_default();
            written = print(&printable(&(prompt + token.text)));
        }
        shown += token.text.len();
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    let answer = answer.context("failed to generate")?;
    if let Some(why) = lane.lost() {
        let selected = lane.selection().selected.id;
        context
            .progress
            .note(&format!("warning: device `{selected}` was lost, the CPU went on: {why}"));
    }
    written?;
    if streams {
        // What was held back until the end.
        print(&printable(&(before.unwrap_or_default() + &answer.text[shown..])))?;
        print("\n")?;
        context.progress.note(&summary(&answer));
    } else {
        print(&format!("{}\n", document(&answer, &lane, options.kv)))?;
    }
    Ok(if answer.stop == Stop::Cancelled { INTERRUPTED } else { 0 })
}

impl Args {
    /// Chooses the device; a fallback is said at once.
    fn lane(
        &self,
        model: &Model,
        options: &SessionOptions,
        prompt: &Prompt,
        context: &Context<'_>,
    ) -> Result<Lane> {
        let asked = self.device.asked(context, None)?;
        let size = device::size_of_prompt(prompt, self.tokens);
        let lane = Lane::open(model, options, asked, size)?;
        let Selection { requested, selected, fallback, .. } = lane.selection();
        if let Some(fallback) = fallback {
            context.progress.note(&device::warning(requested, selected.id, fallback));
        }
        Ok(lane)
    }

    fn sampler(&self, seed: u64) -> SamplerOptions {
        let Self { temperature, top_k, top_p, min_p, repetition_penalty, .. } = *self;
        let default = SamplerOptions::default();
        SamplerOptions { temperature, top_k, top_p, min_p, repetition_penalty, seed, ..default }
    }

    fn request(&self, prompt: Prompt, seed: u64, cancel: Cancel) -> Request {
        Request {
            sampler: self.sampler(seed),
            max_tokens: self.tokens,
            stop: self.stop.clone(),
            time_limit: self.time_limit,
            cancel,
            ..Request::new(prompt)
        }
    }
}

/// A switch that Ctrl-C uses; a second Ctrl-C ends the program where it stands.
fn interrupt() -> Result<Cancel> {
    let cancel = Cancel::default();
    let switch = cancel.clone();
    at_interrupt(move || {
        let is_first = !switch.is_cancelled();
        switch.cancel();
        is_first
    })?;
    Ok(cancel)
}

/// Text as a terminal may have it: a model can put out control characters as well.
fn printable(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n' && c != '\t', "\u{fffd}")
}

/// One line for a person.
#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn summary(answer: &Generated) -> String {
    let metrics = &answer.metrics;
    let rate = metrics.decode_ns.map_or_else(String::new, |ns| {
        format!(", then {:.1} tokens/s", metrics.steps_ns.len() as f64 / (ns as f64 / 1e9))
    });
    let first = metrics
        .first_token_ns
        .map_or_else(String::new, |ns| format!(", the first after {:.1} ms", ns as f64 / 1e6));
    format!(
        "{} tokens of prompt, {} tokens{first}{rate}, stop: {}",
        metrics.prompt_tokens,
        answer.ids.len(),
        answer.stop.name()
    )
}

fn document(answer: &Generated, lane: &Lane, kv: KvFormat) -> Value {
    let (metrics, device) = (&answer.metrics, lane.selection());
    json!({
        "prompt_ids": answer.prompt,
        "ids": answer.ids,
        "text": answer.text,
        "stop": answer.stop.name(),
        "device": {
            "requested": device.requested.to_string(),
            "selected": device.selected.id.to_string(),
            "fallback": device.fallback.as_ref().map(|fallback| json!({
                "kind": fallback.kind.name(), "reason": fallback.reason,
            })),
            "considered": device.considered.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "lost": lane.lost(),
        },
        "kv_format": kv.name(),
        "metrics": {
            "prompt_tokens": metrics.prompt_tokens,
            "reused_tokens": metrics.reused_tokens,
            "tokenize_ns": metrics.tokenize_ns,
            "prefill_ns": metrics.prefill_ns,
            "first_token_ns": metrics.first_token_ns,
            "steps_ns": metrics.steps_ns,
            "sampling_ns": metrics.sampling_ns,
            "detokenize_ns": metrics.detokenize_ns,
            "decode_ns": metrics.decode_ns,
            "total_ns": metrics.total_ns,
            "memory": {
                "weights_mapped": metrics.memory.weights_mapped,
                "weights_heap": metrics.memory.weights_heap,
                "kv": metrics.memory.kv,
                "activations": metrics.memory.activations,
                "scratch": metrics.memory.scratch,
            },
        },
    })
}
