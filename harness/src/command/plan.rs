//! How many runs make a block: enough for a pair of a second or two, at least one, and an even number where it is more.

/// What a pair should take.
const PAIR_NS: u64 = 1_500_000_000;
/// Most runs of one workload in a block: more say little, and each is kept.
pub(super) const RUNS_MAX: u64 = 100;

/// Runs of each workload in a block, where one round of all workloads and both arms took `round_ns`.
///
/// An even number, so that either arm of a pair is first in half of its rounds.
pub(super) fn iterations(round_ns: u64) -> u64 {
    let runs = (PAIR_NS + round_ns / 2) / round_ns.max(1);
    match runs.clamp(1, RUNS_MAX) {
        1 => 1,
        more => more.next_multiple_of(2),
    }
}

#[cfg(test)]
mod tests {
    use super::iterations;

    #[test]
    fn a_pair_takes_one_or_two_seconds_where_it_can() {
        const MS: u64 = 1_000_000;
        // (one run of one arm in ms, runs in a block)
        for (run_ms, runs) in
            [(1, 100), (10, 76), (100, 8), (106, 8), (400, 2), (700, 1), (60_000, 1)]
        {
            assert_eq!(iterations(2 * run_ms * MS), runs, "{run_ms} ms");
        }
        assert_eq!((iterations(0), iterations(u64::MAX)), (100, 1));
    }
}
