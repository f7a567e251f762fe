//! PELT: the piecewise-constant fit of least penalised squared error, exact, with hopeless segment starts dropped early.
//!
//! In: values in the order of time, penalty per change, fewest values per segment. Out: segment starts and the cost.
//!
//! `F(t) = min over s of F(s) + C(s, t) + β`, `F(0) = −β`, where `C(s, t)` is the squared error of `values[s..t]` about
//! their mean. A start `s` with `F(s) + C(s, t) > F(t)` can never again beat `t` as a start; with a least length `m`, `t`
//! may only take its place from `t + m` on, so `s` is kept that long. Source: Killick, Fearnhead, Eckley 2012, §3.

use super::yuen::as_f64;

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
    let mut open = Candidates::default();
    open.push(0, -penalty, &sums);
    // A run too short for one full segment is still fitted by one.
    for end in min.min(n)..=n {
        if end >= 2 * min {
            open.push(end - min, best[end - min], &sums);
        }
        open.drop_hopeless(end);
        let (start, least) = open.best_start(end, &sums);
        last_start[end] = start;
        best[end] = least + penalty;
        open.mark_hopeless(best[end], end + min);
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

/// The segment starts that may still be best, in order: one column per number, so that their costs are one plain loop.
#[derive(Default)]
struct Candidates {
    starts: Vec<usize>,
    /// Sum of the values before the start.
    sums: Vec<f64>,
    /// `F(start)` less the sum of squares before it.
    offsets: Vec<f64>,
    /// From this end on, another start is at least as good.
    hopeless_at: Vec<usize>,
    /// `F(start) + C(start, end)` of the last end.
    costs: Vec<f64>,
    /// The largest of them.
    greatest: f64,
    /// The first end at which any start is hopeless.
    next_drop: Option<usize>,
}

impl Candidates {
    fn push(&mut self, start: usize, best: f64, sums: &Sums) {
        self.starts.push(start);
        self.sums.push(sums.values[start]);
        self.offsets.push(best - sums.squares[start]);
        self.hopeless_at.push(usize::MAX);
    }

    /// The start of least cost for a segment up to `end`, the earliest of equal ones.
    fn best_start(&mut self, end: usize, sums: &Sums) -> (usize, f64) {
        let (sum, squares) = (sums.values[end], sums.squares[end]);
        let cost = |((before, offset), inverse): ((&f64, &f64), &f64)| {
            let within = sum - before;
            (offset + squares) - within * within * inverse
        };
        let columns = self.sums.iter().zip(&self.offsets);
        let inverses = sums.inverses_up_to(end);
        let first = self.starts[0];
        self.costs.clear();
        // Where no start was dropped, as in a run at one level, their lengths are consecutive: a loop without lookups.
        if self.starts[self.starts.len() - 1] - first + 1 == self.starts.len() {
            self.costs.extend(columns.zip(&inverses[first..]).map(cost));
        } else {
            let inverses = self.starts.iter().map(|start| &inverses[*start]);
            self.costs.extend(columns.zip(inverses).map(cost));
        }
        let (least, greatest) = extremes(&self.costs);
        self.greatest = greatest;
        let place = self.costs.iter().position(|cost| *cost <= least).unwrap_or(0);
        (self.starts[place], least)
    }

    /// Starts that cost more than `best` are of no use from end `at` on.
    fn mark_hopeless(&mut self, best: f64, at: usize) {
        // Strictly: at equal cost the earlier start wins, so it must not be dropped.
        if self.greatest <= best {
            return;
        }
        for (cost, hopeless_at) in self.costs.iter().zip(&mut self.hopeless_at) {
            if *cost > best && *hopeless_at > at {
                *hopeless_at = at;
                self.next_drop.get_or_insert(at);
            }
        }
    }

    fn drop_hopeless(&mut self, end: usize) {
        if self.next_drop.is_none_or(|at| at > end) {
            return;
        }
        let keep: Vec<bool> = self.hopeless_at.iter().map(|at| *at > end).collect();
        retain(&mut self.starts, &keep);
        retain(&mut self.sums, &keep);
        retain(&mut self.offsets, &keep);
        retain(&mut self.hopeless_at, &keep);
        // Marks are set in the order of ends, so the least of those left is the next.
        self.next_drop = self.hopeless_at.iter().copied().filter(|at| *at < usize::MAX).min();
    }
}

/// Least and greatest, in four lanes that the compiler can keep in registers; NaN is passed over.
fn extremes(costs: &[f64]) -> (f64, f64) {
    let (mut least, mut greatest) = ([f64::INFINITY; 4], [f64::NEG_INFINITY; 4]);
    let (chunks, rest) = costs.as_chunks::<4>();
    for chunk in chunks {
        for lane in 0..4 {
            least[lane] = if chunk[lane] < least[lane] { chunk[lane] } else { least[lane] };
            greatest[lane] =
                if chunk[lane] > greatest[lane] { chunk[lane] } else { greatest[lane] };
        }
    }
    let low = least.iter().chain(rest).copied().fold(f64::INFINITY, f64::min);
    let high = greatest.iter().chain(rest).copied().fold(f64::NEG_INFINITY, f64::max);
    (low, high)
}

fn retain<T>(column: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter();
    column.retain(|_| keep.next().copied().unwrap_or(true));
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
