//! `bench worker`: see `worker/mod.rs`.

use anyhow::Result;

use super::Context;
use crate::worker;

/// No options: everything comes with the request.
#[derive(Debug, clap::Args)]
pub(crate) struct Args;

pub(crate) fn run(_: &Args, context: &Context<'_>) -> Result<u8> {
    let mut stdout = std::io::stdout().lock();
    worker::serve(std::io::stdin().lock(), &mut stdout, context.clock, context.hooks)?;
    Ok(0)
}
