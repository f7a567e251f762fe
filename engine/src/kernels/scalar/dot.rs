//! Dot products over 256 strided lanes and a binary tree (`docs/numerics.md`, "Dot products").

use half::f16;

use super::super::Four;

/// Lanes of a sum over `n` values.
#[inline(always)]
pub(crate) fn lanes(n: usize) -> usize {
    n.next_power_of_two().clamp(16, 256)
}

/// Halves `lane[..width]` until one is left.
#[inline(always)]
pub(crate) fn tree(lane: &mut [f32; 256], width: usize) -> f32 {
    let mut half = width / 2;
    while half > 0 {
        for l in 0..half {
            lane[l] += lane[l + half];
        }
        half /= 2;
    }
    lane[0]
}

/// `Σ a_i b_i`, both of the same length.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "lengths of a dot product");
    let mut lane = [0.0_f32; 256];
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        lane[i % 256] = a.mul_add(*b, lane[i % 256]);
    }
    tree(&mut lane, lanes(a.len()))
}

/// The dot products of `w` with four interleaved others: see `Kernels::dot_4`.
pub(crate) fn dot_4(w: &[f32], x: &[Four]) -> [f32; 4] {
    Four::assert_fits(w, x);
    let mut one = Vec::with_capacity(w.len());
    [0, 1, 2, 3].map(|t| {
        one.clear();
        one.extend(x.iter().flat_map(|Four(block)| block[t]));
        dot(w, &one)
    })
}

/// F16 bytes to f32, exactly.
#[inline(always)]
pub(crate) fn widen_f16(w: &[u8], out: &mut [f32]) {
    let (pairs, rest) = w.as_chunks::<2>();
    assert!(rest.is_empty() && pairs.len() == out.len(), "two bytes a value");
    for (pair, out) in pairs.iter().zip(out) {
        *out = f16::from_le_bytes(*pair).to_f32();
    }
}

/// `Σ w_i x_i` with F16 weights.
#[inline(always)]
pub(crate) fn dot_f16(w: &[u8], x: &[f32]) -> f32 {
    let mut wide = vec![0.0; x.len()];
    widen_f16(w, &mut wide);
    dot(&wide, x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_the_one_of_the_numerics_page() {
        // Three values in 16 lanes: (1e8 + 1) is lost in lane order only if lanes were added one after the other.
        let x = [1e8, 1.0, -1e8];
        // Lanes 0, 1, 2 -> halving by 8, 4 adds zeros; by 2: lane0 = 1e8 - 1e8 = 0, lane1 = 1; by 1: 1.
        assert_eq!(dot(&x, &[1.0; 3]).to_bits(), 1.0_f32.to_bits());
        // A running sum would give 0: 1e8 + 1 rounds to 1e8.
        assert_eq!(((1e8_f32 + 1.0) - 1e8).to_bits(), 0.0_f32.to_bits());
    }

    #[test]
    fn dot_is_close_to_f64_and_exact_on_small_integers() {
        for n in [0_usize, 1, 15, 16, 17, 255, 256, 257, 511, 512, 1000] {
            let a: Vec<f32> =
                (0..n).map(|i| f32::from(u8::try_from(i % 7).unwrap()) - 3.0).collect();
            let b: Vec<f32> =
                (0..n).map(|i| f32::from(u8::try_from(i % 5).unwrap()) - 2.0).collect();
            let want: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            assert!((f64::from(dot(&a, &b)) - want).abs() < 1e-12, "n={n}");
        }
    }
}
