//! Blocks: a long history is searched in windows that overlap by half, so that it takes time in proportion to its length.
//!
//! In: log values, a seed. Out: what two of three detectors agree on, in order. Up to [`MAX_WHOLE`] points are one block,
//! searched whole. Of a longer history, each place is judged by the block in whose middle half it lies: at least a quarter
//! of a block is known on both sides of it. `b` blocks have `b` chances to be wrong, so each is searched at levels `b` times
//! as strict (Bonferroni). The energy statistic runs only where another detector saw something: alone it decides nothing.

use super::{
    TOLERANCE, energy, piecewise,
    vote::{Found, Votes},
    window,
};
use std::ops::Range;

/// Most points that are searched whole, and the length of a block.
pub const MAX_WHOLE: usize = 512;

/// From the start of one block to that of the next.
const STRIDE: usize = MAX_WHOLE / 2;

/// A part of a series that is searched by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Block {
    /// Its points.
    range: Range<usize>,
    /// The places it judges.
    own: Range<usize>,
}

/// What two of three detectors agree on in `values`, all finite.
pub(super) fn agreed(values: &[f64], seed: u64) -> Vec<Votes> {
    let blocks = blocks(values.len());
    let in_block = |block| {
        let votes = search(values, block, blocks.len(), seed);
        votes.into_iter().filter_map(|votes| Find::of(votes, block))
    };
    once(blocks.iter().flat_map(in_block).collect())
}

/// What one block found.
struct Find {
    votes: Votes,
    place: usize,
    /// How far from the edge of its block.
    depth: usize,
}

impl Find {
    fn of(votes: Votes, block: &Block) -> Option<Self> {
        let place = votes.place()?;
        let depth = (place - block.range.start).min(block.range.end - place);
        Some(Self { votes, place, depth })
    }
}

/// Finds of two blocks within two points are the same change, and the block in which it lies farther from the edge places it.
fn once(mut found: Vec<Find>) -> Vec<Votes> {
    found.sort_by_key(|find| find.place);
    found.dedup_by(|later, earlier| {
        let is_same = later.place <= earlier.place + TOLERANCE;
        if is_same && later.depth > earlier.depth {
            std::mem::swap(earlier, later);
        }
        is_same
    });
    found.into_iter().map(|find| find.votes).collect()
}

/// The blocks of a series of `n` points; the last ends with it.
fn blocks(n: usize) -> Vec<Block> {
    if n <= MAX_WHOLE {
        return Vec::from([Block { range: 0..n, own: 0..n }]);
    }
    let count = (n - MAX_WHOLE).div_ceil(STRIDE) + 1;
    let start = |nth: usize| (nth * STRIDE).min(n - MAX_WHOLE);
    // Between two blocks, the middle of what they share: the place that lies equally far from the edges of both.
    let border = |nth: usize| (start(nth) + start(nth - 1) + MAX_WHOLE) / 2;
    let block = |nth: usize| Block {
        range: start(nth)..start(nth) + MAX_WHOLE,
        own: if nth == 0 { 0 } else { border(nth) }..if nth + 1 == count {
            n
        } else {
            border(nth + 1)
        },
    };
    (0..count).map(block).collect()
}

/// What two of three agree on in a block, where it judges or next to it.
fn search(values: &[f64], block: &Block, family: usize, seed: u64) -> Vec<Votes> {
    let start = block.range.start;
    let values = &values[block.range.clone()];
    let judged = block.own.start.saturating_sub(TOLERANCE)..block.own.end + TOLERANCE;
    let piecewise = piecewise::change_points_among(values, family);
    let window = window::change_points_among(values, family);
    // Votes of one agreement lie within twice the tolerance of its place.
    let near = |place: &&usize| {
        judged.start <= start + **place + 2 * TOLERANCE
            && start + **place < judged.end + 2 * TOLERANCE
    };
    let wanted: Vec<usize> = piecewise.iter().chain(&window).filter(near).copied().collect();
    let energy = energy::change_points_near(values, &wanted, start, family, seed);
    let mut votes = Found { energy, piecewise, window }.agreed();
    votes.iter_mut().for_each(|votes| votes.shift(start));
    votes.retain(|votes| votes.place().is_some_and(|place| judged.contains(&place)));
    votes
}

#[cfg(test)]
mod tests {
    use super::{Block, Find, MAX_WHOLE, TOLERANCE, agreed, blocks, once};
    use crate::{
        history::{energy, piecewise, vote::Found, window},
        validate::noise::Noise,
    };

    /// Noise of SD 1 about a level that rises by `step` at each of `places`; one value in ten far off in every other series.
    fn series(seed: u32, n: usize, step: f64, places: &[usize]) -> Vec<f64> {
        let mut noise = Noise::new(11, n as u64, seed);
        let point = |place: usize| {
            let level = places.iter().filter(|from| **from <= place).count();
            let far = if seed % 2 == 1 && noise.uniform() < 0.1 { 15.0 } else { 0.0 };
            noise.normal() + far + step * f64::from(u8::try_from(level).expect("few"))
        };
        (0..n).map(point).collect()
    }

    #[test]
    fn a_history_that_is_searched_whole_has_the_agreements_of_three_full_searches() {
        let mut n_agreed = 0;
        for seed in 0..240 {
            let n = [7, 13, 30, 60, 100, 200, 400, MAX_WHOLE][seed as usize % 8];
            let step = [0.0, 1.0, 1.5, 2.0, 3.0][seed as usize / 8 % 5];
            let values = series(seed, n, step, &[n / 3, n / 2, n - n / 5]);
            let full = Found {
                energy: energy::change_points(&values, 7),
                piecewise: piecewise::change_points(&values),
                window: window::change_points(&values),
            };
            n_agreed += full.agreed().len();
            assert_eq!(agreed(&values, 7), full.agreed(), "seed {seed}, {n} points");
        }
        assert!(n_agreed >= 100, "{n_agreed}: too few to compare");
    }

    #[test]
    fn every_place_is_judged_once_with_a_quarter_of_a_block_on_both_sides() {
        for n in [1, MAX_WHOLE, MAX_WHOLE + 1, 600, 767, 768, 769, 1_300, 10_000] {
            let blocks = blocks(n);
            let mut next = 0;
            for Block { range, own } in &blocks {
                assert_eq!(own.start, next, "{n}");
                next = own.end;
                assert!(range.len() == n.min(MAX_WHOLE) && range.end <= n, "{n}");
                assert!(own.start == 0 || own.start >= range.start + MAX_WHOLE / 4, "{n}");
                assert!(own.end == n || own.end + MAX_WHOLE / 4 <= range.end, "{n}");
            }
            assert_eq!(next, n);
        }
    }

    #[test]
    fn a_change_that_two_blocks_see_is_placed_by_the_one_that_sees_more_around_it() {
        let find = |place, depth| {
            let votes = Found { energy: vec![place], piecewise: vec![place], window: vec![] };
            Find { votes: votes.agreed()[0], place, depth }
        };
        let places = |found: Vec<Find>| -> Vec<usize> {
            once(found).iter().filter_map(crate::history::Votes::place).collect()
        };
        assert_eq!(places(vec![find(384, 128), find(386, 130)]), [386]);
        assert_eq!(places(vec![find(386, 126), find(384, 128)]), [384]);
        // Two changes, each seen by both.
        let both = vec![find(382, 130), find(385, 127), find(382, 126), find(385, 129)];
        assert_eq!(places(both), [382, 385]);
        assert_eq!(places(vec![find(384, 1), find(384 + TOLERANCE + 1, 1)]), [384, 387]);
    }
}
