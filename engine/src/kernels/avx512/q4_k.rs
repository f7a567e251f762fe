//! Products of `Q4_K` weights with int8 activations in blocks of 256, 32 codes a register.

use std::arch::x86_64::{_mm256_and_si256, _mm256_set1_epi8, _mm256_srli_epi16};

use super::{
    super::Product,
    blocks256,
    lanes::load_256,
    sub_blocks::{self, Unpacked},
};
use crate::{
    quant::{q4_k::SIZE, sub_scales},
    threads::Strip,
};

/// The product for the strip's columns (weight rows) and rows (tokens).
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    blocks256::product::<SIZE, true, _>(
        product,
        out,
        |block| unpack(block),
        |w, x, x_sums| sub_blocks::sums(w, x, x_sums),
    );
}

/// The two scales of a block, its codes, scales and minima.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn unpack(block: &[u8; SIZE]) -> (f32, f32, Unpacked) {
    let (header, rest) = block.split_first_chunk().expect("a block is longer than 16 bytes");
    let (parts, _) = rest.as_chunks::<32>();
    let low = _mm256_set1_epi8(15);
    let mut codes = [low; 8];
    for c in 0..4 {
        let bytes = load_256(&parts[c]);
        codes[2 * c] = _mm256_and_si256(bytes, low);
        codes[2 * c + 1] = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), low);
    }
    let of = sub_scales(header);
    (of.d, of.dmin, sub_blocks::unpacked(&of, codes))
}
