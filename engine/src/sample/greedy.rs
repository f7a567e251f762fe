//! Greedy choice: the likeliest token, the lowest id among equals.

use super::{likely::likeliest, logits::check};
use crate::Result;

/// The id of the largest of `logits` (`[n_vocab]`); the lowest among equal ones.
///
/// # Errors
/// [`crate::ErrorKind::NonFinite`] if a logit is not finite, [`crate::ErrorKind::InvalidArgument`] if there is none.
///
/// # Panics
/// Never: there is one, and it is a number.
pub fn greedy(logits: &[f32]) -> Result<u32> {
    check(logits)?;
    Ok(likeliest(logits).expect("there is one").id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_wins_and_the_lowest_id_among_equals() {
        assert_eq!(greedy(&[-3.0, -1.0, -2.0]).unwrap(), 1);
        assert_eq!(greedy(&[1.0, 2.0, 2.0, 2.0]).unwrap(), 1);
        assert_eq!(greedy(&[-0.0, 0.0]).unwrap(), 0);
        assert_eq!(greedy(&[f32::MIN]).unwrap(), 0);
    }
}
