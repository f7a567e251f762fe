//! Exact integer sums of a block with 6-bit scales and minima for each 32 elements: `Q4_K`, `Q5_K`.

use super::blocks256::Sums;
use crate::quant::SubScales;

/// `Σ_j sc_j Σ q x` and `Σ_j m_j Σ x`: at most 8·63·32·31·127 in magnitude.
#[inline(always)]
pub(super) fn sums(
    of: &SubScales,
    codes: &[u8; 256],
    x: &[u8; 256],
    sums_of_16: &[i16; 16],
) -> Sums {
    let (codes, _) = codes.as_chunks::<32>();
    let (x, _) = x.as_chunks::<32>();
    let (mut sum, mut min_sum) = (0, 0);
    for j in 0..8 {
        let products = codes[j].iter().zip(x[j]);
        let dot: i32 =
            products.map(|(q, x)| i32::from(i16::from(*q) * i16::from(x.cast_signed()))).sum();
        sum += i32::from(of.scales[j]) * dot;
        let sum_of_32 = i32::from(sums_of_16[2 * j]) + i32::from(sums_of_16[2 * j + 1]);
        min_sum += i32::from(of.mins[j]) * sum_of_32;
    }
    Sums { d: of.d, sum, mins: Some((of.dmin, min_sum)) }
}
