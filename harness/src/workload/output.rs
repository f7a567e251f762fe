//! Proof of the output: digests of ids and logits, and that every iteration put out the same.

use anyhow::{Result, ensure};
use baselines::{
    Digest,
    record::{Challenge, Ids, Output, StopReason, WorkloadDef},
};
use engine::Logits;
use sha2::{Digest as _, Sha256};

/// SHA-256 over the bits of logits, little-endian, as they come.
#[derive(Debug, Default)]
pub(super) struct LogitsDigest {
    hasher: Sha256,
    bytes: Vec<u8>,
}

impl LogitsDigest {
    pub(super) fn update(&mut self, logits: &[f32]) {
        self.update_each(logits.iter().copied());
    }

    /// What a token was chosen of: all logits, or those that decided.
    pub(super) fn update_chosen(&mut self, logits: Logits<'_>) {
        match logits {
            Logits::All(logits) => self.update(logits),
            Logits::Likeliest(likeliest) => {
                self.update_each(likeliest.iter().map(|likely| likely.logit));
            }
        }
    }

    fn update_each(&mut self, logits: impl Iterator<Item = f32>) {
        self.bytes.clear();
        self.bytes.extend(logits.flat_map(f32::to_le_bytes));
        self.hasher.update(&self.bytes);
    }

    pub(super) fn finish(self) -> Digest {
        let digest: [u8; 32] = self.hasher.finalize().into();
        Digest::from(digest)
    }
}

/// What one iteration put out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Once {
    pub(super) prompt: Vec<u32>,
    pub(super) generated: Vec<u32>,
    pub(super) logits: Digest,
    pub(super) stop: StopReason,
}

/// What a workload put out in all of its iterations.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) output: Option<Output>,
    /// The ids behind it.
    pub(crate) ids: Option<Ids>,
    pub(crate) challenge: Option<Challenge>,
}

/// The output of the first iteration, which all others of the same prompt must repeat.
#[derive(Debug, Default)]
pub(super) struct Repeated {
    first: Option<Once>,
    iterations: u64,
}

impl Repeated {
    /// Takes the output of one more iteration.
    pub(super) fn take(&mut self, once: &Once) -> Result<()> {
        self.iterations += 1;
        let n = self.iterations;
        let first = self.first.get_or_insert_with(|| once.clone());
        ensure!(
            first.prompt == once.prompt && first.generated == once.generated,
            "iteration {n}: expected the ids of the first iteration (SHA-256 {}), found others ({}); the engine is not \
             deterministic here, so no time of it can be compared",
            Digest::of_ids(&first.generated).short(),
            Digest::of_ids(&once.generated).short()
        );
        ensure!(
            first == once,
            "iteration {n}: expected the logits of the first iteration (SHA-256 {}), found others ({}) with equal ids",
            first.logits.short(),
            once.logits.short()
        );
        Ok(())
    }

    pub(super) const fn iterations(&self) -> u64 {
        self.iterations
    }

    /// The record's answer to the challenge; `None` if nothing ran.
    pub(super) fn challenge(self, def: &WorkloadDef) -> Option<Challenge> {
        let Self { first, iterations } = self;
        let Once { prompt, generated, logits, .. } = first?;
        Some(Challenge {
            workload: def.name.clone(),
            prompt_ids_digest: Digest::of_ids(&prompt),
            generated,
            logits_digest: logits,
            iterations,
        })
    }

    /// The record's output and the ids behind it; `None` if nothing ran.
    pub(super) fn output(self, def: &WorkloadDef) -> (Option<Output>, Option<Ids>) {
        let Self { first, iterations } = self;
        let Some(once) = first else { return (None, None) };
        let output = Output {
            workload: def.name.clone(),
            prompt_ids_digest: Digest::of_ids(&once.prompt),
            n_prompt: once.prompt.len() as u64,
            n_generated: once.generated.len() as u64,
            output_ids_digest: Digest::of_ids(&once.generated),
            logits_digest: once.logits,
            iterations,
            stop: once.stop,
        };
        let Once { prompt, generated, .. } = once;
        (Some(output), Some(Ids { workload: def.name.clone(), prompt, generated }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn once(generated: &[u32], logits: &[f32]) -> Once {
        let mut digest = LogitsDigest::default();
        digest.update(logits);
        let generated = generated.to_vec();
        Once { prompt: vec![0, 5], generated, logits: digest.finish(), stop: StopReason::Length }
    }

    #[test]
    fn other_ids_or_other_logits_in_a_later_iteration_are_an_error() {
        let mut repeated = Repeated::default();
        repeated.take(&once(&[1, 2], &[0.5])).unwrap();
        repeated.take(&once(&[1, 2], &[0.5])).unwrap();
        let error = repeated.take(&once(&[1, 3], &[0.5])).unwrap_err().to_string();
        assert!(error.contains("iteration 3: expected the ids"), "{error}");
        let error = repeated.take(&once(&[1, 2], &[0.5000001])).unwrap_err().to_string();
        assert!(error.contains("iteration 4: expected the logits"), "{error}");
    }

    #[test]
    fn the_digest_of_logits_is_that_of_their_bytes() {
        let mut digest = LogitsDigest::default();
        digest.update(&[1.0, -2.5]);
        digest.update(&[0.0]);
        let bytes = [1.0_f32, -2.5, 0.0].map(f32::to_le_bytes).concat();
        assert_eq!(digest.finish(), Digest::of(&bytes));
    }
}
