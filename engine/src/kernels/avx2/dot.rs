//! Dot products and sums: the 256 lanes are 32 registers of 8, taken in four passes of eight.

use std::arch::x86_64::{
    __m256, _mm256_add_ps, _mm256_cvtph_ps, _mm256_fmadd_ps, _mm256_setzero_ps,
};

use super::{
    super::scalar::{
        self,
        dot::{lanes, tree},
    },
    lanes::{load_128, load_f32, store_f32},
};

/// Registers of one pass.
const PASS: usize = 8;

/// `Σ a_i b_i`, both of the same length.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "lengths of a dot product");
    let (a_blocks, a_tail) = a.as_chunks::<8>();
    let (b_blocks, b_tail) = b.as_chunks::<8>();
    dot_blocks(a_blocks, b_blocks, |a| load_f32(a), a_tail, b_tail)
}

/// `Σ w_i x_i` with F16 weights as little-endian bytes.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn dot_f16(w: &[u8], x: &[f32]) -> f32 {
    assert_eq!(w.len(), 2 * x.len(), "two bytes a value");
    let (w_blocks, w_tail) = w.as_chunks::<16>();
    let (x_blocks, x_tail) = x.as_chunks::<8>();
    let mut tail = [0.0; 8];
    let tail = &mut tail[..x_tail.len()];
    scalar::dot::widen_f16(w_tail, tail);
    dot_blocks(w_blocks, x_blocks, |w| _mm256_cvtph_ps(load_128(w)), tail, x_tail)
}

/// F16 bytes to f32, exactly.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn widen_f16(w: &[u8], out: &mut [f32]) {
    let (w_blocks, w_tail) = w.as_chunks::<16>();
    let (out_blocks, out_tail) = out.as_chunks_mut::<8>();
    assert_eq!(w_blocks.len(), out_blocks.len(), "two bytes a value");
    for (w, out) in w_blocks.iter().zip(out_blocks) {
        store_f32(out, _mm256_cvtph_ps(load_128(w)));
    }
    scalar::dot::widen_f16(w_tail, out_tail);
}

/// `Σ x_i`.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) fn sum(x: &[f32]) -> f32 {
    let (blocks, tail) = x.as_chunks::<8>();
    let mut lane = [0.0; 256];
    sum_passes(&mut lane, blocks.len(), |acc, i| _mm256_add_ps(acc, load_f32(&blocks[i])));
    for (i, x) in tail.iter().enumerate() {
        lane[(8 * blocks.len() + i) % 256] += x;
    }
    tree(&mut lane, lanes(x.len()))
}

#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn dot_blocks<W>(
    w: &[W],
    x: &[[f32; 8]],
    load_w: impl Fn(&W) -> __m256,
    w_tail: &[f32],
    x_tail: &[f32],
) -> f32 {
    let mut lane = [0.0; 256];
    sum_passes(&mut lane, x.len(), |acc, i| _mm256_fmadd_ps(load_w(&w[i]), load_f32(&x[i]), acc));
    let first = 8 * x.len();
    for (i, (w, x)) in w_tail.iter().zip(x_tail).enumerate() {
        let lane = &mut lane[(first + i) % 256];
        *lane = w.mul_add(*x, *lane);
    }
    tree(&mut lane, lanes(8 * x.len() + x_tail.len()))
}

/// Folds `n_blocks` blocks of 8 into the lanes: register `j` takes blocks `j`, `j + 32`, …
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn sum_passes(lane: &mut [f32; 256], n_blocks: usize, fold: impl Fn(__m256, usize) -> __m256) {
    let (registers, _) = lane.as_chunks_mut::<8>();
    for first in (0..n_blocks.min(32)).step_by(PASS) {
        let mut acc = [_mm256_setzero_ps(); PASS];
        let mut start = first;
        while start + PASS <= n_blocks {
            for j in 0..PASS {
                acc[j] = fold(acc[j], start + j);
            }
            start += 32;
        }
        if start < n_blocks {
            for j in 0..PASS {
                if start + j < n_blocks {
                    acc[j] = fold(acc[j], start + j);
                }
            }
        }
        for j in 0..PASS {
            store_f32(&mut registers[first + j], acc[j]);
        }
    }
}
