//! What a run takes, in bytes, before any of it is allocated.

use crate::{Model, Result, SessionOptions};

/// Rows of logits that a session holds at most: those of one pass of scoring.
const LOGITS_ROWS: usize = 16;

/// Bytes of one run, by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The model's tensors as they are stored.
    pub weights_bytes: u64,
    /// Keys and values of the sequences that are wanted, at their longest, and the angles.
    pub kv_bytes: u64,
    /// Activations of one batch and logits: what a session may hold at most.
    pub activations_bytes: u64,
}

impl Needs {
    /// Of `n_sequences` of `n_positions` each (the model's context at most) in a session of these options.
    ///
    /// # Errors
    /// As [`SessionOptions::memory`].
    pub fn of(
        model: &Model,
        options: &SessionOptions,
        n_positions: usize,
        n_sequences: usize,
    ) -> Result<Self> {
        let config = model.config();
        let memory = options.memory_of(model, n_positions.min(config.n_ctx), n_sequences)?;
        let logits = (LOGITS_ROWS * config.n_vocab * size_of::<f32>()).max(memory.scratch);
        Ok(Self {
            weights_bytes: model.bytes().len() as u64,
            kv_bytes: memory.kv as u64,
            activations_bytes: memory.activations as u64 + logits as u64,
        })
    }

    /// All of them.
    #[must_use]
    pub const fn total_bytes(&self) -> u64 {
        self.weights_bytes.saturating_add(self.kv_bytes).saturating_add(self.activations_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Session;

    #[test]
    fn a_session_holds_what_was_foretold_and_activations_stay_below() {
        let model = Model::builtin("stories").unwrap();
        let options = SessionOptions { threads: 1, batch: 32, ..SessionOptions::default() };
        for n in [1, 63, 64, 65, 130] {
            let mut session = Session::new(&model, &options).unwrap();
            let ids: Vec<u32> = (1..=n).collect();
            session.score(&ids, |_, _| {}).unwrap();
            let (needs, held) =
                (Needs::of(&model, &options, n as usize, 1).unwrap(), session.memory());
            assert_eq!(needs.kv_bytes, held.kv as u64, "{n}");
            let activations = (held.activations + held.scratch) as u64;
            assert!(needs.activations_bytes >= activations, "{n}: {needs:?} {held:?}");
            assert!(
                needs.activations_bytes < 4 * activations + (4 << 20),
                "{n}: {needs:?} {held:?}"
            );
        }
        let all = Needs::of(&model, &options, usize::MAX, 1).unwrap();
        assert_eq!(all, Needs::of(&model, &options, model.config().n_ctx, 1).unwrap());
        assert_eq!(all.weights_bytes, model.bytes().len() as u64);
    }
}
