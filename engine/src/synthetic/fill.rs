//! What the bytes of a tensor are drawn as: valid codes straight from random words, without a number in between.
//! In: a stream of random bytes. Out: the same bytes, made into codes of the format.

use crate::Drawing;

/// One kind of bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fill {
    /// Two-bit codes of `I2_S`: a quarter -1, a half 0, a quarter +1; never 3.
    Trits,
    /// Half-precision numbers of either sign from 2^-8 to 2^-4, every power of two equally likely.
    Halves,
    /// Single-precision ones.
    Ones,
    /// Indices of TL2's triples from 1 to 13: none is all zero, so that any sign may stand beside it. 31 % of the trits are 0.
    Triples,
    /// Signs of triples: any bits.
    Signs,
    /// Pair codes of TL2, 0 to 8.
    Pairs,
    /// One single-precision number, then zeros.
    Scale(f32),
    /// Zeros.
    Zeros,
}

/// The low bit of every two-bit code.
const LOW_BITS: u64 = 0x5555_5555_5555_5555;
/// Sign, the low two bits of the exponent and the significand of four halves.
const HALF_BITS: u64 = 0x8fff_8fff_8fff_8fff;
/// The exponent of 2^-8 in four halves. The sum stays below the sign bit, so that none carries into the next.
const HALF_LEAST: u64 = 0x1c00_1c00_1c00_1c00;

/// A byte with two random nibbles as two indices from 1 to 13.
const TRIPLES: [u8; 256] = of_nibbles(13, 1);
/// The same as two pair codes from 0 to 8.
const PAIRS: [u8; 256] = of_nibbles(9, 0);

impl Fill {
    /// Fills `out` from `drawing`. Its length is a multiple of 8 for [`Trits`](Self::Trits) and [`Halves`](Self::Halves).
    pub(super) fn fill(self, drawing: &mut Drawing, out: &mut [u8]) {
        match self {
            Self::Trits => {
                drawing.fill(out);
                // 3 becomes 1: the high bit goes where the low one is set.
                each_word(out, |word| word & !((word & LOW_BITS) << 1));
            }
            Self::Halves => {
                drawing.fill(out);
                each_word(out, |word| (word & HALF_BITS) + HALF_LEAST);
            }
            Self::Triples => {
                drawing.fill(out);
                out.iter_mut().for_each(|byte| *byte = TRIPLES[usize::from(*byte)]);
            }
            Self::Signs => drawing.fill(out),
            Self::Pairs => {
                drawing.fill(out);
                out.iter_mut().for_each(|byte| *byte = PAIRS[usize::from(*byte)]);
            }
            Self::Ones => {
                let (numbers, _) = out.as_chunks_mut::<4>();
                numbers.fill(1.0_f32.to_le_bytes());
            }
            Self::Scale(scale) => {
                out.fill(0);
                if let Some(number) = out.first_chunk_mut::<4>() {
                    *number = scale.to_le_bytes();
                }
            }
            Self::Zeros => out.fill(0),
        }
    }
}

fn each_word(bytes: &mut [u8], change: impl Fn(u64) -> u64) {
    let (words, _) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = change(u64::from_le_bytes(*word)).to_le_bytes();
    }
}

/// Each of 16 nibbles as one of `n` numbers from `first` on, evenly, in every byte.
const fn of_nibbles(n: u16, first: u16) -> [u8; 256] {
    let mut all = [0; 256];
    let mut byte = 0_u16;
    while byte < 256 {
        let (high, low) = ((byte >> 4) * n / 16 + first, (byte & 15) * n / 16 + first);
        let [code, _] = (high << 4 | low).to_le_bytes();
        all[byte as usize] = code;
        byte += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(fill: Fill, len: usize) -> Vec<u8> {
        let mut bytes = vec![0xff; len];
        fill.fill(&mut Drawing::new(7, "fill"), &mut bytes);
        bytes
    }

    #[test]
    fn no_code_is_3_and_codes_have_their_shares() {
        let bytes = filled(Fill::Trits, 1 << 16);
        let mut counts = [0_usize; 4];
        for byte in bytes {
            for shift in [0, 2, 4, 6] {
                counts[usize::from(byte >> shift & 3)] += 1;
            }
        }
        let quarter = 1 << 16;
        assert_eq!(counts[3], 0);
        for (count, want) in counts.into_iter().zip([quarter, 2 * quarter, quarter]) {
            assert!(count.abs_diff(want) < want / 50, "{counts:?}");
        }
    }

    #[test]
    fn halves_are_of_either_sign_and_between_their_bounds() {
        let bytes = filled(Fill::Halves, 1 << 12);
        let halves = bytes.as_chunks::<2>().0.iter().map(|half| half::f16::from_le_bytes(*half));
        let numbers: Vec<f32> = halves.map(f32::from).collect();
        assert!(numbers.iter().all(|x| (1.0 / 256.0..1.0 / 16.0).contains(&x.abs())));
        let below = numbers.iter().filter(|x| **x < 0.0).count();
        assert!(below.abs_diff(1024) < 128, "{below} of 2048 below zero");
        assert!(numbers.iter().any(|x| x.abs() < 1.0 / 128.0));
        assert!(numbers.iter().any(|x| x.abs() > 1.0 / 32.0));
    }

    #[test]
    fn nibbles_are_all_codes_and_only_those() {
        for (fill, codes) in [(Fill::Triples, 1..=13), (Fill::Pairs, 0..=8)] {
            let bytes = filled(fill, 4096);
            let mut found: Vec<u8> = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect();
            found.sort_unstable();
            found.dedup();
            assert!(found.into_iter().eq(codes), "{fill:?}");
        }
    }
}
