//! Logits as candidates: what the stages cut, weigh and draw from.

use std::cmp::Ordering;

use super::likely::{Likely, all_finite, order};
use crate::{Error, ErrorKind, Result};

/// A token that may be drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) id: u32,
    pub(super) logit: f32,
    /// Its share of the draw, not normalised; set by the temperature stage.
    pub(super) weight: f64,
}

impl Candidate {
    const fn likely(&self) -> Likely {
        Likely { id: self.id, logit: self.logit }
    }
}

/// Likeliest first; the lower id first among equals. Total, since logits are finite here.
pub(super) fn likelier(a: &Candidate, b: &Candidate) -> Ordering {
    order(&a.likely(), &b.likely())
}

/// Refuses an empty list and any logit that is not finite.
pub(super) fn check(logits: &[f32]) -> Result<()> {
    if !logits.is_empty() && all_finite(logits) {
        return Ok(());
    }
    let ids = 0..u32::try_from(logits.len()).unwrap_or(u32::MAX);
    check_each(ids.zip(logits.iter().copied()))
}

/// The same of tokens with their logits.
pub(super) fn check_each(logits: impl ExactSizeIterator<Item = (u32, f32)>) -> Result<()> {
    let mut logits = logits;
    if logits.len() == 0 {
        return Err(Error::new(ErrorKind::InvalidArgument, "sample: expected logits, found none"));
    }
    match logits.find(|(_, logit)| !logit.is_finite()) {
        None => Ok(()),
        Some((id, logit)) => Err(Error::new(
            ErrorKind::NonFinite,
            format!("sample: expected finite logits, found {logit} for token {id}"),
        )),
    }
}

/// Fills `candidates` with one for every logit, in the order of the ids.
pub(super) fn fill(candidates: &mut Vec<Candidate>, logits: &[f32]) {
    candidates.clear();
    let ids = 0_u32..;
    candidates.extend(ids.zip(logits).map(|(id, &logit)| Candidate { id, logit, weight: 0.0 }));
}

/// The same with one for each of some tokens.
pub(super) fn fill_likely(candidates: &mut Vec<Candidate>, likely: &[Likely]) {
    candidates.clear();
    let candidate =
        |Likely { id, logit }: &Likely| Candidate { id: *id, logit: *logit, weight: 0.0 };
    candidates.extend(likely.iter().map(candidate));
}

/// The candidate in whose share `unit`, from `[0, 1)`, falls.
pub(super) fn at(candidates: &[Candidate], unit: f64) -> u32 {
    let total: f64 = candidates.iter().map(|candidate| candidate.weight).sum();
    let mut left = unit * total;
    for candidate in candidates {
        if left < candidate.weight {
            return candidate.id;
        }
        left -= candidate.weight;
    }
    // Rounding may leave a remainder; it belongs to the last candidate that has a share.
    let last = candidates.iter().rev().find(|candidate| candidate.weight > 0.0);
    last.expect("the likeliest candidate has weight 1").id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_weights(weights: &[f64]) -> Vec<Candidate> {
        let ids = 0_u32..;
        ids.zip(weights).map(|(id, &weight)| Candidate { id, logit: 0.0, weight }).collect()
    }

    #[test]
    fn a_share_is_half_open() {
        let candidates = with_weights(&[1.0, 0.0, 2.0, 1.0]);
        let drawn = [0.0, 0.2499, 0.25, 0.7499, 0.75, 0.9999].map(|unit| at(&candidates, unit));
        assert_eq!(drawn, [0, 0, 2, 2, 3, 3]);
    }

    #[test]
    fn a_remainder_goes_to_the_last_with_a_share() {
        assert_eq!(at(&with_weights(&[1.0, 1.0, 0.0]), 1.0), 1);
    }

    #[test]
    fn equal_logits_come_in_the_order_of_ids_and_minus_zero_equals_zero() {
        let mut candidates = Vec::new();
        fill(&mut candidates, &[0.0, 1.0, -0.0, 1.0]);
        candidates.reverse();
        candidates.sort_by(likelier);
        let ids: Vec<u32> = candidates.iter().map(|candidate| candidate.id).collect();
        assert_eq!(ids, [1, 3, 0, 2]);
    }

    #[test]
    fn a_logit_that_is_not_finite_is_named() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let e = check(&[0.0, bad]).unwrap_err();
            assert_eq!(e.kind(), ErrorKind::NonFinite);
            assert!(e.to_string().ends_with("for token 1"), "{e}");
        }
        assert_eq!(check(&[]).unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
}
