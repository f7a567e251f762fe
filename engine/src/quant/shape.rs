//! The shape a tensor is stored in: rows, columns, and the tiles of the two formats that are cut in tiles.

/// A matrix as storage formats see it; anything else than a matrix is one with fewer or more rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows: outputs of a product.
    pub rows: usize,
    /// Elements of a row, which are contiguous in most formats: inputs of a product.
    pub cols: usize,
    /// How TL1 and TL2 cut it; `None` for the default of the shape. The other formats have no tiles.
    pub tiles: Option<Tiles>,
}

/// How TL1 and TL2 cut a matrix. Other programs' files don't say; ours do, where it is not the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiles {
    /// Rows of a tile: `BM` in the presets of bitnet.cpp.
    pub rows: usize,
    /// Columns of a tile: `BK` there (`BY` in TL1's kernels).
    pub cols: usize,
    /// Rows that lie side by side in a tile: `bm` there.
    pub lanes: usize,
}

impl Shape {
    /// A matrix with default tiles.
    #[must_use]
    pub const fn new(rows: usize, cols: usize) -> Self {
        Self { rows, cols, tiles: None }
    }

    /// One row.
    #[must_use]
    pub const fn vector(len: usize) -> Self {
        Self::new(1, len)
    }

    /// The same matrix in other tiles.
    #[must_use]
    pub const fn with_tiles(self, tiles: Option<Tiles>) -> Self {
        Self { tiles, ..self }
    }

    /// How many elements; `None` if 64 bits cannot count them.
    #[must_use]
    pub const fn n_elements(self) -> Option<usize> {
        self.rows.checked_mul(self.cols)
    }
}
