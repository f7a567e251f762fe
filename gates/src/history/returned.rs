//! Went away: a level that is left again within five points was trouble on the machine, not a change of the code.
//!
//! In: the series and its agreed changes. Out: the changes that stay. Both ends of such a spell are dropped. Where fewer than
//! three points lie beyond the five, nobody knows yet, and the change stays. Levels are medians of up to ten points.

use super::MIN_SEGMENT;
use baselines::quantile::median;
use std::ops::Range;

/// Points within which a level must be left again.
const SPELL: usize = 5;

/// Points that a level is read from.
const REACH: usize = 10;

/// The places of `changes`, in order, whose level doesn't return, and which are no return themselves.
pub(super) fn staying(values: &[f64], changes: &[usize]) -> Vec<usize> {
    let n = values.len();
    let backward: Vec<f64> = values.iter().rev().copied().collect();
    let mirrored: Vec<usize> = changes.iter().rev().map(|place| n - place).collect();
    changes
        .iter()
        .enumerate()
        .filter(|(nth, _)| {
            // Read backward, the end of a spell is its begin.
            !begins_a_spell(values, changes, *nth)
                && !begins_a_spell(&backward, &mirrored, changes.len() - 1 - nth)
        })
        .map(|(_, place)| *place)
        .collect()
}

/// Whether the level after the `nth` change is left for the one before it, within five points.
fn begins_a_spell(values: &[f64], changes: &[usize], nth: usize) -> bool {
    let n = values.len();
    let place = changes[nth];
    let bound = |nth: usize| changes.get(nth).copied().unwrap_or(n);
    let next = bound(nth + 1);
    let later = if nth + 1 == changes.len() {
        place + SPELL..n
    } else if next <= place + SPELL {
        next..bound(nth + 2)
    } else {
        // The level holds until the next change, which comes too late.
        return false;
    };
    if later.len() < MIN_SEGMENT {
        return false;
    }
    let first = if nth == 0 { 0 } else { changes[nth - 1] };
    let level = |range: Range<usize>| median(&values[range]).unwrap_or(0.0);
    let before = level(first.max(place.saturating_sub(REACH))..place);
    let step = level(place..next.min(place + SPELL)) - before;
    let left_of_step = level(later.start..later.end.min(later.start + REACH)) - before;
    // Same sign and at least half as large: it stayed.
    left_of_step * step < step * step / 2.0
}

#[cfg(test)]
mod tests {
    use super::staying;

    fn series(levels: &[(f64, usize)]) -> Vec<f64> {
        levels.iter().flat_map(|(level, n)| std::iter::repeat_n(*level, *n)).collect()
    }

    #[test]
    fn a_spell_of_five_points_goes_away_with_both_ends() {
        let values = series(&[(0.0, 20), (1.0, 5), (0.0, 20)]);
        assert!(staying(&values, &[20, 25]).is_empty());
        assert!(staying(&values, &[20]).is_empty(), "one end seen");
        assert!(staying(&values, &[25]).is_empty(), "the other end seen");
    }

    #[test]
    fn what_lasts_six_points_stays() {
        assert_eq!(staying(&series(&[(0.0, 20), (1.0, 6), (0.0, 20)]), &[20, 26]), [20, 26]);
        assert_eq!(staying(&series(&[(0.0, 20), (1.0, 20)]), &[20]), [20]);
    }

    #[test]
    fn a_second_step_in_the_same_direction_is_no_return() {
        let values = series(&[(0.0, 20), (1.0, 4), (2.0, 20)]);
        assert_eq!(staying(&values, &[20, 24]), [20, 24]);
    }

    #[test]
    fn what_nobody_knows_yet_stays() {
        assert_eq!(staying(&series(&[(0.0, 20), (1.0, 5), (0.0, 2)]), &[20]), [20]);
        assert_eq!(staying(&series(&[(0.0, 20), (1.0, 4)]), &[20]), [20]);
    }
}
