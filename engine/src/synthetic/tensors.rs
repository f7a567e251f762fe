//! The tensors of a synthetic model in the order of its file, each as runs of one kind of bytes.
//! In: a shape. Out: names, dimensions and formats as the graph wants them, and what their bytes are drawn as.

use super::Shape;
use super::fill::Fill;
use crate::quant::{self, BlockFormat, f16::F16, f32::F32, tl2};

/// One tensor.
#[derive(Debug)]
pub(super) struct Tensor {
    pub(super) name: String,
    /// The contiguous dimension first.
    pub(super) dims: Vec<u64>,
    pub(super) format: &'static dyn BlockFormat,
    pub(super) shape: quant::Shape,
    /// What it consists of, one behind the other.
    pub(super) runs: Vec<Run>,
}

/// Bytes of one kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Run {
    pub(super) fill: Fill,
    pub(super) size: usize,
}

impl Tensor {
    /// Bytes in the file, without padding.
    pub(super) fn size(&self) -> u64 {
        self.runs.iter().map(|run| run.size as u64).sum()
    }
}

/// All tensors of a shape that passed its check.
pub(super) fn tensors(shape: &Shape) -> Vec<Tensor> {
    let (embd, ff, vocab) = (shape.n_embd as usize, shape.n_ff as usize, shape.n_vocab as usize);
    let (q, kv) = (shape.q_width(), shape.kv_width());
    let mut all = vec![halves("token_embd", vocab, embd)];
    for layer in 0..shape.n_layers {
        let name = |name: &str| format!("blk.{layer}.{name}");
        let linear = |of: &str, rows, cols| ternary(shape, &name(of), rows, cols);
        all.push(ones(&name("attn_norm"), embd));
        all.push(linear("ffn_down", embd, ff));
        all.extend(shape.has_sub_norms().then(|| ones(&name("ffn_sub_norm"), ff)));
        all.push(linear("ffn_gate", ff, embd));
        all.push(linear("ffn_up", ff, embd));
        all.push(ones(&name("ffn_norm"), embd));
        all.extend(shape.has_sub_norms().then(|| ones(&name("attn_sub_norm"), q)));
        all.push(linear("attn_k", kv, embd));
        all.push(linear("attn_output", embd, q));
        all.push(linear("attn_q", q, embd));
        all.push(linear("attn_v", kv, embd));
    }
    all.push(ones("output_norm", embd));
    if !shape.tied {
        all.push(halves("output", vocab, embd));
    }
    all
}

fn ternary(shape: &Shape, name: &str, rows: usize, cols: usize) -> Tensor {
    let format = shape.weights.format();
    let stored = quant::Shape::new(rows, cols);
    // A sum of `cols` products with half of the weights not zero keeps the size of its input.
    #[expect(clippy::cast_precision_loss, reason = "a row length below 2^24")]
    let scale = Fill::Scale((2.0 / cols as f32).sqrt());
    let size = format.n_bytes(stored).expect("the shape passed its check");
    let mut runs = match shape.weights {
        super::Weights::I2S => vec![Run { fill: Fill::Trits, size: rows * cols / 4 }],
        super::Weights::Tl2 => {
            let layout = tl2::Layout::new(stored);
            vec![
                Run { fill: Fill::Triples, size: rows * layout.three_k / 6 },
                Run { fill: Fill::Signs, size: rows * layout.three_k / 24 },
                Run { fill: Fill::Pairs, size: rows * layout.two_k / 4 },
            ]
        }
    };
    let codes: usize = runs.iter().map(|run| run.size).sum();
    runs.push(Run { fill: Fill::Zeros, size: size - TAIL_SIZE - codes });
    runs.push(Run { fill: scale, size: TAIL_SIZE });
    tensor(name, format, stored, vec![cols as u64, rows as u64], runs)
}

/// Bytes at the end of a tensor in either format: its scale, and filler.
const TAIL_SIZE: usize = quant::i2_s::TAIL_SIZE;

fn halves(name: &str, rows: usize, cols: usize) -> Tensor {
    let runs = vec![Run { fill: Fill::Halves, size: rows * cols * 2 }];
    tensor(name, &F16, quant::Shape::new(rows, cols), vec![cols as u64, rows as u64], runs)
}

fn ones(name: &str, len: usize) -> Tensor {
    let runs = vec![Run { fill: Fill::Ones, size: len * 4 }];
    tensor(name, &F32, quant::Shape::vector(len), vec![len as u64], runs)
}

fn tensor(
    name: &str,
    format: &'static dyn BlockFormat,
    shape: quant::Shape,
    dims: Vec<u64>,
    mut runs: Vec<Run>,
) -> Tensor {
    runs.retain(|run| run.size > 0);
    Tensor { name: format!("{name}.weight"), dims, format, shape, runs }
}
