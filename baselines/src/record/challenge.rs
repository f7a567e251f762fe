//! The challenge: prompts that nobody could know before the session began, among the timed iterations.
//!
//! In: the nonce of a session, a pair. Out: the seed of that pair's prompts, and which iterations they take. A program that
//! puts out what it has learnt by heart answers the fixed prompts, and not these; one that is quick on the fixed prompts
//! alone is found by comparing the times of both.

use crate::Digest;

/// What one workload put out on the prompt of its pair; the same in each iteration of the challenge, or the worker fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Workload name.
    pub workload: String,
    /// SHA-256 of the prompt's ids (little-endian u32).
    pub prompt_ids_digest: Digest,
    /// The sampled ids.
    pub generated: Vec<u32>,
    /// SHA-256 of the bits of the logits of every scored position (little-endian f32).
    pub logits_digest: Digest,
    /// Timed iterations that had this prompt.
    pub iterations: u64,
}

/// Hex digits of a nonce.
pub const NONCE_DIGITS: usize = 32;

/// Whether the timed iteration `nth` (0-based) of a process has the challenge's prompt: the middle two of every four. Half of
/// an even number of rounds, and of those in which either arm goes first.
#[must_use]
pub const fn is_challenged(nth: u64) -> bool {
    matches!(nth % 4, 1 | 2)
}

/// How many of the first `n` timed iterations have the challenge's prompt.
#[must_use]
pub const fn n_challenged(n: u64) -> u64 {
    let rest = match n % 4 {
        0 | 1 => 0,
        2 => 1,
        _ => 2,
    };
    n / 4 * 2 + rest
}

/// The root seed of the prompts of one pair: both arms answer the same, and no other pair does.
/// The first eight bytes, little-endian, of the SHA-256 of `tritgate challenge NONCE PAIR`.
#[must_use]
pub fn challenge_seed(nonce: &str, pair: u64) -> u64 {
    let digest = Digest::of(format!("tritgate challenge {nonce} {pair}").as_bytes());
    let [a, b, c, d, e, f, g, h, ..] = *digest.bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_every_four_iterations_are_challenged_and_counted() {
        let mut counted = 0;
        for nth in 0..100 {
            assert_eq!(n_challenged(nth), counted, "{nth}");
            counted += u64::from(is_challenged(nth));
        }
        // Eight rounds of one iteration: two challenged even rounds, two odd ones.
        let rounds: Vec<u64> = (0..8).filter(|nth| is_challenged(*nth)).collect();
        assert_eq!(rounds, [1, 2, 5, 6]);
        assert_eq!(n_challenged(u64::MAX), u64::MAX / 4 * 2 + 2);
    }

    #[test]
    fn every_nonce_and_every_pair_has_a_seed_of_its_own() {
        // First eight bytes of `printf 'tritgate challenge 00 0' | sha256sum`, read backwards.
        let seeds =
            [("00", 0), ("00", 1), ("01", 0)].map(|(nonce, pair)| challenge_seed(nonce, pair));
        assert_ne!(seeds[0], seeds[1]);
        assert_ne!(seeds[0], seeds[2]);
        assert_eq!(seeds[0], 0xc71b0a3ac37e737c);
    }
}
