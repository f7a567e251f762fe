//! Activations in blocks of 256, for weights in such blocks (`docs/numerics.md`, "Products of blocks").
//!
//! A packed row of `n` values, `n` a multiple of 256, has `b = n / 256` blocks:
//!
//! | bytes | what |
//! | --- | --- |
//! | 0 to 256·b - 1 | codes, i8, in element order |
//! | 256·b to 260·b - 1 | the scale of each block, f32, little endian |
//! | 260·b to 292·b - 1 | the sums of each 16 codes, i16, little endian, 16 a block |
//!
//! With `mx` the value of largest magnitude (the first of several) and `inverse = -127 / mx`, codes are
//! `round_half_even(x * inverse)`, from -127 to 127, and the scale is `1 / inverse`; a block whose `inverse` is not finite is zero.
//! Source: ggml, `ggml/src/ggml-quants.c`, `quantize_row_q8_K_ref`.

use super::{
    super::{Input, Packing, Product, RowScale},
    int8::code,
};
use crate::threads::Strip;

/// See the file's door.
pub(in crate::kernels) const PACKING: Packing = Packing { input: Input::Blocks256, row_len, pack };

/// Bytes of a packed row.
pub(in crate::kernels) fn row_len(cols: usize) -> usize {
    cols / 256 * 292
}

/// Packs a row; writes every byte.
///
/// # Panics
/// If the row is no whole number of blocks, or `packed` has another length than [`row_len`] says.
#[inline(always)]
pub(in crate::kernels) fn pack(x: &[f32], packed: &mut [u8]) -> RowScale {
    assert!(x.len().is_multiple_of(256), "whole blocks");
    assert_eq!(packed.len(), row_len(x.len()), "length of a packed row");
    let n = x.len() / 256;
    let (codes, rest) = packed.split_at_mut(256 * n);
    let (scales, sums) = rest.split_at_mut(4 * n);
    let (codes, _) = codes.as_chunks_mut::<256>();
    let (scales, _) = scales.as_chunks_mut::<4>();
    let (sums, _) = sums.as_chunks_mut::<32>();
    for (((x, codes), scale), sums) in x.as_chunks().0.iter().zip(codes).zip(scales).zip(sums) {
        *scale = pack_block(x, codes).to_le_bytes();
        for (codes, sum) in codes.as_chunks::<16>().0.iter().zip(sums.as_chunks_mut::<2>().0) {
            let codes = codes.iter().map(|code| i16::from(code.cast_signed()));
            *sum = codes.sum::<i16>().to_le_bytes();
        }
    }
    RowScale::default()
}

/// One block's codes; returns its scale.
#[inline(always)]
fn pack_block(x: &[f32; 256], codes: &mut [u8; 256]) -> f32 {
    // The magnitude first, in a loop that vectorises; then the first value that has it.
    let max = x.iter().fold(0.0_f32, |max, x| if x.abs() > max { x.abs() } else { max });
    let extreme = x.iter().find(|x| x.abs() >= max).map_or(0.0, |x| *x);
    let inverse = -127.0 / extreme;
    if !inverse.is_finite() {
        codes.fill(0);
        return 0.0;
    }
    for (x, q) in x.iter().zip(codes) {
        // The extreme itself is -127, its opposite +127: what the two roundings add is far below a half.
        *q = code(*x, inverse).cast_unsigned();
    }
    1.0 / inverse
}

/// A packed row, block by block.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernels) struct Row<'a> {
    /// Codes.
    pub(in crate::kernels) codes: &'a [[u8; 256]],
    /// f32, little endian.
    pub(in crate::kernels) scales: &'a [[u8; 4]],
    /// i16, little endian, of 16 codes each.
    pub(in crate::kernels) sums: &'a [[u8; 32]],
}

impl<'a> Row<'a> {
    /// The parts of a packed row.
    #[inline(always)]
    pub(in crate::kernels) fn of(packed: &'a [u8]) -> Self {
        let n = packed.len() / 292;
        let (codes, rest) = packed.split_at(256 * n);
        let (scales, sums) = rest.split_at(4 * n);
        Self { codes: codes.as_chunks().0, scales: scales.as_chunks().0, sums: sums.as_chunks().0 }
    }
}

/// Integer sums of one block of weights and one of activations, both exact, and the weights' two scales.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sums {
    /// What `sum` is multiplied by, with the activations' scale.
    pub(super) d: f32,
    /// `Σ sc q x`.
    pub(super) sum: i32,
    /// What is taken off, in formats with minima: its scale, and `Σ m x`.
    pub(super) mins: Option<(f32, i32)>,
}

/// The product for the strip's columns (weight rows) and rows (tokens). `unpack` reads a block of the format, `sums` multiplies
/// it by codes and sums of 16.
#[expect(clippy::cast_precision_loss, reason = "the rounding of the definition")]
#[inline(always)]
pub(super) fn product<const SIZE: usize, W>(
    product: &Product<'_>,
    out: &mut Strip<'_>,
    unpack: impl Fn(&[u8; SIZE]) -> W,
    sums: impl Fn(&W, &[u8; 256], &[i16; 16]) -> Sums,
) {
    let size = product.shape.cols / 256 * SIZE;
    let rows = out.columns();
    for token in 0..out.n_rows() {
        let x = Row::of(product.x.row(token));
        let out = out.row(token);
        for (r, out) in rows.clone().zip(out) {
            let (blocks, _) = product.weights[r * size..][..size].as_chunks::<SIZE>();
            let mut acc = 0.0_f32;
            for (b, block) in blocks.iter().enumerate() {
                let (sums_of_16, _) = x.sums[b].as_chunks::<2>();
                let mut wide = [0; 16];
                for (wide, bytes) in wide.iter_mut().zip(sums_of_16) {
                    *wide = i16::from_le_bytes(*bytes);
                }
                let Sums { d, sum, mins } = sums(&unpack(block), &x.codes[b], &wide);
                let scale = f32::from_le_bytes(x.scales[b]);
                acc = (d * scale).mul_add(sum as f32, acc);
                if let Some((dmin, sum)) = mins {
                    acc = (-(dmin * scale)).mul_add(sum as f32, acc);
                }
            }
            *out = acc * product.scale;
        }
    }
}

/// `Σ w_i x_i`, exact.
#[inline(always)]
pub(super) fn dot(w: &[i8], x: &[u8]) -> i32 {
    let products = w.iter().zip(x).map(|(w, x)| i16::from(*w) * i16::from(x.cast_signed()));
    products.map(i32::from).sum()
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
    fn the_signed_extreme_becomes_minus_127() {
        // By hand: the extreme is 2, so inverse = -63.5: 1 -> -63.5 -> -64, -0.5 -> 31.75 -> 32, -2 -> 127.
        let mut x = [0.0; 256];
        (x[1], x[20], x[21], x[255]) = (1.0, 2.0, -0.5, -2.0);
        let packed = packed(&x);
        let row = Row::of(&packed);
        let code = |i: usize| row.codes[0][i].cast_signed();
        assert_eq!([code(0), code(1), code(20), code(21), code(255)], [0, -64, -127, 32, 127]);
        assert_eq!(f32::from_le_bytes(row.scales[0]).to_bits(), (1.0_f32 / -63.5).to_bits());
        let sums: Vec<i16> =
            row.sums[0].as_chunks().0.iter().map(|sum| i16::from_le_bytes(*sum)).collect();
        assert_eq!((sums[0], sums[1], sums[15], sums[2]), (-64, -95, 127, 0));
    }

    #[test]
    fn extremes_of_any_size_pack_without_a_number_that_is_not_finite() {
        for most in [f32::MAX, -f32::MAX, 1.0, 1e-30, 1e-38, 1e-45, 0.0, -0.0] {
            let mut x = [0.0; 256];
            (x[3], x[4]) = (most, -most);
            let packed = packed(&x);
            let row = Row::of(&packed);
            let scale = f32::from_le_bytes(row.scales[0]);
            assert!(scale.is_finite(), "{most}: {scale}");
            let zero = most.abs() < 127.0 / f32::MAX;
            let want = if zero { (0, 0) } else { (-127, 127) };
            let codes = (row.codes[0][3].cast_signed(), row.codes[0][4].cast_signed());
            assert_eq!(codes, want, "{most}");
        }
    }
}
