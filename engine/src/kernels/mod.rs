//! The arithmetic of the engine as a table of functions per instruction set, chosen at run time.
//!
//! In: slices and packed weights. Out: the same bits whichever table is used (`docs/numerics.md` defines them).
//!
//! `scalar` is the definition; `avx2` and `avx512` hold the same names. A table is the token: it can't be had unless
//! the CPU has the instructions, so calling its entries is safe.

mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod packed;
mod scalar;
mod screen;

use std::{fmt, ops::Range, str::FromStr};

use attention::MOST_CODE_OF_P;
pub use attention::{
    ATTENTION_CHUNK, ATTENTION_CODES, ATTENTION_HEAD, ATTENTION_QUERIES, AttentionChunk, Stored,
};
pub(crate) use attention::{MOST_CODE, Steps};
pub use packed::PackedKernel;
pub(crate) use screen::{BLOCK as SCREENED_BLOCK, FIRST as SCREENED_FIRST, REST as SCREENED_REST};
pub use screen::{Between, ScreenedInput, ScreenedRow};

use crate::{Error, ErrorKind, Lines, Result, quant::Shape, threads::Strip};

/// An instruction set that kernels exist for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// Plain Rust, for any machine: the definition of correct.
    Scalar,
    /// AVX2 with FMA and F16C.
    Avx2,
    /// AVX-512 F, BW, VL and VNNI.
    Avx512,
}

impl Isa {
    /// Its name: `scalar`, `avx2`, `avx512`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// The instruction sets that this machine has, slowest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        ISAS.iter().filter_map(|kernels| kernels()).map(|kernels| kernels.isa).collect()
    }

    /// The fastest instruction set that this machine has.
    ///
    /// # Panics
    /// Never: scalar is always there.
    #[must_use]
    pub fn best() -> Self {
        *Self::available().last().expect("scalar is always there")
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Isa {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "scalar" => Ok(Self::Scalar),
            "avx2" => Ok(Self::Avx2),
            "avx512" => Ok(Self::Avx512),
            _ => Err(Error::new(
                ErrorKind::Isa,
                format!("instruction set {text:?} is unknown; known: scalar, avx2, avx512"),
            )),
        }
    }
}

/// The register: one entry per instruction set, slowest first; each probes the CPU.
pub const ISAS: &[fn() -> Option<Kernels>] = &[
    scalar::kernels,
    #[cfg(target_arch = "x86_64")]
    avx2::kernels,
    #[cfg(target_arch = "x86_64")]
    avx512::kernels,
];

/// How a product wants its activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// One int8 code each with one scale for the row: BitNet's own. The order of the codes is the instruction set's.
    Int8,
    /// The same codes as lookup tables: for each pair of columns the products with all nine pairs of trits (TL1, TL2).
    Pairs,
    /// The same codes as lookup tables: for each triple of columns the products with all triples up to their sign (TL2).
    Triples,
    /// int8 codes in blocks of 32, each with its scale and the sum of its codes: what ggml calls `Q8_0` and `Q8_1`.
    Blocks32,
    /// int8 codes in blocks of 256, each with its scale and sums of 16: what ggml calls `Q8_K`.
    Blocks256,
}

impl Input {
    /// How many there are; each is the place of its packing in a list of all.
    pub const N: usize = 5;
}

/// Puts one row of activations into the form that one kind of product wants.
#[derive(Clone, Copy, Debug)]
pub struct Packing {
    /// Which form.
    pub input: Input,
    /// Bytes of a packed row of so many activations.
    pub row_len: fn(usize) -> usize,
    /// Packs a row; writes every byte.
    pub pack: fn(&[f32], &mut [u8]) -> RowScale,
}

/// Activations of several tokens, each row packed as a product wants it.
#[derive(Clone, Debug, Default)]
pub struct Packed {
    /// `[tokens, row_len]`.
    pub bytes: Lines<u8>,
    /// `[tokens]`.
    pub scales: Lines<RowScale>,
    /// Bytes of one packed row.
    pub row_len: usize,
}

impl Packed {
    /// Those of all tokens.
    #[must_use]
    pub fn all(&self) -> PackedRows<'_> {
        self.rows(0..self.scales.len())
    }

    /// Those of some tokens.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    pub fn rows(&self, tokens: Range<usize>) -> PackedRows<'_> {
        let Self { bytes, row_len, .. } = self;
        let bytes = &bytes[tokens.start * row_len..tokens.end * row_len];
        PackedRows { bytes, scales: &self.scales[tokens], row_len: *row_len }
    }
}

/// Packed activations of consecutive tokens.
#[derive(Clone, Copy, Debug)]
pub struct PackedRows<'a> {
    /// `[tokens, row_len]`.
    pub bytes: &'a [u8],
    /// `[tokens]`.
    pub scales: &'a [RowScale],
    /// Bytes of one packed row.
    pub row_len: usize,
}

impl<'a> PackedRows<'a> {
    /// The packed activations of the token at `row`.
    #[must_use]
    pub fn row(&self, row: usize) -> &'a [u8] {
        &self.bytes[row * self.row_len..][..self.row_len]
    }
}

/// What one row of int8 activations was multiplied by, and the sum of its codes. Blocks have scales of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RowScale {
    /// `s = 127 / max(1e-5, max|x|)`.
    pub scale: f32,
    /// `Σ q_i`: ternary kernels that multiply by code = t + 1 take this off.
    pub sum: i32,
}

/// A product of stored weights with packed activations.
#[derive(Debug)]
pub struct Product<'a> {
    /// All bytes of the tensor, as its format stores them.
    pub weights: &'a [u8],
    /// Its rows (outputs) and columns (inputs).
    pub shape: Shape,
    /// What every output is multiplied by last.
    pub scale: f32,
    /// Activations of the strip's tokens.
    pub x: PackedRows<'a>,
}

/// The product with weights of one storage format.
#[derive(Clone, Copy, Debug)]
pub struct ProductKernel {
    /// The format, by its name in `quant::FORMATS`.
    pub format: &'static str,
    /// The kernel, as records name it.
    pub name: &'static str,
    /// How it wants its activations.
    pub input: Input,
    /// The product for the strip's columns (= weight rows) and all its rows (= tokens).
    pub product: fn(&Product<'_>, &mut Strip<'_>),
}

/// 16 values of each of four equally long slices, in whole cache lines: what stands beside the same 16 of a fifth in
/// [`Kernels::dot_4`].
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct Four(pub [[f32; 16]; 4]);

impl Four {
    /// Interleaves four slices, one after the other in `slices`, each of whole blocks of 16.
    ///
    /// # Panics
    /// If they are not.
    #[must_use]
    pub fn interleaved(slices: &[f32]) -> Vec<Self> {
        let (blocks, rest) = slices.as_chunks::<16>();
        let n = blocks.len() / 4;
        assert!(rest.is_empty() && blocks.len() == 4 * n, "four slices of whole blocks of 16");
        let (first, others) = blocks.split_at(n);
        let block = |b| Self([first[b], others[b], others[n + b], others[2 * n + b]]);
        (0..n).map(block).collect()
    }

    /// What every `dot_4` asks of its caller.
    #[inline(always)]
    fn assert_fits(w: &[f32], x: &[Self]) {
        let n = w.len();
        assert!(n.is_multiple_of(128) && n == 16 * x.len(), "{n} values, {} blocks of 16", x.len());
    }
}

/// The functions of one instruction set. Fields can be called; the struct can't be built outside this module.
#[derive(Clone, Copy, Debug)]
pub struct Kernels {
    /// Which instruction set.
    pub isa: Isa,
    /// Dot product of equally long slices.
    pub dot: fn(&[f32], &[f32]) -> f32,
    /// The dot products of a slice, a multiple of 128 long, with four others: the bits of four calls of `dot`.
    pub dot_4: fn(&[f32], &[Four]) -> [f32; 4],
    /// Dot product of F16 weights (little-endian bytes) with f32.
    pub dot_f16: fn(&[u8], &[f32]) -> f32,
    /// F16 (little-endian bytes) to f32.
    pub widen_f16: fn(&[u8], &mut [f32]),
    /// `out = rms_norm(x, w)` with `eps`.
    pub rms_norm: fn(&[f32], &[f32], f32, &mut [f32]),
    /// `x += y`.
    pub add: fn(&mut [f32], &[f32]),
    /// `gate = relu(gate)^2 * up`.
    pub relu2_mul: fn(&mut [f32], &[f32]),
    /// `gate = silu(gate) * up`.
    pub silu_mul: fn(&mut [f32], &[f32]),
    /// Rotates one head by `cos`, `sin` (half-split), both `[head_dim / 2]`.
    pub rope: fn(&mut [f32], &[f32], &[f32]),
    /// Likewise, interleaved pairs.
    pub rope_interleaved: fn(&mut [f32], &[f32], &[f32]),
    /// Scores of queries, `[queries, head_dim]`, with the keys of a chunk, times a scale: the first `n` of every `stride`; those
    /// behind them, up to a whole chunk, may be written too.
    pub scores: fn(&AttentionChunk<'_>, &[f32], f32, &mut [f32]),
    /// The softmax of the first so many, zeros behind them. Takes whole blocks of 16.
    pub softmax: fn(&mut [f32], usize),
    /// `out += Σ p_j v_j` over the positions of a chunk, for each query's `p`, the first `n` of every `stride`; `out`: `[queries,
    /// head_dim]`.
    pub weigh: fn(&AttentionChunk<'_>, &[f32], &mut [f32]),
    /// Quantizes a row of the screened head into its planes: 160 bytes, and 64, for each block of 256.
    pub screen_quantize: fn(&[f32], &mut [u8], &mut [u8]) -> ScreenedRow,
    /// `Σ (code >> 2) · q` of a row's first plane and of each of several rows of [`ScreenedInput`]'s codes.
    pub screen_first: fn(&[u8], &[u8], &mut [i64]),
    /// `Σ (code & 3) · q` of its second plane and of one row of codes.
    pub screen_rest: fn(&[u8], &[u8]) -> i64,
    /// One for each [`Input`] of a product, in that order.
    pub packings: &'static [Packing],
    /// Products with stored weights, by format. A format without one is widened row by row and multiplied as floats.
    pub products: &'static [ProductKernel],
    /// The product of one token with weights in fewer bits, where there is one.
    pub packed: Option<&'static PackedKernel>,
    /// Register-only int8 multiply-adds: turns of the loop → (multiply-adds carried out, checksum).
    pub int8_peak: fn(u64) -> (u64, i64),
    /// Reads whole lines of 256 bytes; returns the wrapping sum of their 64-bit words.
    pub read: fn(&[u8]) -> u64,
    pub(in crate::kernels) _sealed: Sealed,
}

/// Keeps a table from being built outside this module: whoever holds one has a CPU that was probed.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernels) struct Sealed;

impl Kernels {
    /// The table of `isa`.
    ///
    /// # Errors
    /// `ErrorKind::Isa` if this machine doesn't have it.
    pub fn of(isa: Isa) -> Result<Self> {
        ISAS.iter().filter_map(|kernels| kernels()).find(|kernels| kernels.isa == isa).ok_or_else(
            || {
                let available: Vec<_> = Isa::available().iter().map(|isa| isa.name()).collect();
                Error::new(
                    ErrorKind::Isa,
                    format!(
                        "instruction set {isa} is not available on this machine; available: {}",
                        available.join(", ")
                    ),
                )
            },
        )
    }

    /// The product with weights of `format`, if there is one that needs no widening.
    #[must_use]
    pub fn product(&self, format: &str) -> Option<&'static ProductKernel> {
        self.products.iter().find(|kernel| kernel.format == format)
    }

    /// How activations become `input`, which one of the products wants.
    ///
    /// # Panics
    /// Never for the input of a product of this table.
    #[must_use]
    pub fn packing(&self, input: Input) -> &'static Packing {
        let packing = self.packings.iter().find(|packing| packing.input == input);
        packing.expect("every input of a product has a packing")
    }

    /// The screened head, as records name it.
    #[must_use]
    pub const fn screened_name(&self) -> &'static str {
        match self.isa {
            Isa::Scalar => "screened_f16.scalar",
            Isa::Avx2 => "screened_f16.avx2",
            Isa::Avx512 => "screened_f16.avx512",
        }
    }

    /// The kernel of a float product, as records name it.
    #[must_use]
    pub const fn dense_f32_name(&self) -> &'static str {
        match self.isa {
            Isa::Scalar => "dense_f32.scalar",
            Isa::Avx2 => "dense_f32.avx2",
            Isa::Avx512 => "dense_f32.avx512",
        }
    }
}

/// Bytes of one row of I2_S codes.
const fn row_bytes(cols: usize) -> usize {
    cols / 4
}

/// Scales an exact integer sum: the one rounding order of a ternary product.
#[expect(clippy::cast_precision_loss, reason = "|acc| < 2^24: exact")]
#[inline(always)]
fn scale_sum(acc: i32, x: RowScale, weight_scale: f32) -> f32 {
    (acc - x.sum) as f32 / x.scale * weight_scale
}

/// Cuts a range into tiles of `N` and a rest of single steps: calls `tile` for whole tiles, `single` for the others.
#[inline(always)]
fn tiled<const N: usize>(
    range: Range<usize>,
    out: &mut Strip<'_>,
    tile: impl Fn(&mut Strip<'_>, usize),
    single: impl Fn(&mut Strip<'_>, usize),
) {
    let mut i = range.start;
    while i + N <= range.end {
        tile(out, i);
        i += N;
    }
    for i in i..range.end {
        single(out, i);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_register_is_sorted_and_names_parse_back() {
        let isas: Vec<_> = ISAS.iter().filter_map(|kernels| kernels()).map(|k| k.isa).collect();
        assert!(isas.is_sorted(), "{isas:?}");
        assert_eq!(isas[0], Isa::Scalar);
        for isa in isas {
            assert_eq!(isa.name().parse::<Isa>().unwrap(), isa);
            assert_eq!(Kernels::of(isa).unwrap().isa, isa);
        }
        assert!("sse9".parse::<Isa>().is_err());
    }

    #[test]
    fn every_table_has_the_same_products_with_the_same_inputs_sorted() {
        let of = |isa| {
            let kernels = Kernels::of(isa).unwrap();
            assert!(kernels.packings.is_sorted_by(|a, b| (a.input as usize) < b.input as usize));
            assert!(kernels.packings.iter().all(|p| (p.input as usize) < Input::N), "{isa}");
            kernels
                .products
                .iter()
                .for_each(|p| assert_eq!(kernels.packing(p.input).input, p.input));
            kernels.products.iter().map(|p| (p.format, p.input)).collect::<Vec<_>>()
        };
        let scalar = of(Isa::Scalar);
        assert!(scalar.is_sorted_by(|a, b| a.0 < b.0), "{scalar:?}");
        for (format, _) in &scalar {
            assert!(crate::quant::by_name(format).is_some(), "{format} is a format");
        }
        for isa in Isa::available() {
            assert_eq!(of(isa), scalar, "{isa}");
        }
    }
}
