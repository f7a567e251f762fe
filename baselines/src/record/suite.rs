//! What every process ran, and how good the output was.

use std::collections::BTreeMap;

use crate::Digest;

/// The workloads of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Suite {
    /// `quick`, or a name from `bench.toml`.
    pub name: String,
    /// SHA-256 of the canonical definition, so that two arms can be shown to have run the same thing.
    pub digest: Digest,
    /// Rounds of turns: in each, every workload gets its share of its iterations (see [`Suite::in_round`]).
    pub rounds: u64,
    /// The workloads, in the order they take their turns.
    pub workloads: Vec<WorkloadDef>,
}

impl Suite {
    /// How many of `iterations` fall to `round` (0-based), as evenly as whole numbers allow.
    #[must_use]
    pub fn in_round(&self, iterations: u64, round: u64) -> u64 {
        // A record from elsewhere may hold any numbers: 128 bits hold their product.
        let upto = |round: u128| u128::from(iterations) * round / u128::from(self.rounds.max(1));
        let share = upto(u128::from(round) + 1) - upto(u128::from(round));
        u64::try_from(share).unwrap_or(u64::MAX)
    }
}

/// One named workload.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadDef {
    /// `decode-64`.
    pub name: String,
    /// `load`, `prefill`, `decode`, `end-to-end`, `quantize`, `matmul`.
    pub kind: String,
    /// Parameters by name; whole numbers only.
    pub params: BTreeMap<String, u64>,
}

/// Output quality against the float-activation run of the same weights, teacher-forced on held-out text.
/// All of it counted, none of it inferred.
#[derive(Clone, Debug, PartialEq)]
pub struct Accuracy {
    /// Storage format of the ternary weights, e.g. `i2_s`.
    pub format: String,
    /// SHA-256 of the scored token ids (little-endian u32).
    pub ids_digest: Digest,
    /// Positions scored.
    pub positions: u64,
    /// Positions where both runs have the same most likely token.
    pub top1_equal: u64,
    /// Sum of negative log likelihoods (nats) of the int8-activation run.
    pub nll_int8: f64,
    /// The same of the float-activation run.
    pub nll_float: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rounds_share_all_iterations_evenly() {
        for rounds in [1, 6, 10] {
            let suite = Suite {
                name: String::new(),
                digest: Digest::of(b""),
                rounds,
                workloads: Vec::new(),
            };
            for iterations in [1, 2, 5, 7, 8, 20, 1000] {
                let shares: Vec<u64> =
                    (0..rounds).map(|round| suite.in_round(iterations, round)).collect();
                assert_eq!(shares.iter().sum::<u64>(), iterations);
                let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
                assert!(most - least <= 1, "{iterations} in {rounds}: {shares:?}");
            }
        }
    }
}
