//! Dot products: the 256 lanes are 16 registers of 16. Lengths that are no multiple of 128 (and not 64, the usual head)
//! take the scalar body, compiled for AVX-512.

use std::arch::x86_64::{
    __m512, _mm_add_ps, _mm_add_ss, _mm_cvtss_f32, _mm_movehdup_ps, _mm_movehl_ps, _mm256_add_ps,
    _mm256_castpd_ps, _mm256_castps256_ps128, _mm256_extractf128_ps, _mm512_add_ps,
    _mm512_castps_pd, _mm512_castps512_ps128, _mm512_castps512_ps256, _mm512_cvtph_ps,
    _mm512_extractf64x4_pd, _mm512_fmadd_ps, _mm512_maskz_compress_ps, _mm512_permute_ps,
    _mm512_setzero_ps, _mm512_shuffle_f32x4,
};

use super::{
    super::{Four, scalar},
    lanes::{load_256, load_f32, store_4, store_f32},
};

/// `Σ a_i b_i`, both of the same length.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "lengths of a dot product");
    let (a_blocks, b_blocks) = (a.as_chunks::<16>().0, b.as_chunks::<16>().0);
    if a.len().is_multiple_of(128) {
        dot_wide(a_blocks, b_blocks, |a| load_f32(a))
    } else if let (64, Some(a), Some(b)) = (a.len(), a_blocks.first_chunk(), b_blocks.first_chunk())
    {
        dot_64(a, b)
    } else {
        dot_any(a, b)
    }
}

/// `Σ w_i x_i` with F16 weights as little-endian bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma,f16c")]
pub(super) fn dot_f16(w: &[u8], x: &[f32]) -> f32 {
    assert_eq!(w.len(), 2 * x.len(), "two bytes a value");
    if x.len().is_multiple_of(128) {
        let (w, x) = (w.as_chunks::<32>().0, x.as_chunks::<16>().0);
        return dot_wide(w, x, |w| _mm512_cvtph_ps(load_256(w)));
    }
    let mut wide = vec![0.0; x.len()];
    widen_f16(w, &mut wide);
    dot(&wide, x)
}

/// See [`Kernels::dot_4`](super::super::Kernels::dot_4). Four registers of lanes at a time, which the first two halvings add.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn dot_4(w: &[f32], x: &[Four]) -> [f32; 4] {
    Four::assert_fits(w, x);
    let (w, w_rest) = w.as_chunks::<16>().0.as_chunks();
    let (x, x_rest) = x.as_chunks();
    let operands = Operands { w, x, rest: w_rest.first_chunk().zip(x_rest.first_chunk()) };
    let even = add(operands.quarter::<0>(), operands.quarter::<2>());
    let odd = add(operands.quarter::<1>(), operands.quarter::<3>());
    halve_4(add(even, odd))
}

/// A slice and four others in blocks of 256, and a rest of 128.
struct Operands<'a> {
    w: &'a [[[f32; 16]; 16]],
    x: &'a [[Four; 16]],
    rest: Option<(&'a [[f32; 16]; 8], &'a [Four; 8])>,
}

impl Operands<'_> {
    /// Registers of lanes `B`, `B + 4`, `B + 8` and `B + 12` of each product, halved twice. `B` is a parameter of the
    /// function so that each of the four is compiled in place, with all lanes in registers.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
    #[inline]
    fn quarter<const B: usize>(&self) -> [__m512; 4] {
        let mut acc = [[_mm512_setzero_ps(); 4]; 4];
        for (w, x) in self.w.iter().zip(self.x) {
            for r in 0..4 {
                acc[r] = fma(&w[B + 4 * r], &x[B + 4 * r], acc[r]);
            }
        }
        if let Some((w, x)) = self.rest {
            for r in 0..2 {
                acc[r] = fma(&w[B + 4 * r], &x[B + 4 * r], acc[r]);
            }
        }
        let [first, second, third, fourth] = acc;
        if self.w.is_empty() {
            // 128 values have 128 lanes: the upper registers are none of theirs.
            return add(first, second);
        }
        add(add(first, third), add(second, fourth))
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn fma(w: &[f32; 16], x: &Four, mut acc: [__m512; 4]) -> [__m512; 4] {
    let w = load_f32(w);
    for t in 0..4 {
        acc[t] = _mm512_fmadd_ps(w, load_f32(&x.0[t]), acc[t]);
    }
    acc
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn add(mut a: [__m512; 4], b: [__m512; 4]) -> [__m512; 4] {
    for t in 0..4 {
        a[t] = _mm512_add_ps(a[t], b[t]);
    }
    a
}

/// F16 bytes to f32, exactly.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma,f16c")]
pub(super) fn widen_f16(w: &[u8], out: &mut [f32]) {
    let (w_blocks, w_tail) = w.as_chunks::<32>();
    let (out_blocks, out_tail) = out.as_chunks_mut::<16>();
    assert_eq!(w_blocks.len(), out_blocks.len(), "two bytes a value");
    for (w, out) in w_blocks.iter().zip(out_blocks) {
        store_f32(out, _mm512_cvtph_ps(load_256(w)));
    }
    scalar::dot::widen_f16(w_tail, out_tail);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
fn dot_any(a: &[f32], b: &[f32]) -> f32 {
    scalar::dot::dot(a, b)
}

/// 64 values: four registers of lanes.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn dot_64(a: &[[f32; 16]; 4], b: &[[f32; 16]; 4]) -> f32 {
    let zero = _mm512_setzero_ps();
    let mut acc = [zero; 4];
    for j in 0..4 {
        acc[j] = _mm512_fmadd_ps(load_f32(&a[j]), load_f32(&b[j]), zero);
    }
    let even = _mm512_add_ps(acc[0], acc[2]);
    let odd = _mm512_add_ps(acc[1], acc[3]);
    halve(_mm512_add_ps(even, odd))
}

/// A multiple of 128 values: all lanes stay in registers.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn dot_wide<W>(w: &[W], x: &[[f32; 16]], load_w: impl Fn(&W) -> __m512) -> f32 {
    let mut acc = [_mm512_setzero_ps(); 16];
    let (w_wide, w_rest) = w.as_chunks::<16>();
    let (x_wide, x_rest) = x.as_chunks::<16>();
    for (w, x) in w_wide.iter().zip(x_wide) {
        for j in 0..16 {
            acc[j] = _mm512_fmadd_ps(load_w(&w[j]), load_f32(&x[j]), acc[j]);
        }
    }
    if let (Some(w), Some(x)) = (w_rest.first_chunk::<8>(), x_rest.first_chunk::<8>()) {
        for j in 0..8 {
            acc[j] = _mm512_fmadd_ps(load_w(&w[j]), load_f32(&x[j]), acc[j]);
        }
    }
    // 128 values have 128 lanes: the upper registers are none of theirs.
    if x.len() > 8 {
        for j in 0..8 {
            acc[j] = _mm512_add_ps(acc[j], acc[j + 8]);
        }
    }
    // Written out: an inner loop of varying length would index the registers, and so put them all in memory.
    for j in 0..4 {
        acc[j] = _mm512_add_ps(acc[j], acc[j + 4]);
    }
    let even = _mm512_add_ps(acc[0], acc[2]);
    let odd = _mm512_add_ps(acc[1], acc[3]);
    halve(_mm512_add_ps(even, odd))
}

/// The tree within one register.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
pub(super) fn halve(x: __m512) -> f32 {
    let high = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(x)));
    let x = _mm256_add_ps(_mm512_castps512_ps256(x), high);
    let x = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
    let x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)))
}

/// The trees within four registers: transposed on the way, so that one addition halves several of them.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
pub(super) fn halve_4([a, b, c, d]: [__m512; 4]) -> [f32; 4] {
    let ab = _mm512_add_ps(
        _mm512_shuffle_f32x4::<0b01_00_01_00>(a, b),
        _mm512_shuffle_f32x4::<0b11_10_11_10>(a, b),
    );
    let cd = _mm512_add_ps(
        _mm512_shuffle_f32x4::<0b01_00_01_00>(c, d),
        _mm512_shuffle_f32x4::<0b11_10_11_10>(c, d),
    );
    // One quarter for each.
    let x = _mm512_add_ps(
        _mm512_shuffle_f32x4::<0b10_00_10_00>(ab, cd),
        _mm512_shuffle_f32x4::<0b11_01_11_01>(ab, cd),
    );
    let x = _mm512_add_ps(x, _mm512_permute_ps::<0b00_00_11_10>(x));
    let x = _mm512_add_ps(x, _mm512_permute_ps::<0b00_00_00_01>(x));
    let first_of_each = _mm512_maskz_compress_ps(0b0001_0001_0001_0001, x);
    let mut sums = [0.0; 4];
    store_4(&mut sums, _mm512_castps512_ps128(first_of_each));
    sums
}
