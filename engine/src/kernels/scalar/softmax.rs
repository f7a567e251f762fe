//! The exponential of the softmax: a polynomial in f64, rounded once to f32, with the same bits everywhere.
//! Source: Taylor's series on |r| ≤ ln 2 / 2; its remainder of degree 10 is below 7e-12, a ten-thousandth of an f32 ulp.

/// Adding it rounds to a whole number, half to even, and leaves that number in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// `1 / k!` for k = 9 down to 0.
const COEFFICIENTS: [f64; 10] = [
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
    1.0,
    1.0,
];

/// `exp(x)` for `x ≤ 88`, within 0.501 ulp; 0 below −87.
#[expect(clippy::cast_possible_truncation, reason = "the one rounding to f32")]
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let wide = f64::from(x);
    let shifted = wide.mul_add(std::f64::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-std::f64::consts::LN_2, wide);
    let mut p = COEFFICIENTS[0];
    for k in 1..10 {
        p = p.mul_add(r, COEFFICIENTS[k]);
    }
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(1023) << 52;
    let result = (p * f64::from_bits(exponent)) as f32;
    if x < -87.0 { 0.0 } else { result }
}

/// Lanes of the maximum and of the sum.
const LANES: usize = 16;

/// The softmax of the first `n`, zeros behind them. `x`: whole blocks of 16.
#[inline(always)]
pub(crate) fn softmax(x: &mut [f32], n: usize) {
    let (there, behind) = x.split_at_mut(n);
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let most = |a: f32, b: f32| if a > b { a } else { b }; // the second where the first is NaN
    let (blocks, rest) = there.as_chunks::<LANES>();
    for block in blocks {
        for l in 0..LANES {
            lanes[l] = most(block[l], lanes[l]);
        }
    }
    rest.iter().zip(&mut lanes).for_each(|(x, lane)| *lane = most(*x, *lane));
    let max = lanes.into_iter().fold(f32::NEG_INFINITY, |max, lane| most(lane, max));
    let max = max + 0.0; // which of two zeros was met first is no matter
    behind.fill(f32::NEG_INFINITY); // whose exponential is 0
    let (blocks, rest) = x.as_chunks_mut::<LANES>();
    assert!(rest.is_empty(), "whole blocks of {LANES}");
    let mut sums = [0.0_f32; LANES];
    for block in &mut *blocks {
        for x in &mut *block {
            *x = exp(*x - max);
        }
        for l in 0..LANES {
            sums[l] += block[l];
        }
    }
    for half in [8, 4, 2, 1] {
        for l in 0..half {
            sums[l] += sums[l + half];
        }
    }
    let inverse = 1.0 / sums[0];
    blocks.as_flattened_mut().iter_mut().for_each(|x| *x *= inverse);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_within_half_an_ulp_and_a_little() {
        let mut worst = 0.0_f64;
        // Every 97th float between 0 and -87, by bits; the reference is libm's f64.
        for bits in ((-0.0_f32).to_bits()..=(-87.0_f32).to_bits()).step_by(97) {
            let x = f32::from_bits(bits);
            let want = libm::exp(f64::from(x));
            #[expect(clippy::cast_possible_truncation, reason = "the reference, rounded")]
            let near = want as f32;
            let ulp = f64::from(f32::from_bits(near.to_bits() + 1)) - f64::from(near);
            worst = worst.max((f64::from(exp(x)) - want).abs() / ulp);
        }
        assert!(worst < 0.501, "worst error {worst} ulp");
        assert_eq!(exp(0.0).to_bits(), 1.0_f32.to_bits());
        assert_eq!(exp(-87.5).to_bits(), 0.0_f32.to_bits());
        assert_eq!(exp(f32::NEG_INFINITY).to_bits(), 0.0_f32.to_bits());
    }
}
