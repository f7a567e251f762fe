//! `TL2` (type 39): ternary weights in triples, 5 bits a triple, one f32 scale for the tensor.
//!
//! Three columns a, b, c of a row are v = 9a + 3b + c: |v| (0 to 13) is an index of four bits, its sign a bit of its own. The
//! columns that fill no tile, at the end of each row, are pairs as in TL1. Four regions: indices, signs, pairs, and padding up
//! to a size that depends on the shape (`scale_at`); then the scale and 28 bytes without meaning. All three regions of codes
//! lie in tiles of BM × BK and blocks of 32 rows (`Layout`, `docs/formats.md`), so that a kernel looks 32 rows up at once.
//!
//! Source: microsoft/BitNet, `utils/convert-hf-to-gguf-bitnet.py` (packer), `utils/codegen_tl2.py` (kernel).

mod codec;
mod layout;

use codec::Values;
use layout::At;
pub(crate) use layout::{Layout, place};

use super::parallel::{Bands, quantize_bands};
use super::{
    BlockFormat, Shape, Ternary, Tiles, check_trits, expect_len, expect_size, outside, tiles,
    trits, whole_rows,
};
use crate::{Error, Pool, Result};

/// Rows that are side by side.
pub(crate) const LANES: usize = 32;
/// Columns whose signs are together: eight triples, 32 bytes for 32 rows.
const GROUP_COLS: usize = 24;
/// Bytes of the indices of a group for 32 rows, two triples a byte.
pub(crate) const GROUP_SIZE: usize = GROUP_COLS / 6 * LANES;
/// Columns of a tile of pairs.
const PAIR_COLS: usize = 32;
/// Columns of a tile: one of these.
pub(crate) const TILE_COLS: [usize; 2] = tiles::TL2_COLS;
/// Bytes behind codes and padding: the scale, then filler.
const TAIL_SIZE: usize = 32;

/// The trits of the triple with this index: `9a + 3b + c` in balanced ternary.
const TRIPLES: [[i8; 3]; 16] = [
    [0, 0, 0],
    [0, 0, 1],
    [0, 1, -1],
    [0, 1, 0],
    [0, 1, 1],
    [1, -1, -1],
    [1, -1, 0],
    [1, -1, 1],
    [1, 0, -1],
    [1, 0, 0],
    [1, 0, 1],
    [1, 1, -1],
    [1, 1, 0],
    [1, 1, 1],
    // No packer writes these.
    [0, 0, 0],
    [0, 0, 0],
];

/// Ternary weights in triples, in tiles made for lookup tables.
#[derive(Clone, Copy, Debug)]
pub struct Tl2;

impl BlockFormat for Tl2 {
    fn name(&self) -> &'static str {
        "tl2"
    }

    fn about(&self) -> &'static str {
        "ternary, 5 bits a triple in tiles for 16-entry lookup tables, one f32 scale a tensor"
    }

    fn id(&self) -> u32 {
        39
    }

    fn block_len(&self) -> usize {
        tiles::UNIT
    }

    fn fits(&self, shape: Shape) -> Result<()> {
        tiles::fits_tl2(self, shape)
    }

    fn tiles(&self, shape: Shape) -> Option<Tiles> {
        Some(tiles::tl2(shape))
    }

    fn n_bytes(&self, shape: Shape) -> Option<usize> {
        padded_size(shape)?.checked_add(TAIL_SIZE)
    }

    fn check(&self, tensor: &[u8], shape: Shape) -> Result<()> {
        expect_size(self, tensor, shape)?;
        let layout = Layout::new(shape);
        if layout.any_bad(tensor) {
            return Err(refusal(&layout, tensor, shape));
        }
        let any = || trits::find(shape, |row, col| layout.trit(tensor, row, col) != 0);
        trits::check_scale(self, tensor, self.scale_at(shape), any)
    }

    fn scale(&self, tensor: &[u8], shape: Shape) -> f32 {
        trits::scale_at(tensor, padded_size(shape).unwrap_or(usize::MAX))
    }

    fn row(&self, tensor: &[u8], shape: Shape, row: usize, out: &mut [f32]) -> Result<()> {
        if row >= shape.rows || out.len() != shape.cols || expect_size(self, tensor, shape).is_err()
        {
            return Err(outside(self, shape, row, out.len()));
        }
        Layout::new(shape).decode_row(tensor, row, &Values::new(f32::from), out);
        Ok(())
    }

    fn decode(&self, tensor: &[u8], shape: Shape, row: usize, out: &mut [f32]) -> Result<()> {
        whole_rows("tl2", shape, out.len())?;
        if out.is_empty() {
            return Ok(());
        }
        let n_rows = out.len() / shape.cols;
        let inside = row.checked_add(n_rows).is_some_and(|end| end <= shape.rows);
        if !inside || expect_size(self, tensor, shape).is_err() {
            return Err(outside(self, shape, row.saturating_add(n_rows - 1), shape.cols));
        }
        let scale = self.scale(tensor, shape);
        let (layout, values) = (Layout::new(shape), Values::new(|trit| f32::from(trit) * scale));
        for (i, out) in out.chunks_exact_mut(shape.cols).enumerate() {
            layout.decode_row(tensor, row + i, &values, out);
        }
        Ok(())
    }

    fn encode(&self, values: &[f32], shape: Shape) -> Result<Vec<u8>> {
        quantize_bands(self, values, shape, &Pool::new(1))
    }

    fn ternary(&self) -> Option<&dyn Ternary> {
        Some(self)
    }
}

impl Ternary for Tl2 {
    fn pack(&self, trits: &[i8], scale: f32, shape: Shape) -> Result<Vec<u8>> {
        expect_len(self, shape, trits.len())?;
        check_trits(self, trits, scale)?;
        let mut bytes = vec![0; self.n_bytes(shape).unwrap_or(0)];
        let layout = Layout::new(shape);
        let at = self.scale_at(shape);
        let (indices, rest) = bytes.split_at_mut(layout.signs_start());
        let (signs, rest) = rest.split_at_mut(layout.pairs_start() - layout.signs_start());
        layout.encode_band([indices, signs, rest], shape.rows, |row, out| {
            trits::from_i8(&trits[row * shape.cols..][..shape.cols], out);
        });
        bytes[at..at + 4].copy_from_slice(&scale.to_le_bytes());
        Ok(bytes)
    }

    fn unpack(&self, tensor: &[u8], shape: Shape, trits: &mut [i8]) -> Result<f32> {
        expect_len(self, shape, trits.len())?;
        self.check(tensor, shape)?;
        let (layout, values) = (Layout::new(shape), Values::new(|trit| trit));
        for (row, out) in trits.chunks_exact_mut(shape.cols.max(1)).enumerate() {
            layout.decode_row(tensor, row, &values, out);
        }
        Ok(self.scale(tensor, shape))
    }
}

impl Bands for Tl2 {
    fn band_rows(&self, shape: Shape) -> usize {
        tiles::tl2(shape).rows
    }

    fn row_sizes(&self, shape: Shape) -> [usize; 3] {
        let Layout { three_k, two_k, .. } = Layout::new(shape);
        [three_k / 6, three_k / 24, two_k / 4]
    }

    fn scale_at(&self, shape: Shape) -> usize {
        padded_size(shape).unwrap_or(0)
    }

    fn encode_band(&self, values: &[f32], shape: Shape, regions: [&mut [u8]; 3]) -> f32 {
        let mut most = 0_u32;
        let n_rows = values.len() / shape.cols;
        Layout::new(shape).encode_band(regions, n_rows, |row, out| {
            let here = trits::from_f32(&values[row * shape.cols..][..shape.cols], out);
            most = most.max(here.to_bits());
        });
        f32::from_bits(most)
    }
}

/// Bytes of codes and padding: `(K - 256)·M/3·5/8 + 256·M/2·4/8` from left to right in integers that round to zero, up to
/// the next multiple of 32. It leaves room for all regions as long as the pairs are at most 256 columns. Nothing without elements.
fn padded_size(shape: Shape) -> Option<usize> {
    if shape.rows == 0 || shape.cols == 0 {
        return Some(0);
    }
    let (rows, cols) = (i64::try_from(shape.rows).ok()?, i64::try_from(shape.cols).ok()?);
    let triples = (cols - 256).checked_mul(rows)? / 3;
    let pairs = 256_i64.checked_mul(rows)? / 2;
    let size = (triples.checked_mul(5)? / 8).checked_add(pairs.checked_mul(4)? / 8)?;
    usize::try_from(size).ok()?.checked_next_multiple_of(32)
}

/// What is wrong with a tensor that has bad codes, where first.
fn refusal(layout: &Layout, tensor: &[u8], shape: Shape) -> Error {
    let bad = |row, col| match layout.at(tensor, row, col) {
        (At::Triple, code, negative) => code > 13 || code == 0 && negative,
        (At::Pair, code, _) => code > 8,
    };
    let (row, col) = trits::find(shape, bad).unwrap_or_default();
    let text = match layout.at(tensor, row, col) {
        (At::Triple, 0, _) => format!(
            "tl2 row {row}, columns {col} to {}: expected no sign where all three are zero, found one",
            col + 2
        ),
        (At::Triple, code, _) => format!(
            "tl2 row {row}, columns {col} to {}: expected an index from 0 to 13, found {code}",
            col + 2
        ),
        (At::Pair, code, _) => format!(
            "tl2 row {row}, columns {col} and {}: expected a code from 0 to 8, found {code}",
            col + 1
        ),
    };
    Error::gguf(text)
}

#[cfg(test)]
mod tests;
