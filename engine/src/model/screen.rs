//! The output matrix once more, in 7 bits a weight: what tells which of its rows can't hold one of the largest logits.
//! In: an F16 matrix. Out: planes to be read row by row, and for each row how far they are off (`docs/numerics.md`).

use crate::{
    HugePages, Result,
    kernels::{
        Kernels, SCREENED_BLOCK as BLOCK, SCREENED_FIRST as FIRST, SCREENED_REST as REST,
        ScreenedRow,
    },
    threads::Pool,
};

/// See the file's door.
#[derive(Debug)]
pub(crate) struct Screen {
    /// The upper five bits of every code, `[rows, first_len]`.
    first: HugePages,
    /// The lower two, `[rows, rest_len]`.
    rest: HugePages,
    rows: Vec<ScreenedRow>,
    /// The greatest of theirs.
    norm: f32,
    n_blocks: usize,
}

impl Screen {
    /// Of F16 rows of `cols` values; `None` where one is not finite.
    pub(crate) fn new(
        bytes: &[u8],
        cols: usize,
        kernels: &Kernels,
        pool: &Pool,
    ) -> Result<Option<Self>> {
        let row_bytes = 2 * cols;
        let (n_rows, n_blocks) = (bytes.len() / row_bytes, cols.div_ceil(BLOCK));
        let mut screen = Self {
            first: HugePages::zeroed(n_rows * FIRST * n_blocks)?,
            rest: HugePages::zeroed(n_rows * REST * n_blocks)?,
            rows: vec![ScreenedRow::default(); n_rows],
            norm: 0.0,
            n_blocks,
        };
        let (first, rest) =
            ((&mut screen.first[..], FIRST * n_blocks), (&mut screen.rest[..], REST * n_blocks));
        pool.rows(first, rest, (&mut screen.rows, 1), |row, first, rest, known| {
            let mut wide = vec![0.0; cols];
            (kernels.widen_f16)(&bytes[row * row_bytes..][..row_bytes], &mut wide);
            known[0] = (kernels.screen_quantize)(&wide, first, rest);
        });
        screen.norm = screen.rows.iter().fold(0.0, |most, row| row.norm.max(most));
        Ok(screen.rows.iter().all(|row| row.norm.is_finite()).then_some(screen))
    }

    /// Bytes held.
    pub(crate) const fn bytes(&self) -> usize {
        self.rows.len() * (self.first_len() + self.rest_len())
    }

    /// The same of a matrix of so many rows and columns.
    pub(crate) const fn bytes_of(rows: usize, cols: usize) -> usize {
        rows * ((FIRST + REST) * cols.div_ceil(BLOCK) + size_of::<ScreenedRow>())
    }

    /// Bytes that the first look at one row reads,
    pub(crate) const fn first_len(&self) -> usize {
        FIRST * self.n_blocks + size_of::<ScreenedRow>()
    }

    /// and the second one.
    pub(crate) const fn rest_len(&self) -> usize {
        REST * self.n_blocks
    }

    pub(crate) fn first(&self, row: usize) -> &[u8] {
        &self.first[row * FIRST * self.n_blocks..][..FIRST * self.n_blocks]
    }

    pub(crate) fn rest(&self, row: usize) -> &[u8] {
        &self.rest[row * REST * self.n_blocks..][..REST * self.n_blocks]
    }

    pub(crate) const fn norm(&self) -> f32 {
        self.norm
    }

    pub(crate) fn rows(&self) -> &[ScreenedRow] {
        &self.rows
    }
}
