//! Lines that belong together in two builds, whose numbers an edit may have moved.
//! In: the costs of one function by line, of base and head. Out: the lines whose cost differs; their deltas sum up to the
//! function's.
//!
//! The profile holds no source, so that lines are told by file, number, order and cost. In each file either numbers pair
//! them, or the longest common sequence of costs is taken for unchanged, and what lies between two such lines is paired in
//! order if it is as long on both sides: whichever explains the file with less change. A line may so be named in place of its
//! neighbour of the same cost.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use super::profile::Line;

/// Above this many pairs of lines in one file only numbers decide.
const PAIRS_MAX: usize = 4_000_000;

/// A line whose cost differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineRow {
    pub(crate) file: Arc<str>,
    /// Its number before; `None` if it is new.
    pub(crate) base_line: Option<u64>,
    /// Its number after; `None` if it is gone.
    pub(crate) head_line: Option<u64>,
    pub(crate) base_ir: u64,
    pub(crate) head_ir: u64,
    pub(crate) delta_ir: i64,
}

/// `(number, cost)` of the lines of one file, in order.
type Costs = Vec<(u64, u64)>;
type Pair = (Option<(u64, u64)>, Option<(u64, u64)>);

/// The lines that differ, the largest difference first.
pub(super) fn changed(base: &BTreeMap<Line, u64>, head: &BTreeMap<Line, u64>) -> Vec<LineRow> {
    let mut files: BTreeMap<&Arc<str>, [Costs; 2]> = BTreeMap::new();
    for (side, lines) in [base, head].into_iter().enumerate() {
        for (line, ir) in lines {
            files.entry(&line.file).or_default()[side].push((line.number, *ir));
        }
    }
    let mut rows = Vec::new();
    for (file, [base, head]) in files {
        rows.extend(pairs(&base, &head).into_iter().filter_map(|pair| row(file, pair)));
    }
    rows.sort_by_key(|row| {
        (Reverse(row.delta_ir.unsigned_abs()), Arc::clone(&row.file), row.head_line, row.base_line)
    });
    rows
}

fn row(file: &Arc<str>, (base, head): Pair) -> Option<LineRow> {
    let ir = |side: Option<(u64, u64)>| side.map_or(0, |(_, ir)| ir);
    let delta_ir = ir(head).cast_signed() - ir(base).cast_signed();
    (delta_ir != 0).then(|| LineRow {
        file: Arc::clone(file),
        base_line: base.map(|(number, _)| number),
        head_line: head.map(|(number, _)| number),
        base_ir: ir(base),
        head_ir: ir(head),
        delta_ir,
    })
}

/// Every line of either side once, beside its like if it has one.
fn pairs(base: &[(u64, u64)], head: &[(u64, u64)]) -> Vec<Pair> {
    let numbered = by_number(base, head);
    if base.len().saturating_mul(head.len()) > PAIRS_MAX {
        return numbered;
    }
    let moved = by_cost(base, head);
    if change(&moved) < change(&numbered) { moved } else { numbered }
}

/// How much a pairing says that changed.
fn change(pairs: &[Pair]) -> u64 {
    let ir = |side: Option<(u64, u64)>| side.map_or(0, |(_, ir)| ir);
    // Each side's costs sum up to less than 2^63.
    pairs.iter().map(|&(base, head)| ir(base).abs_diff(ir(head))).sum()
}

fn by_cost(base: &[(u64, u64)], head: &[(u64, u64)]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let (mut i, mut j) = (0, 0);
    for (same_i, same_j) in unchanged(base, head).into_iter().chain([(base.len(), head.len())]) {
        let (gone, new) = (&base[i..same_i], &head[j..same_j]);
        if gone.len() == new.len() {
            pairs.extend(gone.iter().zip(new).map(|(b, h)| (Some(*b), Some(*h))));
        } else {
            pairs.extend(by_number(gone, new));
        }
        if same_i < base.len() && same_j < head.len() {
            pairs.push((Some(base[same_i]), Some(head[same_j])));
        }
        (i, j) = (same_i + 1, same_j + 1);
    }
    pairs
}

fn by_number(base: &[(u64, u64)], head: &[(u64, u64)]) -> Vec<Pair> {
    let mut pairs: BTreeMap<u64, Pair> = BTreeMap::new();
    for line in base {
        pairs.entry(line.0).or_default().0 = Some(*line);
    }
    for line in head {
        pairs.entry(line.0).or_default().1 = Some(*line);
    }
    pairs.into_values().collect()
}

/// The places of the longest common sequence of costs: `(idx in base, idx in head)`.
fn unchanged(base: &[(u64, u64)], head: &[(u64, u64)]) -> Vec<(usize, usize)> {
    let width = head.len() + 1;
    // How many lines the rests from (i, j) on have in common.
    let mut common = vec![0_u32; (base.len() + 1) * width];
    for i in (0..base.len()).rev() {
        for j in (0..head.len()).rev() {
            common[i * width + j] = if base[i].1 == head[j].1 {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let mut places = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < base.len() && j < head.len() {
        if base[i].1 == head[j].1 {
            places.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if common[(i + 1) * width + j] >= common[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(costs: &[(u64, u64)]) -> BTreeMap<Line, u64> {
        costs.iter().map(|&(number, ir)| (Line { file: "a.c".into(), number }, ir)).collect()
    }

    fn said(base: &[(u64, u64)], head: &[(u64, u64)]) -> Vec<(Option<u64>, Option<u64>, i64)> {
        let rows = changed(&lines(base), &lines(head));
        rows.iter().map(|row| (row.base_line, row.head_line, row.delta_ir)).collect()
    }

    #[test]
    fn lines_that_only_moved_are_not_named() {
        assert_eq!(said(&[(1, 5), (2, 90), (9, 7)], &[(4, 5), (5, 90), (12, 7)]), []);
    }

    #[test]
    fn an_inserted_line_is_new_and_a_removed_one_gone() {
        let (short, long) = ([(1, 5), (2, 90), (4, 7)], [(1, 5), (2, 90), (3, 60), (5, 7)]);
        assert_eq!(said(&short, &long), [(None, Some(3), 60)]);
        assert_eq!(said(&long, &short), [(Some(3), None, -60)]);
    }

    #[test]
    fn a_line_that_moved_and_costs_more_is_one_line() {
        assert_eq!(
            said(&[(1, 5), (2, 90), (3, 7)], &[(4, 5), (5, 95), (6, 7)]),
            [(Some(2), Some(5), 5)]
        );
    }

    #[test]
    fn numbers_decide_where_they_explain_more() {
        let rows = said(&[(1, 5), (2, 90), (3, 7)], &[(1, 5), (2, 91), (3, 8), (4, 1)]);
        assert_eq!(rows, [(Some(2), Some(2), 1), (Some(3), Some(3), 1), (None, Some(4), 1)]);
    }

    proptest! {
        #[test]
        fn deltas_of_lines_sum_up_to_the_functions(
            base in prop::collection::btree_map(0_u64..40, 1_u64..9, 0..30),
            head in prop::collection::btree_map(0_u64..40, 1_u64..9, 0..30),
        ) {
            let (base, head): (Costs, Costs) = (base.into_iter().collect(), head.into_iter().collect());
            let sum = |side: &Costs| side.iter().map(|(_, ir)| ir.cast_signed()).sum::<i64>();
            let deltas: i64 = said(&base, &head).iter().map(|(_, _, delta)| delta).sum();
            prop_assert_eq!(deltas, sum(&head) - sum(&base));
        }
    }
}
