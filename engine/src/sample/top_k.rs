//! Top-k: keep the `k` likeliest candidates, the lower ids among equals at the edge.
//! In: candidates, any order. Out: at most `k`, likeliest first. Source: Fan, Lewis & Dauphin 2018, §5.4.

use super::{
    likely,
    logits::{Candidate, likelier},
};

/// Cuts to the `k` likeliest, sorted; `k` is above 0.
pub(super) fn keep(candidates: &mut Vec<Candidate>, k: usize) {
    likely::keep(candidates, 0, k, likelier);
}

#[cfg(test)]
mod tests {
    use super::super::logits::fill;
    use super::*;

    #[test]
    fn the_k_likeliest_stay_and_ties_at_the_edge_go_to_the_lower_id() {
        let logits = [1.0, 5.0, 2.0, 2.0, 9.0, 2.0];
        for (k, expected) in [
            (1, &[4][..]),
            (3, &[4, 1, 2]),
            (4, &[4, 1, 2, 3]),
            (6, &[4, 1, 2, 3, 5, 0]),
            (9, &[4, 1, 2, 3, 5, 0]),
        ] {
            let mut candidates = Vec::new();
            fill(&mut candidates, &logits);
            keep(&mut candidates, k);
            let ids: Vec<u32> = candidates.iter().map(|candidate| candidate.id).collect();
            assert_eq!(ids, expected, "k = {k}");
        }
    }
}
