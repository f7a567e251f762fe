//! Ternary products of one token with weights in 1.6 bits (`kernels/packed.rs`): a byte becomes the I2_S byte of four of its
//! trits by a table, and the fifth, times 81, is what it was above them.

use std::arch::x86_64::{
    _mm512_add_epi32, _mm512_and_si512, _mm512_dpbusd_epi32, _mm512_min_epu8, _mm512_mullo_epi32,
    _mm512_permutex2var_epi8, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_setzero_si512,
    _mm512_srai_epi32, _mm512_sub_epi8,
};

use super::{
    super::{
        PackedKernel, Product,
        packed::{FIELDS, RUNS},
        tiled,
    },
    i2_s::{AHEAD, write},
    lanes::{load_u8, prefetch},
};
use crate::threads::Strip;

/// Rows that share the loads of the activations.
const ROWS: usize = 4;
/// `1 / 81` modulo 2^32: what a multiple of 81 is divided by it with.
const INVERSE: i32 = {
    let (mut inverse, mut i) = (1_u32, 0);
    while i < 5 {
        inverse = inverse.wrapping_mul(2_u32.wrapping_sub(81_u32.wrapping_mul(inverse)));
        i += 1;
    }
    inverse.cast_signed()
};

/// The product for the strip's columns (weight rows) and its only row (token).
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx512vbmi,avx2,fma")]
pub(super) fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    for token in 0..out.n_rows() {
        tiled::<ROWS>(
            out.columns(),
            out,
            |out, r| column::<ROWS>(product, out, r, token),
            |out, r| column::<1>(product, out, r, token),
        );
    }
}

/// See `kernels/packed.rs`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx512vbmi,avx2,fma")]
pub(super) fn pack(codes: &[u8], cols: usize, out: &mut [u8]) {
    super::super::packed::pack(codes, cols, out);
}

/// `R` rows × one token: fields are masked in place, so their sums come out times 64, 16, 4, 1 and 81, exactly.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx512vbmi,avx2,fma")]
#[inline]
fn column<const R: usize>(product: &Product<'_>, out: &mut Strip<'_>, row: usize, token: usize) {
    #[expect(clippy::cast_possible_wrap, reason = "bit masks")]
    let masks = [0xc0_u8, 0x30, 0x0c, 0x03].map(|mask| _mm512_set1_epi8(mask as i8));
    let (one, two) = (_mm512_set1_epi8(81), _mm512_set1_epi8(162_u8.cast_signed()));
    let [low, high] = FIELDS.as_chunks::<64>().0 else { unreachable!("twice 64") };
    let (low, high) = (load_u8(low), load_u8(high));
    let row_len = PackedKernel::row_len(product.shape.cols).expect("weights that could be packed");
    let ahead = AHEAD.next_multiple_of(R * row_len);
    let mut weights: [&[[u8; 64]]; R] = [&[]; R];
    for r in 0..R {
        weights[r] = product.weights[(row + r) * row_len..][..row_len].as_chunks().0;
    }
    let (x, _) = product.x.row(token).as_chunks::<64>();
    let mut acc = [[_mm512_setzero_si512(); RUNS]; R];
    let (whole, rest) = x.as_chunks::<RUNS>();
    for (i, x) in whole.iter().enumerate() {
        for r in 0..R {
            prefetch(&weights[0][0], ahead + (R * i + r) * 64);
            let bytes = load_u8(&weights[r][i]);
            // The byte modulo 81: what wraps around is larger.
            let four = _mm512_min_epu8(bytes, _mm512_sub_epi8(bytes, one));
            let four = _mm512_min_epu8(four, _mm512_sub_epi8(bytes, two));
            let fields = _mm512_permutex2var_epi8(low, four, high);
            for s in 0..4 {
                let field = _mm512_and_si512(fields, masks[s]);
                acc[r][s] = _mm512_dpbusd_epi32(acc[r][s], field, load_u8(&x[s]));
            }
            let fifth = _mm512_sub_epi8(bytes, four);
            acc[r][4] = _mm512_dpbusd_epi32(acc[r][4], fifth, load_u8(&x[4]));
        }
    }
    if !rest.is_empty() {
        for r in 0..R {
            prefetch(&weights[0][0], ahead + (R * whole.len() + r) * 64);
            let fields = _mm512_permutex2var_epi8(low, load_u8(&weights[r][whole.len()]), high);
            for s in 0..4 {
                if let Some(x) = rest.get(s) {
                    let field = _mm512_and_si512(fields, masks[s]);
                    acc[r][s] = _mm512_dpbusd_epi32(acc[r][s], field, load_u8(x));
                }
            }
        }
    }
    let mut sums = [_mm512_setzero_si512(); R];
    for r in 0..R {
        let [a, b, c, d, e] = acc[r];
        let high = _mm512_add_epi32(_mm512_srai_epi32::<6>(a), _mm512_srai_epi32::<4>(b));
        let low = _mm512_add_epi32(_mm512_srai_epi32::<2>(c), d);
        let fifth = _mm512_mullo_epi32(e, _mm512_set1_epi32(INVERSE));
        sums[r] = _mm512_add_epi32(_mm512_add_epi32(high, low), fifth);
    }
    let first = out.columns().start;
    let out = &mut out.row(token)[row - first..][..R];
    write(&sums, product.x.scales[token], product.scale, out);
}
