//! Top-p (nucleus) sampling: keep the smallest set of likeliest candidates whose share reaches `p`.
//! In: weighed candidates, any order. Out: the set, likeliest first. Source: Holtzman et al. 2020, §3.1.

use super::logits::{Candidate, likelier};

/// Candidates sorted at first; a nucleus is seldom larger, and sorting a whole vocabulary is not needed to find it.
const FIRST: usize = 64;

/// Cuts to the nucleus; `p` is in `(0, 1]`. At least one candidate stays.
pub(super) fn keep(candidates: &mut Vec<Candidate>, p: f32) {
    let enough = f64::from(p) * candidates.iter().map(|candidate| candidate.weight).sum::<f64>();
    let mut sorted = FIRST;
    loop {
        let whole = sorted >= candidates.len();
        if !whole {
            candidates.select_nth_unstable_by(sorted, likelier);
        }
        let head = sorted.min(candidates.len());
        candidates[..head].sort_unstable_by(likelier);
        let nucleus = reach(&candidates[..head], enough);
        if whole || nucleus.is_some() {
            candidates.truncate(nucleus.unwrap_or(head));
            return;
        }
        sorted *= 4;
    }
}

/// How many candidates from the front it takes to gather a weight of `enough`.
fn reach(candidates: &[Candidate], enough: f64) -> Option<usize> {
    let mut gathered = 0.0;
    let last = candidates.iter().position(|candidate| {
        gathered += candidate.weight;
        gathered >= enough
    })?;
    Some(last + 1)
}

#[cfg(test)]
mod tests {
    use super::super::logits::fill;
    use super::super::temperature::weigh;
    use super::*;

    fn kept(logits: &[f32], p: f32) -> Vec<u32> {
        let mut candidates = Vec::new();
        fill(&mut candidates, logits);
        weigh(&mut candidates, 1.0);
        keep(&mut candidates, p);
        candidates.iter().map(|candidate| candidate.id).collect()
    }

    #[test]
    fn the_smallest_set_that_reaches_p_stays() {
        // Equal logits: each of the four has share 1/4, and ids break ties.
        let logits = [0.0; 4];
        for (p, n) in [(1e-9, 1), (0.25, 1), (0.26, 2), (0.5, 2), (0.75, 3), (0.76, 4), (1.0, 4)] {
            assert_eq!(kept(&logits, p), (0..n).collect::<Vec<u32>>(), "p = {p}");
        }
    }

    #[test]
    fn a_wide_nucleus_is_found_beyond_the_first_sorted_part() {
        let logits = [0.0; 1024];
        for n in [1_u16, 63, 64, 65, 256, 257, 1000, 1024] {
            let p = f32::from(n) / 1024.0; // exact
            assert_eq!(kept(&logits, p), (0..n.into()).collect::<Vec<u32>>(), "p = {p}");
        }
    }

    #[test]
    fn order_is_by_likelihood() {
        assert_eq!(kept(&[1.0, 3.0, 2.0], 1.0), [1, 2, 0]);
        assert_eq!(kept(&[1.0, 9.0, 2.0], 0.9), [1]);
    }
}
