//! `bench clean`: remove the worktrees and builds that `bench gate --base REV` keeps for this repository.

use std::path::Path;

use anyhow::Result;

use super::Context;
use crate::build;

pub(crate) fn run(context: &Context<'_>) -> Result<u8> {
    let cache = context.vars.build_cache()?;
    build::remove(Path::new("."), &cache, context.progress)?;
    context
        .progress
        .note(&format!("removed the builds of this repository from `{}`", cache.display()));
    Ok(0)
}
