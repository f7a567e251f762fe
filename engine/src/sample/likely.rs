//! Which token is likelier, decided in one place: the larger logit, the lower id first among equals.

use std::cmp::Ordering;

/// A token with its logit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likely {
    /// The token.
    pub id: u32,
    /// Its logit, as the full product gives it.
    pub logit: f32,
}

/// Likeliest first. Total where logits are finite.
pub(crate) fn order(a: &Likely, b: &Likely) -> Ordering {
    b.logit.partial_cmp(&a.logit).unwrap_or(Ordering::Equal).then(a.id.cmp(&b.id))
}

/// Cuts what lies from place `first` on to the `k` first by `order`, sorted.
pub(crate) fn keep<T>(
    all: &mut Vec<T>,
    first: usize,
    k: usize,
    order: impl Fn(&T, &T) -> Ordering,
) {
    if k < all.len() - first {
        all[first..].select_nth_unstable_by(k, &order);
        all.truncate(first + k);
    }
    all[first..].sort_unstable_by(order);
}

/// The likeliest of all, which are finite; `None` of none.
pub(crate) fn likeliest(logits: &[f32]) -> Option<Likely> {
    // Two passes without a branch that depends on the one before vectorise; equal numbers, zeros of either sign among
    // them, end the second at the lowest id.
    let largest =
        logits.iter().fold(f32::NEG_INFINITY, |most, x| if *x > most { *x } else { most });
    let id = logits.iter().position(|x| *x >= largest)?;
    #[expect(clippy::cast_possible_truncation, reason = "ids are u32")]
    Some(Likely { id: id as u32, logit: logits[id] })
}

/// Adds the `k` likeliest of all, likeliest first.
pub(crate) fn k_likeliest(logits: &[f32], k: usize, out: &mut Vec<Likely>) {
    if k == 1 {
        return out.extend(likeliest(logits)); // the usual case needs no list
    }
    let first = out.len();
    out.extend((0..).zip(logits).map(|(id, logit)| Likely { id, logit: *logit }));
    keep(out, first, k, order);
}

/// Whether all are numbers. Without an early exit it vectorises.
pub(crate) fn all_finite(logits: &[f32]) -> bool {
    logits.iter().fold(true, |finite, x| finite & x.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_is_the_first_of_the_k_likeliest_wherever_it_stands() {
        for n in [1, 2, 15, 16, 17, 100] {
            for place in 0..n {
                let mut logits = vec![-1.5_f32; n];
                logits[place] = -0.5;
                logits[n - 1] = logits[n - 1].max(-0.5); // an equal one behind it
                let mut two = Vec::new();
                k_likeliest(&logits, 2.min(n), &mut two);
                assert_eq!(likeliest(&logits), Some(two[0]));
                assert_eq!(two[0].id as usize, place, "{n}");
            }
        }
        assert_eq!(likeliest(&[-0.0, 0.0]).map(|likely| likely.id), Some(0));
        assert_eq!(likeliest(&[]), None);
    }

    #[test]
    fn what_is_no_number_is_found_wherever_it_stands() {
        for n in [1, 15, 16, 17, 100] {
            for place in 0..n {
                for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    let mut logits = vec![f32::MAX; n];
                    assert!(all_finite(&logits));
                    logits[place] = bad;
                    assert!(!all_finite(&logits), "{bad} at {place} of {n}");
                }
            }
        }
    }
}
