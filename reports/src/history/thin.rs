//! Thinning: how a chart of a few hundred pixels shows a history of thousands of sessions.
//!
//! In: the number of points, the places where a group must begin (changes and gaps). Out: groups of points that follow one
//! another. The rule: at most [`MOST_GROUPS`] groups beside those that such places make, as even as whole numbers allow; **no
//! group reaches over a change**, so each change stays where it is; the extremes of a group are drawn, so no outlier is lost.

use std::ops::Range;

/// A chart shows as many sessions each by itself; of more, groups.
pub const MOST_GROUPS: usize = 160;

/// The groups of `n` points; every place in `bounds` begins one.
#[must_use]
pub fn groups(n: usize, bounds: &[usize]) -> Vec<Range<usize>> {
    let size = n.div_ceil(MOST_GROUPS).max(1);
    let mut bounds: Vec<usize> = bounds.iter().copied().filter(|at| (1..n).contains(at)).collect();
    bounds.extend([0, n]);
    bounds.sort_unstable();
    bounds.dedup();
    let mut groups = Vec::new();
    for stretch in bounds.windows(2) {
        let (start, len) = (stretch[0], stretch[1] - stretch[0]);
        let parts = len.div_ceil(size);
        groups.extend(
            (0..parts).map(|nth| start + len * nth / parts..start + len * (nth + 1) / parts),
        );
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::{MOST_GROUPS, groups};

    #[test]
    fn few_points_stand_alone() {
        assert_eq!(groups(3, &[]), [0..1, 1..2, 2..3]);
        assert_eq!(groups(MOST_GROUPS, &[7]).len(), MOST_GROUPS);
        assert_eq!(groups(0, &[]), []);
        assert_eq!(groups(1, &[0, 1, 9]).len(), 1);
    }

    #[test]
    fn every_point_is_in_one_group_and_every_change_begins_one() {
        for n in [161, 1_000, 9_999, 10_000] {
            for changes in [vec![], vec![1, 2, n / 2, n - 1], (3..n).step_by(7).collect()] {
                let groups = groups(n, &changes);
                assert_eq!(groups.first().map(|group| group.start), Some(0));
                assert_eq!(groups.last().map(|group| group.end), Some(n));
                assert!(groups.windows(2).all(|two| two[0].end == two[1].start));
                assert!(groups.iter().all(|group| !group.is_empty()));
                for change in &changes {
                    assert!(groups.iter().any(|group| group.start == *change), "{n}: {change}");
                }
                assert!(
                    groups.len() <= MOST_GROUPS + 2 * (changes.len() + 1),
                    "{n}: {}",
                    groups.len()
                );
            }
        }
    }
}
