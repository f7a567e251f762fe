//! What all instruction sets share of the screened head: one row of activations, what is known of a row of weights, and the
//! bound on a logit that both give.

/// Weights, and activations, of a block.
pub(crate) const BLOCK: usize = 256;
/// Bytes of a block's weights in the first plane,
pub(crate) const FIRST: usize = 160;
/// and in the second.
pub(crate) const REST: usize = 64;
/// The greatest code of an activation.
const MOST: f64 = 127.0 * 128.0;

/// What is known of one row of weights besides its planes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ScreenedRow {
    /// What `code - 63.5` is multiplied by.
    pub scale: f32,
    /// Not below the norm of the row.
    pub norm: f32,
    /// Not below the norm of what the upper five bits of its codes leave over.
    pub first_error: f32,
    /// The same of all seven bits.
    pub error: f32,
}

/// What is known of one row of activations besides its codes, `q = 128 · high + low`: for each block of 256 the high parts, then
/// the low ones, as int8.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScreenedInput {
    /// What a code is multiplied by.
    scale: f64,
    /// `Σ q`.
    sum: f64,
    /// Not below the norm of the activations.
    norm: f64,
    /// Not below the norm of what the codes leave over.
    error: f64,
    /// What the roundings of the exact product can be off, for each unit of both norms' product.
    rounding: f64,
}

/// A logit that is known to lie between two numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Between {
    /// At least this,
    pub low: f64,
    /// at most this.
    pub high: f64,
}

impl ScreenedInput {
    /// Bytes of the codes of so many values.
    #[must_use]
    pub const fn bytes_of(n: usize) -> usize {
        n.div_ceil(BLOCK) * 2 * BLOCK
    }

    /// Puts a row into codes; `None`, and nothing to rely on, where a value is not finite.
    ///
    /// # Panics
    /// If there are not [`ScreenedInput::bytes_of`] bytes for them.
    #[must_use]
    pub fn quantize(x: &[f32], codes: &mut [u8]) -> Option<Self> {
        assert_eq!(codes.len(), Self::bytes_of(x.len()), "codes of a row");
        let most = x.iter().fold(0.0_f32, |most, x| if x.abs() > most { x.abs() } else { most });
        let scale = f64::from(most) / MOST;
        let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        codes.fill(0);
        let (mut sum, mut norm, mut error) = (0_i64, 0.0, 0.0);
        for (x, codes) in x.chunks(BLOCK).zip(codes.as_chunks_mut::<{ 2 * BLOCK }>().0) {
            for (i, x) in x.iter().enumerate() {
                let x = f64::from(*x);
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "at most 16256; NaN is told by the norm"
                )]
                let q = (x * inverse).round_ties_even() as i32;
                let high = (q + 64) >> 7;
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "from -127 to 127, and from -64 to 63"
                )]
                let (high_code, low_code) = (high as i8, (q - 128 * high) as i8);
                (codes[i], codes[BLOCK + i]) =
                    (high_code.cast_unsigned(), low_code.cast_unsigned());
                sum += i64::from(q);
                norm += x * x;
                let off = x - f64::from(q) * scale;
                error += off * off;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let (sum, n) = (sum as f64, x.len() as f64);
        norm.is_finite().then(|| Self {
            scale,
            sum,
            // Sums of squares in f64 are off by less than n · 2^-52 of themselves.
            norm: norm.sqrt() * (1.0 + 1e-9),
            error: error.sqrt() * (1.0 + 1e-9),
            // Every value goes through at most n / 256 + 1 roundings in its lane and 8 in the tree.
            rounding: (n / 256.0 + 12.0) * 2.0_f64.powi(-24),
        })
    }

    /// Whether no sum on the way to a logit of a row of this norm can leave the range of f32.
    pub fn fits(&self, norm: f32) -> bool {
        self.norm * f64::from(norm) < 1e37
    }

    /// The logit of a row, from [`super::Kernels::screen_first`].
    pub fn first(&self, row: &ScreenedRow, first: i64) -> Between {
        self.between(row, row.first_error, 4 * first, 62.0)
    }

    /// The same from [`super::Kernels::screen_rest`] as well.
    pub fn both(&self, row: &ScreenedRow, first: i64, rest: i64) -> Between {
        self.between(row, row.error, 4 * first + rest, 63.5)
    }

    /// `w · x` with `w = ŵ + e`, `x = x̂ + f` is `ŵ · x̂ + e · x + ŵ · f`; the latter two are at most products of norms.
    fn between(&self, row: &ScreenedRow, error: f32, codes: i64, middle: f64) -> Between {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let codes = codes as f64;
        let about = f64::from(row.scale) * self.scale * (codes - middle * self.sum);
        let (norm, error) = (f64::from(row.norm), f64::from(error));
        let off = error * (self.norm + self.error)
            + norm * (self.error + self.norm * self.rounding)
            + about.abs() * 1e-12
            + 1e-37;
        Between { low: about - off, high: about + off }
    }
}
