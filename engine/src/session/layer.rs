//! The seven products of one layer on fixed inputs, nothing else of the graph: what `bench::LayerMatmul` times.

use super::Session;

impl Session<'_> {
    /// Fills the inputs with a fixed wave and quantizes them once.
    pub(crate) fn prepare_layer(&mut self) {
        let (config, layer) = (self.config(), &self.model.weights().layers[0]);
        let b = &mut self.buffers;
        let wave = |n: usize| -> Vec<f32> {
            #[expect(clippy::cast_precision_loss, reason = "n % 97 is small")]
            (0..n).map(|i| (i % 97) as f32 / 48.0 - 1.0).collect()
        };
        let both = [&layer.attn_q, &layer.attn_k, &layer.attn_v, &layer.ffn_gate, &layer.ffn_up];
        let inputs = [
            (config.n_embd, Some(&layer.attn_norm), &both[..], &mut b.normed),
            (
                config.q_width(),
                layer.attn_sub_norm.as_ref(),
                &[&layer.attn_output][..],
                &mut b.attended,
            ),
            (config.n_ff, layer.ffn_sub_norm.as_ref(), &[&layer.ffn_down][..], &mut b.gated),
        ];
        for (cols, weight, nexts, rows) in inputs {
            let weight = weight.map(Vec::as_slice);
            self.dispatcher.norm(&wave(cols), cols, weight, config.rms_eps, nexts, rows);
        }
    }

    /// Runs the products; returns the wrapping sum of the bits of all outputs.
    pub(crate) fn run_layer(&mut self) -> u64 {
        let model = self.model;
        let layer = &model.weights().layers[0];
        let b = &mut self.buffers;
        let dispatcher = &mut self.dispatcher;
        dispatcher.project(
            model,
            [&layer.attn_q, &layer.attn_k, &layer.attn_v],
            &b.normed,
            [&mut b.q, &mut b.k, &mut b.v],
            |_| {},
        );
        dispatcher.project(model, [&layer.attn_output], &b.attended, [&mut b.projected], |_| {});
        let mut sum = bits(&b.projected);
        dispatcher.project(
            model,
            [&layer.ffn_gate, &layer.ffn_up],
            &b.normed,
            [&mut b.gate, &mut b.up],
            |_| {},
        );
        dispatcher.project(model, [&layer.ffn_down], &b.gated, [&mut b.projected], |_| {});
        for out in [&b.q, &b.k, &b.v, &b.gate, &b.up, &b.projected] {
            sum = sum.wrapping_add(bits(out));
        }
        sum
    }
}

fn bits(x: &[f32]) -> u64 {
    x.iter().fold(0, |sum, x| sum.wrapping_add(u64::from(x.to_bits())))
}
