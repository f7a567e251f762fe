//! `TL1` (type 38): ternary weights in pairs, four bits a pair, one f32 scale for the tensor.
//!
//! Columns k, k + 1 of a row are the code `3·t[k] + t[k + 1] + 4`, 0 to 8; a byte holds four columns, the first pair in the
//! high bits. Bytes lie in tiles (`Tiles`), so that a kernel looks 16 rows up at once: for row = i0·BM + i2·bm + i4·16 + r
//! and k = i1·BY + i3·by + i5·4, where by = 256 / bm, the byte is at
//! `(((((i0·(K/BY) + i1)·(BM/bm) + i2)·(BY/by) + i3)·(bm/16) + i4)·(by/4) + i5)·16 + r`. The scale stands behind the codes,
//! and 28 bytes without meaning follow it.
//!
//! Source: microsoft/BitNet, `utils/convert-hf-to-gguf-bitnet.py` (packer), `utils/codegen_tl1.py` (kernel).

use std::ops::Range;

use super::parallel::{Bands, quantize_bands};
use super::{
    BlockFormat, Shape, Ternary, Tiles, check_trits, expect_len, expect_size, outside, tiles,
    trits, whole_rows,
};
use crate::{Error, Pool, Result};

/// Rows whose bytes for the same four columns are side by side.
const SIDE: usize = 16;
/// Bytes of the smallest run that holds whole columns of a block: `bm · by / 4`.
pub(crate) const RUN_SIZE: usize = 64;
/// Bytes behind the codes: the scale, then filler.
const TAIL_SIZE: usize = 32;

/// Ternary weights in pairs, in tiles made for lookup tables.
#[derive(Clone, Copy, Debug)]
pub struct Tl1;

impl BlockFormat for Tl1 {
    fn name(&self) -> &'static str {
        "tl1"
    }

    fn about(&self) -> &'static str {
        "ternary, 4 bits a pair in tiles for 16-entry lookup tables, one f32 scale a tensor"
    }

    fn id(&self) -> u32 {
        38
    }

    fn block_len(&self) -> usize {
        tiles::UNIT
    }

    fn fits(&self, shape: Shape) -> Result<()> {
        tiles::fits_tl1(self, shape)
    }

    fn tiles(&self, shape: Shape) -> Option<Tiles> {
        Some(tiles::tl1(shape))
    }

    fn n_bytes(&self, shape: Shape) -> Option<usize> {
        (shape.n_elements()? / 4).checked_add(TAIL_SIZE)
    }

    fn check(&self, tensor: &[u8], shape: Shape) -> Result<()> {
        expect_size(self, tensor, shape)?;
        let layout = Layout::new(shape);
        let at = self.scale_at(shape);
        if tensor[..at].iter().fold(0, |seen, byte| seen | above_8(*byte)) != 0 {
            let bad = trits::find(shape, |row, col| layout.code(tensor, row, col) > 8);
            let (row, col) = bad.unwrap_or_default();
            let found = layout.code(tensor, row, col);
            let text = format!(
                "tl1 row {row}, columns {col} and {}: expected a code from 0 to 8, found {found}",
                col + 1
            );
            return Err(Error::gguf(text));
        }
        let any = || trits::find(shape, |row, col| layout.code(tensor, row, col) != 4);
        trits::check_scale(self, tensor, at, any)
    }

    fn scale(&self, tensor: &[u8], shape: Shape) -> f32 {
        trits::scale_at(tensor, shape.rows.saturating_mul(shape.cols) / 4)
    }

    fn row(&self, tensor: &[u8], shape: Shape, row: usize, out: &mut [f32]) -> Result<()> {
        if row >= shape.rows || out.len() != shape.cols || expect_size(self, tensor, shape).is_err()
        {
            return Err(outside(self, shape, row, out.len()));
        }
        Layout::new(shape).decode_row(tensor, row, &quads(1.0), out);
        Ok(())
    }

    fn decode(&self, tensor: &[u8], shape: Shape, row: usize, out: &mut [f32]) -> Result<()> {
        whole_rows("tl1", shape, out.len())?;
        if out.is_empty() {
            return Ok(());
        }
        let n_rows = out.len() / shape.cols;
        let inside = row.checked_add(n_rows).is_some_and(|end| end <= shape.rows);
        if !inside || expect_size(self, tensor, shape).is_err() {
            return Err(outside(self, shape, row.saturating_add(n_rows - 1), shape.cols));
        }
        let (layout, quads) = (Layout::new(shape), quads(self.scale(tensor, shape)));
        for (i, out) in out.chunks_exact_mut(shape.cols).enumerate() {
            layout.decode_row(tensor, row + i, &quads, out);
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

impl Ternary for Tl1 {
    fn pack(&self, trits: &[i8], scale: f32, shape: Shape) -> Result<Vec<u8>> {
        expect_len(self, shape, trits.len())?;
        check_trits(self, trits, scale)?;
        let mut bytes = vec![0; trits.len() / 4 + TAIL_SIZE];
        let layout = Layout::new(shape);
        for (band, codes) in (0..shape.rows / layout.tiles.rows).zip(layout.bands(&mut bytes)) {
            let first = band * layout.tiles.rows;
            layout.encode_band(codes, |row, out| {
                trits::from_i8(&trits[(first + row) * shape.cols..][..shape.cols], out);
            });
        }
        let at = self.scale_at(shape);
        bytes[at..at + 4].copy_from_slice(&scale.to_le_bytes());
        Ok(bytes)
    }

    fn unpack(&self, tensor: &[u8], shape: Shape, trits: &mut [i8]) -> Result<f32> {
        expect_len(self, shape, trits.len())?;
        self.check(tensor, shape)?;
        let layout = Layout::new(shape);
        let quads = quad_trits();
        for (row, out) in trits.chunks_exact_mut(shape.cols.max(1)).enumerate() {
            layout.decode_row(tensor, row, &quads, out);
        }
        Ok(self.scale(tensor, shape))
    }
}

impl Bands for Tl1 {
    fn band_rows(&self, shape: Shape) -> usize {
        tiles::tl1(shape).rows
    }

    fn row_sizes(&self, shape: Shape) -> [usize; 3] {
        [shape.cols / 4, 0, 0]
    }

    fn scale_at(&self, shape: Shape) -> usize {
        shape.rows * shape.cols / 4
    }

    fn encode_band(&self, values: &[f32], shape: Shape, [codes, _, _]: [&mut [u8]; 3]) -> f32 {
        let mut most = 0_u32;
        Layout::new(shape).encode_band(codes, |row, out| {
            let here = trits::from_f32(&values[row * shape.cols..][..shape.cols], out);
            most = most.max(here.to_bits());
        });
        f32::from_bits(most)
    }
}

/// Where the bytes of a shape are that fits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    cols: usize,
    pub(crate) tiles: Tiles,
}

impl Layout {
    /// `shape` fits.
    pub(crate) fn new(shape: Shape) -> Self {
        Self { cols: shape.cols, tiles: tiles::tl1(shape) }
    }

    /// How many tiles stand side by side.
    pub(crate) const fn n_tile_cols(&self) -> usize {
        self.cols / self.tiles.cols
    }

    /// The bytes of the block of `lanes` rows that `row` is in, for the columns of one tile: runs of [`RUN_SIZE`].
    pub(crate) const fn block(&self, row: usize, tile_col: usize) -> Range<usize> {
        let Tiles { rows, cols, lanes } = self.tiles;
        let size = lanes * cols / 4;
        let tile = row / rows * self.n_tile_cols() + tile_col;
        let start = (tile * (rows / lanes) + row % rows / lanes) * size;
        start..start + size
    }

    /// Columns of a run.
    const fn run_cols(&self) -> usize {
        256 / self.tiles.lanes
    }

    /// The place of four columns, the `quad`-th of a run, in it: 16 rows from the one that `row` is in on.
    const fn in_run(&self, row: usize, quad: usize) -> usize {
        (row % self.tiles.lanes / SIDE * (self.run_cols() / 4) + quad) * SIDE
    }

    /// The code of the pair that column `col` is in.
    fn code(&self, tensor: &[u8], row: usize, col: usize) -> u8 {
        let (tile_col, within) = (col / self.tiles.cols, col % self.tiles.cols);
        let run = self.block(row, tile_col).start + within / self.run_cols() * RUN_SIZE;
        let byte = tensor[run + self.in_run(row, within % self.run_cols() / 4) + row % SIDE];
        if col % 4 < 2 { byte >> 4 } else { byte & 15 }
    }

    /// The bytes of each row of tiles.
    fn bands<'a>(&self, bytes: &'a mut [u8]) -> impl Iterator<Item = &'a mut [u8]> + use<'a> {
        bytes.chunks_exact_mut((self.tiles.rows * self.cols / 4).max(1))
    }

    /// Four values of each byte, row by row.
    fn decode_row<T: Copy>(&self, tensor: &[u8], row: usize, quads: &[[T; 4]; 256], out: &mut [T]) {
        let at = self.in_run(row, 0) + row % SIDE;
        for (tile_col, out) in out.chunks_exact_mut(self.tiles.cols).enumerate() {
            let (runs, _) = tensor[self.block(row, tile_col)].as_chunks::<RUN_SIZE>();
            for (run, out) in runs.iter().zip(out.chunks_exact_mut(self.run_cols())) {
                let (outs, _) = out.as_chunks_mut::<4>();
                for (quad, out) in outs.iter_mut().enumerate() {
                    *out = quads[usize::from(run[at + quad * SIDE])];
                }
            }
        }
    }

    /// Writes the bytes of one row of tiles. `row_codes` gives t + 1 of a row, counted from the band's first.
    fn encode_band(&self, bytes: &mut [u8], mut row_codes: impl FnMut(usize, &mut [u8])) {
        let n_quads = self.cols / 4;
        let mut codes = vec![0; self.cols];
        let mut packed = vec![0; SIDE * n_quads];
        for row in (0..self.tiles.rows).step_by(SIDE) {
            for (i, packed) in packed.chunks_exact_mut(n_quads.max(1)).enumerate() {
                row_codes(row + i, &mut codes);
                pack_quads(&codes, packed);
            }
            // 16 rows side by side: bytes are written where they stay, in order.
            let mut rows: [&[u8]; SIDE] = [&[]; SIDE];
            for i in 0..SIDE {
                rows[i] = &packed[i * n_quads..][..n_quads];
            }
            let tile_quads = self.tiles.cols / 4;
            for tile_col in 0..self.n_tile_cols() {
                let (runs, _) = bytes[self.block(row, tile_col)].as_chunks_mut::<RUN_SIZE>();
                let run_quads = self.run_cols() / 4;
                for (i, run) in runs.iter_mut().enumerate() {
                    for quad in 0..run_quads {
                        let from = tile_col * tile_quads + i * run_quads + quad;
                        let out = &mut run[self.in_run(row, quad)..][..SIDE];
                        for (out, row) in out.iter_mut().zip(rows) {
                            *out = row[from];
                        }
                    }
                }
            }
        }
    }
}

/// A byte from four codes t + 1 at once: the product's top byte is 16·(3a + b) + 3c + d, and nothing below reaches it.
pub(super) fn pack_quads(codes: &[u8], out: &mut [u8]) {
    const FACTORS: u32 = u32::from_le_bytes([1, 3, 16, 48]);
    let (quads, _) = codes.as_chunks::<4>();
    for (quad, out) in quads.iter().zip(out) {
        *out = u32::from_le_bytes(*quad).wrapping_mul(FACTORS).to_le_bytes()[3];
    }
}

/// The two trits of a pair code; zeros for the codes that no packer writes.
pub(super) const fn pair(code: u8) -> [i8; 2] {
    if code > 8 {
        return [0, 0];
    }
    [(code / 3).cast_signed() - 1, (code % 3).cast_signed() - 1]
}

/// The four trits of every byte.
fn quad_trits() -> [[i8; 4]; 256] {
    let mut all = [[0; 4]; 256];
    for (byte, quad) in (0..=u8::MAX).zip(&mut all) {
        let ([a, b], [c, d]) = (pair(byte >> 4), pair(byte & 15));
        *quad = [a, b, c, d];
    }
    all
}

/// The same times `scale`.
fn quads(scale: f32) -> [[f32; 4]; 256] {
    quad_trits().map(|quad| quad.map(|trit| f32::from(trit) * scale))
}

/// Not zero where one of the two codes is above 8: bit 3 and any bit below it.
pub(super) const fn above_8(byte: u8) -> u8 {
    byte >> 3 & (byte | byte >> 1 | byte >> 2) & 0x11
}

#[cfg(test)]
mod tests;
