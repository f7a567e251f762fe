//! Two profiles beside each other: which functions execute more instructions than before, and on which lines.
//! In: two comparable profiles. Out: rows whose deltas sum up exactly to the difference of the totals.

use std::{cmp::Reverse, collections::BTreeSet, sync::Arc};

use super::{
    lines::{self, LineRow},
    profile::{Costs, Function, Profile},
};

/// Of this many functions, the most changed ones, the lines are compared.
const WITH_LINES: usize = 20;

/// What changed. Without rows the two executed the same.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Diff {
    pub(crate) base_ir: u64,
    pub(crate) head_ir: u64,
    pub(crate) delta_ir: i64,
    /// The largest difference first, then by name.
    pub(crate) rows: Vec<Row>,
}

/// On which sides a function executed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Both,
    BaseOnly,
    HeadOnly,
}

/// A function whose self cost differs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) name: Arc<str>,
    pub(crate) file: Arc<str>,
    pub(crate) presence: Presence,
    pub(crate) base_ir: u64,
    pub(crate) head_ir: u64,
    pub(crate) delta_ir: i64,
    pub(crate) base_calls: u64,
    pub(crate) head_calls: u64,
    /// Of the difference of the totals, negative where it went the other way; `None` if that is 0.
    pub(crate) share: Option<f64>,
    /// Of the most changed functions: the lines that differ.
    pub(crate) lines: Vec<LineRow>,
}

impl Diff {
    /// Compares two profiles in names that both share.
    pub(crate) fn of(base: &Profile, head: &Profile) -> Self {
        let delta_ir = delta(base.total_ir, head.total_ir);
        let functions: BTreeSet<&Function> =
            base.functions.keys().chain(head.functions.keys()).collect();
        let mut rows: Vec<Row> = functions
            .into_iter()
            .filter_map(|function| {
                let (b, h) = (base.functions.get(function), head.functions.get(function));
                row(function, b, h, delta_ir)
            })
            .collect();
        rows.sort_by_key(|row| {
            (Reverse(row.delta_ir.unsigned_abs()), Arc::clone(&row.name), Arc::clone(&row.file))
        });
        for row in rows.iter_mut().take(WITH_LINES) {
            let function = Function { name: Arc::clone(&row.name), file: Arc::clone(&row.file) };
            let of =
                |profile: &Profile| profile.functions.get(&function).cloned().unwrap_or_default();
            row.lines = lines::changed(&of(base).lines, &of(head).lines);
        }
        Self { base_ir: base.total_ir, head_ir: head.total_ir, delta_ir, rows }
    }

    /// Whether both executed the same, function by function.
    #[cfg(test)]
    pub(crate) const fn is_identical(&self) -> bool {
        self.rows.is_empty()
    }
}

/// Totals are below 2^63.
const fn delta(base: u64, head: u64) -> i64 {
    head.cast_signed() - base.cast_signed()
}

fn row(
    function: &Function,
    base: Option<&Costs>,
    head: Option<&Costs>,
    total_delta: i64,
) -> Option<Row> {
    let presence = match (base, head) {
        (_, None) => Presence::BaseOnly,
        (None, _) => Presence::HeadOnly,
        _ => Presence::Both,
    };
    let of = |side: Option<&Costs>| side.map_or((0, 0), |costs| (costs.self_ir, costs.n_calls));
    let ((base_ir, base_calls), (head_ir, head_calls)) = (of(base), of(head));
    let delta_ir = delta(base_ir, head_ir);
    (delta_ir != 0).then(|| Row {
        name: Arc::clone(&function.name),
        file: Arc::clone(&function.file),
        presence,
        base_ir,
        head_ir,
        delta_ir,
        base_calls,
        head_calls,
        share: (total_delta != 0).then(|| delta_ir as f64 / total_delta as f64),
        lines: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::callgrind::profile::tests::profile;

    #[test]
    fn rows_are_sorted_by_what_changed_and_name_what_is_on_one_side() {
        let base = profile(
            &[("main", 10), ("f", 30), ("gone", 5), ("same", 9)],
            &[("main", "f", 2, 30), ("main", "gone", 1, 5), ("main", "same", 1, 9)],
        );
        let head = profile(
            &[("main", 15), ("f", 60), ("new", 5), ("same", 9)],
            &[("main", "f", 4, 60), ("main", "new", 1, 5), ("main", "same", 1, 9)],
        );
        let diff = Diff::of(&base, &head);
        assert_eq!((diff.base_ir, diff.head_ir, diff.delta_ir), (54, 89, 35));
        let said: Vec<_> =
            diff.rows.iter().map(|row| (&*row.name, row.delta_ir, row.presence)).collect();
        assert_eq!(
            said,
            [
                ("f", 30, Presence::Both),
                ("gone", -5, Presence::BaseOnly),
                ("main", 5, Presence::Both),
                ("new", 5, Presence::HeadOnly)
            ]
        );
        let f = &diff.rows[0];
        assert_eq!((f.base_ir, f.head_ir, f.base_calls, f.head_calls), (30, 60, 2, 4));
        assert!((f.share.unwrap() - 30.0 / 35.0).abs() < 1e-12);
        assert_eq!(
            (&*f.lines[0].file, f.lines[0].head_line, f.lines[0].delta_ir),
            ("f.c", Some(1), 30)
        );
    }

    #[test]
    fn the_same_costs_are_no_rows_whoever_called() {
        let base = profile(&[("main", 10), ("f", 1)], &[("main", "f", 2, 1)]);
        // Calls are counted where costs are not, outside of `--toggle-collect`.
        let head = profile(&[("main", 10), ("f", 1)], &[("main", "f", 3, 1)]);
        for head in [&base, &head] {
            let diff = Diff::of(&base, head);
            assert!(diff.is_identical() && diff.delta_ir == 0, "{diff:?}");
        }
    }

    #[test]
    fn without_a_difference_in_all_there_are_no_shares() {
        let diff =
            Diff::of(&profile(&[("f", 1), ("g", 2)], &[]), &profile(&[("f", 2), ("g", 1)], &[]));
        assert_eq!(diff.rows.iter().map(|row| row.share).collect::<Vec<_>>(), [None, None]);
    }

    proptest! {
        #[test]
        fn deltas_sum_up_to_the_difference_of_the_totals(
            base in prop::collection::btree_map("[a-f]", 1_u64..1 << 40, 0..6),
            head in prop::collection::btree_map("[a-f]", 1_u64..1 << 40, 0..6),
        ) {
            let of = |costs: &std::collections::BTreeMap<String, u64>| {
                let costs: Vec<_> = costs.iter().map(|(name, ir)| (name.as_str(), *ir)).collect();
                profile(&costs, &[])
            };
            let diff = Diff::of(&of(&base), &of(&head));
            let deltas: i64 = diff.rows.iter().map(|row| row.delta_ir).sum();
            prop_assert_eq!(deltas, diff.delta_ir);
            for row in &diff.rows {
                prop_assert_eq!(row.lines.iter().map(|line| line.delta_ir).sum::<i64>(), row.delta_ir);
            }
        }
    }
}
