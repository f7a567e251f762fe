//! Ternary products with `vpdpbusd`: unsigned codes (0, 1, 2) times signed activations, exact in i32.
//!
//! A row of activations is packed so that the four 2-bit fields of 64 weight bytes (two I2_S groups) meet four registers:
//! field `s` of groups `2i`, `2i + 1` is at `256 i + 64 s`. An odd last group has zeros in the upper half.

use std::arch::x86_64::{
    __m512i, _mm_add_epi32, _mm_cvtepi32_ps, _mm_div_ps, _mm_mul_ps, _mm_set1_epi32, _mm_set1_ps,
    _mm_sub_epi32, _mm256_add_epi32, _mm256_castsi256_si128, _mm256_extracti128_si256,
    _mm512_add_epi32, _mm512_and_si512, _mm512_castsi512_si256, _mm512_dpbusd_epi32,
    _mm512_extracti64x4_epi64, _mm512_reduce_add_epi32, _mm512_set1_epi8, _mm512_setzero_si512,
    _mm512_srai_epi32, _mm512_srli_epi16, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64,
    _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

use super::{
    super::{Product, RowScale, row_bytes, scale_sum, tiled},
    lanes::{load_half, load_u8, store_4},
};
use crate::threads::Strip;

/// Pairs of groups, and the odd last group.
type Row<'a> = (&'a [[u8; 64]], Option<&'a [u8; 32]>);

/// Rows that share one load of the activations.
const ROWS: usize = 4;
/// Tokens that share one unpacking of the weights.
const TOKENS: usize = 4;

/// The product for the strip's columns (weight rows) and rows (tokens).
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    let n_tokens = out.n_rows();
    let mut token = 0;
    while token < n_tokens {
        let rows = out.columns();
        if n_tokens - token >= TOKENS {
            tiled::<ROWS>(
                rows,
                out,
                |out, r| tile::<ROWS, TOKENS>(product, out, r, token),
                |out, r| tile::<1, TOKENS>(product, out, r, token),
            );
            token += TOKENS;
        } else {
            tiled::<ROWS>(
                rows,
                out,
                |out, r| column::<ROWS>(product, out, r, token),
                |out, r| column::<1>(product, out, r, token),
            );
            token += 1;
        }
    }
}

/// `R` rows × one token: fields are masked in place, so their sums come out times 64, 16, 4 and 1, exactly.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn column<const R: usize>(product: &Product<'_>, out: &mut Strip<'_>, row: usize, token: usize) {
    #[expect(clippy::cast_possible_wrap, reason = "bit masks")]
    let masks = [0xc0_u8, 0x30, 0x0c, 0x03].map(|mask| _mm512_set1_epi8(mask as i8));
    let weights = split_rows::<R>(product, row);
    let (x, _) = product.x.row(token).as_chunks::<64>();
    let mut acc = [[_mm512_setzero_si512(); 4]; R];
    let n_pairs = weights[0].0.len();
    for i in 0..n_pairs {
        let x = [
            load_u8(&x[4 * i]),
            load_u8(&x[4 * i + 1]),
            load_u8(&x[4 * i + 2]),
            load_u8(&x[4 * i + 3]),
        ];
        for r in 0..R {
            let codes = load_u8(&weights[r].0[i]);
            for s in 0..4 {
                let field = _mm512_and_si512(codes, masks[s]);
                acc[r][s] = _mm512_dpbusd_epi32(acc[r][s], field, x[s]);
            }
        }
    }
    for r in 0..R {
        if let Some(half) = weights[r].1 {
            let codes = load_half(half);
            for s in 0..4 {
                let field = _mm512_and_si512(codes, masks[s]);
                acc[r][s] = _mm512_dpbusd_epi32(acc[r][s], field, load_u8(&x[4 * n_pairs + s]));
            }
        }
    }
    let mut sums = [_mm512_setzero_si512(); R];
    for r in 0..R {
        let [a, b, c, d] = acc[r];
        let high = _mm512_add_epi32(_mm512_srai_epi32::<6>(a), _mm512_srai_epi32::<4>(b));
        let low = _mm512_add_epi32(_mm512_srai_epi32::<2>(c), d);
        sums[r] = _mm512_add_epi32(high, low);
    }
    let first = out.columns().start;
    let out = &mut out.row(token)[row - first..][..R];
    write(&sums, product.x.scales[token], product.scale, out);
}

/// `R` rows × `T` tokens: the fields are shifted down once and meet all tokens.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn tile<const R: usize, const T: usize>(
    product: &Product<'_>,
    out: &mut Strip<'_>,
    row: usize,
    token: usize,
) {
    let weights = split_rows::<R>(product, row);
    let mut xs: [&[[u8; 64]]; T] = [&[]; T];
    for t in 0..T {
        xs[t] = product.x.row(token + t).as_chunks::<64>().0;
    }
    let mask = _mm512_set1_epi8(3);
    let mut acc = [[_mm512_setzero_si512(); T]; R];
    let n_pairs = weights[0].0.len();
    for i in 0..n_pairs {
        // Not `array::from_fn`: its body lacks the target features, so the closure would be called, not inlined.
        let mut fields = [[mask; 4]; R];
        for r in 0..R {
            let codes = load_u8(&weights[r].0[i]);
            fields[r] = [
                _mm512_and_si512(_mm512_srli_epi16::<6>(codes), mask),
                _mm512_and_si512(_mm512_srli_epi16::<4>(codes), mask),
                _mm512_and_si512(_mm512_srli_epi16::<2>(codes), mask),
                _mm512_and_si512(codes, mask),
            ];
        }
        for s in 0..4 {
            for t in 0..T {
                let x = load_u8(&xs[t][4 * i + s]);
                for r in 0..R {
                    acc[r][t] = _mm512_dpbusd_epi32(acc[r][t], fields[r][s], x);
                }
            }
        }
    }
    for r in 0..R {
        if let Some(half) = weights[r].1 {
            let fields = fields(load_half(half));
            for s in 0..4 {
                for t in 0..T {
                    let x = load_u8(&xs[t][4 * n_pairs + s]);
                    acc[r][t] = _mm512_dpbusd_epi32(acc[r][t], fields[s], x);
                }
            }
        }
    }
    let first = out.columns().start;
    for t in 0..T {
        let mut sums = [_mm512_setzero_si512(); R];
        for r in 0..R {
            sums[r] = acc[r][t];
        }
        let out = &mut out.row(token + t)[row - first..][..R];
        write(&sums, product.x.scales[token + t], product.scale, out);
    }
}

/// Adds up the lanes of each row's sum, scales and writes them: four rows at a time by a transposition, which takes half
/// the instructions of four separate sums.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn write<const R: usize>(sums: &[__m512i; R], x: RowScale, weight_scale: f32, out: &mut [f32]) {
    let (quads, rest) = sums.as_chunks::<4>();
    let (outs, out_rest) = out.as_chunks_mut::<4>();
    for ([a, b, c, d], out) in quads.iter().zip(outs) {
        let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(*a, *b), _mm512_unpackhi_epi32(*a, *b));
        let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(*c, *d), _mm512_unpackhi_epi32(*c, *d));
        let abcd = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
        let half =
            _mm256_add_epi32(_mm512_castsi512_si256(abcd), _mm512_extracti64x4_epi64::<1>(abcd));
        let sum = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256::<1>(half));
        let exact = _mm_cvtepi32_ps(_mm_sub_epi32(sum, _mm_set1_epi32(x.sum)));
        let y = _mm_mul_ps(_mm_div_ps(exact, _mm_set1_ps(x.scale)), _mm_set1_ps(weight_scale));
        store_4(out, y);
    }
    for (sum, out) in rest.iter().zip(out_rest) {
        *out = scale_sum(_mm512_reduce_add_epi32(*sum), x, weight_scale);
    }
}

/// Codes of `R` rows: whole pairs of groups, and the odd last group.
#[inline(always)]
fn split_rows<'a, const R: usize>(product: &Product<'a>, row: usize) -> [Row<'a>; R] {
    let bytes = row_bytes(product.shape.cols);
    let mut rows: [Row<'a>; R] = [(&[], None); R];
    for r in 0..R {
        let (pairs, rest) = product.weights[(row + r) * bytes..][..bytes].as_chunks::<64>();
        rows[r] = (pairs, rest.first_chunk());
    }
    rows
}

/// The four 2-bit fields of each byte, first elements first.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn fields(codes: __m512i) -> [__m512i; 4] {
    let mask = _mm512_set1_epi8(3);
    [
        _mm512_and_si512(_mm512_srli_epi16::<6>(codes), mask),
        _mm512_and_si512(_mm512_srli_epi16::<4>(codes), mask),
        _mm512_and_si512(_mm512_srli_epi16::<2>(codes), mask),
        _mm512_and_si512(codes, mask),
    ]
}
