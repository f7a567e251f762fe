//! The dispatcher: every norm, quantization and matrix product of the graph goes through here, and every product is
//! counted here, whoever asks for it.

use super::{
    buffers::{RowsWidth, reserve},
    likeliest::Screening,
};
use crate::{
    Isa, Lines, Model, Result,
    kernels::{Four, Input, Kernels, Packed, PackedKernel, Product, ProductKernel, RowScale},
    model::{LINEAR_NAMES, Linear, Screen},
    threads::{Columns, Pool, Split, Strip},
};

/// What a ternary product multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activations {
    /// Per-token int8, as the model was trained: exact integer sums.
    Int8,
    /// The f32 activations themselves: for accuracy checks and comparison with other engines.
    Float,
}

impl Activations {
    /// `int8` or `float`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::Float => "float",
        }
    }

    /// The product of one token with weights in fewer bits, where there is one.
    pub(super) fn packed(self, kernels: &Kernels) -> Option<&'static PackedKernel> {
        kernels.packed.filter(|_| self == Self::Int8)
    }

    /// The product of a matrix, if it is one with packed activations.
    pub(super) fn product(
        self,
        kernels: &Kernels,
        linear: &Linear,
    ) -> Option<&'static ProductKernel> {
        match self {
            Self::Int8 => kernels.product(linear.format.name()),
            Self::Float => None,
        }
    }
}

/// What was carried out for one kind of product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Which product, as [`crate::LinearInfo::name`].
    pub linear: &'static str,
    /// The kernel that carried out the last of them.
    pub kernel: &'static str,
    /// Logical products: one per (layer, token).
    pub products: u64,
    /// Multiply-adds.
    pub macs: u64,
    /// Weight bytes read: those of the form that was read, once per call, however many tokens shared it.
    pub bytes: u64,
}

/// Inputs of a product, one row per token.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// `[tokens, cols]`.
    float: Lines<f32>,
    /// The same, packed as the next products want it; by `Input`.
    packed: [Packed; Input::N],
    cols: usize,
}

impl Rows {
    /// Before packing.
    pub(super) fn float(&self) -> &[f32] {
        &self.float
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        let packed = |packed: &Packed| {
            packed.bytes.capacity() + packed.scales.capacity() * size_of::<RowScale>()
        };
        self.float.capacity() * size_of::<f32>() + self.packed.iter().map(packed).sum::<usize>()
    }

    /// Has room for so many tokens.
    pub(super) fn reserve(&mut self, width: &RowsWidth, n_tokens: usize) -> Result<()> {
        reserve(&mut self.float, n_tokens * width.cols)?;
        for (packed, row_len) in self.packed.iter_mut().zip(width.packed) {
            if row_len > 0 {
                reserve(&mut packed.bytes, n_tokens * row_len)?;
                reserve(&mut packed.scales, n_tokens)?;
            }
        }
        Ok(())
    }
}

impl RowsWidth {
    /// Bytes of one token.
    pub(super) fn bytes(&self) -> usize {
        let packed = self.packed.iter().filter(|row_len| **row_len > 0);
        self.cols * size_of::<f32>()
            + packed.map(|row_len| row_len + size_of::<RowScale>()).sum::<usize>()
    }
}

#[derive(Debug)]
pub(super) struct Dispatcher {
    pub(super) kernels: Kernels,
    pub(super) pool: Pool,
    activations: Activations,
    counts: [Count; LINEAR_NAMES.len()],
    packed_rows: u64,
}

impl Dispatcher {
    pub(super) fn new(kernels: Kernels, pool: Pool, activations: Activations) -> Self {
        let counts =
            LINEAR_NAMES.map(|linear| Count { linear, kernel: "", products: 0, macs: 0, bytes: 0 });
        Self { kernels, pool, activations, counts, packed_rows: 0 }
    }

    pub(super) const fn activations(&self) -> Activations {
        self.activations
    }

    pub(super) const fn isa(&self) -> Isa {
        self.kernels.isa
    }

    pub(super) fn threads(&self) -> usize {
        self.pool.threads()
    }

    pub(super) fn counters(&self) -> Vec<Count> {
        self.counts.iter().filter(|count| count.products > 0).copied().collect()
    }

    /// Rows that were packed: a row is one token's, in one form.
    pub(super) const fn packed_rows(&self) -> u64 {
        self.packed_rows
    }

    /// Everything that is counted, to be put back with `set_counts`.
    pub(super) const fn counts(&self) -> ([Count; LINEAR_NAMES.len()], u64) {
        (self.counts, self.packed_rows)
    }

    pub(super) const fn set_counts(&mut self, counts: ([Count; LINEAR_NAMES.len()], u64)) {
        (self.counts, self.packed_rows) = counts;
    }

    /// `n` tokens through the head, as far as its rows were looked at: all of them share the first look at a row.
    pub(super) fn count_screened(
        &mut self,
        output: &Linear,
        screen: &Screen,
        n: usize,
        done: Screening,
    ) {
        let count = &mut self.counts[output.kind];
        count.kernel = self.kernels.screened_name();
        count.products += n as u64;
        count.macs += (n * output.shape.rows * output.shape.cols) as u64;
        count.bytes += done.rows / n as u64 * screen.first_len() as u64
            + done.refined * screen.rest_len() as u64
            + done.rescored * 2 * output.shape.cols as u64;
    }

    pub(super) fn reset_counters(&mut self) {
        for count in &mut self.counts {
            (count.products, count.macs, count.bytes) = (0, 0, 0);
        }
        self.packed_rows = 0;
    }

    /// `out = rms_norm(x, weight)` per token, or `out = x` without a weight, packed as `nexts` want it. `x`: `[tokens, cols]`.
    pub(super) fn norm(
        &mut self,
        x: &[f32],
        cols: usize,
        weight: Option<&[f32]>,
        eps: f32,
        nexts: &[&Linear],
        out: &mut Rows,
    ) {
        let rms_norm = self.kernels.rms_norm;
        match weight {
            Some(weight) => {
                self.prepare(x, cols, nexts, out, |x, out| rms_norm(x, weight, eps, out));
            }
            None => self.prepare(x, cols, nexts, out, |x, out| out.copy_from_slice(x)),
        }
    }

    fn prepare(
        &mut self,
        x: &[f32],
        cols: usize,
        nexts: &[&Linear],
        out: &mut Rows,
        fill: impl Fn(&[f32], &mut [f32]) + Sync,
    ) {
        let n_tokens = x.len() / cols;
        out.cols = cols;
        out.float.resize(n_tokens * cols, 0.0);
        let mut inputs: Vec<Input> = Vec::with_capacity(nexts.len());
        for kernel in nexts.iter().filter_map(|linear| self.kernel(linear)) {
            if !inputs.contains(&kernel.input) {
                inputs.push(kernel.input);
            }
        }
        let Some((first, others)) = inputs.split_first() else {
            let (mut a, mut b) = (vec![(); n_tokens], vec![(); n_tokens]);
            let rows = (&mut out.float[..], cols);
            self.pool.rows(rows, (&mut a, 1), (&mut b, 1), |token, float, _, _| {
                fill(&x[token * cols..][..cols], float);
            });
            return;
        };
        let Rows { float, packed, .. } = out;
        self.pack(float, cols, *first, &mut packed[*first as usize], |token, float| {
            fill(&x[token * cols..][..cols], float);
        });
        for input in others {
            self.pack(float, cols, *input, &mut packed[*input as usize], |_, _| {});
        }
    }

    /// Packs every row of `float`, each after `before` had it.
    fn pack(
        &mut self,
        float: &mut [f32],
        cols: usize,
        input: Input,
        packed: &mut Packed,
        before: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        let n_tokens = float.len() / cols;
        self.packed_rows += n_tokens as u64;
        let packing = self.kernels.packing(input);
        packed.row_len = (packing.row_len)(cols);
        packed.bytes.resize(n_tokens * packed.row_len, 0);
        packed.scales.resize(n_tokens, RowScale::default());
        self.pool.rows(
            (float, cols),
            (&mut packed.bytes, packed.row_len),
            (&mut packed.scales, 1),
            |token, float, bytes, scale| {
                before(token, float);
                scale[0] = (packing.pack)(float, bytes);
            },
        );
    }

    fn kernel(&self, linear: &Linear) -> Option<&'static ProductKernel> {
        self.activations.product(&self.kernels, linear)
    }

    /// Several products of the same input: `out = rows · linearᵀ`, `[tokens, linear.rows]` each; then `finish` on each
    /// thread's own strips. The outputs are resized.
    pub(super) fn project<const N: usize>(
        &mut self,
        model: &Model,
        linears: [&Linear; N],
        x: &Rows,
        outs: [&mut Lines<f32>; N],
        finish: impl Fn(&mut [Strip<'_>; N]) + Sync,
    ) {
        let n_tokens = x.float.len() / x.cols;
        for linear in linears {
            self.count(model, linear, n_tokens);
        }
        let mut i = 0;
        let columns = outs.map(|out| {
            let width = linears[i].shape.rows;
            i += 1;
            out.resize(n_tokens * width, 0.0);
            Columns { data: out, width, unit: UNIT }
        });
        let products = linears.map(|linear| self.choose(model, linear, n_tokens));
        let kernels = &self.kernels;
        self.pool.strips(self.split(&linears, n_tokens), columns, |mut strips| {
            for ((linear, (product, weights)), strip) in
                linears.iter().zip(products).zip(&mut strips)
            {
                multiply(kernels, product, linear, weights, x, strip);
            }
            finish(&mut strips);
        });
    }

    /// `onto += rows · linearᵀ`, by way of `out`, which is resized.
    pub(super) fn project_onto(
        &mut self,
        model: &Model,
        linear: &Linear,
        x: &Rows,
        out: &mut Lines<f32>,
        onto: &mut [f32],
    ) {
        let (n_tokens, width) = (x.float.len() / x.cols, linear.shape.rows);
        self.count(model, linear, n_tokens);
        out.resize(n_tokens * width, 0.0);
        let columns = [&mut out[..], onto].map(|data| Columns { data, width, unit: UNIT });
        let (kernels, (product, weights)) = (&self.kernels, self.choose(model, linear, n_tokens));
        self.pool.strips(self.split(&[linear], n_tokens), columns, |[mut out, mut onto]| {
            multiply(kernels, product, linear, weights, x, &mut out);
            for token in 0..out.n_rows() {
                (kernels.add)(onto.row(token), out.row(token));
            }
        });
    }

    /// How the threads share products with several tokens. Each with tokens of its own spares them reading what another
    /// has just written; but it makes all of them read all weights, which are therefore to stay in a core's own cache.
    fn split(&self, linears: &[&Linear], n_tokens: usize) -> Split {
        let n_bytes: usize = linears.iter().map(|linear| linear.range.len()).sum();
        if n_tokens >= TOKENS_EACH * self.threads() && n_bytes <= OWN_CACHE {
            Split::Rows
        } else {
            Split::Columns
        }
    }

    /// What multiplies a matrix by so many tokens, and the bytes that it reads.
    fn choose<'m>(
        &self,
        model: &'m Model,
        linear: &Linear,
        n_tokens: usize,
    ) -> (Option<&'static ProductKernel>, &'m [u8]) {
        let packed = self.activations.packed(&self.kernels).filter(|_| n_tokens == 1);
        match packed.zip(model.packed_of(linear)) {
            Some((packed, weights)) => (Some(&packed.kernel), weights),
            None => (self.kernel(linear), model.bytes_of(linear)),
        }
    }

    /// `n_tokens` through a matrix on a device.
    pub(super) fn count_on_device(
        &mut self,
        linear: &Linear,
        n_tokens: usize,
        kernel: &'static str,
    ) {
        let count = &mut self.counts[linear.kind];
        count.kernel = kernel;
        count.products += n_tokens as u64;
        count.macs += (n_tokens * linear.shape.rows * linear.shape.cols) as u64;
        count.bytes += linear.range.len() as u64;
    }

    fn count(&mut self, model: &Model, linear: &Linear, n_tokens: usize) {
        let (kernel, weights) = self.choose(model, linear, n_tokens);
        let count = &mut self.counts[linear.kind];
        count.kernel = kernel.map_or_else(|| self.kernels.dense_f32_name(), |kernel| kernel.name);
        count.products += n_tokens as u64;
        count.macs += (n_tokens * linear.shape.rows * linear.shape.cols) as u64;
        count.bytes += weights.len() as u64;
    }
}

/// Columns of outputs that stay on one thread: 16 share a cache line, so that two threads never write the same one; tiles
/// have 32 rows.
const UNIT: usize = 32;
/// Tokens that each thread must get to have tokens of its own: the smallest tile that shares one unpacking of the weights.
const TOKENS_EACH: usize = 4;
/// Bytes of weights that every thread may read for itself. Chosen on cores with 1 and 2 MiB of second-level cache.
const OWN_CACHE: usize = 256 << 10;

fn multiply(
    kernels: &Kernels,
    kernel: Option<&ProductKernel>,
    linear: &Linear,
    weights: &[u8],
    x: &Rows,
    out: &mut Strip<'_>,
) {
    let Linear { shape, scale, .. } = *linear;
    if let Some(kernel) = kernel {
        let x = x.packed[kernel.input as usize].rows(out.rows());
        (kernel.product)(&Product { weights, shape, scale, x }, out);
        return;
    }
    let tokens = out.rows();
    let x = &x.float[tokens.start * shape.cols..tokens.end * shape.cols];
    let size = 2 * shape.cols;
    match linear.format.name() {
        "f16" if out.n_rows() == 1 => {
            let rows = out.columns();
            for (row, y) in rows.zip(out.row(0)) {
                *y = (kernels.dot_f16)(&weights[row * size..][..size], x);
            }
        }
        "f16" => dense(kernels, x, shape.cols, out, |row, wide| {
            (kernels.widen_f16)(&weights[row * size..][..size], wide);
        }),
        _ => dense(kernels, x, shape.cols, out, |row, wide| linear.widen(weights, row, wide)),
    }
    for token in 0..out.n_rows() {
        out.row(token).iter_mut().for_each(|y| *y *= scale);
    }
}

/// Columns whose results are collected before they are written, a whole cache line of each token's: rows of the output
/// often lie a power of two apart, and would push one another out of the cache.
const COLLECTED: usize = 16;

/// `out = x · wᵀ` with each row of weights widened once for all tokens, four of which share a load of it.
fn dense(
    kernels: &Kernels,
    x: &[f32],
    cols: usize,
    out: &mut Strip<'_>,
    widen: impl Fn(usize, &mut [f32]),
) {
    let columns = out.columns();
    let n_tokens = out.n_rows();
    let mut wide = Lines::filled(cols, 0.0);
    let n_fours = if cols.is_multiple_of(128) { n_tokens / 4 } else { 0 };
    let (fours, others) = x.split_at(4 * n_fours * cols);
    let fours: Vec<_> = fours.chunks_exact(4 * cols).map(Four::interleaved).collect();
    let mut collected = vec![[0.0; COLLECTED]; n_tokens];
    for start in (0..columns.len()).step_by(COLLECTED) {
        let n = COLLECTED.min(columns.len() - start);
        for i in 0..n {
            widen(columns.start + start + i, &mut wide);
            let (in_fours, alone) = collected.split_at_mut(4 * n_fours);
            for (four, ys) in fours.iter().zip(in_fours.chunks_exact_mut(4)) {
                let sums = (kernels.dot_4)(&wide, four);
                ys.iter_mut().zip(sums).for_each(|(y, sum)| y[i] = sum);
            }
            for (x, y) in others.chunks_exact(cols).zip(alone) {
                y[i] = (kernels.dot)(&wide, x);
            }
        }
        for (token, ys) in collected.iter().enumerate() {
            out.row(token)[start..start + n].copy_from_slice(&ys[..n]);
        }
    }
}
