//! Activations in blocks of 32, and their products with weights in blocks of 32 (`docs/numerics.md`, "Products of blocks").
//!
//! A packed row of `n` values, `n` a multiple of 32, has `b = n / 32` blocks, and as many blocks of zeros as make `b` a
//! multiple of 8, so that wide registers need no tail. With `B` blocks in all:
//!
//! | bytes | what |
//! | --- | --- |
//! | 0 to 32·B - 1 | codes, i8, in element order |
//! | 32·B to 36·B - 1 | the scale of each block, f32, little endian |
//! | 36·B to 40·B - 1 | the sum of each block's codes, i32, little endian |
//! | 40·B to 44·B - 1 | the sum of the values those codes stand for, f32, little endian |
//!
//! A block's scale is `max|x| / 127`, rounded to half precision; where that is zero the codes are zeros too, where it would be
//! infinite it stays as it is. Codes are `round_half_even(x * (127 / max|x|))`. The sum of values, which formats with a minimum
//! take, is the scale before it was rounded times the sum of codes, rounded to half precision unless that is infinite: as in
//! ggml's `Q8_1`. Source: ggml, `ggml/src/ggml-cpu/arch/x86/quants.c`, `quantize_row_q8_0` and `quantize_row_q8_1`.

use half::f16;

use super::{
    super::{Input, Packing, Product, RowScale},
    int8::code,
};
use crate::{quant::Block32, threads::Strip};

/// Blocks that are padded to: one for each lane of a sum.
pub(in crate::kernels) const LANES: usize = 8;

/// See the file's door.
pub(in crate::kernels) const PACKING: Packing = Packing { input: Input::Blocks32, row_len, pack };

/// Bytes of a packed row.
pub(in crate::kernels) fn row_len(cols: usize) -> usize {
    n_blocks(cols) * 44
}

/// Blocks of a packed row, those of zeros included.
fn n_blocks(cols: usize) -> usize {
    (cols / 32).next_multiple_of(LANES)
}

/// Packs a row; writes every byte.
///
/// # Panics
/// If the row is no whole number of blocks, or `packed` has another length than [`row_len`] says.
#[inline(always)]
pub(in crate::kernels) fn pack(x: &[f32], packed: &mut [u8]) -> RowScale {
    assert!(x.len().is_multiple_of(32), "whole blocks");
    assert_eq!(packed.len(), row_len(x.len()), "length of a packed row");
    let n = n_blocks(x.len());
    let (codes, rest) = packed.split_at_mut(32 * n);
    let (scales, rest) = rest.split_at_mut(4 * n);
    let (sums, totals) = rest.split_at_mut(4 * n);
    let (codes, _) = codes.as_chunks_mut::<32>();
    let (scales, _) = scales.as_chunks_mut::<4>();
    let (sums, _) = sums.as_chunks_mut::<4>();
    let (totals, _) = totals.as_chunks_mut::<4>();
    let zeros = [0.0; 32];
    let blocks = x.as_chunks::<32>().0.iter().chain(std::iter::repeat(&zeros));
    for ((((x, codes), scale), sum), total) in blocks.zip(codes).zip(scales).zip(sums).zip(totals) {
        let block = pack_block(x, codes);
        *scale = block.scale.to_le_bytes();
        *sum = block.sum.to_le_bytes();
        *total = block.total.to_le_bytes();
    }
    RowScale::default()
}

/// What is kept of a block besides its codes.
struct PackedBlock {
    scale: f32,
    /// Of the codes.
    sum: i32,
    /// Of the values.
    total: f32,
}

/// Rounded to half precision, unless that is infinite.
#[inline(always)]
fn halved(x: f32) -> f32 {
    let half = f16::from_f32(x);
    if half.is_finite() { half.to_f32() } else { x }
}

/// Writes one block's codes.
#[expect(clippy::cast_precision_loss, reason = "a sum of 32 codes stays below 2^24: exact")]
#[inline(always)]
fn pack_block(x: &[f32; 32], codes: &mut [u8; 32]) -> PackedBlock {
    let max = x.iter().fold(0.0_f32, |max, x| if x.abs() > max { x.abs() } else { max });
    let exact = max / 127.0;
    let scale = halved(exact);
    if scale == 0.0 {
        codes.fill(0);
        return PackedBlock { scale: 0.0, sum: 0, total: 0.0 };
    }
    let inverse = 127.0 / max;
    let mut sum = 0;
    for (x, q) in x.iter().zip(codes) {
        let code = code(*x, inverse);
        *q = code.cast_unsigned();
        sum += i32::from(code);
    }
    PackedBlock { scale, sum, total: halved(exact * sum as f32) }
}

/// A packed row, block by block.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernels) struct Row<'a> {
    /// Codes.
    pub(in crate::kernels) codes: &'a [[u8; 32]],
    /// f32, little endian.
    pub(in crate::kernels) scales: &'a [[u8; 4]],
    /// i32, little endian.
    pub(in crate::kernels) sums: &'a [[u8; 4]],
    /// f32, little endian.
    pub(in crate::kernels) totals: &'a [[u8; 4]],
}

impl<'a> Row<'a> {
    /// The parts of a packed row.
    #[inline(always)]
    pub(in crate::kernels) fn of(packed: &'a [u8]) -> Self {
        let n = packed.len() / 44;
        let (codes, rest) = packed.split_at(32 * n);
        let (scales, rest) = rest.split_at(4 * n);
        let (sums, totals) = rest.split_at(4 * n);
        Self {
            codes: codes.as_chunks().0,
            scales: scales.as_chunks().0,
            sums: sums.as_chunks().0,
            totals: totals.as_chunks().0,
        }
    }
}

/// The product for the strip's columns (weight rows) and rows (tokens); `unpack` reads a block of the format.
#[expect(clippy::cast_precision_loss, reason = "sums of 32 products stay below 2^24: exact")]
#[inline(always)]
pub(super) fn product<const SIZE: usize>(
    product: &Product<'_>,
    out: &mut Strip<'_>,
    unpack: impl Fn(&[u8; SIZE]) -> Block32,
) {
    let size = product.shape.cols / 32 * SIZE;
    let rows = out.columns();
    for token in 0..out.n_rows() {
        let x = Row::of(product.x.row(token));
        let out = out.row(token);
        for (r, out) in rows.clone().zip(out) {
            let (blocks, _) = product.weights[r * size..][..size].as_chunks::<SIZE>();
            let mut lanes = [0.0_f32; LANES];
            for (b, block) in blocks.iter().enumerate() {
                let Block32 { scale, min, codes } = unpack(block);
                let d = f32::from_le_bytes(x.scales[b]);
                let lane = &mut lanes[b % LANES];
                *lane = (scale * d).mul_add(dot(&codes, &x.codes[b]) as f32, *lane);
                if let Some(min) = min {
                    *lane = min.mul_add(f32::from_le_bytes(x.totals[b]), *lane);
                }
            }
            *out = tree(lanes) * product.scale;
        }
    }
}

/// `Σ w_i x_i`, exact.
#[inline(always)]
fn dot(w: &[i8; 32], x: &[u8; 32]) -> i32 {
    // Products of two i8 fit an i16; narrow multiplications are what every vector unit has.
    let products = w.iter().zip(x).map(|(w, x)| i16::from(*w) * i16::from(x.cast_signed()));
    products.map(i32::from).sum()
}

/// Halves the lanes until one is left.
#[inline(always)]
fn tree(mut lanes: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for l in 0..half {
            lanes[l] += lanes[l + half];
        }
        half /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(x: &[f32]) -> Vec<u8> {
        let mut packed = vec![77; row_len(x.len())];
        pack(x, &mut packed);
        packed
    }

    #[test]
    fn codes_are_rounded_half_to_even_and_scales_to_half_precision() {
        // By hand: max 1, so codes are round_half_even(127 x): 63.5 -> 64, -31.75 -> -32, 12.7 -> 13, 64.5 -> 64.
        let mut x = [0.0; 32];
        (x[0], x[1], x[2], x[3], x[4]) = (1.0, 0.5, -0.25, 0.1, 64.5 / 127.0);
        let packed = packed(&x);
        assert_eq!(packed.len(), 8 * 44, "seven blocks of zeros");
        let row = Row::of(&packed);
        assert_eq!(row.codes[0][..6], [127, 64, 224, 13, 64, 0]);
        // 1 / 127 = 0.0078740157 is 0x2008 in half precision: 1.0078125 / 128.
        assert_eq!(row.scales[0], (1.007_812_5_f32 / 128.0).to_le_bytes());
        assert_eq!(i32::from_le_bytes(row.sums[0]), 127 + 64 - 32 + 13 + 64);
        assert!(packed[32..8 * 32].iter().all(|code| *code == 0));
        // 0.0078740157 · 236 = 1.8582677, in half precision 1.8583984.
        assert_eq!(f32::from_le_bytes(row.totals[0]).to_bits(), 1.858_398_4_f32.to_bits());
        assert_eq!((row.scales[7], row.sums[7], row.totals[7]), ([0; 4], [0; 4], [0; 4]));
    }

    #[test]
    fn blocks_beyond_half_precision_stay_finite_and_those_below_are_zero() {
        let row = |most: f32| {
            let mut x = [0.0; 32];
            (x[3], x[4]) = (-most, most / 2.0);
            let packed = packed(&x);
            let row = Row::of(&packed);
            (row.codes[0][3].cast_signed(), f32::from_le_bytes(row.scales[0]))
        };
        assert_eq!(row(f32::MAX), (-127, f32::MAX / 127.0));
        assert_eq!(row(1e9), (-127, 1e9 / 127.0));
        // Below half of 2^-24, times 127.
        for tiny in [3.7e-6, 1e-30, 1e-45, 0.0] {
            assert_eq!(row(tiny), (0, 0.0), "{tiny}");
        }
        assert_eq!(row(7.6e-6), (-127, f32::from_bits(0x3380_0000)));
    }
}
