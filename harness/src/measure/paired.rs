//! The order of worker processes in a session: pairs in seeded, counterbalanced random order.
//!
//! The two processes of a pair live at the same time and take turns, one workload at a time, so that they meet the same
//! weather: other work on a machine comes and goes within less than the life of a process. Exactly half of the pairs
//! start the base first, and within a pair the arms are first by turns, so that whatever favours the first or the second
//! place favours both alike. The size of the environment moves the stack and with it alignments: it is varied per
//! process, so that no arm owns a lucky one.

use engine::Drawing;

/// Largest padding of a worker's environment in bytes.
pub(crate) const PADDING_BYTES_MAX: u32 = 4096;

/// One of the two subjects of a paired session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arm {
    /// The baseline's kept binary.
    Base,
    /// The current binary.
    Head,
}

/// The place of one worker process in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Place in the session, 0-based.
    pub(crate) order: u64,
    /// Pair it belongs to, 0-based.
    pub(crate) pair: u64,
    /// 0 if first in its pair (in even rounds), 1 if second.
    pub(crate) position: u64,
    /// Which subject.
    pub(crate) arm: Arm,
    /// Which of its code layouts, 0-based.
    pub(crate) layout: u64,
    /// Bytes of padding in its environment, 0 to `PADDING_BYTES_MAX`.
    pub(crate) padding_bytes: u32,
}

/// `n_pairs` pairs in the order drawn from `seed` for this `session`. Of each two that follow each other one runs the base
/// first, so that either arm has been first equally often wherever the session ends.
///
/// Layouts take turns, `n_layouts` of the base and of the head: a pair of the same two comes back after as many pairs as there
/// are combinations, where both arms have equally many.
pub(crate) fn paired(n_pairs: u64, n_layouts: (u64, u64), seed: u64, session: &str) -> Vec<Slot> {
    // Under the root seed alone every session would run in the same order, and its luck with it.
    let mut order = Drawing::new(seed, &format!("pair-order/{session}"));
    let mut padding = Drawing::new(seed, &format!("padding/{session}"));
    let base_first = (0..n_pairs.div_ceil(2)).flat_map(|_| {
        let first = order.below(2) == 0;
        [first, !first]
    });
    let mut slots = Vec::new();
    for (pair, base_first) in (0..n_pairs).zip(base_first) {
        let arms = if base_first { [Arm::Base, Arm::Head] } else { [Arm::Head, Arm::Base] };
        for (position, arm) in (0..2).zip(arms) {
            let padding_bytes = padding.below(PADDING_BYTES_MAX + 1);
            let layout = match arm {
                Arm::Base => pair % n_layouts.0,
                Arm::Head => (pair + pair / n_layouts.1) % n_layouts.1,
            };
            let order = 2 * pair + position;
            slots.push(Slot { order, pair, position, arm, layout, padding_bytes });
        }
    }
    slots
}

/// `n_processes` processes of one subject, each its own pair.
pub(crate) fn unpaired(n_processes: u64, seed: u64, session: &str) -> Vec<Slot> {
    let mut padding = Drawing::new(seed, &format!("padding/{session}"));
    let mut slot = |order| {
        let padding_bytes = padding.below(PADDING_BYTES_MAX + 1);
        Slot { order, pair: order, position: 0, arm: Arm::Head, layout: 0, padding_bytes }
    };
    (0..n_processes).map(&mut slot).collect()
}

/// The places of `n` workers in the order of their turns in `round`: as they started, and the other way round.
pub(crate) fn order_of_turns(n: usize, round: u64) -> Vec<usize> {
    if round.is_multiple_of(2) { (0..n).collect() } else { (0..n).rev().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_pairs_run_the_base_first_wherever_the_session_ends() {
        for seed in 0..50 {
            let slots = paired(40, (1, 1), seed, "s");
            for n_pairs in 1..=40 {
                let base_first = slots[..2 * n_pairs]
                    .iter()
                    .filter(|slot| slot.arm == Arm::Base && slot.position == 0)
                    .count();
                assert!((2 * base_first).abs_diff(n_pairs) <= 1, "seed {seed}, {n_pairs} pairs");
            }
        }
    }

    #[test]
    fn each_pair_has_both_arms_and_each_place_is_taken_once() {
        let slots = paired(16, (1, 1), 42, "s");
        assert_eq!(slots.len(), 32);
        for (order, slot) in (0..).zip(&slots) {
            assert_eq!(slot.order, order);
            assert_eq!(slot.order, 2 * slot.pair + slot.position);
        }
        for two in slots.chunks(2) {
            assert_eq!(two[0].pair, two[1].pair);
            assert_ne!(two[0].arm, two[1].arm);
        }
    }

    #[test]
    fn the_order_follows_from_seed_and_session() {
        let arms = |seed, session| -> Vec<_> {
            paired(16, (1, 1), seed, session).iter().map(|slot| slot.arm).collect()
        };
        assert_eq!(arms(42, "a"), arms(42, "a"));
        assert_ne!(arms(42, "a"), arms(42, "b"));
        assert_ne!(arms(42, "a"), arms(43, "a"));
    }

    #[test]
    fn each_layout_of_the_base_meets_each_of_the_head() {
        let slots = paired(16, (4, 4), 42, "s");
        let layout = |pair: &[Slot], arm| pair.iter().find(|slot| slot.arm == arm).unwrap().layout;
        let met: std::collections::BTreeSet<_> = slots
            .chunks(2)
            .map(|pair| (layout(pair, Arm::Base), layout(pair, Arm::Head)))
            .collect();
        assert_eq!(met.len(), 16);
        let single = paired(16, (1, 4), 42, "s");
        assert!(single.iter().all(|slot| slot.arm == Arm::Head || slot.layout == 0));
    }

    #[test]
    fn either_worker_of_a_pair_is_first_in_half_of_the_rounds() {
        let first = |round| order_of_turns(2, round)[0];
        assert_eq!((0..6).map(first).sum::<usize>(), 3);
        assert_eq!(order_of_turns(2, 1), [1, 0]);
        assert_eq!(order_of_turns(1, 1), [0]);
    }

    #[test]
    fn padding_varies_within_its_bound() {
        let paddings: Vec<u32> =
            paired(16, (1, 1), 42, "s").iter().map(|slot| slot.padding_bytes).collect();
        assert!(paddings.iter().all(|bytes| *bytes <= PADDING_BYTES_MAX));
        assert!(paddings.iter().any(|bytes| *bytes != paddings[0]), "{paddings:?}");
    }
}
