//! Holm's step-down: which of a family of p-values are rejected while one false rejection anywhere stays under alpha.
//!
//! In: p-values in any order. Out: for each, the level it must reach and whether it does. Source: Holm 1979.

/// For each p-value, in the order given: rejected or not at family-wise level `alpha`.
#[must_use]
pub fn rejected(p_values: &[f64], alpha: f64) -> Vec<bool> {
    let mut by_size: Vec<usize> = (0..p_values.len()).collect();
    by_size.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut rejected = vec![false; p_values.len()];
    for (rank, place) in by_size.iter().enumerate() {
        // A NaN p-value is no evidence: the comparison is false, and the walk stops.
        let holds = p_values[*place] <= alpha / super::yuen::as_f64(p_values.len() - rank);
        if !holds {
            break;
        }
        rejected[*place] = true;
    }
    rejected
}

#[cfg(test)]
mod tests {
    use super::rejected;

    #[test]
    fn the_smallest_p_meets_the_full_family_and_the_next_a_smaller_one() {
        // By the definition: .010 ≤ .05/4, .012 ≤ .05/3, but .030 > .05/2, and there the walk ends.
        assert_eq!(rejected(&[0.012, 0.04, 0.03, 0.01], 0.05), [true, false, false, true]);
        assert_eq!(rejected(&[0.02, 0.3], 0.05), [true, false]);
    }

    #[test]
    fn a_larger_p_cannot_pass_where_a_smaller_one_failed() {
        assert_eq!(rejected(&[0.03, 0.04], 0.05), [false, false]);
        assert_eq!(rejected(&[f64::NAN, 0.9], 0.05), [false, false]);
        assert!(rejected(&[], 0.05).is_empty());
    }
}
