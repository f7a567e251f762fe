//! Divide and search again: a detector that finds one change becomes one that finds all.
//! In: a length and a search for the best change in a range. Out: every change, in order. Source: Vostrikova 1981.

use std::ops::Range;

/// Places in `0..n` at which `find` sees a change, first in the whole, then on both sides of each one found.
pub(super) fn divide(n: usize, find: impl Fn(Range<usize>) -> Option<usize>) -> Vec<usize> {
    let whole: Range<usize> = 0..n;
    let mut open = Vec::from([whole]);
    let mut found = Vec::new();
    while let Some(range) = open.pop() {
        let Some(place) = find(range.clone()) else { continue };
        // A change at an end divides nothing, and would be searched for ever.
        if place <= range.start || place >= range.end {
            continue;
        }
        found.push(place);
        open.push(range.start..place);
        open.push(place..range.end);
    }
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::divide;

    #[test]
    fn both_sides_of_a_find_are_searched() {
        let found = divide(16, |range| (range.len() >= 8).then(|| range.start.midpoint(range.end)));
        assert_eq!(found, [4, 8, 12]);
        assert!(divide(5, |range| Some(range.start)).is_empty(), "an end divides nothing");
        assert!(divide(0, |_| Some(0)).is_empty());
    }
}
