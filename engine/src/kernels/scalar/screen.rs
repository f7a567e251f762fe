//! The screened head (`docs/numerics.md`, "The screened head"): rows of weights in 7 bits, 5 of which are read at first, and
//! one row of activations in two int8 codes a value.
//!
//! Of each block of 256 weights, in codes `c` from 0 to 127, the first plane has 128 bytes with bits 5:2: in byte `p` of the
//! first 64 those of `p` (low) and `64 + p` (high), in the other 64 those of `128 + p` and `192 + p`. Behind the last block's come
//! 32 bytes of each with bit 6: in byte `p` bit `s` is that of `64 s + p`, bit `4 + s` that of `64 s + 32 + p`. The second plane has
//! bits 1:0, 64 bytes a block, in byte `p` of `p`, `64 + p`, `128 + p` and `192 + p`, the first in its lowest bits.

use super::super::{
    ScreenedRow,
    screen::{BLOCK, FIRST, REST},
};

/// Half of the way from the least code to the greatest.
const MIDDLE: f32 = 63.5;

/// Quantizes one row of weights; writes every byte of both planes.
#[inline(always)]
pub(in crate::kernels) fn quantize(w: &[f32], first: &mut [u8], rest: &mut [u8]) -> ScreenedRow {
    let n_blocks = w.len().div_ceil(BLOCK);
    assert!(first.len() == FIRST * n_blocks && rest.len() == REST * n_blocks, "planes of a row");
    let most = w.iter().fold(0.0_f32, |most, w| if w.abs() > most { w.abs() } else { most });
    let scale = most / MIDDLE;
    let inverse = if scale > 1e-30 { 1.0 / scale } else { 0.0 };
    // Eight lanes, so that every instruction set adds in the same order.
    let (mut norm, mut first_error, mut error) = ([0.0_f64; 8], [0.0_f64; 8], [0.0_f64; 8]);
    let wide_scale = f64::from(scale);
    let (nibbles, bits) = first.split_at_mut(128 * n_blocks);
    let first = nibbles.as_chunks_mut::<128>().0.iter_mut().zip(bits.as_chunks_mut::<32>().0);
    let planes = first.zip(rest.as_chunks_mut::<REST>().0);
    for (block, ((nibbles, bits), rest)) in w.chunks(BLOCK).zip(planes) {
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
                let off = (w - wide_scale * (f64::from(codes[l]) - 63.5)) * there;
                let first_off = (w - wide_scale * (f64::from(codes[l] & 0x7c) - 62.0)) * there;
                norm[l] += w * w;
                error[l] += off * off;
                first_error[l] += first_off * first_off;
            }
        }
        pack(&codes, nibbles, bits, rest);
    }
    ScreenedRow {
        scale,
        norm: root_above(&norm),
        first_error: root_above(&first_error),
        error: root_above(&error),
    }
}

/// The nearest of the 128 values `(code - 63.5) · scale`.
#[expect(clippy::cast_possible_truncation, reason = "the low byte is the code")]
#[inline(always)]
fn code(w: f32, inverse: f32) -> u8 {
    ((w * inverse + MIDDLE) + super::int8::ROUND).to_bits() as u8
}

#[inline(always)]
fn pack(codes: &[u8; BLOCK], nibbles: &mut [u8; 128], bits: &mut [u8; 32], rest: &mut [u8; REST]) {
    let fields: &[[u8; 64]; 4] = codes.as_chunks().0.first_chunk().expect("256 is four times 64");
    let [a, b, c, d] = fields;
    for p in 0..64 {
        nibbles[p] = a[p] >> 2 & 15 | (b[p] >> 2 & 15) << 4;
        nibbles[64 + p] = c[p] >> 2 & 15 | (d[p] >> 2 & 15) << 4;
        rest[p] = a[p] & 3 | (b[p] & 3) << 2 | (c[p] & 3) << 4 | (d[p] & 3) << 6;
    }
    let upper = |p: usize| a[p] >> 6 | b[p] >> 6 << 1 | c[p] >> 6 << 2 | d[p] >> 6 << 3;
    for p in 0..32 {
        bits[p] = upper(p) | upper(32 + p) << 4;
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

/// Both parts of each block of a row of the first plane.
#[inline(always)]
pub(in crate::kernels) fn blocks(first: &[u8]) -> impl Iterator<Item = (&[u8; 128], &[u8; 32])> {
    let (nibbles, bits) = first.split_at(first.len() / FIRST * 128);
    nibbles.as_chunks().0.iter().zip(bits.as_chunks().0)
}

/// `Σ (c_i >> 2) · q_i` of one row, for each row of activations.
pub(in crate::kernels) fn first(first: &[u8], x: &[u8], sums: &mut [i64]) {
    for (x, sum) in x.chunks_exact(x.len() / sums.len()).zip(sums) {
        *sum = first_of_one(first, x);
    }
}

fn first_of_one(first: &[u8], x: &[u8]) -> i64 {
    let mut sum = 0;
    for ((nibbles, bits), x) in blocks(first).zip(x.as_chunks::<512>().0) {
        for i in 0..BLOCK {
            let (field, p) = (i / 64, i % 64);
            let high = bits[p % 32] >> (field + p / 32 * 4) & 1;
            let low = nibbles[64 * (field / 2) + p] >> (4 * (field % 2)) & 15;
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
