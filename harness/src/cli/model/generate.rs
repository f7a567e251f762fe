//! `bench model generate`: a prompt's continuation, token by token as it comes.

use anyhow::{Context as _, Result, ensure};
use engine::{Sampler, SamplerOptions, Session};

use super::{Context, EngineArgs, ModelArgs};
use crate::{cli::print, subject::engine::Source};

/// Options of `bench model generate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    engine: EngineArgs,

    /// Text to go on from.
    #[arg(long, value_name = "TEXT")]
    prompt: String,

    /// Tokens to generate at most; fewer where the model ends its text or its context is full.
    #[arg(long, value_name = "N", default_value_t = 200)]
    tokens: usize,

    /// 0 takes the most likely token always.
    #[arg(long, value_name = "T", default_value_t = 0.8)]
    temperature: f32,

    /// Choose among the K most likely tokens; 0 is off.
    #[arg(long, value_name = "K", default_value_t = 0)]
    top_k: usize,

    /// Choose among the most likely tokens of this total probability; 1 is off.
    #[arg(long, value_name = "P", default_value_t = 1.0)]
    top_p: f32,

    /// Seed of the sampler [env: `BITNET_SEED`] [default: 42].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let seed = args.seed.or(context.vars.seed()?).unwrap_or(42);
    let source = Source::named(&args.model.model);
    let model = source.open()?;
    let options = args.engine.options(&source, context)?;
    let Args { temperature, top_k, top_p, .. } = *args;
    let mut sampler = Sampler::new(SamplerOptions { temperature, top_k, top_p, seed })
        .context("failed to set up the sampler")?;
    let tokenizer = model.tokenizer().context("failed to read the tokenizer")?;
    let ids = tokenizer.encode(&args.prompt, true).context("failed to tokenize the prompt")?;
    let mut session = Session::new(&model, &options).context("failed to set up the engine")?;
    ensure!(
        ids.len() < session.n_ctx(),
        "failed to generate: prompt: expected fewer than {} tokens, the context of this model, found {}; shorten it",
        session.n_ctx(),
        ids.len()
    );

    print(&args.prompt)?;
    let mut stream = tokenizer.stream();
    let mut logits = session.prefill(&ids).context("failed to read the prompt")?;
    for n_generated in 1..=args.tokens {
        let token = sampler.sample(logits).context("failed to sample")?;
        if tokenizer.is_end_of_generation(token) {
            break;
        }
        if let Some(text) = stream.push(token)? {
            print(&text)?;
        }
        if n_generated == args.tokens || session.len() == session.n_ctx() {
            break;
        }
        logits = session.step(token).context("failed to generate")?;
    }
    if let Some(text) = stream.finish()? {
        print(&text)?;
    }
    print("\n")?;
    Ok(0)
}
