//! I2_S weights stored once more in 1.6 bits each: what a single token reads, which takes as long as its bytes take to come.
//!
//! Weights are taken as the activations of a wide kernel lie: 64 at a time, field `s` of two neighbouring groups. Five such runs
//! make a block of 64 bytes; byte `p` is `81 e + 27 a + 9 b + 3 c + d` of the codes 0, 1, 2 at `p` of the runs `a` to `e`. The last
//! block of a row may have fewer, and then zeros. There is no scale: the product has it.

use super::ProductKernel;

/// Runs of a block.
pub(super) const RUNS: usize = 5;
/// Values of four trits together.
pub(super) const FOUR: usize = 81;

/// A product with weights in this form.
#[derive(Clone, Copy, Debug)]
pub struct PackedKernel {
    /// For one token; `weights` are packed.
    pub kernel: ProductKernel,
    /// Packs rows of so many columns.
    pub pack: fn(&[u8], usize, &mut [u8]),
}

impl PackedKernel {
    /// The format of weights that can be packed.
    pub const FORMAT: &str = "i2_s";

    /// Bytes of a packed row of so many weights; `None` for rows that are not whole pairs of groups.
    #[must_use]
    pub const fn row_len(cols: usize) -> Option<usize> {
        if cols.is_multiple_of(256) { Some((cols / 64).div_ceil(RUNS) * 64) } else { None }
    }
}

/// Packs whole rows of I2_S codes of `cols` columns.
#[inline(always)]
pub(super) fn pack(codes: &[u8], cols: usize, out: &mut [u8]) {
    let rows = codes.chunks_exact(super::row_bytes(cols));
    let row_len = PackedKernel::row_len(cols).expect("whole pairs of groups");
    for (row, out) in rows.zip(out.chunks_exact_mut(row_len)) {
        let (pairs, _) = row.as_chunks::<64>();
        for (b, out) in out.as_chunks_mut::<64>().0.iter_mut().enumerate() {
            let mut block = [0; 64];
            // The fifth run's digit is the highest.
            for k in [4, 0, 1, 2, 3] {
                let run = RUNS * b + k;
                let (pair, shift) = (pairs.get(run / 4), 6 - 2 * (run % 4));
                for p in 0..64 {
                    let code = pair.map_or(0, |pair| pair[p] >> shift & 3);
                    block[p] = 3 * block[p] + code;
                }
            }
            *out = block;
        }
    }
}

/// By the value of four trits, the I2_S byte of them.
pub(super) const FIELDS: [u8; 128] = {
    let mut fields = [0; 128];
    let mut value = 0;
    while value < FOUR {
        let (a, b, c, d) = (value / 27, value / 9 % 3, value / 3 % 3, value % 3);
        #[expect(clippy::cast_possible_truncation, reason = "four codes below 3 in 2 bits each")]
        let byte = (a << 6 | b << 4 | c << 2 | d) as u8;
        fields[value] = byte;
        value += 1;
    }
    fields
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Drawing,
        quant::{Shape, Ternary, i2_s::I2S},
    };

    /// What the file's door says, byte by byte, from the trits themselves: with full blocks and with last ones of 1 to 4 runs.
    #[test]
    fn every_byte_has_the_digits_of_its_five_weights() {
        let mut drawing = Drawing::new(1, "packed");
        let mut seen = [false; 243];
        for cols in [256, 512, 768, 1024, 1280, 2560, 6912] {
            let trits: Vec<i8> =
                (0..3 * cols).map(|_| [-1, 0, 1][drawing.below(3) as usize]).collect();
            let tensor = I2S.pack(&trits, 1.0, Shape::new(3, cols)).unwrap();
            let row_len = PackedKernel::row_len(cols).unwrap();
            let mut packed = vec![77; 3 * row_len];
            pack(&tensor[..3 * cols / 4], cols, &mut packed);
            for (row, trits) in packed.chunks_exact(row_len).zip(trits.chunks_exact(cols)) {
                for (i, byte) in row.iter().enumerate() {
                    let digit = |k: usize| {
                        let (run, p) = (i / 64 * RUNS + k, i % 64);
                        // Field `run % 4` of a pair of groups: 32 of the first group, then 32 of the second.
                        let at = run / 4 * 256 + p / 32 * 128 + run % 4 * 32 + p % 32;
                        if run < cols / 64 { u8::try_from(trits[at] + 1).unwrap() } else { 0 }
                    };
                    let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(digit);
                    assert_eq!(*byte, 81 * e + 27 * a + 9 * b + 3 * c + d, "{cols}, byte {i}");
                    seen[usize::from(*byte)] = true;
                    let fields = FIELDS[usize::from(*byte) % FOUR];
                    assert_eq!(fields, a << 6 | b << 4 | c << 2 | d);
                }
            }
        }
        assert!(seen.iter().all(|seen| *seen), "every value a byte can have");
        assert_eq!(PackedKernel::row_len(128), None, "half a pair of groups");
    }
}
