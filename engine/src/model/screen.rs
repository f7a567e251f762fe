//! The output matrix once more, in 8 bits a weight: what tells which of its rows can't hold one of the largest logits.
//! In: an F16 matrix. Out: planes to be read row by row, and for each row how far they are off (`docs/numerics.md`).

use crate::{
    HugePages, Result,
    kernels::{Kernels, ScreenedRow},
    threads::Pool,
};

/// See the file's door.
#[derive(Debug)]
pub(crate) struct Screen {
    /// The upper six bits of every code, `[rows, six_len]`.
    six: HugePages,
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
        let (n_rows, n_blocks) = (bytes.len() / row_bytes, cols.div_ceil(256));
        let mut screen = Self {
            six: HugePages::zeroed(n_rows * 192 * n_blocks)?,
            rest: HugePages::zeroed(n_rows * 64 * n_blocks)?,
            rows: vec![ScreenedRow::default(); n_rows],
            norm: 0.0,
            n_blocks,
        };
        let (six, rest) =
            ((&mut screen.six[..], 192 * n_blocks), (&mut screen.rest[..], 64 * n_blocks));
        pool.rows(six, rest, (&mut screen.rows, 1), |row, six, rest, known| {
            let mut wide = vec![0.0; cols];
            (kernels.widen_f16)(&bytes[row * row_bytes..][..row_bytes], &mut wide);
            known[0] = (kernels.screen_quantize)(&wide, six, rest);
        });
        screen.norm = screen.rows.iter().fold(0.0, |most, row| row.norm.max(most));
        Ok(screen.rows.iter().all(|row| row.norm.is_finite()).then_some(screen))
    }

    /// Bytes held.
    pub(crate) const fn bytes(&self) -> usize {
        self.rows.len() * (self.six_len() + self.rest_len())
    }

    /// The same of a matrix of so many rows and columns.
    pub(crate) const fn bytes_of(rows: usize, cols: usize) -> usize {
        rows * (256 * cols.div_ceil(256) + size_of::<ScreenedRow>())
    }

    /// Bytes that the first look at one row reads,
    pub(crate) const fn six_len(&self) -> usize {
        192 * self.n_blocks + size_of::<ScreenedRow>()
    }

    /// and the second one.
    pub(crate) const fn rest_len(&self) -> usize {
        64 * self.n_blocks
    }

    pub(crate) fn six(&self, row: usize) -> &[u8] {
        &self.six[row * 192 * self.n_blocks..][..192 * self.n_blocks]
    }

    pub(crate) fn rest(&self, row: usize) -> &[u8] {
        &self.rest[row * 64 * self.n_blocks..][..64 * self.n_blocks]
    }

    pub(crate) const fn norm(&self) -> f32 {
        self.norm
    }

    pub(crate) fn rows(&self) -> &[ScreenedRow] {
        &self.rows
    }
}
