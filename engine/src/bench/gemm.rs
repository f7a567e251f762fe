//! One product at one shape: a seeded matrix in one storage format, several tokens of seeded activations.
//!
//! Timed by the caller: packing the activations and multiplying. The outputs have been held against a product that uses no
//! kernel: exact integers where the weights are ternary, else the scalar kernel's bits and the product in f64.

use crate::{
    Drawing, Error, ErrorKind, Isa, Lines, Pool, Result, SessionOptions, accuracy,
    kernels::{Input, Kernels, Packed, Product, ProductKernel, RowScale},
    quant::{BlockFormat, Shape, Ternary},
    threads::{Columns, Split},
};

/// The magnitude of ternary weights: a power of two, so that no format rounds it.
const SCALE: f32 = 0.031_25;

/// See the file's door.
#[derive(Debug)]
pub struct Gemm {
    kernels: Kernels,
    kernel: &'static ProductKernel,
    pool: Pool,
    format: &'static dyn BlockFormat,
    shape: Shape,
    tensor: Vec<u8>,
    /// `[tokens, cols]`.
    activations: Vec<f32>,
    packed: Packed,
    /// `[tokens, rows]`.
    out: Vec<f32>,
}

impl Gemm {
    /// Draws weights and activations from `seed`, multiplies them once and checks every output.
    ///
    /// # Errors
    /// [`ErrorKind::Isa`] if the machine lacks the instruction set, [`ErrorKind::Shape`] if the format can't store the shape,
    /// [`ErrorKind::InvalidArgument`] if there is no kernel for the format, or its result is wrong.
    pub fn new(
        format: &'static dyn BlockFormat,
        shape: Shape,
        n_tokens: usize,
        options: &SessionOptions,
        seed: u64,
    ) -> Result<Self> {
        let kernels = Kernels::of(options.isa)?;
        Self::with_kernels(format, shape, n_tokens, options, seed, kernels)
    }

    /// The same with other kernels than the options name: for tests that plant a fault in one of them.
    ///
    /// # Errors
    /// As [`Gemm::new`].
    pub fn with_kernels(
        format: &'static dyn BlockFormat,
        shape: Shape,
        n_tokens: usize,
        options: &SessionOptions,
        seed: u64,
        kernels: Kernels,
    ) -> Result<Self> {
        let kernel = kernels.product(format.name()).ok_or_else(|| {
            let text = format!("product with {} on {}: there is none", format.name(), kernels.isa);
            Error::new(ErrorKind::InvalidArgument, text)
        })?;
        format.fits(shape)?;
        let n = shape.n_elements().unwrap_or(0);
        let mut drawing = Drawing::new(seed, "gemm");
        let values: Vec<f32> = match format.ternary() {
            Some(_) => drawing.ternary(n, SCALE),
            None => (0..n).map(|_| drawing.unit_f32() * 2.0 - 1.0).collect(),
        };
        let pool = match options.cpus.as_slice() {
            cpus if cpus.len() == options.threads => Pool::on_cpus(cpus),
            _ => Pool::new(options.threads),
        };
        let row_len = (kernels.packing(kernel.input).row_len)(shape.cols);
        let mut gemm = Self {
            kernels,
            kernel,
            pool,
            format,
            shape,
            tensor: format.encode(&values, shape)?,
            activations: (0..n_tokens * shape.cols)
                .map(|_| drawing.unit_f32() * 2.0 - 1.0)
                .collect(),
            packed: Packed {
                bytes: Lines::filled(n_tokens * row_len, 0),
                scales: Lines::filled(n_tokens, RowScale::default()),
                row_len,
            },
            out: vec![f32::NAN; n_tokens * shape.rows],
        };
        gemm.run();
        gemm.check(seed)?;
        Ok(gemm)
    }

    /// Packs the activations and multiplies; returns the wrapping sum of the bits of all outputs: the same in every run.
    pub fn run(&mut self) -> u64 {
        let Self { kernels, kernel, pool, shape, packed, activations, out, .. } = self;
        let (pack, row_len) = (kernels.packing(kernel.input).pack, packed.row_len);
        let mut units = vec![(); packed.scales.len()];
        let (bytes, scales) = ((&mut packed.bytes[..], row_len), (&mut packed.scales[..], 1));
        pool.rows(bytes, scales, (&mut units, 1), |token, bytes, scale, _| {
            scale[0] = pack(&activations[token * shape.cols..][..shape.cols], bytes);
        });
        let scale = self.format.scale(&self.tensor, *shape);
        let product = Product { weights: &self.tensor, shape: *shape, scale, x: packed.all() };
        let columns = Columns { data: out, width: shape.rows, unit: 32 };
        pool.strips(Split::Columns, [columns], |[mut strip]| {
            (kernel.product)(&product, &mut strip);
        });
        self.out.iter().fold(0, |sum, y| sum.wrapping_add(u64::from(y.to_bits())))
    }

    /// Multiply-adds of one run.
    #[must_use]
    pub const fn macs(&self) -> usize {
        self.shape.rows * self.activations.len()
    }

    /// The kernel that does the work.
    #[must_use]
    pub const fn kernel(&self) -> &'static str {
        self.kernel.name
    }

    fn check(&self, seed: u64) -> Result<()> {
        if let Some(format) = self.format.ternary() {
            return self.check_exact(format);
        }
        let scalar = Kernels::of(Isa::Scalar)?;
        let shape = Shape { rows: self.shape.rows.min(64), ..self.shape };
        let found = accuracy::product(&scalar, self.format, shape, 1, seed)?;
        if found.cosine < 0.999 {
            return Err(self.wrong(&format!("a cosine of {} with the f64 product", found.cosine)));
        }
        let mut want = self.out.clone();
        let kernel = scalar.product(self.format.name()).ok_or_else(|| self.wrong("no kernel"))?;
        let packing = scalar.packing(kernel.input);
        let mut x = Packed { row_len: (packing.row_len)(self.shape.cols), ..Packed::default() };
        for row in self.activations.chunks_exact(self.shape.cols) {
            let mut bytes = vec![0; x.row_len];
            x.scales.push((packing.pack)(row, &mut bytes));
            x.bytes.extend_from_slice(&bytes);
        }
        let scale = self.format.scale(&self.tensor, self.shape);
        let product = Product { weights: &self.tensor, shape: self.shape, scale, x: x.all() };
        let columns = Columns { data: &mut want, width: self.shape.rows, unit: 32 };
        self.pool.strips(Split::Columns, [columns], |[mut strip]| {
            (kernel.product)(&product, &mut strip);
        });
        self.compare(&want)
    }

    /// Trits times int8 codes in i32, then the two roundings of the definition.
    fn check_exact(&self, format: &dyn Ternary) -> Result<()> {
        let Shape { rows, cols, .. } = self.shape;
        let mut trits = vec![0; rows * cols];
        let scale = format.unpack(&self.tensor, self.shape, &mut trits)?;
        let mut want = Vec::with_capacity(self.out.len());
        let pack = Kernels::of(Isa::Scalar)?.packing(Input::Int8).pack;
        let mut codes = vec![0; cols];
        for x in self.activations.chunks_exact(cols) {
            let s = pack(x, &mut codes).scale;
            want.extend(trits.chunks_exact(cols).map(|row| {
                let product = |(t, q): (&i8, &u8)| i32::from(*t) * i32::from(q.cast_signed());
                let sum: i32 = row.iter().zip(&codes).map(product).sum();
                #[expect(clippy::cast_precision_loss, reason = "|sum| < 2^24: exact")]
                let y = sum as f32 / s * scale;
                y
            }));
        }
        self.compare(&want)
    }

    fn compare(&self, want: &[f32]) -> Result<()> {
        let differ = |(got, want): (&f32, &f32)| got.to_bits() != want.to_bits();
        match self.out.iter().zip(want).position(differ) {
            None => Ok(()),
            Some(i) => Err(self
                .wrong(&format!("{} at output {i} where {} was expected", self.out[i], want[i]))),
        }
    }

    fn wrong(&self, found: &str) -> Error {
        let Shape { rows, cols, .. } = self.shape;
        let text = format!("{} at {rows} × {cols}: found {found}", self.kernel.name);
        Error::new(ErrorKind::InvalidArgument, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{quant, threads::Strip};

    fn options(threads: usize, isa: Isa) -> SessionOptions {
        SessionOptions { threads, isa, ..SessionOptions::default() }
    }

    #[test]
    fn every_product_has_one_checksum_on_every_instruction_set_and_for_any_threads() {
        for kernel in Kernels::of(Isa::Scalar).unwrap().products {
            let format = quant::by_name(kernel.format).unwrap();
            let mut sums = Vec::new();
            for isa in Isa::available() {
                for threads in [1, 3] {
                    let shape = Shape::new(96, 768);
                    let mut gemm = Gemm::new(format, shape, 3, &options(threads, isa), 42).unwrap();
                    assert_eq!(gemm.macs(), 3 * 96 * 768);
                    sums.push(gemm.run());
                    assert_eq!(gemm.run(), sums[0], "{} {isa}", kernel.name);
                }
            }
            assert!(sums.iter().all(|sum| *sum == sums[0]), "{}", kernel.name);
        }
    }

    #[test]
    fn a_kernel_that_is_wrong_in_one_output_gets_no_time() {
        fn wrong(product: &Product<'_>, out: &mut Strip<'_>) {
            let right = Kernels::of(Isa::Scalar).unwrap().product("i2_s").unwrap();
            (right.product)(product, out);
            let last = out.n_rows() - 1;
            out.row(last)[5] *= -1.0;
        }
        static WRONG: [ProductKernel; 1] =
            [ProductKernel { format: "i2_s", name: "wrong", input: Input::Int8, product: wrong }];
        let mut kernels = Kernels::of(Isa::Scalar).unwrap();
        kernels.products = &WRONG;
        let format = quant::by_name("i2_s").unwrap();
        let options = options(1, Isa::Scalar);
        let shape = Shape::new(96, 768);
        let error = Gemm::with_kernels(format, shape, 2, &options, 42, kernels).unwrap_err();
        assert!(error.to_string().contains("at output 101 where"), "{error}");
    }
}
