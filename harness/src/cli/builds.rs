//! Options of two builds as subjects, revisions or programs: of `bench gate` and `bench triage`.

use std::path::Path;

use anyhow::Result;

use super::Context;
use crate::given::{self, Arm, Target, Workshop};

/// Two builds in place of a stored baseline's kept binary and the running program.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct BuildArgs {
    /// The base, in place of a stored baseline: a revision, built in a worktree in several code layouts, or the path of a
    /// program; of `bench triage` also the first digits of a record, whose kept binary it is then.
    #[arg(long, value_name = "REV|PATH", conflicts_with = "baseline")]
    pub(crate) base: Option<String>,

    /// The head beside `--base` [default: the working tree].
    #[arg(long, value_name = "REV|PATH", requires = "base")]
    head: Option<String>,

    /// Code layouts of each revision that is built.
    #[arg(long, value_name = "N", default_value_t = given::N_LAYOUTS, value_parser = clap::value_parser!(u64).range(1..=40))]
    layouts: u64,
}

impl BuildArgs {
    /// Both arms, `base` and the head beside it, as builds of `target`. The layouts of revisions are drawn from `seed`.
    pub(crate) fn both(
        &self,
        base: &str,
        target: Target<'_>,
        seed: u64,
        context: &Context<'_>,
    ) -> Result<(Arm, Arm)> {
        let cache = context.vars.build_cache()?;
        let workshop = Workshop {
            repo: Path::new("."),
            cache: &cache,
            seed,
            n_layouts: usize::try_from(self.layouts)?,
            target,
            variables: context.vars.build(),
        };
        given::both(base, self.head.as_deref(), &workshop, context.progress)
    }
}
