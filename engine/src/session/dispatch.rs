//! The dispatcher: every norm, quantization and matrix product of the graph goes through here, and every product is
//! counted here, whoever asks for it.

use crate::{
    Isa, Model,
    kernels::{Int8Rows, Kernels, RowScale, TernaryProduct},
    model::{LINEAR_NAMES, Linear, Storage},
    threads::{Columns, Pool, Strip},
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
}

/// What was carried out for one kind of product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Which product, as [`crate::LinearInfo::name`].
    pub linear: &'static str,
    /// The kernel that carried it out.
    pub kernel: &'static str,
    /// Logical products: one per (layer, token).
    pub products: u64,
    /// Multiply-adds.
    pub macs: u64,
    /// Weight bytes read: the tensor's bytes once per call, however many tokens shared it.
    pub bytes: u64,
}

/// Inputs of a product, one row per token.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// `[tokens, cols]`.
    float: Vec<f32>,
    /// The same, quantized, if activations are int8.
    int8: Int8Rows,
    cols: usize,
}

impl Rows {
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.float.as_slice())
            + size_of_val(self.int8.codes.as_slice())
            + size_of_val(self.int8.scales.as_slice())
    }
}

#[derive(Debug)]
pub(super) struct Dispatcher {
    pub(super) kernels: Kernels,
    pub(super) pool: Pool,
    activations: Activations,
    counts: [Count; LINEAR_NAMES.len()],
}

impl Dispatcher {
    pub(super) fn new(kernels: Kernels, pool: Pool, activations: Activations) -> Self {
        let counts =
            LINEAR_NAMES.map(|linear| Count { linear, kernel: "", products: 0, macs: 0, bytes: 0 });
        Self { kernels, pool, activations, counts }
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

    pub(super) fn reset_counters(&mut self) {
        for count in &mut self.counts {
            (count.products, count.macs, count.bytes) = (0, 0, 0);
        }
    }

    /// `out = rms_norm(x, weight)` per token, quantized too where the next product is ternary. `x`: `[tokens, weight.len()]`.
    pub(super) fn norm(
        &self,
        x: &[f32],
        weight: &[f32],
        eps: f32,
        ternary_next: bool,
        out: &mut Rows,
    ) {
        let cols = weight.len();
        let n_tokens = x.len() / cols;
        let quantized = ternary_next && self.activations == Activations::Int8;
        let packed_len = if quantized { (self.kernels.packed_len)(cols) } else { 1 };
        out.cols = cols;
        out.float.resize(n_tokens * cols, 0.0);
        out.int8.packed_len = packed_len;
        out.int8.codes.resize(n_tokens * packed_len, 0);
        out.int8.scales.resize(n_tokens, RowScale::default());
        let kernels = self.kernels;
        self.pool.rows(
            (&mut out.float, cols),
            (&mut out.int8.codes, packed_len),
            (&mut out.int8.scales, 1),
            |token, float, codes, scale| {
                (kernels.rms_norm)(&x[token * cols..][..cols], weight, eps, float);
                if quantized {
                    scale[0] = (kernels.quantize)(float, codes);
                }
            },
        );
    }

    /// Several products of the same input: `out = rows · linearᵀ`, `[tokens, linear.rows]` each; then `finish` on each
    /// thread's own columns. The outputs are resized.
    pub(super) fn project<const N: usize>(
        &mut self,
        model: &Model,
        linears: [&Linear; N],
        x: &Rows,
        outs: [&mut Vec<f32>; N],
        finish: impl Fn(&mut [Strip<'_>; N]) + Sync,
    ) {
        let n_tokens = x.float.len() / x.cols;
        for linear in linears {
            self.count(linear, n_tokens);
        }
        let mut i = 0;
        let columns = outs.map(|out| {
            let width = linears[i].rows;
            i += 1;
            out.resize(n_tokens * width, 0.0);
            // 16 outputs share a cache line: two threads never write the same one.
            Columns { data: out, width, unit: 16 }
        });
        let (kernels, activations) = (&self.kernels, self.activations);
        let bytes = model.file().bytes();
        self.pool.strips(columns, |mut strips| {
            for (linear, strip) in linears.iter().zip(&mut strips) {
                product(kernels, activations, linear, &bytes[linear.range.clone()], x, strip);
            }
            finish(&mut strips);
        });
    }

    fn count(&mut self, linear: &Linear, n_tokens: usize) {
        let count = &mut self.counts[linear.kind];
        count.kernel = match (linear.storage, self.activations) {
            (Storage::Ternary { .. }, Activations::Int8) => self.kernels.ternary_i8_name(),
            _ => self.kernels.dense_f32_name(),
        };
        count.products += n_tokens as u64;
        count.macs += (n_tokens * linear.rows * linear.cols) as u64;
        count.bytes += linear.range.len() as u64;
    }
}

fn product(
    kernels: &Kernels,
    activations: Activations,
    linear: &Linear,
    bytes: &[u8],
    x: &Rows,
    out: &mut Strip<'_>,
) {
    let cols = linear.cols;
    match (linear.storage, activations) {
        (Storage::Ternary { scale }, Activations::Int8) => {
            let product = TernaryProduct { codes: bytes, cols, weight_scale: scale, x: &x.int8 };
            (kernels.ternary_i8)(&product, out);
        }
        (Storage::Ternary { scale }, Activations::Float) => {
            dense(kernels, x, out, |row, wide| {
                (kernels.widen_ternary)(&bytes[row * cols / 4..][..cols / 4], wide);
            });
            for token in 0..out.n_rows() {
                out.row(token).iter_mut().for_each(|y| *y *= scale);
            }
        }
        (Storage::F16, _) if out.n_rows() == 1 => {
            let rows = out.columns();
            for (row, y) in rows.zip(out.row(0)) {
                *y = (kernels.dot_f16)(&bytes[row * cols * 2..][..cols * 2], &x.float);
            }
        }
        (Storage::F16, _) => dense(kernels, x, out, |row, wide| {
            (kernels.widen_f16)(&bytes[row * cols * 2..][..cols * 2], wide);
        }),
        (Storage::F32, _) => dense(kernels, x, out, |row, wide| {
            let (values, _) = bytes[row * cols * 4..][..cols * 4].as_chunks::<4>();
            for (value, wide) in values.iter().zip(wide) {
                *wide = f32::from_le_bytes(*value);
            }
        }),
    }
}

/// `out = x · wᵀ` with each row of weights widened once for all tokens.
fn dense(kernels: &Kernels, x: &Rows, out: &mut Strip<'_>, widen: impl Fn(usize, &mut [f32])) {
    let columns = out.columns();
    let mut wide = vec![0.0; x.cols];
    for row in columns.clone() {
        widen(row, &mut wide);
        for (token, x) in x.float.chunks_exact(x.cols).enumerate() {
            out.row(token)[row - columns.start] = (kernels.dot)(&wide, x);
        }
    }
}
