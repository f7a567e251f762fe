//! Which of two prompts an iteration has: the fixed one, or that of the nonce; and what belongs to either.

use anyhow::Result;
use baselines::record::{WorkloadDef, is_challenged};

use super::{
    Bench,
    output::{Answers, Repeated},
    prompts, seed,
};

/// The prompt of an iteration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Asked {
    /// From the root seed: the same in every session, so that outputs can be compared.
    #[default]
    Fixed,
    /// From the nonce of the session and the pair: nobody could know it beforehand.
    Challenge,
}

impl Asked {
    /// That of the timed iteration `nth` (0-based) of a process.
    pub(super) const fn in_iteration(nth: u64) -> Self {
        if is_challenged(nth) { Self::Challenge } else { Self::Fixed }
    }
}

/// One of a thing for each prompt.
#[derive(Clone, Debug, Default)]
pub(super) struct Both<T> {
    fixed: T,
    challenge: T,
}

impl Both<Vec<u32>> {
    /// The prompts of a workload of `kind`, `n` ids each.
    pub(super) fn prompts(bench: Bench<'_>, kind: &str, n: usize) -> Result<Self> {
        let draw =
            |root: u64| prompts::ids(bench.model, &mut seed::stream(root, kind, "prompt"), n);
        Ok(Self { fixed: draw(bench.seed)?, challenge: draw(bench.challenge_seed)? })
    }
}

impl<T> Both<T> {
    pub(super) const fn of(&self, asked: Asked) -> &T {
        match asked {
            Asked::Fixed => &self.fixed,
            Asked::Challenge => &self.challenge,
        }
    }

    pub(super) const fn of_mut(&mut self, asked: Asked) -> &mut T {
        match asked {
            Asked::Fixed => &mut self.fixed,
            Asked::Challenge => &mut self.challenge,
        }
    }
}

impl Both<Repeated> {
    /// What the record says about both.
    pub(super) fn answers(self, def: &WorkloadDef) -> Answers {
        let n_challenged = self.challenge.iterations();
        let (mut output, ids) = self.fixed.output(def);
        if let Some(output) = &mut output {
            output.iterations += n_challenged;
        }
        Answers { output, ids, challenge: self.challenge.challenge(def) }
    }
}
