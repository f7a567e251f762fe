//! The screened head (`docs/numerics.md`, "The screened head"): rows of weights in 8 bits, 6 of which are read at first, and
//! one row of activations in two int8 codes a value.
//!
//! A block of 256 weights, in codes `c` from 0 to 255: plane `six` has 64 bytes with bits 7:6 of the codes `p`, `64 + p`,
//! `128 + p` and `192 + p` in byte `p`, the first in its lowest bits; then 64 bytes with bits 5:2 of `p` (low) and `64 + p`
//! (high), and 64 with those of `128 + p` and `192 + p`. Plane `rest` has bits 1:0, ordered as bits 7:6.

use super::super::{ScreenedRow, screen::BLOCK};

/// Half of the way from the least code to the greatest.
const MIDDLE: f32 = 127.5;

/// Quantizes one row of weights; writes every byte of both planes.
#[inline(always)]
pub(in crate::kernels) fn quantize(w: &[f32], six: &mut [u8], rest: &mut [u8]) -> ScreenedRow {
    let n_blocks = w.len().div_ceil(BLOCK);
    assert!(six.len() == 192 * n_blocks && rest.len() == 64 * n_blocks, "planes of a row");
    let most = w.iter().fold(0.0_f32, |most, w| if w.abs() > most { w.abs() } else { most });
    let scale = most / MIDDLE;
    let inverse = if scale > 1e-30 { 1.0 / scale } else { 0.0 };
    // Eight lanes, so that every instruction set adds in the same order.
    let (mut norm, mut six_error, mut error) = ([0.0_f64; 8], [0.0_f64; 8], [0.0_f64; 8]);
    let wide_scale = f64::from(scale);
    let planes = six.as_chunks_mut::<192>().0.iter_mut().zip(rest.as_chunks_mut::<64>().0);
    for (block, (six, rest)) in w.chunks(BLOCK).zip(planes) {
        let mut values = [0.0_f32; BLOCK];
        values[..block.len()].copy_from_slice(block);
        let mut codes = [0_u8; BLOCK];
        for i in 0..BLOCK {
            codes[i] = code(values[i], inverse);
        }
        for i in 0..BLOCK / 8 {
            let (values, codes) = (&values.as_chunks::<8>().0[i], &codes.as_chunks::<8>().0[i]);
            for l in 0..8 {
                let w = f64::from(values[l]);
                // Behind the end of the row there are no activations either.
                let there = if 8 * i + l < block.len() { 1.0 } else { 0.0 };
                let off = (w - wide_scale * (f64::from(codes[l]) - 127.5)) * there;
                let six_off = (w - wide_scale * (f64::from(codes[l] & 0xfc) - 126.0)) * there;
                norm[l] += w * w;
                error[l] += off * off;
                six_error[l] += six_off * six_off;
            }
        }
        pack(&codes, six, rest);
    }
    ScreenedRow {
        scale,
        norm: root_above(&norm),
        six_error: root_above(&six_error),
        error: root_above(&error),
    }
}

/// The nearest of the 256 values `(code - 127.5) · scale`.
#[expect(clippy::cast_possible_truncation, reason = "the low byte is the code")]
#[inline(always)]
fn code(w: f32, inverse: f32) -> u8 {
    ((w * inverse + MIDDLE) + super::int8::ROUND).to_bits() as u8
}

#[inline(always)]
fn pack(codes: &[u8; BLOCK], six: &mut [u8; 192], rest: &mut [u8; 64]) {
    let fields: &[[u8; 64]; 4] = codes.as_chunks().0.first_chunk().expect("256 is four times 64");
    let [a, b, c, d] = fields;
    for p in 0..64 {
        six[p] = a[p] >> 6 | b[p] >> 6 << 2 | c[p] >> 6 << 4 | d[p] >> 6 << 6;
        six[64 + p] = a[p] >> 2 & 15 | (b[p] >> 2 & 15) << 4;
        six[128 + p] = c[p] >> 2 & 15 | (d[p] >> 2 & 15) << 4;
        rest[p] = a[p] & 3 | (b[p] & 3) << 2 | (c[p] & 3) << 4 | (d[p] & 3) << 6;
    }
}

/// The root of the lanes' sum, or a little more: never less.
#[expect(clippy::cast_possible_truncation, reason = "rounding down is less than what is added")]
#[inline(always)]
fn root_above(lanes: &[f64; 8]) -> f32 {
    let [a, b, c, d, e, f, g, h] = lanes;
    let sum = ((a + e) + (c + g)) + ((b + f) + (d + h));
    (sum.sqrt() * (1.0 + 1e-6)) as f32 + f32::MIN_POSITIVE
}

/// `Σ (c_i >> 2) · q_i` of one row, for each row of activations.
pub(in crate::kernels) fn six(six: &[u8], x: &[u8], sums: &mut [i64]) {
    for (x, sum) in x.chunks_exact(x.len() / sums.len()).zip(sums) {
        *sum = six_of_one(six, x);
    }
}

fn six_of_one(six: &[u8], x: &[u8]) -> i64 {
    let blocks = six.as_chunks::<192>().0.iter().zip(x.as_chunks::<512>().0);
    let mut sum = 0;
    for (six, x) in blocks {
        for i in 0..BLOCK {
            let (field, p) = (i / 64, i % 64);
            let high = six[p] >> (2 * field) & 3;
            let low = six[64 + 64 * (field / 2) + p] >> (4 * (field % 2)) & 15;
            sum += i64::from(high << 4 | low) * activation(x, i);
        }
    }
    sum
}

/// `Σ (c_i & 3) · q_i` of one row.
pub(in crate::kernels) fn rest(rest: &[u8], x: &[u8]) -> i64 {
    let blocks = rest.as_chunks::<64>().0.iter().zip(x.as_chunks::<512>().0);
    let mut sum = 0;
    for (rest, x) in blocks {
        for i in 0..BLOCK {
            sum += i64::from(rest[i % 64] >> (2 * (i / 64)) & 3) * activation(x, i);
        }
    }
    sum
}

/// `q_i = 128 · high + low`.
#[inline(always)]
fn activation(x: &[u8; 512], i: usize) -> i64 {
    128 * i64::from(x[i].cast_signed()) + i64::from(x[BLOCK + i].cast_signed())
}
