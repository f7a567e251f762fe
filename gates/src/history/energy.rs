//! E-divisive: the split with the largest energy distance between its two sides, against the largest of shuffled series.
//!
//! In: values in the order of time, a seed. Out: first places of new levels. Nothing is assumed of the distribution: if
//! the order says nothing, the observed series is one of 1,000 equally likely ones, and a split stands if it is among the
//! 5 largest. The largest split meets the largest splits; a t-test at the place chosen by the data would fire on every
//! second series of noise.
//!
//! `Q(l) = (l·r/n)·(2·mean|x − y| − mean|x − x'| − mean|y − y'|)`, `x` among the `l` left values, `y` among the `r` right,
//! `|x − x'|` over pairs of different values; values are first bounded to the segment's median ± 3 robust SD. Unlike the
//! paper, a split is searched over whole segments only, not over all windows inside them. Source: Matteson & James 2014,
//! §2–3; Huber 1964 (the bound); Besag & Clifford 1991 (stop once the answer is no).

use super::{MIN_SEGMENT, divide::divide};
use crate::stats::{noise::MAD_TO_SD, yuen::as_f64};
use baselines::quantile::median;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use std::ops::Range;

/// Shuffles of a segment.
pub const N_PERMUTATIONS: u32 = 999;

/// Shuffles that may reach the observed split: (4 + 1) of (999 + 1) is a level of .005.
pub const MAX_EXCEEDING: u32 = 4;

/// Shuffles from which the tail is read.
const IN_TAIL: usize = 50;

/// Robust standard deviations that a value may lie from the median of its segment.
const BOUND_SDS: f64 = 3.0;

/// The level of a segment: .005.
const LEVEL: f64 = (MAX_EXCEEDING + 1) as f64 / (N_PERMUTATIONS + 1) as f64;

/// The changes found in `values`, all finite.
#[must_use]
pub fn change_points(values: &[f64], seed: u64) -> Vec<usize> {
    divide(values.len(), |range| split_of(values, range, 0, 1, seed))
}

/// Those of a block that begins at point `start` of its series, one of `family`, that can lie within two points of
/// one of `wanted`: a segment without any of these is not searched. All others are as they would be without `wanted`.
pub(super) fn change_points_near(
    values: &[f64],
    wanted: &[usize],
    start: usize,
    family: usize,
    seed: u64,
) -> Vec<usize> {
    divide(values.len(), |range| {
        // Splits leave three points on both sides, so that none is within two of a place outside or at an end.
        let is_wanted = wanted.iter().any(|place| range.start < *place && *place < range.end);
        if is_wanted { split_of(values, range, start, family, seed) } else { None }
    })
}

/// The split of a segment, if it is significant.
fn split_of(
    values: &[f64],
    range: Range<usize>,
    start: usize,
    family: usize,
    seed: u64,
) -> Option<usize> {
    let mut shuffles = Shuffles::new(seed, start + range.start, start + range.end);
    let place = significant_split(&values[range.clone()], &mut shuffles, family)?;
    Some(range.start + place)
}

/// The best split of `values`, if shuffled values seldom have one as good.
fn significant_split(values: &[f64], shuffles: &mut Shuffles, family: usize) -> Option<usize> {
    if values.len() < 2 * MIN_SEGMENT {
        return None;
    }
    let mut search = Search::of(&bounded(values));
    let (place, observed) = search.best_split();
    if observed <= 0.0 {
        return None;
    }
    // Sums taken in another order may differ in the last digits: equal must not count as smaller.
    let reached = observed * (1.0 - 1e-9);
    let mut n_exceeding = 0;
    let mut largest = Vec::new();
    for _ in 0..N_PERMUTATIONS {
        shuffles.shuffle(&mut search.ranks);
        let shuffled = search.best_split().1;
        n_exceeding += u32::from(shuffled >= reached);
        if n_exceeding > MAX_EXCEEDING {
            return None;
        }
        largest.push(shuffled);
    }
    (family <= 1 || tail(&mut largest, observed) <= LEVEL / as_f64(family)).then_some(place)
}

/// The share of shuffles that would reach `observed`, beyond what so few can count: the largest [`IN_TAIL`] are taken as the
/// begin of an exponential tail, which is that of a sum of weighted squares.
fn tail(shuffled: &mut [f64], observed: f64) -> f64 {
    shuffled.sort_by(|a, b| b.total_cmp(a));
    let (tail, rest) = shuffled.split_at(IN_TAIL.min(shuffled.len()));
    let edge = rest.first().copied().unwrap_or(0.0);
    let mean_excess = tail.iter().map(|one| one - edge).sum::<f64>() / as_f64(tail.len());
    if mean_excess <= 0.0 {
        return if observed > edge { 0.0 } else { 1.0 };
    }
    let share = as_f64(tail.len()) / as_f64(shuffled.len());
    share * libm::exp(-(observed - edge) / mean_excess)
}

/// Values no further from their median than 3 robust standard deviations, so that stragglers don't outweigh a step. The
/// order has no part in it: what could be shuffled before still can. Unchanged where more than half are equal.
fn bounded(values: &[f64]) -> Vec<f64> {
    let Some(centre) = median(values) else { return values.to_vec() };
    let distances: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
    let limit = BOUND_SDS * MAD_TO_SD * median(&distances).unwrap_or(0.0);
    if limit > 0.0 {
        values.iter().map(|value| value.max(centre - limit).min(centre + limit)).collect()
    } else {
        values.to_vec()
    }
}

/// One segment, its values by rank, so that distances to all earlier values are two running sums.
struct Search {
    /// Rank of each value, in the order of time (or shuffled).
    ranks: Vec<usize>,
    sorted: Vec<f64>,
    /// Of each rank, the summed distance to all values.
    to_all: Vec<f64>,
    /// Fenwick tree over ranks: count and sum of the values on the left.
    tree: Vec<(f64, f64)>,
}

impl Search {
    fn of(values: &[f64]) -> Self {
        let n = values.len();
        let mut by_value: Vec<usize> = (0..n).collect();
        by_value.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
        let mut ranks = vec![0; n];
        for (rank, place) in by_value.iter().enumerate() {
            ranks[*place] = rank;
        }
        // About the smallest value: sums of equal values are then exactly 0.
        let least = values[by_value[0]];
        let sorted: Vec<f64> = by_value.iter().map(|place| values[*place] - least).collect();
        let total: f64 = sorted.iter().sum();
        let mut below = 0.0;
        let mut to_all = Vec::with_capacity(n);
        for (rank, value) in sorted.iter().enumerate() {
            let above = total - below;
            to_all.push(value * as_f64(rank) - below + above - value * as_f64(n - rank));
            below += value;
        }
        Self { ranks, sorted, to_all, tree: vec![(0.0, 0.0); n + 1] }
    }

    /// Where the energy distance is largest, and how large.
    fn best_split(&mut self) -> (usize, f64) {
        let mut best = (0, f64::NEG_INFINITY);
        self.each_split(|place, distance| {
            if distance > best.1 {
                best = (place, distance);
            }
        });
        best
    }

    /// `Q` at every place that leaves enough values on both sides.
    fn each_split(&mut self, mut visit: impl FnMut(usize, f64)) {
        let n = self.ranks.len();
        self.tree.fill((0.0, 0.0));
        let (mut left, mut between) = (0.0, 0.0);
        let (mut n_left, mut sum_left) = (0.0, 0.0);
        let all = self.to_all.iter().sum::<f64>() / 2.0;
        for place in 1..=n - MIN_SEGMENT {
            let rank = self.ranks[place - 1];
            let value = self.sorted[rank];
            let (n_below, below) = self.before(rank);
            let to_lower = value * n_below - below;
            let to_left = to_lower + (sum_left - below) - value * (n_left - n_below);
            left += to_left;
            between += self.to_all[rank] - 2.0 * to_left;
            n_left += 1.0;
            sum_left += value;
            self.add(rank, value);
            if place >= MIN_SEGMENT {
                let (l, r) = (as_f64(place), as_f64(n - place));
                let right = all - left - between;
                let distance = between / (l * r) - left / (l * (l - 1.0)) - right / (r * (r - 1.0));
                visit(place, l * r / (l + r) * 2.0 * distance);
            }
        }
    }

    /// Count and sum of the left values of a lower rank.
    fn before(&self, rank: usize) -> (f64, f64) {
        let mut place = rank;
        let mut sum = (0.0, 0.0);
        while place > 0 {
            sum = (sum.0 + self.tree[place].0, sum.1 + self.tree[place].1);
            place &= place - 1;
        }
        sum
    }

    fn add(&mut self, rank: usize, value: f64) {
        let mut place = rank + 1;
        while place < self.tree.len() {
            self.tree[place].0 += 1.0;
            self.tree[place].1 += value;
            place += place & place.wrapping_neg();
        }
    }
}

/// Shuffles that depend on the seed and the segment alone, not on the order in which segments are searched.
pub(crate) struct Shuffles(ChaCha8Rng);

impl Shuffles {
    pub(crate) fn new(seed: u64, start: usize, end: usize) -> Self {
        let mut key = [0; 32];
        let words = [seed, start as u64, end as u64, u64::from_le_bytes(*b"energy\0\0")];
        for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Fisher–Yates, every order equally likely.
    pub(crate) fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            values.swap(last, self.below(last as u64 + 1));
        }
    }

    /// A number in `0..n`: the high half of a product, redrawn where the low half would be drawn once too often (Lemire
    /// 2019). `n` is a count of points, far below 2^32.
    fn below(&mut self, n: u64) -> usize {
        loop {
            let product = u64::from(self.0.next_u32()) * n;
            let low = product & 0xffff_ffff;
            // The surplus is less than `n`: most draws need no division.
            if low >= n || low >= (1_u64 << 32) % n {
                return (product >> 32) as usize;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MIN_SEGMENT, N_PERMUTATIONS, Search, Shuffles, change_points};

    /// Even values without any order, from a stream of their own.
    fn even(seed: u64, n: usize) -> Vec<f64> {
        let mut draws = Shuffles::new(seed, 0, 0);
        (0..n)
            .map(|_| f64::from(u16::try_from(draws.below(10_000)).expect("small")) / 1e4)
            .collect()
    }

    /// By the definition: mean distances over all pairs.
    fn by_definition(values: &[f64], place: usize) -> f64 {
        let (left, right) = values.split_at(place);
        let mean = |a: &[f64], b: &[f64], n_pairs: usize| {
            let sum: f64 = a.iter().flat_map(|x| b.iter().map(move |y| (x - y).abs())).sum();
            sum / super::as_f64(n_pairs)
        };
        let (l, r) = (left.len(), right.len());
        let distance = 2.0 * mean(left, right, l * r)
            - mean(left, left, l * (l - 1))
            - mean(right, right, r * (r - 1));
        super::as_f64(l * r) / super::as_f64(l + r) * distance
    }

    #[test]
    fn running_sums_give_the_distance_of_the_definition() {
        for (seed, n) in [(1, 6), (2, 7), (3, 31), (4, 64)] {
            let mut values = even(seed, n);
            values[n / 2] = values[0]; // A tie.
            let mut n_splits = 0;
            Search::of(&values).each_split(|place, got| {
                let want = by_definition(&values, place);
                assert!((got - want).abs() < 1e-9, "n {n} place {place}: {got} is not {want}");
                n_splits += 1;
            });
            assert_eq!(n_splits, n + 1 - 2 * MIN_SEGMENT);
        }
    }

    #[test]
    fn the_bound_depends_on_the_values_and_not_on_their_order() {
        let mut values = even(4, 21);
        values[3] = 50.0;
        let bounded = super::bounded(&values);
        let backward: Vec<f64> = values.iter().rev().copied().collect();
        let mut again = super::bounded(&backward);
        again.reverse();
        assert_eq!(bounded, again);
        assert!(bounded[3] < 3.0, "{}", bounded[3]);
        let n_moved = bounded.iter().zip(&values).filter(|(a, b)| (*a - *b).abs() > 0.0).count();
        assert_eq!(n_moved, 1, "only the outlier");
    }

    #[test]
    fn every_order_is_drawn_about_equally_often() {
        let mut shuffles = Shuffles::new(9, 0, 3);
        let mut counts = [0_u32; 27];
        for _ in 0..6_000 {
            let mut ranks = [0, 1, 2];
            shuffles.shuffle(&mut ranks);
            counts[ranks[0] * 9 + ranks[1] * 3 + ranks[2]] += 1;
        }
        let drawn: Vec<u32> = counts.into_iter().filter(|count| *count > 0).collect();
        // Six orders, 1,000 each; four binomial standard errors are 115.
        assert!(
            drawn.len() == 6 && drawn.iter().all(|count| count.abs_diff(1_000) < 115),
            "{drawn:?}"
        );
    }

    /// The planted fault: the largest split against what shuffles have at that one place.
    fn naive_fires(values: &[f64]) -> bool {
        let mut search = Search::of(values);
        let (chosen, observed) = search.best_split();
        let mut shuffles = Shuffles::new(7, 0, values.len());
        let mut n_exceeding = 0;
        for _ in 0..N_PERMUTATIONS {
            shuffles.shuffle(&mut search.ranks);
            search.each_split(|place, distance| {
                n_exceeding += u32::from(place == chosen && distance >= observed);
            });
        }
        n_exceeding <= super::MAX_EXCEEDING
    }

    #[test]
    fn noise_fires_at_the_level_and_far_more_often_where_the_place_is_taken_as_known() {
        let fired = |fires: &dyn Fn(&[f64]) -> bool, n: u64| {
            (0..n).filter(|seed| fires(&even(100 + seed, 40))).count()
        };
        let shipped = fired(&|values| !change_points(values, 7).is_empty(), 400);
        let naive = fired(&naive_fires, 60);
        println!("energy: {shipped} of 400; critical values of one place: {naive} of 60");
        // Level .005: 2 of 400, and three binomial standard errors.
        assert!(shipped <= 6, "{shipped} of 400");
        assert!(naive >= 6, "{naive} of 60: at least a tenth");
    }

    #[test]
    fn a_step_is_found_and_constants_and_few_values_have_none() {
        let mut values = even(5, 40);
        for value in &mut values[25..] {
            *value += 2.0;
        }
        assert_eq!(change_points(&values, 1), [25]);
        assert!(change_points(&[0.1; 40], 1).is_empty());
        assert!(change_points(&values[..5], 1).is_empty());
        assert!(change_points(&[], 1).is_empty());
    }
}
