//! Min-p: keep the candidates that are at least a share `p` as likely as the likeliest.
//! In: weighed candidates, any order. Out: those that stay, in their order. Source: Nguyen et al. 2024, §3.

use super::logits::Candidate;

/// Cuts to the candidates whose weight is at least `p` times the largest; `p` is in `[0, 1]`. At least one stays.
pub(super) fn keep(candidates: &mut Vec<Candidate>, p: f32) {
    let largest = candidates.iter().map(|candidate| candidate.weight).fold(0.0, f64::max);
    let least = f64::from(p) * largest;
    candidates.retain(|candidate| candidate.weight >= least);
}

#[cfg(test)]
mod tests {
    use super::super::logits::fill;
    use super::super::temperature::weigh;
    use super::*;

    #[test]
    fn the_share_is_of_the_likeliest_and_not_of_all() {
        // Weights 1, 1/2, 1/4, 1/8 to within a rounding of the exponential.
        let logits = [0.0, -0.693, -1.386, -2.079];
        for (p, n) in [(0.0, 4), (0.1, 4), (0.2, 3), (0.4, 2), (0.51, 1), (1.0, 1)] {
            let mut candidates = Vec::new();
            fill(&mut candidates, &logits);
            weigh(&mut candidates, 1.0);
            keep(&mut candidates, p);
            let ids: Vec<u32> = candidates.iter().map(|candidate| candidate.id).collect();
            assert_eq!(ids, (0..n).collect::<Vec<u32>>(), "p = {p}");
        }
    }
}
