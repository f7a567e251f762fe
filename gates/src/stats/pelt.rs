//! PELT: the piecewise-constant fit of least penalised squared error, exact, with hopeless segment starts passed over.
//!
//! In: values in the order of time, penalty per change, fewest values per segment. Out: segment starts and the cost.
//!
//! `F(t) = min over s of F(s) + C(s, t) + β`, `F(0) = −β`, where `C(s, t)` is the squared error of `values[s..t]` about
//! their mean. A start `s` with `F(s) + C(s, t) > F(t)` can never again beat `t` as a start; with a least length `m`, `t`
//! may only take its place from `t + m` on, so `s` is kept that long. Source: Killick, Fearnhead, Eckley 2012, §3.
//!
//! In a run at one level no start is hopeless by that rule, and all would be tried at each end. But `C(s, t)` only grows
//! with `t`: what a start cost at an earlier end is a bound for every later one. Starts stand in blocks, and a block whose
//! bound lies above the best found so far is not looked at.

use super::yuen::as_f64;

/// Starts in a block: few enough that one promising start costs little, many enough for plain loops.
const BLOCK: usize = 32;

/// The best fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// First place of each segment, the first of them 0; empty without values.
    pub starts: Vec<usize>,
    /// Squared error plus penalty × changes.
    pub cost: f64,
}

/// Fits `values` with segments of at least `min_segment`; fewer than two segments' worth of values are one segment.
///
/// Of equal costs the earliest start wins, so a constant series is one segment at any penalty, 0 included.
#[must_use]
pub fn fit(values: &[f64], penalty: f64, min_segment: usize) -> Fit {
    let (n, min) = (values.len(), min_segment.max(1));
    if n == 0 {
        return Fit { starts: Vec::new(), cost: 0.0 };
    }
    let sums = Sums::of(values);
    let mut best = vec![f64::INFINITY; n + 1];
    let mut last_start = vec![0; n + 1];
    let mut candidates = Candidates::new(n);
    candidates.push(0, -penalty, &sums);
    // A run too short for one full segment is still fitted by one.
    for end in min.min(n)..=n {
        if end >= 2 * min {
            candidates.push(end - min, best[end - min], &sums);
        }
        let (start, least) = candidates.best_start(end, &sums);
        last_start[end] = start;
        best[end] = least + penalty;
        candidates.mark_hopeless(best[end], end + min);
    }
    Fit { starts: walk_back(&last_start), cost: best[n] }
}

/// The starts, from the last segment's back to 0.
fn walk_back(last_start: &[usize]) -> Vec<usize> {
    let mut starts = vec![last_start[last_start.len() - 1]];
    while let Some(start @ 1..) = starts.last().copied() {
        starts.push(last_start[start]);
    }
    starts.reverse();
    starts
}

/// The segment starts that may still be best, in blocks of consecutive ones.
struct Candidates {
    /// By start: `F(start)` less the sum of squares before it.
    offsets: Vec<f64>,
    blocks: Vec<Block>,
}

/// Consecutive starts.
struct Block {
    first: usize,
    /// After its last.
    end: usize,
    /// No start of it costs less at any later end.
    bound: f64,
    /// From this end on, another start is at least as good as any of it.
    hopeless_at: usize,
}

/// The cheapest start so far.
#[derive(Clone, Copy)]
struct Best {
    start: usize,
    cost: f64,
}

impl Candidates {
    fn new(n: usize) -> Self {
        Self { offsets: vec![f64::INFINITY; n + 1], blocks: Vec::new() }
    }

    fn push(&mut self, start: usize, best: f64, sums: &Sums) {
        self.offsets[start] = best - sums.squares[start];
        match self.blocks.last_mut() {
            Some(block) if block.end == start && start - block.first < BLOCK => {
                block.end += 1;
                block.bound = block.bound.min(best);
                block.hopeless_at = usize::MAX;
            }
            _ => self.blocks.push(Block {
                first: start,
                end: start + 1,
                bound: best,
                hopeless_at: usize::MAX,
            }),
        }
    }

    /// The start of least cost for a segment up to `end`, the earliest of equal ones.
    fn best_start(&mut self, end: usize, sums: &Sums) -> (usize, f64) {
        self.blocks.retain(|block| block.hopeless_at > end);
        let mut best = Best { start: 0, cost: f64::INFINITY };
        // The block of the least bound first: what it costs lets most others be passed over.
        let promising = (0..self.blocks.len())
            .min_by(|a, b| self.blocks[*a].bound.total_cmp(&self.blocks[*b].bound))
            .unwrap_or(0);
        let others = (0..self.blocks.len()).filter(|place| *place != promising);
        for place in std::iter::once(promising).chain(others) {
            let block = &mut self.blocks[place];
            // At equal cost the earlier start wins, so an equal bound must be looked at.
            if block.bound > best.cost {
                continue;
            }
            let costs = block.costs(end, sums, &self.offsets);
            let costs = &costs[..block.end - block.first];
            let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
            block.bound = least;
            let within = costs.iter().position(|cost| *cost <= least).unwrap_or(0);
            let found = Best { start: block.first + within, cost: least };
            let is_better =
                found.cost < best.cost || found.cost <= best.cost && found.start < best.start;
            if place == promising || is_better {
                best = found;
            }
        }
        (best.start, best.cost)
    }

    /// Blocks whose starts all cost more than `best` are of no use from end `at` on.
    fn mark_hopeless(&mut self, best: f64, at: usize) {
        // Strictly: at equal cost the earlier start wins, so it must not be dropped.
        for block in self.blocks.iter_mut().filter(|block| block.bound > best) {
            block.hopeless_at = block.hopeless_at.min(at);
        }
    }
}

impl Block {
    /// `F(start) + C(start, end)` of its starts; the rest of the array means nothing.
    fn costs(&self, end: usize, sums: &Sums, offsets: &[f64]) -> [f64; BLOCK] {
        let (sum, squares) = (sums.values[end], sums.squares[end]);
        let starts = self.first..self.end;
        let columns = sums.values[starts.clone()]
            .iter()
            .zip(&offsets[starts.clone()])
            .zip(&sums.inverses_up_to(end)[starts]);
        let mut costs = [f64::INFINITY; BLOCK];
        for (cost, ((before, offset), inverse)) in costs.iter_mut().zip(columns) {
            let within = sum - before;
            *cost = (offset + squares) - within * within * inverse;
        }
        costs
    }
}

/// Running sums about the first value, so that equal values sum to exactly 0.
struct Sums {
    values: Vec<f64>,
    squares: Vec<f64>,
    /// 1 ÷ n, 1 ÷ (n − 1), … 1 ÷ 1: the inverse lengths of the segments that end with the run, by their start.
    inverses: Vec<f64>,
}

impl Sums {
    fn of(values: &[f64]) -> Self {
        let n = values.len();
        let inverses = (0..n).map(|start| 1.0 / as_f64(n - start)).collect();
        let mut sums = Self { values: vec![0.0], squares: vec![0.0], inverses };
        for place in 0..n {
            let value = values[place] - values[0];
            sums.values.push(sums.values[place] + value);
            sums.squares.push(sums.squares[place] + value * value);
        }
        sums
    }

    /// The inverse lengths of the segments that end at `end`, by their start.
    fn inverses_up_to(&self, end: usize) -> &[f64] {
        &self.inverses[self.inverses.len() - end..]
    }
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn a_clean_step_is_found_where_it_is() {
        // By hand: no error in two segments, so the cost is one penalty.
        let values = [1.0, 1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0, 3.0];
        let best = fit(&values, 0.5, 5);
        assert_eq!(best.starts, [0, 5]);
        assert!((best.cost - 0.5).abs() < 1e-12, "{best:?}");
        // One segment has squared error 10 about the mean 2: a larger penalty leaves it whole.
        assert_eq!(fit(&values, 10.5, 5).starts, [0]);
        assert_eq!(fit(&values, 0.5, 6).starts, [0], "no room for two");
    }

    #[test]
    fn a_constant_series_is_one_segment_without_any_penalty() {
        assert_eq!(fit(&[0.1; 1_000], 0.0, 5).starts, [0]);
    }

    #[test]
    fn empty_short_broken_and_huge_series_do_not_panic() {
        assert!(fit(&[], 1.0, 5).starts.is_empty());
        assert_eq!(fit(&[1.0], 1.0, 5).starts, [0]);
        assert_eq!(fit(&[1.0, 2.0, 3.0], 0.0, 0).starts.len(), 3, "0 is taken as 1");
        for bad in [f64::NAN, f64::INFINITY, f64::MAX] {
            let starts = fit(&[1.0, bad, 2.0, bad, 3.0, bad], 1.0, 1).starts;
            assert!(starts[0] == 0 && starts.is_sorted(), "{bad}: {starts:?}");
        }
    }
}
