//! Ternary products with `vpdpbusd`: unsigned codes (0, 1, 2) times signed activations, exact in i32.
//!
//! A row of activations is packed so that the four 2-bit fields of 64 weight bytes (two I2_S groups) meet four registers:
//! field `s` of groups `2i`, `2i + 1` is at `256 i + 64 s`. An odd last group stands there twice, so that one register
//! can hold the last groups of two rows.

use std::arch::x86_64::{
    __m512i, _mm_add_epi32, _mm_cvtepi32_ps, _mm_div_ps, _mm_mul_ps, _mm_set1_epi32, _mm_set1_ps,
    _mm_sub_epi32, _mm256_add_epi32, _mm256_castsi256_si128, _mm256_extracti128_si256,
    _mm512_add_epi32, _mm512_and_si512, _mm512_castsi256_si512, _mm512_castsi512_si256,
    _mm512_cvtepi32_ps, _mm512_div_ps, _mm512_dpbusd_epi32, _mm512_extracti64x4_epi64,
    _mm512_inserti64x4, _mm512_mul_ps, _mm512_permutexvar_epi32, _mm512_reduce_add_epi32,
    _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_si512,
    _mm512_shuffle_i32x4, _mm512_srai_epi32, _mm512_srli_epi16, _mm512_sub_epi32,
    _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

use super::{
    super::{Product, RowScale, row_bytes, scale_sum, tiled},
    lanes::{load_256, load_f32, load_half, load_i32, load_u8, prefetch, store_4, store_f32},
};
use crate::threads::Strip;

/// Pairs of groups, and the odd last group.
type Row<'a> = (&'a [[u8; 64]], Option<&'a [u8; 32]>);

/// Packed activations of one token: whole pairs of groups, and the odd last group.
type Token<'a> = (&'a [[u8; 256]], Option<&'a [u8; 256]>);

/// Outputs of a tile.
const TILE: usize = 16;
/// Rows that share one load of a single token's activations.
const ROWS: usize = 4;
/// Bytes of a token's activations up to which eight tokens' stay in the first-level cache of 32 KiB while rows pass.
const WIDE: usize = 3584;
/// Columns up to which adding up the lanes of a single token's sums costs more than shifting fields down: such rows are
/// taken [`TILE`] at a time.
const SHORT: usize = 1024;

/// Bytes between the weights that a single token is multiplied by and those asked of memory meanwhile, at least. Found on the
/// machine of `docs/speed.md`: less comes late, more pushes other lines out.
pub(super) const AHEAD: usize = 7000;

/// The product for the strip's columns (weight rows) and rows (tokens).
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    let n_tokens = out.n_rows();
    let mut token = 0;
    while product.x.row_len <= WIDE && n_tokens - token >= 8 {
        block::<2, 8>(product, out, token);
        token += 8;
    }
    while n_tokens - token >= 4 {
        block::<4, 4>(product, out, token);
        token += 4;
    }
    for token in token..n_tokens {
        if product.shape.cols <= SHORT {
            let x = Short::new(product, token);
            tiled::<TILE>(
                out.columns(),
                out,
                |out, r| x.product(product, out, r, token),
                |out, r| column::<1>(product, out, r, token),
            );
            continue;
        }
        tiled::<ROWS>(
            out.columns(),
            out,
            |out, r| column::<ROWS>(product, out, r, token),
            |out, r| column::<1>(product, out, r, token),
        );
    }
}

/// All rows × `T` tokens, in tiles of `R` rows; `R` is even and `R * T` a [`TILE`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn block<const R: usize, const T: usize>(product: &Product<'_>, out: &mut Strip<'_>, token: usize) {
    let mut tile = Tile::<R, T> { xs: [(&[], None); T], sums: [0; TILE], scales: [0.0; TILE] };
    for t in 0..T {
        let (pairs, rest) = product.x.row(token + t).as_chunks::<256>();
        assert!(rest.is_empty(), "whole pairs of groups");
        let (pairs, odd) = pairs.split_at(product.shape.cols / 256);
        tile.xs[t] = (pairs, odd.first());
        let x = product.x.scales[token + t];
        tile.sums[t * R..][..R].fill(x.sum);
        tile.scales[t * R..][..R].fill(x.scale);
    }
    let columns = out.columns();
    tiled::<R>(
        columns.clone(),
        out,
        |out, r| {
            let y = tile.product(product, r);
            for (t, y) in y.as_chunks::<R>().0.iter().enumerate() {
                out.row(token + t)[r - columns.start..][..R].copy_from_slice(y);
            }
        },
        |out, r| (0..T).for_each(|t| column::<1>(product, out, r, token + t)),
    );
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
    let ahead = AHEAD.next_multiple_of(R * row_bytes(product.shape.cols));
    for i in 0..n_pairs {
        let x = [
            load_u8(&x[4 * i]),
            load_u8(&x[4 * i + 1]),
            load_u8(&x[4 * i + 2]),
            load_u8(&x[4 * i + 3]),
        ];
        for r in 0..R {
            let codes = load_u8(&weights[r].0[i]);
            prefetch(&weights[0].0[0], ahead + (R * i + r) * 64);
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

/// Adds up the lanes of each row's sum, scales and writes them, four rows at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
pub(super) fn write<const R: usize>(
    sums: &[__m512i; R],
    x: RowScale,
    weight_scale: f32,
    out: &mut [f32],
) {
    let (quads, rest) = sums.as_chunks::<4>();
    let (outs, out_rest) = out.as_chunks_mut::<4>();
    for (quad, out) in quads.iter().zip(outs) {
        let quad = fold_quad(*quad);
        let half =
            _mm256_add_epi32(_mm512_castsi512_si256(quad), _mm512_extracti64x4_epi64::<1>(quad));
        let sum = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256::<1>(half));
        let exact = _mm_cvtepi32_ps(_mm_sub_epi32(sum, _mm_set1_epi32(x.sum)));
        let y = _mm_mul_ps(_mm_div_ps(exact, _mm_set1_ps(x.scale)), _mm_set1_ps(weight_scale));
        store_4(out, y);
    }
    for (sum, out) in rest.iter().zip(out_rest) {
        *out = scale_sum(_mm512_reduce_add_epi32(*sum), x, weight_scale);
    }
}

/// One token that meets short rows, a [`TILE`] of them at a time.
struct Short<'a>(Token<'a>);

impl<'a> Short<'a> {
    #[inline(always)]
    fn new(product: &Product<'a>, token: usize) -> Self {
        let (pairs, odd) =
            product.x.row(token).as_chunks::<256>().0.split_at(product.shape.cols / 256);
        Self((pairs, odd.first()))
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
    #[inline]
    fn product(&self, product: &Product<'_>, out: &mut Strip<'_>, row: usize, token: usize) {
        let [a, b] = self.quad(product, row);
        let [c, d] = self.quad(product, row + 4);
        let [e, f] = self.quad(product, row + 8);
        let [g, h] = self.quad(product, row + 12);
        let sums = lane_sums(&[a, b, c, d, e, f, g, h]);
        let sums = _mm512_permutexvar_epi32(load_i32(&BY_TOKEN), sums);
        let x = product.x.scales[token];
        let exact = _mm512_cvtepi32_ps(_mm512_sub_epi32(sums, _mm512_set1_epi32(x.sum)));
        let scaled = _mm512_div_ps(exact, _mm512_set1_ps(x.scale));
        let first = out.columns().start;
        let y = out.row(token)[row - first..].first_chunk_mut().expect("as many as the tile has");
        store_f32(y, _mm512_mul_ps(scaled, _mm512_set1_ps(product.scale)));
    }

    /// Sums of four rows, each in half a register: the fields are shifted down, so that a row needs one sum.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
    #[inline]
    fn quad(&self, product: &Product<'_>, row: usize) -> [__m512i; 2] {
        let weights = split_rows::<4>(product, row);
        let mask = _mm512_set1_epi8(3);
        let mut acc = [_mm512_setzero_si512(); 4];
        let bytes = row_bytes(product.shape.cols);
        let (first, ahead) = (&product.weights[row * bytes], AHEAD.next_multiple_of(4 * bytes));
        let n_pairs = weights[0].0.len();
        for i in 0..n_pairs {
            let x = quarters(&self.0.0[i]);
            for r in 0..4 {
                prefetch(first, ahead + (4 * i + r) * 64);
                acc[r] = add_fields(acc[r], load_u8(&weights[r].0[i]), x, mask);
            }
        }
        let mut halves = [fold(acc[0], acc[1]), fold(acc[2], acc[3])];
        for r in 0..2 {
            if let (Some(even), Some(odd), Some(x)) =
                (weights[2 * r].1, weights[2 * r + 1].1, self.0.1)
            {
                prefetch(first, ahead + (4 * n_pairs + r) * 64);
                let even = _mm512_castsi256_si512(load_256(even));
                let codes = _mm512_inserti64x4::<1>(even, load_256(odd));
                halves[r] = add_fields(halves[r], codes, quarters(x), mask);
            }
        }
        halves
    }
}

/// Adds the products of all four fields of 64 bytes of weights.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn add_fields(acc: __m512i, codes: __m512i, x: &[[u8; 64]; 4], mask: __m512i) -> __m512i {
    let mut acc = _mm512_dpbusd_epi32(acc, _mm512_and_si512(codes, mask), load_u8(&x[3]));
    let field = _mm512_and_si512(_mm512_srli_epi16::<2>(codes), mask);
    acc = _mm512_dpbusd_epi32(acc, field, load_u8(&x[2]));
    let field = _mm512_and_si512(_mm512_srli_epi16::<4>(codes), mask);
    acc = _mm512_dpbusd_epi32(acc, field, load_u8(&x[1]));
    let field = _mm512_and_si512(_mm512_srli_epi16::<6>(codes), mask);
    _mm512_dpbusd_epi32(acc, field, load_u8(&x[0]))
}

/// Activations of `T` tokens that meet `R` rows at a time.
struct Tile<'a, const R: usize, const T: usize> {
    xs: [Token<'a>; T],
    /// As the outputs, `[T, R]`: the sum of the token's codes,
    sums: [i32; TILE],
    /// and the scale.
    scales: [f32; TILE],
}

impl<const R: usize, const T: usize> Tile<'_, R, T> {
    /// `[T, R]` outputs: the fields are shifted down once and meet all tokens.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
    #[inline]
    fn product(&self, product: &Product<'_>, row: usize) -> [f32; TILE] {
        let weights = split_rows::<R>(product, row);
        let mask = _mm512_set1_epi8(3);
        let ahead = AHEAD.next_multiple_of(R * row_bytes(product.shape.cols));
        let mut acc = [[_mm512_setzero_si512(); T]; R];
        for i in 0..weights[0].0.len() {
            for r in 0..R {
                prefetch(&weights[0].0[0], ahead + (R * i + r) * 64);
            }
            // Not `array::from_fn`: its body lacks the target features, so the closure would be called, not inlined.
            let mut codes = [mask; R];
            for r in 0..R {
                codes[r] = load_u8(&weights[r].0[i]);
            }
            let mut xs = [&[[0_u8; 64]; 4]; T];
            for t in 0..T {
                xs[t] = quarters(&self.xs[t].0[i]);
            }
            for s in [3, 2, 1, 0] {
                let mut fields = [mask; R];
                for r in 0..R {
                    fields[r] = _mm512_and_si512(codes[r], mask);
                    codes[r] = _mm512_srli_epi16::<2>(codes[r]);
                }
                for t in 0..T {
                    let x = load_u8(&xs[t][s]);
                    for r in 0..R {
                        acc[r][t] = _mm512_dpbusd_epi32(acc[r][t], fields[r], x);
                    }
                }
            }
        }
        // From here on one row has the lower half of a register, the next one the upper.
        let mut halves = [_mm512_setzero_si512(); 8];
        for r in 0..R / 2 {
            for t in 0..T {
                halves[r * T + t] = fold(acc[2 * r][t], acc[2 * r + 1][t]);
            }
            if let (Some(even), Some(odd)) = (weights[2 * r].1, weights[2 * r + 1].1) {
                let even = _mm512_castsi256_si512(load_256(even));
                let mut codes = _mm512_inserti64x4::<1>(even, load_256(odd));
                for s in [3, 2, 1, 0] {
                    let field = _mm512_and_si512(codes, mask);
                    codes = _mm512_srli_epi16::<2>(codes);
                    for t in 0..T {
                        let x = quarters(
                            self.xs[t].1.expect("rows and activations have the same groups"),
                        );
                        let half = halves[r * T + t];
                        halves[r * T + t] = _mm512_dpbusd_epi32(half, field, load_u8(&x[s]));
                    }
                }
            }
        }
        let order = if R == 4 { BY_TOKEN_4X4 } else { BY_TOKEN };
        let sums = _mm512_permutexvar_epi32(load_i32(&order), lane_sums(&halves));
        let exact = _mm512_cvtepi32_ps(_mm512_sub_epi32(sums, load_i32(&self.sums)));
        let scaled = _mm512_div_ps(exact, load_f32(&self.scales));
        let mut y = [0.0; TILE];
        store_f32(&mut y, _mm512_mul_ps(scaled, _mm512_set1_ps(product.scale)));
        y
    }
}

/// Where [`lane_sums`] puts the sum of (row, token), for the outputs in the order `[token, row]`.
const BY_TOKEN: [i32; TILE] = [0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15];
const BY_TOKEN_4X4: [i32; TILE] = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];

/// `a`'s halves added up in the lower half, `b`'s in the upper.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn fold(a: __m512i, b: __m512i) -> __m512i {
    _mm512_add_epi32(
        _mm512_shuffle_i32x4::<0b01_00_01_00>(a, b),
        _mm512_shuffle_i32x4::<0b11_10_11_10>(a, b),
    )
}

/// Each quarter of four registers added up: in every quarter the sums of `a`, `b`, `c` and `d`. A transposition takes half
/// the instructions of separate sums.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn fold_quad([a, b, c, d]: [__m512i; 4]) -> __m512i {
    let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd))
}

/// The sums of 16 halves: lower halves of registers 0 to 3, their upper halves, then those of 4 to 7.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn lane_sums(&[a, b, c, d, e, f, g, h]: &[__m512i; 8]) -> __m512i {
    let (low, high) = (fold_quad([a, b, c, d]), fold_quad([e, f, g, h]));
    _mm512_add_epi32(
        _mm512_shuffle_i32x4::<0b10_00_10_00>(low, high),
        _mm512_shuffle_i32x4::<0b11_01_11_01>(low, high),
    )
}

/// The activations of one pair of groups, field by field.
#[inline(always)]
fn quarters(x: &[u8; 256]) -> &[[u8; 64]; 4] {
    x.as_chunks().0.first_chunk().expect("256 bytes are four times 64")
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
