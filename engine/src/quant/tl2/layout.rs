//! Where the bytes of a TL2 tensor are: three regions in tiles, each cut in blocks of 32 rows.

use std::ops::Range;

use super::super::{Shape, Tiles, tiles, tl1};
use super::{GROUP_COLS, LANES, PAIR_COLS, TRIPLES};

/// Where the bytes of a shape are that fits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(super) rows: usize,
    /// Columns in triples.
    pub(crate) three_k: usize,
    /// Columns in pairs, behind them.
    pub(crate) two_k: usize,
    pub(crate) tiles: Tiles,
}

impl Layout {
    /// `shape` fits.
    pub(crate) fn new(shape: Shape) -> Self {
        let tiles = tiles::tl2(shape);
        let two_k = shape.cols % tiles.cols;
        Self { rows: shape.rows, three_k: shape.cols - two_k, two_k, tiles }
    }

    /// How many tiles of triples stand side by side.
    pub(crate) const fn n_tile_cols(&self) -> usize {
        self.three_k / self.tiles.cols
    }

    /// How many tiles of pairs, 32 columns each, stand behind them.
    pub(crate) const fn n_pair_tile_cols(&self) -> usize {
        self.two_k / PAIR_COLS
    }

    pub(super) const fn signs_start(&self) -> usize {
        self.rows * self.three_k / 6
    }

    pub(super) const fn pairs_start(&self) -> usize {
        self.signs_start() + self.rows * self.three_k / 24
    }

    /// How many blocks of 32 rows × one tile's columns stand before that of `row` and `tile_col`.
    pub(super) const fn blocks_before(
        &self,
        row: usize,
        tile_col: usize,
        n_tile_cols: usize,
    ) -> usize {
        let tile = row / self.tiles.rows * n_tile_cols + tile_col;
        tile * (self.tiles.rows / LANES) + row % self.tiles.rows / LANES
    }

    /// The indices of the 32 rows that `row` is in, for the columns of one tile: groups of [`super::GROUP_SIZE`].
    pub(crate) const fn indices(&self, row: usize, tile_col: usize) -> Range<usize> {
        let size = self.tiles.cols / 6 * LANES;
        let start = self.blocks_before(row, tile_col, self.n_tile_cols()) * size;
        start..start + size
    }

    /// Their signs: 32 bytes a group, 16 lanes of 16 bits.
    pub(crate) const fn signs(&self, row: usize, tile_col: usize) -> Range<usize> {
        let size = self.tiles.cols / 24 * LANES;
        let before = self.blocks_before(row, tile_col, self.n_tile_cols()) * size;
        let start = self.signs_start() + before;
        start..start + size
    }

    /// The pairs of those rows, for 32 columns: 32 bytes for each four.
    pub(crate) const fn pairs(&self, row: usize, tile_col: usize) -> Range<usize> {
        let size = PAIR_COLS / 4 * LANES;
        let before = self.blocks_before(row, tile_col, self.n_pair_tile_cols()) * size;
        let start = self.pairs_start() + before;
        start..start + size
    }

    /// The code that column `col` is in, and whether its sign is negative.
    pub(super) fn at(&self, tensor: &[u8], row: usize, col: usize) -> (At, u8, bool) {
        if col >= self.three_k {
            let col = col - self.three_k;
            let start = self.pairs(row, col / PAIR_COLS).start;
            let byte = tensor[start + col % PAIR_COLS / 4 * LANES + place(row)];
            return (At::Pair, if col % 4 < 2 { byte >> 4 } else { byte & 15 }, false);
        }
        let (tile_col, within) = (col / self.tiles.cols, col % self.tiles.cols);
        let byte = tensor[self.indices(row, tile_col).start + within / 6 * LANES + place(row)];
        let index = if within % 6 < 3 { byte >> 4 } else { byte & 15 };
        let lane = self.signs(row, tile_col).start + within / GROUP_COLS * LANES + row % 16 * 2;
        let word = u16::from_le_bytes([tensor[lane], tensor[lane + 1]]);
        let bit = 15 - (2 * (within % GROUP_COLS / 3) + row % LANES / 16);
        (At::Triple, index, word >> bit & 1 == 1)
    }

    pub(super) fn trit(&self, tensor: &[u8], row: usize, col: usize) -> i8 {
        match self.at(tensor, row, col) {
            (At::Triple, code, false) => TRIPLES[usize::from(code & 15)][col % 3],
            (At::Triple, code, true) => -TRIPLES[usize::from(code & 15)][col % 3],
            (At::Pair, code, _) => tl1::pair(code)[col % 2],
        }
    }
}

/// What a column is coded in.
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    Triple,
    Pair,
}

/// The place of a row among the 32 bytes of its block: the middle two runs of eight are swapped.
pub(crate) const fn place(row: usize) -> usize {
    const RUNS: [usize; 4] = [0, 2, 1, 3];
    RUNS[row % LANES / 8] * 8 + row % 8
}
