//! Dot products: the 256 lanes are 32 registers of 8, taken in four passes of eight.
//!
//! A pass takes every fourth register: the first three halvings of the tree (by 128, 64 and 32 lanes) then stay within
//! it, and no lane ever lies in memory. Lengths that are no multiple of 128 (and not 64, the usual head) take the lanes
//! in order, through an array.

use std::arch::x86_64::{
    __m128, __m256, _mm_add_ps, _mm_add_ss, _mm_cvtss_f32, _mm_movehdup_ps, _mm_movehl_ps,
    _mm_movelh_ps, _mm_setzero_ps, _mm_shuffle_ps, _mm256_add_ps, _mm256_castps256_ps128,
    _mm256_cvtph_ps, _mm256_extractf128_ps, _mm256_fmadd_ps, _mm256_setzero_ps,
};

use super::{
    super::{
        Four,
        scalar::{
            self,
            dot::{lanes, tree},
        },
    },
    lanes::{load_128, load_f32, store_f32, to_floats},
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
    if let (64, Some(a), Some(b)) = (a.len(), a_blocks.first_chunk(), b_blocks.first_chunk()) {
        return dot_64(a, b);
    }
    if a.len().is_multiple_of(128) {
        return dot_wide(a_blocks, b_blocks, |a| load_f32(a));
    }
    dot_blocks(a_blocks, b_blocks, |a| load_f32(a), a_tail, b_tail)
}

/// `Σ w_i x_i` with F16 weights as little-endian bytes.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn dot_f16(w: &[u8], x: &[f32]) -> f32 {
    assert_eq!(w.len(), 2 * x.len(), "two bytes a value");
    let (w_blocks, w_tail) = w.as_chunks::<16>();
    let (x_blocks, x_tail) = x.as_chunks::<8>();
    if x.len().is_multiple_of(128) {
        return dot_wide(w_blocks, x_blocks, |w| _mm256_cvtph_ps(load_128(w)));
    }
    let mut tail = [0.0; 8];
    let tail = &mut tail[..x_tail.len()];
    scalar::dot::widen_f16(w_tail, tail);
    dot_blocks(w_blocks, x_blocks, |w| _mm256_cvtph_ps(load_128(w)), tail, x_tail)
}

/// See [`Kernels::dot_4`](super::super::Kernels::dot_4). Two registers of lanes at a time, those that the first halving adds.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn dot_4(w: &[f32], x: &[Four]) -> [f32; 4] {
    Four::assert_fits(w, x);
    let (w, _) = w.as_chunks::<16>();
    let ((w_wide, w_rest), (x_wide, x_rest)) = (w.as_chunks::<16>(), x.as_chunks::<16>());
    let rest = w_rest.first_chunk::<8>().zip(x_rest.first_chunk::<8>());
    let zero = _mm256_setzero_ps();
    let mut sides = [[zero; 4]; 2];
    // Registers of lanes are `2 b + side`, with `b` a block of 16 columns.
    let mut halved = [[zero; 4]; 8];
    for side in 0..2 {
        for b in 0..8 {
            let (mut low, mut high) = ([zero; 4], [zero; 4]);
            for (w, x) in w_wide.iter().zip(x_wide) {
                let w_low = load_f32(&halves(&w[b])[side]);
                let w_high = load_f32(&halves(&w[b + 8])[side]);
                for t in 0..4 {
                    low[t] = _mm256_fmadd_ps(w_low, load_f32(&halves(&x[b].0[t])[side]), low[t]);
                    let x_high = load_f32(&halves(&x[b + 8].0[t])[side]);
                    high[t] = _mm256_fmadd_ps(w_high, x_high, high[t]);
                }
            }
            if let Some((w, x)) = rest {
                let w = load_f32(&halves(&w[b])[side]);
                for t in 0..4 {
                    low[t] = _mm256_fmadd_ps(w, load_f32(&halves(&x[b].0[t])[side]), low[t]);
                }
            }
            // 128 values have 128 lanes: the upper registers are none of theirs.
            for t in 0..4 {
                let both = _mm256_add_ps(low[t], high[t]);
                halved[b][t] = if w_wide.is_empty() { low[t] } else { both };
            }
        }
        for t in 0..4 {
            let mut quarters = [zero; 4];
            for b in 0..4 {
                quarters[b] = _mm256_add_ps(halved[b][t], halved[b + 4][t]);
            }
            let even = _mm256_add_ps(quarters[0], quarters[2]);
            let odd = _mm256_add_ps(quarters[1], quarters[3]);
            sides[side][t] = _mm256_add_ps(even, odd);
        }
    }
    let mut quads = [_mm_setzero_ps(); 4];
    for t in 0..4 {
        let sum = _mm256_add_ps(sides[0][t], sides[1][t]);
        quads[t] = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps::<1>(sum));
    }
    halve_4(quads)
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

/// 64 values: eight registers of lanes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn dot_64(a: &[[f32; 8]; 8], b: &[[f32; 8]; 8]) -> f32 {
    let zero = _mm256_setzero_ps();
    let mut acc = [zero; 8];
    for j in 0..8 {
        acc[j] = _mm256_fmadd_ps(load_f32(&a[j]), load_f32(&b[j]), zero);
    }
    for j in 0..4 {
        acc[j] = _mm256_add_ps(acc[j], acc[j + 4]);
    }
    let (even, odd) = (_mm256_add_ps(acc[0], acc[2]), _mm256_add_ps(acc[1], acc[3]));
    halve(_mm256_add_ps(even, odd))
}

/// A multiple of 128 values.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn dot_wide<W>(w: &[W], x: &[[f32; 8]], load_w: impl Fn(&W) -> __m256) -> f32 {
    let (w_wide, w_rest) = w.as_chunks::<32>();
    let (x_wide, x_rest) = x.as_chunks::<32>();
    let mut passes = [_mm256_setzero_ps(); 4];
    for p in 0..4 {
        let mut acc = [_mm256_setzero_ps(); PASS];
        for (w, x) in w_wide.iter().zip(x_wide) {
            for j in 0..PASS {
                acc[j] = _mm256_fmadd_ps(load_w(&w[p + 4 * j]), load_f32(&x[p + 4 * j]), acc[j]);
            }
        }
        if let (Some(w), Some(x)) = (w_rest.first_chunk::<16>(), x_rest.first_chunk::<16>()) {
            for j in 0..4 {
                acc[j] = _mm256_fmadd_ps(load_w(&w[p + 4 * j]), load_f32(&x[p + 4 * j]), acc[j]);
            }
        }
        // 128 values have 128 lanes: the upper registers are none of theirs.
        if x.len() > 16 {
            for j in 0..4 {
                acc[j] = _mm256_add_ps(acc[j], acc[j + 4]);
            }
        }
        let (even, odd) = (_mm256_add_ps(acc[0], acc[2]), _mm256_add_ps(acc[1], acc[3]));
        passes[p] = _mm256_add_ps(even, odd);
    }
    let even = _mm256_add_ps(passes[0], passes[2]);
    let odd = _mm256_add_ps(passes[1], passes[3]);
    halve(_mm256_add_ps(even, odd))
}

#[inline(always)]
fn halves(block: &[f32; 16]) -> &[[f32; 8]; 2] {
    let (halves, _) = block.as_chunks::<8>();
    halves.first_chunk().expect("16 are twice 8")
}

/// The last two halvings of four sums, by a transposition: lane 0 and 2, 1 and 3, then both.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn halve_4([a, b, c, d]: [__m128; 4]) -> [f32; 4] {
    let ab = _mm_add_ps(_mm_movelh_ps(a, b), _mm_movehl_ps(b, a));
    let cd = _mm_add_ps(_mm_movelh_ps(c, d), _mm_movehl_ps(d, c));
    let even = _mm_shuffle_ps::<0b10_00_10_00>(ab, cd);
    let odd = _mm_shuffle_ps::<0b11_01_11_01>(ab, cd);
    to_floats(_mm_add_ps(even, odd))
}

/// The tree within one register.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) fn halve(x: __m256) -> f32 {
    let x = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
    let x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)))
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
