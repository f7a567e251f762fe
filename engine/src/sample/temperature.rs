//! Temperature: logits to weights, `exp((logit - largest) / temperature)` in f64.
//! In: candidates, any order, not empty. Out: the same ones; the likeliest has weight exactly 1.

use super::logits::Candidate;

/// Sets the weights. `temperature` is above 0.
pub(super) fn weigh(candidates: &mut [Candidate], temperature: f32) {
    let largest = candidates.iter().map(|candidate| candidate.logit).fold(f32::MIN, f32::max);
    for candidate in candidates {
        let distance = f64::from(candidate.logit) - f64::from(largest);
        // libm, not the platform's exp: the last bit could move a draw.
        candidate.weight = libm::exp(distance / f64::from(temperature));
    }
}

#[cfg(test)]
mod tests {
    use super::super::logits::fill;
    use super::*;

    fn weights(logits: &[f32], temperature: f32) -> Vec<f64> {
        let mut candidates = Vec::new();
        fill(&mut candidates, logits);
        weigh(&mut candidates, temperature);
        candidates.iter().map(|candidate| candidate.weight).collect()
    }

    #[test]
    fn temperature_divides_the_distance_to_the_largest() {
        // exp(-1) to 17 digits, from tables: 0.36787944117144233.
        assert_eq!(weights(&[1.0, 3.0], 2.0), [0.367_879_441_171_442_33, 1.0]);
        assert_eq!(weights(&[2.0, 3.0], 1.0), [0.367_879_441_171_442_33, 1.0]);
    }

    #[test]
    fn extreme_logits_and_temperatures_stay_finite() {
        for temperature in [f32::MIN_POSITIVE, 1e-3, 1e3, f32::MAX] {
            for weight in weights(&[f32::MIN, 0.0, f32::MAX], temperature) {
                assert!((0.0..=1.0).contains(&weight));
            }
        }
    }
}
