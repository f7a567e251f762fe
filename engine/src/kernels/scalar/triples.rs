//! int8 activations as lookup tables of triples: for three columns their products with all triples of trits up to their sign;
//! and of pairs, for the columns at the end that a tile of triples may leave.
//!
//! A table is 32 bytes, sixteen i16: entry n of columns 3i, 3i + 1, 3i + 2 is the product with the triple `9s + 3t + u = n`,
//! the last two being zero. Where triples end depends on the tile, of 96 or 192 columns, which a packed row doesn't know. So
//! it holds tables for both: triples up to the last multiple of 96, then pairs from the last multiple of 192 on. Tiles begin at
//! multiples of 3 and of 2 either way. Bytes within a table: as in `pairs`.

use super::{
    super::{Input, Packing, RowScale},
    int8,
    pairs::{self, TABLE_SIZE},
};
use crate::quant::tl2::TILE_COLS;

/// See the file's door.
pub(in crate::kernels) const PACKING: Packing = Packing { input: Input::Triples, row_len, pack };

/// Columns that have tables of triples: all that some tile codes so.
pub(in crate::kernels) const fn triple_cols(cols: usize) -> usize {
    cols / TILE_COLS[0] * TILE_COLS[0]
}

/// The first column that has a table of pairs.
pub(in crate::kernels) const fn first_pair_col(cols: usize) -> usize {
    cols / TILE_COLS[1] * TILE_COLS[1]
}

/// Tables for every three columns, and for every two of those at the end.
pub(in crate::kernels) const fn row_len(cols: usize) -> usize {
    triple_cols(cols) / 3 * TABLE_SIZE + (cols - first_pair_col(cols)) / 2 * TABLE_SIZE
}

/// The tables of triples from column 0 on, and those of pairs from column `three_k` on, where a tile's triples end.
#[inline(always)]
pub(in crate::kernels) fn split(packed: &[u8], cols: usize, three_k: usize) -> (&[u8], &[u8]) {
    let (triples, pairs) = packed.split_at(triple_cols(cols) / 3 * TABLE_SIZE);
    let before = (three_k - first_pair_col(cols)) / 2 * TABLE_SIZE;
    (&triples[..three_k / 3 * TABLE_SIZE], &pairs[before..])
}

fn pack(x: &[f32], packed: &mut [u8]) -> RowScale {
    let cols = x.len();
    assert!(cols.is_multiple_of(2), "whole pairs");
    assert_eq!(packed.len(), row_len(cols), "length of a packed row");
    let scale = int8::activation_scale(x);
    let (tables, at_end) = packed.split_at_mut(triple_cols(cols) / 3 * TABLE_SIZE);
    let (triples, _) = x[..triple_cols(cols)].as_chunks::<3>();
    let (tables, _) = tables.as_chunks_mut::<TABLE_SIZE>();
    let mut sum = 0;
    for (triple, table) in triples.iter().zip(tables) {
        let [a, b, c] = triple.map(|x| i16::from(int8::code(x, scale)));
        sum += i32::from(a + b + c);
        pairs::store(entries(a, b, c), table);
    }
    pairs::tables(&x[first_pair_col(cols)..], scale, at_end);
    let rest = &x[triple_cols(cols)..];
    sum += rest.iter().map(|x| i32::from(int8::code(*x, scale))).sum::<i32>();
    RowScale { scale, sum }
}

/// What each index stands for, times a, b and c.
fn entries(a: i16, b: i16, c: i16) -> [i16; 16] {
    const S: [i16; 16] = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0];
    const T: [i16; 16] = [0, 0, 1, 1, 1, -1, -1, -1, 0, 0, 0, 1, 1, 1, 0, 0];
    const U: [i16; 16] = [0, 1, -1, 0, 1, -1, 0, 1, -1, 0, 1, -1, 0, 1, 0, 0];
    let mut out = [0; 16];
    for n in 0..16 {
        out[n] = S[n] * a + T[n] * b + U[n] * c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_all_products_with_triples_up_to_their_sign() {
        // Origin: microsoft/BitNet, `utils/codegen_tl2.py`, fourteen sums in the order of the indices.
        let (a, b, c) = (127, -5, 31);
        let want = [
            0,
            c,
            b - c,
            b,
            b + c,
            a - b - c,
            a - b,
            a - b + c,
            a - c,
            a,
            a + c,
            a + b - c,
            a + b,
            a + b + c,
            0,
            0,
        ];
        assert_eq!(entries(a, b, c), want);
    }

    #[test]
    fn a_packed_row_has_tables_for_both_splits() {
        for cols in (32..=1024).step_by(32) {
            let x: Vec<f32> = (0_i16..).map(|i| f32::from(i % 23 - 11)).take(cols).collect();
            let (mut codes, mut packed) = (vec![0; cols], vec![9; row_len(cols)]);
            let row = int8::pack(&x, &mut codes);
            assert_eq!(pack(&x, &mut packed), row, "{cols}");
            for tile_cols in TILE_COLS {
                let three_k = cols / tile_cols * tile_cols;
                let (triples, pairs) = split(&packed, cols, three_k);
                let at = |tables: &[u8], i: usize, code: u8| {
                    pairs::entry(&tables.as_chunks().0[i], code)
                };
                assert_eq!(triples.len(), three_k / 3 * 32);
                assert_eq!(pairs.len(), (cols - three_k) / 2 * 32);
                for (i, code) in codes.iter().map(|q| i32::from(q.cast_signed())).enumerate() {
                    // The first of three alone is index 9, then 3 and 1; of two, code 7 and 5.
                    let found = if i < three_k {
                        at(triples, i / 3, [9, 3, 1][i % 3])
                    } else {
                        at(pairs, (i - three_k) / 2, [7, 5][i % 2])
                    };
                    assert_eq!(found, code, "{cols} {tile_cols} {i}");
                }
            }
        }
    }
}
