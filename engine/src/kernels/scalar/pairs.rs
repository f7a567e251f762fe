//! int8 activations as lookup tables of pairs: for two columns their products with all nine pairs of trits.
//!
//! The table of columns 2i, 2i + 1 with codes a, b is 32 bytes from 32i on: sixteen i16, entry `3s + t + 4` being
//! `s·a + t·b`; the last seven are zero. Scalar keeps the two bytes of an entry together, AVX2 and AVX-512 keep the sixteen
//! low bytes in front of the sixteen high ones. Codes and scale are those of `int8`, so that a row of zeros has a scale, too.

use super::{
    super::{Input, Packing, RowScale},
    int8,
};

/// Bytes of one table.
pub(in crate::kernels) const TABLE_SIZE: usize = 32;

/// See the file's door.
pub(in crate::kernels) const PACKING: Packing = Packing { input: Input::Pairs, row_len, pack };

/// A table for every two columns.
pub(in crate::kernels) fn row_len(cols: usize) -> usize {
    cols / 2 * TABLE_SIZE
}

fn pack(x: &[f32], packed: &mut [u8]) -> RowScale {
    assert!(x.len().is_multiple_of(2), "whole pairs");
    assert_eq!(packed.len(), row_len(x.len()), "length of a packed row");
    let scale = int8::activation_scale(x);
    RowScale { scale, sum: tables(x, scale, packed) }
}

/// The tables of `x`; returns the sum of its codes.
pub(super) fn tables(x: &[f32], scale: f32, packed: &mut [u8]) -> i32 {
    let (pairs, _) = x.as_chunks::<2>();
    let (tables, _) = packed.as_chunks_mut::<TABLE_SIZE>();
    let mut sum = 0;
    for (pair, table) in pairs.iter().zip(tables) {
        let [a, b] = pair.map(|x| i16::from(int8::code(x, scale)));
        sum += i32::from(a + b);
        store(entries(a, b), table);
    }
    sum
}

/// What each code stands for, times a and b.
fn entries(a: i16, b: i16) -> [i16; 16] {
    const S: [i16; 16] = [-1, -1, -1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
    const T: [i16; 16] = [-1, 0, 1, -1, 0, 1, -1, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    let mut out = [0; 16];
    for n in 0..16 {
        out[n] = S[n] * a + T[n] * b;
    }
    out
}

/// Writes a table, each entry's low byte first.
pub(super) fn store(entries: [i16; 16], table: &mut [u8; TABLE_SIZE]) {
    let (bytes, _) = table.as_chunks_mut::<2>();
    for (entry, bytes) in entries.iter().zip(bytes) {
        *bytes = entry.to_le_bytes();
    }
}

/// The entry of `code` in a table that [`store`] wrote.
#[inline(always)]
pub(super) fn entry(table: &[u8; TABLE_SIZE], code: u8) -> i32 {
    let (entries, _) = table.as_chunks::<2>();
    i32::from(i16::from_le_bytes(entries[usize::from(code & 15)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_all_products_with_pairs_of_trits() {
        // Origin: microsoft/BitNet, `utils/codegen_tl1.py`, nine sums in the order of the codes.
        let (a, b) = (127, -3);
        let want = [-a - b, -a, -a + b, -b, 0, b, a - b, a, a + b, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(entries(a, b), want);
        let mut table = [9; 32];
        store(want, &mut table);
        for (code, want) in (0..).zip(want) {
            assert_eq!(entry(&table, code), i32::from(want));
        }
    }

    #[test]
    fn a_row_of_zeros_keeps_the_floor() {
        let mut packed = [7; 64];
        let row = pack(&[0.0; 4], &mut packed);
        assert_eq!((packed, row.sum), ([0; 64], 0));
        assert!(row.scale.is_finite());
    }

    #[test]
    fn codes_are_those_of_int8() {
        let x = [0.3, -0.7, 0.05, 0.7];
        let (mut codes, mut packed) = ([0; 4], [0; 64]);
        assert_eq!(int8::pack(&x, &mut codes), pack(&x, &mut packed));
        // Code 7 is (+1, 0), code 5 is (0, +1).
        let (tables, _) = packed.as_chunks::<32>();
        let seen = [0, 1].map(|i| [7, 5].map(|code| entry(&tables[i], code)));
        assert_eq!(seen.as_flattened(), codes.map(|q| i32::from(q.cast_signed())));
    }
}
