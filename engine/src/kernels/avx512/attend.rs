//! One chunk of attention with the query and the output in registers; heads of 64 and of 128, the usual ones. Others take
//! the scalar body, compiled for AVX-512.

use std::arch::x86_64::{
    __m512, _mm512_add_ps, _mm512_fmadd_ps, _mm512_max_ps, _mm512_mul_ps, _mm512_reduce_max_ps,
    _mm512_set1_ps, _mm512_setzero_ps,
};

use super::{
    super::{ATTENTION_CHUNK, AttentionChunk, scalar},
    dot::{dot, halve, halve_4, sum},
    elementwise::exp_sub,
    lanes::{load_f32, store_f32},
};

/// See `scalar::attend`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn attend(chunk: &AttentionChunk<'_>, out: &mut [f32]) -> (f32, f32) {
    match chunk.q.len() {
        64 => attend_wide::<4>(chunk, out),
        128 => attend_wide::<8>(chunk, out),
        _ => scalar::attend::attend(
            |a, b| dot(a, b),
            |x, max| exp_sub(x, max),
            |x| sum(x),
            chunk,
            out,
        ),
    }
}

/// Heads of `N` registers.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn attend_wide<const N: usize>(chunk: &AttentionChunk<'_>, out: &mut [f32]) -> (f32, f32) {
    let AttentionChunk { v, n, .. } = *chunk;
    // What is not there becomes a probability of 0.
    let mut p = [[f32::NEG_INFINITY; 16]; ATTENTION_CHUNK / 16];
    scores::<N>(chunk, &mut p.as_flattened_mut()[..n]);
    let scale = _mm512_set1_ps(chunk.scale);
    let mut max = _mm512_set1_ps(f32::NEG_INFINITY);
    for p in &mut p {
        let scaled = _mm512_mul_ps(load_f32(p), scale);
        store_f32(p, scaled);
        // The second operand wins where the first is NaN: as in the scalar comparison, a NaN is passed over.
        max = _mm512_max_ps(scaled, max);
    }
    let max = _mm512_reduce_max_ps(max) + 0.0;
    let (there, others) = p.split_at_mut(n.div_ceil(16));
    there.iter_mut().for_each(|p| exp_sub(p, max));
    others.fill([0.0; 16]);

    let mut acc = [_mm512_setzero_ps(); N];
    for (j, p) in p.as_flattened()[..n].iter().enumerate() {
        let (v, p) = (head::<N>(v, j * 16 * N), _mm512_set1_ps(*p));
        for i in 0..N {
            acc[i] = _mm512_fmadd_ps(p, load_f32(&v[i]), acc[i]);
        }
    }
    let (out, _) = out.as_chunks_mut::<16>();
    for (out, acc) in out.iter_mut().zip(acc) {
        store_f32(out, acc);
    }
    let [a, b, c, d] = p.map(|p| load_f32(&p));
    (max, halve(_mm512_add_ps(_mm512_add_ps(a, c), _mm512_add_ps(b, d))))
}

/// `q · k_j`, four positions at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn scores<const N: usize>(chunk: &AttentionChunk<'_>, scores: &mut [f32]) {
    let mut q = [_mm512_setzero_ps(); N];
    for (q, block) in q.iter_mut().zip(head::<N>(chunk.q, 0)) {
        *q = load_f32(block);
    }
    let key = |j| head::<N>(chunk.k, j * 16 * N);
    let (quads, rest) = scores.as_chunks_mut::<4>();
    let n_quads = quads.len();
    for (i, scores) in quads.iter_mut().enumerate() {
        let mut products = [_mm512_setzero_ps(); 4];
        for j in 0..4 {
            products[j] = products_of(&q, key(4 * i + j));
        }
        *scores = halve_4(products);
    }
    for (j, score) in rest.iter_mut().enumerate() {
        *score = halve(products_of(&q, key(4 * n_quads + j)));
    }
}

/// The lanes of a dot product, halved to one register.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn products_of<const N: usize>(q: &[__m512; N], k: &[[f32; 16]; N]) -> __m512 {
    let mut acc = [_mm512_setzero_ps(); N];
    for i in 0..N {
        acc[i] = _mm512_fmadd_ps(q[i], load_f32(&k[i]), acc[i]);
    }
    if N == 8 {
        for i in 0..4 {
            acc[i] = _mm512_add_ps(acc[i], acc[i + 4]);
        }
    }
    _mm512_add_ps(_mm512_add_ps(acc[0], acc[2]), _mm512_add_ps(acc[1], acc[3]))
}

/// The head that starts at value `start`.
#[inline(always)]
fn head<const N: usize>(x: &[f32], start: usize) -> &[[f32; 16]; N] {
    x[start..].as_chunks().0.first_chunk().expect("as long as the query")
}
