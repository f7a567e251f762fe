//! The order of worker processes in a session: pairs in seeded, counterbalanced random order.
//!
//! Interleaving A and B makes drift of the machine common to both arms; exactly half of the pairs run the base first,
//! so that whatever favours the first or the second place favours both arms alike. The size of the environment moves
//! the stack and with it alignments: it is varied per process, so that no arm owns a lucky one.

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

/// One worker process to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Place in the session, 0-based.
    pub(crate) order: u64,
    /// Pair it belongs to, 0-based.
    pub(crate) pair: u64,
    /// 0 if first in its pair, 1 if second.
    pub(crate) position: u64,
    /// Which subject.
    pub(crate) arm: Arm,
    /// Bytes of padding in its environment, 0 to `PADDING_BYTES_MAX`.
    pub(crate) padding_bytes: u32,
}

/// `n_pairs` pairs in the order drawn from `seed` for this `session`: half of them base first (for an odd number, half
/// rounded up).
pub(crate) fn paired(n_pairs: u64, seed: u64, session: &str) -> Vec<Turn> {
    // Under the root seed alone every session would run in the same order, and its luck with it.
    let mut order = Drawing::new(seed, &format!("pair-order/{session}"));
    let mut padding = Drawing::new(seed, &format!("padding/{session}"));
    let mut base_first: Vec<bool> = (0..n_pairs).map(|pair| pair % 2 == 0).collect();
    // Fisher-Yates, from the end.
    for last in (1..base_first.len()).rev() {
        let n = u32::try_from(last + 1).expect("a session has far fewer than 2^32 pairs");
        base_first.swap(last, order.below(n) as usize);
    }
    let mut turns = Vec::new();
    for (pair, base_first) in (0..n_pairs).zip(base_first) {
        let arms = if base_first { [Arm::Base, Arm::Head] } else { [Arm::Head, Arm::Base] };
        for (position, arm) in (0..2).zip(arms) {
            let padding_bytes = padding.below(PADDING_BYTES_MAX + 1);
            turns.push(Turn { order: 2 * pair + position, pair, position, arm, padding_bytes });
        }
    }
    turns
}

/// `n_processes` processes of one subject, each its own pair.
pub(crate) fn unpaired(n_processes: u64, seed: u64, session: &str) -> Vec<Turn> {
    let mut padding = Drawing::new(seed, &format!("padding/{session}"));
    let mut turn = |order| {
        let padding_bytes = padding.below(PADDING_BYTES_MAX + 1);
        Turn { order, pair: order, position: 0, arm: Arm::Head, padding_bytes }
    };
    (0..n_processes).map(&mut turn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_pairs_run_the_base_first_whatever_the_seed() {
        for seed in 0..50 {
            let turns = paired(16, seed, "s");
            let base_first =
                turns.iter().filter(|turn| turn.arm == Arm::Base && turn.position == 0).count();
            assert_eq!(base_first, 8, "seed {seed}");
        }
    }

    #[test]
    fn each_pair_has_both_arms_and_each_place_is_taken_once() {
        let turns = paired(16, 42, "s");
        for (order, turn) in (0..).zip(&turns) {
            assert_eq!(turn.order, order);
            assert_eq!(turn.order, 2 * turn.pair + turn.position);
        }
        for two in turns.chunks(2) {
            assert_eq!(two[0].pair, two[1].pair);
            assert_ne!(two[0].arm, two[1].arm);
        }
    }

    #[test]
    fn the_order_follows_from_seed_and_session() {
        let arms = |seed, session| -> Vec<_> {
            paired(16, seed, session).iter().map(|turn| turn.arm).collect()
        };
        assert_eq!(arms(42, "a"), arms(42, "a"));
        assert_ne!(arms(42, "a"), arms(42, "b"));
        assert_ne!(arms(42, "a"), arms(43, "a"));
    }

    #[test]
    fn padding_varies_within_its_bound() {
        let paddings: Vec<u32> =
            paired(16, 42, "s").iter().map(|turn| turn.padding_bytes).collect();
        assert!(paddings.iter().all(|bytes| *bytes <= PADDING_BYTES_MAX));
        assert!(paddings.iter().any(|bytes| *bytes != paddings[0]), "{paddings:?}");
    }
}
