//! Which commit to look at next, and between which two the change lies: halving that walks around what cannot be measured.
//!
//! In: how many commits, what was found of some of them. Out: the next one; or, where none is left, the suspects. Commits are
//! numbered from the good one, 0, to the bad one. Nothing here builds or measures.
//!
//! Commits that do not build come in runs. What lies between two of them is taken for broken too, as long as there is something
//! else: the next try is beyond either end of that run, at most as far away as it is long. So the run doubles with each failure, and
//! one of `k` commits costs about `log2 k` tries, not `k`.

use std::collections::BTreeSet;

/// On which side of the change a commit lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// As the good one.
    Good,
    /// As the bad one.
    Bad,
}

/// A search under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Search {
    /// The last commit that is known to be good.
    pub(crate) good: usize,
    /// The first one that is known to be bad.
    pub(crate) bad: usize,
    skipped: BTreeSet<usize>,
}

impl Search {
    /// Commit 0 is good, commit `n` is bad.
    pub(super) const fn new(n: usize) -> Self {
        Self { good: 0, bad: n, skipped: BTreeSet::new() }
    }

    /// The next commit to look at; `None` where no commit between the two can be measured.
    pub(super) fn next(&self) -> Option<usize> {
        let (good, bad) = (self.good, self.bad);
        let mut skipped = self.skipped.range(good + 1..bad);
        let middle = good.midpoint(bad);
        let Some(first) = skipped.next() else { return (bad - good > 1).then_some(middle) };
        let last = skipped.next_back().unwrap_or(first);
        if !(*first..=*last).contains(&middle) && middle > good {
            return Some(middle);
        }
        let (before, after, length) = (first - good - 1, bad - last - 1, last - first + 1);
        if before + after > 0 {
            return Some(match before >= after {
                true => first - length.min(before.div_ceil(2)),
                false => last + length.min(after.div_ceil(2)),
            });
        }
        let left = (*first..*last).filter(|idx| !self.skipped.contains(idx));
        left.min_by_key(|idx| idx.abs_diff(middle))
    }

    /// Looks that are still needed if every commit can be measured: the logarithm of what is left, rounded up.
    pub(super) const fn looks_left(&self) -> u32 {
        let left = self.bad - self.good;
        left.next_power_of_two().trailing_zeros()
    }

    /// Takes what was found of a commit between the two.
    pub(super) const fn take(&mut self, idx: usize, side: Side) {
        match side {
            Side::Good => self.good = idx,
            Side::Bad => self.bad = idx,
        }
    }

    /// A commit that cannot be measured.
    pub(super) fn skip(&mut self, idx: usize) {
        self.skipped.insert(idx);
    }

    /// Whether one commit is left: the first bad one's parent is good.
    pub(super) const fn is_resolved(&self) -> bool {
        self.bad - self.good == 1
    }
}

#[cfg(test)]
mod tests {
    use engine::Drawing;

    use super::*;

    /// Searches `n` commits of which `culprit` is the first bad one; returns the end, looks that said something, and skips.
    fn searched(n: usize, culprit: usize, broken: &BTreeSet<usize>) -> (Search, u32, usize) {
        let mut search = Search::new(n);
        let (mut n_looks, mut n_skips) = (0, 0);
        while let Some(idx) = search.next() {
            assert!(search.good < idx && idx < search.bad, "{search:?} asks for {idx}");
            if broken.contains(&idx) {
                search.skip(idx);
                n_skips += 1;
                continue;
            }
            search.take(idx, if idx >= culprit { Side::Bad } else { Side::Good });
            n_looks += 1;
        }
        (search, n_looks, n_skips)
    }

    #[test]
    fn every_culprit_among_up_to_forty_commits_is_found_in_as_many_looks_as_halving_takes() {
        for n in 1..=40 {
            let most = Search::new(n).looks_left();
            assert!(1 << most >= n && (most == 0 || 1 << (most - 1) < n), "n {n}: {most}");
            for culprit in 1..=n {
                let (end, n_looks, _) = searched(n, culprit, &BTreeSet::new());
                assert!(end.is_resolved() && end.bad == culprit, "n {n}, {culprit}: {end:?}");
                assert!(n_looks <= most, "n {n}, {culprit}: {n_looks} looks");
            }
        }
        assert_eq!(Search::new(16).looks_left(), 4, "with both ends, six builds");
    }

    #[test]
    fn commits_that_cannot_be_measured_leave_the_culprit_and_them_as_suspects() {
        let mut draw = Drawing::new(42, "test/bisect/skips");
        for n in 1..=40_u32 {
            for _ in 0..60 {
                let share = draw.below(101);
                let broken = (1..n).filter(|_| draw.below(100) < share).map(|idx| idx as usize);
                let broken: BTreeSet<usize> = broken.collect();
                let culprit = 1 + draw.below(n) as usize;
                let (end, _, n_skips) = searched(n as usize, culprit, &broken);
                assert!(end.good < culprit && culprit <= end.bad, "n {n}, {culprit}, {broken:?}");
                // All that is left in doubt is broken, and what can be measured beside it was.
                assert!((end.good + 1..end.bad).all(|idx| broken.contains(&idx)), "{end:?}");
                assert!(!broken.contains(&end.good) && !broken.contains(&end.bad), "{end:?}");
                assert!(n_skips <= broken.len());
            }
        }
    }

    #[test]
    fn a_run_of_broken_commits_costs_few_tries() {
        // Commits 400 to 599 of 1000 do not build.
        let broken: BTreeSet<usize> = (400..600).collect();
        for culprit in [1, 250, 399, 601, 700, 1000] {
            let (end, n_looks, n_skips) = searched(1000, culprit, &broken);
            assert!(end.is_resolved() && end.bad == culprit, "{culprit}: {end:?}");
            assert!(n_looks <= 20 && n_skips <= 16, "{culprit}: {n_looks} looks, {n_skips} skips");
        }
    }
}
