//! Products with `TQ2_0`: fields of two bits, low ones first; the rest is in `trit_blocks`.

use std::arch::x86_64::{_mm256_and_si256, _mm256_set1_epi8, _mm256_srli_epi16};

use super::{
    super::Product,
    lanes::load_u8,
    trit_blocks::{self, Codes},
};
use crate::{quant::tq2_0::BLOCK_SIZE, threads::Strip};

#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    trit_blocks::product(product, out, |block| codes(block));
}

/// The codes of a block.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn codes(block: &[u8; BLOCK_SIZE]) -> Codes {
    let mask = _mm256_set1_epi8(3);
    let (halves, _) = block.as_chunks::<32>();
    let mut codes = [mask; 8];
    for j in 0..2 {
        let fields = load_u8(&halves[j]);
        codes[4 * j] = _mm256_and_si256(fields, mask);
        codes[4 * j + 1] = _mm256_and_si256(_mm256_srli_epi16::<2>(fields), mask);
        codes[4 * j + 2] = _mm256_and_si256(_mm256_srli_epi16::<4>(fields), mask);
        codes[4 * j + 3] = _mm256_and_si256(_mm256_srli_epi16::<6>(fields), mask);
    }
    codes
}
