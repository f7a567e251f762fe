//! The forward pass of one batch, in the order of the paper: norm, q k v, rope, attend, project, add; norm, gate · up,
//! down, add; at the end norm and head.

use super::{
    Session,
    attention::{attend, scores_width},
    spans::Span,
};
use crate::{
    Result,
    device::Row,
    model::{Gate, Layer, Rope},
    threads::{Columns, Split},
};

impl Session<'_> {
    /// Appends the tokens to their sequences, which have room for them; leaves the residual stream of all rows in
    /// `buffers.x`.
    ///
    /// # Errors
    /// Where a device computes: what it could not, and the CPU neither.
    pub(super) fn append(&mut self, rows: &[Row]) -> Result<()> {
        for row in rows {
            self.sequences.cache_mut(row.place).extend(1);
        }
        if self.on_device.is_some() {
            return self.append_on_device(rows);
        }
        self.spans.begin();
        self.embed(rows);
        self.spans.end(Span::Embed);
        let model = self.model;
        for (i, layer) in model.weights().layers.iter().enumerate() {
            self.attention(i, layer, rows);
            self.feed_forward(layer);
        }
        Ok(())
    }

    /// Logits of `n` tokens of the last batch, from token `token` on: `logits[n, n_vocab]`.
    ///
    /// # Errors
    /// As [`Session::append`].
    pub(super) fn head(&mut self, token: usize, n: usize) -> Result<()> {
        if self.on_device.is_some() && self.head_on_device(token, n)? {
            return Ok(());
        }
        let (config, weights) = (self.config(), self.model.weights());
        let b = &mut self.buffers;
        let x = &b.x[token * config.n_embd..][..n * config.n_embd];
        let nexts = [&weights.output];
        let norm = Some(&weights.output_norm[..]);
        self.spans.begin();
        self.dispatcher.norm(x, config.n_embd, norm, config.rms_eps, &nexts, &mut b.normed);
        self.spans.end(Span::OutputNorm);
        self.dispatcher.project(
            self.model,
            [&weights.output],
            &b.normed,
            [&mut self.logits],
            |_| {},
        );
        self.spans.end(Span::Output);
        Ok(())
    }

    /// The `k` likeliest tokens behind each of the first `n` of the last batch, without all logits; false where that can't be.
    pub(super) fn screened(&mut self, n: usize, k: usize) -> bool {
        let (config, weights) = (self.config(), self.model.weights());
        let Some(screen) = self.screen.filter(|_| k <= super::MOST_LIKELIEST) else { return false };
        let b = &mut self.buffers;
        let norm = Some(&weights.output_norm[..]);
        let x = &b.x[..n * config.n_embd];
        self.spans.begin();
        self.dispatcher.norm(x, config.n_embd, norm, config.rms_eps, &[], &mut b.normed);
        self.spans.end(Span::OutputNorm);
        let output = &weights.output;
        let bytes = self.model.bytes_of(output);
        let with = (&self.dispatcher.kernels, &self.dispatcher.pool);
        let x = (b.normed.float(), config.n_embd);
        let found = self.looks.find(with, (screen, bytes), x, k, &mut self.likeliest);
        self.spans.end(Span::Output);
        let Some(found) = found else { return false };
        self.logits.clear();
        self.dispatcher.count_screened(output, screen, n, found);
        self.screening.add(found);
        true
    }

    /// `x = token_embd[id]`, unscaled.
    fn embed(&mut self, rows: &[Row]) {
        let n_embd = self.config().n_embd;
        let table = &self.model.weights().token_embd;
        let bytes = self.model.bytes_of(table);
        let x = &mut self.buffers.x;
        x.resize(rows.len() * n_embd, 0.0);
        for (row, x) in rows.iter().zip(x.chunks_exact_mut(n_embd)) {
            let row = row.token as usize;
            if table.format.name() == "f16" {
                (self.dispatcher.kernels.widen_f16)(&bytes[row * n_embd * 2..][..n_embd * 2], x);
            } else {
                table.widen(bytes, row, x);
                x.iter_mut().for_each(|value| *value *= table.scale);
            }
        }
    }

    /// `x += attn_output · sub_norm(attend(rope(q), rope(k), v))`; without sub-norms as it is.
    fn attention(&mut self, i: usize, layer: &Layer, rows: &[Row]) {
        let config = self.config();
        let b = &mut self.buffers;
        let eps = config.rms_eps;
        let qkv = [&layer.attn_q, &layer.attn_k, &layer.attn_v];
        let norm = Some(&layer.attn_norm[..]);
        self.dispatcher.norm(&b.x, config.n_embd, norm, eps, &qkv, &mut b.normed);
        self.spans.end(Span::AttnNorm);
        self.dispatcher.project(self.model, qkv, &b.normed, [&mut b.q, &mut b.k, &mut b.v], |_| {});
        self.spans.end(Span::AttnQkv);

        let d = config.head_dim;
        let rope = match config.rope {
            Rope::HalfSplit => self.dispatcher.kernels.rope,
            Rope::Interleaved => self.dispatcher.kernels.rope_interleaved,
        };
        let tokens =
            b.q.chunks_exact_mut(config.q_width()).zip(b.k.chunks_exact_mut(config.kv_width()));
        for (row, ((q, k), v)) in rows.iter().zip(tokens.zip(b.v.chunks_exact(config.kv_width()))) {
            let (cos, sin) = self.sequences.angles.of(row.position);
            for head in q.chunks_exact_mut(d).chain(k.chunks_exact_mut(d)) {
                rope(head, cos, sin);
            }
            self.sequences.cache_mut(row.place).write(i, row.position, k, v);
        }
        self.spans.end(Span::Rope);

        let width = config.q_width();
        b.attention.resize(b.q.len(), 0.0);
        let last = rows.iter().map(|row| row.position).max().unwrap_or(0);
        let room = scores_width(last + 1);
        b.scores.resize(config.n_heads * room, 0.0);
        let (kernels, sequences, q) = (&self.dispatcher.kernels, &self.sequences, &b.q);
        let out = Columns { data: &mut b.attention, width, unit: d };
        let scores = Columns { data: &mut b.scores, width: config.n_heads * room, unit: room };
        self.dispatcher.pool.strips(Split::Columns, [out, scores], |strips| {
            attend(kernels, config, sequences, i, rows, q, strips);
        });
        self.spans.end(Span::Attend);

        let output = [&layer.attn_output];
        let norm = layer.attn_sub_norm.as_deref();
        self.dispatcher.norm(&b.attention, width, norm, eps, &output, &mut b.attended);
        self.spans.end(Span::AttnSubNorm);
        let (attended, projected) = (&b.attended, &mut b.projected);
        self.dispatcher.project_onto(self.model, output[0], attended, projected, &mut b.x);
        self.spans.end(Span::AttnOutput);
    }

    /// `x += ffn_down · sub_norm(f(gate) · up)`; without sub-norms as it is.
    fn feed_forward(&mut self, layer: &Layer) {
        let config = self.config();
        let eps = config.rms_eps;
        let b = &mut self.buffers;
        let gate_up = [&layer.ffn_gate, &layer.ffn_up];
        let norm = Some(&layer.ffn_norm[..]);
        self.dispatcher.norm(&b.x, config.n_embd, norm, eps, &gate_up, &mut b.normed);
        self.spans.end(Span::FfnNorm);
        let kernels = &self.dispatcher.kernels;
        let gate_mul = match config.gate {
            Gate::Relu2 => kernels.relu2_mul,
            Gate::Silu => kernels.silu_mul,
        };
        self.dispatcher.project(
            self.model,
            gate_up,
            &b.normed,
            [&mut b.gate, &mut b.up],
            |[gate, up]| {
                for token in 0..gate.n_rows() {
                    gate_mul(gate.row(token), up.row(token));
                }
            },
        );
        self.spans.end(Span::FfnGateUp);
        let down = [&layer.ffn_down];
        let norm = layer.ffn_sub_norm.as_deref();
        self.dispatcher.norm(&b.gate, config.n_ff, norm, eps, &down, &mut b.gated);
        self.spans.end(Span::FfnSubNorm);
        let (gated, projected) = (&b.gated, &mut b.projected);
        self.dispatcher.project_onto(self.model, down[0], gated, projected, &mut b.x);
        self.spans.end(Span::FfnDown);
    }
}
