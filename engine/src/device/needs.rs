//! What a run takes, in bytes, before any of it is allocated.

use crate::{
    Model,
    kernels::{ATTENTION_CHUNK, Kernels, RowScale},
};

/// Rows of logits that a session holds at most: those of one pass of scoring.
const LOGITS_ROWS: usize = 16;

/// Bytes of one run, by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The model's tensors as they are stored.
    pub weights_bytes: u64,
    /// Keys, values and angles of the longest sequence that is wanted.
    pub kv_bytes: u64,
    /// Activations of one batch and logits: what a session may hold at most.
    pub activations_bytes: u64,
}

impl Needs {
    /// Of one sequence of `n_positions` (the model's context at most), read in batches of `batch`, with keys and values in f32.
    #[must_use]
    pub fn of(model: &Model, kernels: &Kernels, n_positions: usize, batch: usize) -> Self {
        let config = model.config();
        let n_positions = n_positions.min(config.n_ctx);
        let batch = batch.min(n_positions) as u64;
        let values = |n: usize| n as u64 * size_of::<f32>() as u64;

        // Whole chunks: keys and values of all layers, one angle a pair.
        let n_chunks = n_positions.div_ceil(ATTENTION_CHUNK) as u64;
        let kv = values(2 * config.n_layers * config.kv_width()) + values(config.head_dim);
        let kv_bytes = n_chunks * ATTENTION_CHUNK as u64 * kv;

        // x, projected and a norm; q, attention and its norm; k and v; gate, up and their product.
        let floats =
            3 * config.n_embd + 3 * config.q_width() + 2 * config.kv_width() + 3 * config.n_ff;
        // Each product as if it had an input of its own: some share one.
        let packed: u64 = model
            .linears()
            .iter()
            .filter_map(|linear| {
                let kernel = kernels.product(linear.format)?;
                let row_len = (kernels.packing(kernel.input).row_len)(linear.cols);
                Some((row_len + size_of::<RowScale>()) as u64)
            })
            .sum();
        let activations_bytes =
            batch * (values(floats) + packed) + values(LOGITS_ROWS * config.n_vocab);
        Self { weights_bytes: model.bytes().len() as u64, kv_bytes, activations_bytes }
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
    use crate::{Isa, Session, SessionOptions};

    #[test]
    fn a_session_holds_what_was_foretold_and_activations_stay_below() {
        let model = Model::builtin("stories").unwrap();
        let kernels = Kernels::of(Isa::best()).unwrap();
        let options = SessionOptions { threads: 1, batch: 32, ..SessionOptions::default() };
        for n in [1, 63, 64, 65, 130] {
            let mut session = Session::new(&model, &options).unwrap();
            let ids: Vec<u32> = (1..=n).collect();
            session.score(&ids, |_, _| {}).unwrap();
            let (needs, held) =
                (Needs::of(&model, &kernels, n as usize, options.batch), session.memory());
            assert_eq!(needs.kv_bytes, held.kv as u64, "{n}");
            let activations = (held.activations + held.scratch) as u64;
            assert!(needs.activations_bytes >= activations, "{n}: {needs:?} {held:?}");
            assert!(
                needs.activations_bytes < 4 * activations + (4 << 20),
                "{n}: {needs:?} {held:?}"
            );
        }
        let all = Needs::of(&model, &kernels, usize::MAX, 32);
        assert_eq!(all, Needs::of(&model, &kernels, model.config().n_ctx, 32));
        assert_eq!(all.weights_bytes, model.bytes().len() as u64);
    }
}
