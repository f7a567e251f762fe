//! Named, seeded streams of numbers: the only source of chance in a workload.
//! In: a seed and a label. Out: the same numbers for ever, on every platform, whatever happens to other streams.
//!
//! The generator is `ChaCha8`, keyed by SHA-256(label ‖ seed as 8 little-endian bytes), nonce 0, counter from 0, words in
//! order. Everything above the words (`below`, `unit_f64`) is written here, with test vectors, so that a prompt does not
//! change because a dependency did.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};

/// One stream of numbers. Two streams with different labels are independent, so adding one never shifts another.
#[derive(Clone, Debug)]
pub struct Drawing {
    words: ChaCha8Rng,
}

impl Drawing {
    /// The stream named `label` under `seed`.
    #[must_use]
    pub fn new(seed: u64, label: &str) -> Self {
        let key: [u8; 32] =
            Sha256::new().chain_update(label).chain_update(seed.to_le_bytes()).finalize().into();
        Self { words: ChaCha8Rng::from_seed(key) }
    }

    /// The next word.
    pub fn next_u32(&mut self) -> u32 {
        self.words.next_u32()
    }

    /// The next two words, the first in the low half.
    pub fn next_u64(&mut self) -> u64 {
        let low = u64::from(self.next_u32());
        let high = u64::from(self.next_u32());
        low | high << 32
    }

    /// The next words as little-endian bytes, of which a last part of a word is dropped.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.words.fill_bytes(bytes);
    }

    /// A number in `0..n`, every one equally likely.
    ///
    /// # Panics
    /// If `n` is 0: there is nothing to draw from.
    ///
    /// # Source
    /// Lemire, "Fast random integer generation in an interval", 2019, algorithm 5 with 32-bit words.
    pub fn below(&mut self, n: u32) -> u32 {
        assert!(n > 0, "drawing from an empty range");
        // The first `2^32 mod n` low halves belong to products that would be drawn once too often.
        let surplus = n.wrapping_neg() % n;
        loop {
            let product = u64::from(self.next_u32()) * u64::from(n);
            let [low, high] = halves(product);
            if low >= surplus {
                return high;
            }
        }
    }

    /// A number in `[0, 1)`: the top 24 bits of a word, times 2^-24, exact.
    pub fn unit_f32(&mut self) -> f32 {
        // 24 bits fit the significand, so the conversion through f64 is exact in both steps.
        #[expect(clippy::cast_possible_truncation, reason = "24 significant bits fit an f32")]
        let unit = (f64::from(self.next_u32() >> 8) / 16_777_216.0) as f32;
        unit
    }

    /// A number in `[0, 1)`: the top 53 bits of two words, times 2^-53, exact.
    pub fn unit_f64(&mut self) -> f64 {
        let [low, high] = halves(self.next_u64() >> 11);
        (f64::from(high) * 4_294_967_296.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    /// `len` ternary weights: a quarter `-scale`, a half 0, a quarter `scale`; sixteen to a drawn word.
    pub fn ternary(&mut self, len: usize, scale: f32) -> Vec<f32> {
        let elements = [-scale, 0.0, scale, 0.0];
        let mut out = Vec::with_capacity(len + 16);
        while out.len() < len {
            let word = self.next_u32();
            out.extend((0..16).map(|i| elements[(word >> (2 * i)) as usize & 3]));
        }
        out.truncate(len);
        out
    }
}

/// The low and the high 32 bits.
fn halves(word: u64) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = word.to_le_bytes();
    [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value as Json;

    #[test]
    fn ternary_weights_come_in_their_shares() {
        let weights = Drawing::new(42, "test").ternary(10_001, 0.25);
        assert_eq!(weights.len(), 10_001);
        let share = |of: f32| weights.iter().filter(|w| w.to_bits() == of.to_bits()).count();
        for (value, expected) in [(-0.25, 2500), (0.0, 5000), (0.25, 2500)] {
            assert!(share(value).abs_diff(expected) < 250, "{value}: {}", share(value));
        }
    }

    #[test]
    fn filled_bytes_are_the_words_in_order() {
        for len in [0, 4, 8, 256, 1000] {
            let (mut words, mut bytes) = (Drawing::new(3, "fill"), Drawing::new(3, "fill"));
            let mut filled = vec![0; len];
            bytes.fill(&mut filled);
            let want: Vec<u8> = (0..len / 4).flat_map(|_| words.next_u32().to_le_bytes()).collect();
            assert_eq!(filled, want);
            assert_eq!(words.next_u32(), bytes.next_u32(), "behind {len} bytes");
        }
    }

    const VECTORS: &str = include_str!("../tests/data/drawing-vectors.json");

    fn numbers(json: &Json) -> Vec<u64> {
        let number = |v: &Json| v.as_u64().or_else(|| v.as_str()?.parse().ok()).unwrap();
        json.as_array().unwrap().iter().map(number).collect()
    }

    fn fractions(json: &Json) -> Vec<f64> {
        json.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    }

    #[test]
    fn streams_give_the_numbers_of_the_independent_implementation() {
        let rows: Vec<Json> = serde_json::from_str(VECTORS).unwrap();
        assert_eq!(rows.len(), 3);
        for row in &rows {
            let seed = row["seed"].as_str().unwrap().parse().unwrap();
            let stream = || Drawing::new(seed, row["label"].as_str().unwrap());
            let take = |n: usize, draw: &dyn Fn(&mut Drawing) -> u64| -> Vec<u64> {
                let mut stream = stream();
                (0..n).map(|_| draw(&mut stream)).collect()
            };
            let words = take(301, &|s| s.next_u32().into());
            assert_eq!(words[..8], numbers(&row["u32"]));
            assert_eq!(Some(words[300]), row["u32_at_300"].as_u64());
            assert_eq!(take(4, &Drawing::next_u64), numbers(&row["u64"]));
            assert_eq!(take(16, &|s| s.below(6).into()), numbers(&row["below_6"]));
            assert_eq!(take(16, &|s| s.below(3_000_000_000).into()), numbers(&row["below_3e9"]));
            let bits = |values: Vec<f64>| values.into_iter().map(f64::to_bits).collect::<Vec<_>>();
            assert_eq!(
                take(4, &|s| f64::from(s.unit_f32()).to_bits()),
                bits(fractions(&row["unit_f32"]))
            );
            assert_eq!(take(4, &|s| s.unit_f64().to_bits()), bits(fractions(&row["unit_f64"])));
        }
    }

    #[test]
    fn other_seeds_and_labels_are_other_streams() {
        let first = |seed, label: &str| Drawing::new(seed, label).next_u64();
        assert_ne!(first(1, "a"), first(2, "a"));
        assert_ne!(first(1, "a"), first(1, "b"));
    }

    #[test]
    fn below_one_is_zero_and_below_everything_stays_below() {
        let mut stream = Drawing::new(7, "below");
        assert!((0..100).all(|_| stream.below(1) == 0));
        for n in [2, 3, 1 << 31, (1 << 31) + 1, u32::MAX] {
            assert!((0..100).all(|_| stream.below(n) < n), "n = {n}");
        }
    }

    #[test]
    #[should_panic(expected = "drawing from an empty range")]
    fn below_nothing_panics() {
        Drawing::new(0, "").below(0);
    }
}
