//! A kernel against the product of the same numbers in f64: decoded weights, activations as floats.

use crate::{
    Drawing, Error, ErrorKind, Pool, Result,
    kernels::{Kernels, Packed, Product},
    quant::{BlockFormat, Shape},
    threads::{Columns, Split},
};

/// How near a product came to the one in f64.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Cosine of the angle between both.
    pub cosine: f64,
    /// Euclidean length of the difference over that of the f64 product.
    pub relative_error: f64,
    /// Outputs compared.
    pub n: usize,
}

/// Multiplies a seeded matrix stored in `format` with `n_tokens` rows of seeded activations, with the kernel of that format.
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] if `kernels` has no product with weights of `format`; the errors of its encoder.
pub fn product(
    kernels: &Kernels,
    format: &dyn BlockFormat,
    shape: Shape,
    n_tokens: usize,
    seed: u64,
) -> Result<Agreement> {
    let kernel = kernels.product(format.name()).ok_or_else(|| {
        let text = format!("product with {} on {}: there is none", format.name(), kernels.isa);
        Error::new(ErrorKind::InvalidArgument, text)
    })?;
    let n = shape.n_elements().unwrap_or(0);
    let mut drawing = Drawing::new(seed, "product");
    let values: Vec<f32> = match format.ternary() {
        Some(_) => drawing.ternary(n, 0.5),
        None => (0..n).map(|_| drawing.unit_f32() * 2.0 - 1.0).collect(),
    };
    let tensor = format.encode(&values, shape)?;
    let xs: Vec<f32> = (0..n_tokens * shape.cols).map(|_| drawing.unit_f32() * 2.0 - 1.0).collect();

    let packing = kernels.packing(kernel.input);
    let row_len = (packing.row_len)(shape.cols);
    let mut x = Packed { row_len, ..Packed::default() };
    for row in xs.chunks_exact(shape.cols) {
        let mut bytes = vec![0; row_len];
        x.scales.push((packing.pack)(row, &mut bytes));
        x.bytes.extend_from_slice(&bytes);
    }
    let mut got = vec![f32::NAN; n_tokens * shape.rows];
    let scale = format.scale(&tensor, shape);
    let input = Product { weights: &tensor, shape, scale, x: x.all() };
    let columns = Columns { data: &mut got, width: shape.rows, unit: 32 };
    Pool::new(1)
        .strips(Split::Columns, [columns], |[mut strip]| (kernel.product)(&input, &mut strip));
    agreement(format, &tensor, shape, &xs, &got)
}

fn agreement(
    format: &dyn BlockFormat,
    tensor: &[u8],
    shape: Shape,
    xs: &[f32],
    got: &[f32],
) -> Result<Agreement> {
    let mut row = vec![0.0; shape.cols];
    let (mut dot, mut of_got, mut of_want, mut of_difference) = (0.0, 0.0, 0.0, 0.0_f64);
    for r in 0..shape.rows {
        format.decode(tensor, shape, r, &mut row)?;
        for (token, x) in xs.chunks_exact(shape.cols).enumerate() {
            let want: f64 = row.iter().zip(x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
            let got = f64::from(got[token * shape.rows + r]);
            dot += got * want;
            of_got += got * got;
            of_want += want * want;
            of_difference += (got - want).powi(2);
        }
    }
    let (cosine, relative_error) =
        (dot / (of_got * of_want).sqrt(), (of_difference / of_want).sqrt());
    Ok(Agreement { cosine, relative_error, n: got.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Isa, kernels::ProductKernel, quant, threads::Strip};

    /// Requirement: Q4.
    #[test]
    fn every_kernel_of_every_format_and_instruction_set_is_near_the_f64_product() {
        for isa in Isa::available() {
            let kernels = Kernels::of(isa).unwrap();
            for kernel in kernels.products {
                let format = quant::by_name(kernel.format).unwrap();
                let found = product(&kernels, format, Shape::new(64, 1536), 3, 7).unwrap();
                assert_eq!(found.n, 3 * 64);
                // An int8 code of uniform activations is off by 1/127/sqrt(12) of the largest, which is sqrt(3) times
                // their root mean square: 0.4 %.
                assert!(found.cosine > 0.9999, "{}: {found:?}", kernel.name);
                assert!(found.relative_error < 0.01, "{}: {found:?}", kernel.name);
            }
        }
    }

    #[test]
    fn a_kernel_that_takes_minus_one_for_plus_one_is_far_from_it() {
        fn wrong(product: &Product<'_>, out: &mut Strip<'_>) {
            // Codes 0 (-1) become 2 (+1) in the first field of each byte.
            let flip = |byte: &u8| if byte >> 6 == 0 { byte | 0x80 } else { *byte };
            let weights: Vec<u8> = product.weights.iter().map(flip).collect();
            let kernels = Kernels::of(Isa::Scalar).unwrap();
            let wrong = Product { weights: &weights, ..*product };
            (kernels.product("i2_s").unwrap().product)(&wrong, out);
        }
        static WRONG: [ProductKernel; 1] = [ProductKernel {
            format: "i2_s",
            name: "wrong",
            input: crate::kernels::Input::Int8,
            product: wrong,
        }];
        let mut kernels = Kernels::of(Isa::Scalar).unwrap();
        kernels.products = &WRONG;
        let format = quant::by_name("i2_s").unwrap();
        let found = product(&kernels, format, Shape::new(64, 1536), 3, 7).unwrap();
        assert!(found.cosine < 0.99 && found.relative_error > 0.1, "{found:?}");
    }
}
