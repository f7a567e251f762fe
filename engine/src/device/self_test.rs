//! The self-test of a table of kernels: each product on a small seeded matrix, against integers that are exact whatever the order.
//!
//! The activations are whole numbers, ±127 at the head of each block, so that quantizing them changes nothing and every sum is a
//! whole number below 2^24. Products whose weights have scales of their own in each block are held to the one in f64.

use crate::{
    Drawing, Pool, Result,
    accuracy::product,
    kernels::{Four, Kernels, Packed, Product, ProductKernel},
    quant::{self, BlockFormat, Shape, Ternary},
    threads::{Columns, Split},
};

use super::{Reason, ReasonKind};

/// Whole blocks of every format.
const COLS: usize = 768;
/// A tile of four rows or tokens, and one over; formats in tiles of 32 rows take that many.
const ROWS: [usize; 2] = [33, 32];
const N_TOKENS: usize = 5;
/// Activations between two of ±127: the shortest block there is.
const BLOCK_LEN: usize = 32;
const SEED: u64 = 42;
/// How far int8 activations are off at most: 0.0039 is the largest of all formats with this seed. One of the 165 outputs with a
/// wrong sign, of average size, makes 0.16.
const RELATIVE_ERROR_MAX: f64 = 0.01;

/// Computes with every product of `kernels`, and with its float products of rows of floats.
///
/// # Errors
/// [`ReasonKind::SelfTestFailed`]: the kernel, the first wrong output, expected and found.
pub fn self_test(kernels: &Kernels) -> Result<(), Reason> {
    floats(kernels)?;
    for kernel in kernels.products {
        let failed = |text: String| {
            let name = kernel.name;
            Reason::new(ReasonKind::SelfTestFailed, format!("self-test of kernel `{name}`: {text}"))
        };
        let wrong = match quant::by_name(kernel.format) {
            None => Some("its format is unknown".to_owned()),
            Some(format) => match format.ternary() {
                Some(ternary) => exact(kernels, kernel, format, ternary),
                None => near(kernels, format),
            }
            .unwrap_or_else(|error| Some(error.to_string())),
        };
        wrong.map_or(Ok(()), |text| Err(failed(text)))?;
    }
    Ok(())
}

/// What is wrong with a product of trits and whole numbers, if anything.
fn exact(
    kernels: &Kernels,
    kernel: &ProductKernel,
    format: &dyn BlockFormat,
    ternary: &dyn Ternary,
) -> Result<Option<String>> {
    let shape = shape(format);
    let mut drawing = Drawing::new(SEED, "self-test");
    let trits = trits(&mut drawing, shape.rows * COLS);
    let tensor = ternary.pack(&trits, 1.0, shape)?;
    let codes = codes(&mut drawing, N_TOKENS * COLS);

    let packing = kernels.packing(kernel.input);
    let row_len = (packing.row_len)(COLS);
    let mut x = Packed { row_len, ..Packed::default() };
    for row in codes.chunks_exact(COLS) {
        let row: Vec<f32> = row.iter().map(|code| f32::from(*code)).collect();
        let mut bytes = vec![0; row_len];
        x.scales.push((packing.pack)(&row, &mut bytes));
        x.bytes.extend_from_slice(&bytes);
    }
    let mut found = vec![f32::NAN; N_TOKENS * shape.rows];
    let product =
        Product { weights: &tensor, shape, scale: format.scale(&tensor, shape), x: x.all() };
    let columns = Columns { data: &mut found, width: shape.rows, unit: 32 };
    Pool::new(1)
        .strips(Split::Columns, [columns], |[mut strip]| (kernel.product)(&product, &mut strip));

    for (token, codes) in codes.chunks_exact(COLS).enumerate() {
        for (row, trits) in trits.chunks_exact(COLS).enumerate() {
            let expected = sum(trits, codes);
            let found = found[token * shape.rows + row];
            if differs(found, expected) {
                return Ok(Some(format!(
                    "row {row}, token {token}: expected {expected}, found {found}"
                )));
            }
        }
    }
    Ok(None)
}

/// Likewise, of a product whose weights are rounded by their format.
fn near(kernels: &Kernels, format: &dyn BlockFormat) -> Result<Option<String>> {
    let error = product(kernels, format, shape(format), N_TOKENS, SEED)?.relative_error;
    let is_far = error.is_nan() || error > RELATIVE_ERROR_MAX;
    Ok(is_far.then(|| {
        format!("relative error: expected at most {RELATIVE_ERROR_MAX}, found {error:.4}")
    }))
}

/// The products of rows of floats, with whole numbers.
fn floats(kernels: &Kernels) -> Result<(), Reason> {
    let mut drawing = Drawing::new(SEED, "self-test floats");
    // No multiple of any vector's length.
    let (a, b) = (trits(&mut drawing, COLS + 3), codes(&mut drawing, COLS + 3));
    let expected = sum(&a, &b);
    let float = |codes: &[i8]| codes.iter().map(|code| f32::from(*code)).collect::<Vec<f32>>();
    let (a, b) = (float(&a), float(&b));
    let halves: Vec<u8> = a.iter().flat_map(|x| half::f16::from_f32(*x).to_le_bytes()).collect();
    let dense = kernels.dense_f32_name();
    for (name, found) in [
        (dense.to_owned(), (kernels.dot)(&a, &b)),
        (dense.replace("f32", "f16"), (kernels.dot_f16)(&halves, &b)),
    ] {
        if differs(found, expected) {
            return Err(Reason::new(
                ReasonKind::SelfTestFailed,
                format!("self-test of kernel `{name}`: expected {expected}, found {found}"),
            ));
        }
    }
    four_at_once(kernels, &mut drawing)
}

/// The four products of one row of floats, which are whole numbers.
fn four_at_once(kernels: &Kernels, drawing: &mut Drawing) -> Result<(), Reason> {
    let w = trits(drawing, COLS);
    let x = codes(drawing, 4 * COLS);
    let expected = [0, 1, 2, 3].map(|t| sum(&w, &x[t * COLS..][..COLS]));
    let float = |codes: &[i8]| codes.iter().map(|code| f32::from(*code)).collect::<Vec<f32>>();
    let found = (kernels.dot_4)(&float(&w), &Four::interleaved(&float(&x)));
    match (0..4).find(|t| differs(found[*t], expected[*t])) {
        Some(t) => Err(Reason::new(
            ReasonKind::SelfTestFailed,
            format!(
                "self-test of kernel `{}`, {t} of four at once: expected {}, found {}",
                kernels.dense_f32_name(),
                expected[t],
                found[t]
            ),
        )),
        None => Ok(()),
    }
}

fn shape(format: &dyn BlockFormat) -> Shape {
    let shapes = ROWS.map(|rows| Shape::new(rows, COLS));
    shapes.into_iter().find(|shape| format.fits(*shape).is_ok()).unwrap_or(shapes[1])
}

fn trits(drawing: &mut Drawing, n: usize) -> Vec<i8> {
    (0..n).map(|_| [-1, 0, 1][drawing.below(3) as usize]).collect()
}

/// Whole numbers from -127 to 127, the first of each block one of those two.
fn codes(drawing: &mut Drawing, n: usize) -> Vec<i8> {
    let one = |i: usize| match drawing.next_u32().to_le_bytes()[0].cast_signed() {
        byte if i.is_multiple_of(BLOCK_LEN) => [-127, 127][usize::from(byte >= 0)],
        byte => byte.max(-127),
    };
    (0..n).map(one).collect()
}

/// At most 771 · 127, which f32 holds exactly.
#[expect(clippy::cast_precision_loss, reason = "below 2^24")]
fn sum(a: &[i8], b: &[i8]) -> f32 {
    a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum::<i32>() as f32
}

/// NaN differs from everything; zeros of both signs are equal.
fn differs(found: f32, expected: f32) -> bool {
    let off = (found - expected).abs();
    off.is_nan() || off > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Isa, threads::Strip};

    #[test]
    fn every_instruction_set_of_this_machine_passes() {
        for isa in Isa::available() {
            self_test(&Kernels::of(isa).unwrap())
                .unwrap_or_else(|reason| panic!("{isa}: {reason}"));
        }
    }

    /// The right product, but for the sign of one output.
    fn wrong(product: &Product<'_>, out: &mut Strip<'_>) {
        let right = Kernels::of(Isa::best()).unwrap();
        let format = if product.weights.len() == wanted("tq2_0") { "tq2_0" } else { "q8_0" };
        (right.product(format).unwrap().product)(product, out);
        out.row(1)[0] *= -1.0;
    }

    fn wanted(format: &str) -> usize {
        let format = quant::by_name(format).unwrap();
        format.n_bytes(shape(format)).unwrap()
    }

    #[test]
    fn one_wrong_sign_in_any_product_fails_and_names_kernel_and_output() {
        for (format, said) in [
            ("tq2_0", "row 0, token 1: expected"),
            ("q8_0", "relative error: expected at most 0.01, found 0."),
        ] {
            let mut kernels = Kernels::of(Isa::best()).unwrap();
            let products = kernels.products.iter().map(|kernel| match kernel.format {
                name if name == format => ProductKernel { product: wrong, ..*kernel },
                _ => *kernel,
            });
            kernels.products = Box::leak(products.collect());
            let reason = self_test(&kernels).unwrap_err();
            assert_eq!(reason.kind, ReasonKind::SelfTestFailed);
            let text = reason.to_string();
            assert!(text.contains(&format!("`{format}")) && text.contains(said), "{text}");
        }
    }

    #[test]
    fn a_wrong_float_product_fails_and_so_does_one_that_is_no_number() {
        let right = Kernels::of(Isa::best()).unwrap();
        let mut kernels = right;
        kernels.dot = |_, _| f32::NAN;
        let reason = self_test(&kernels).unwrap_err().to_string();
        assert!(reason.contains("dense_f32") && reason.contains("found NaN"), "{reason}");
        let mut kernels = right;
        kernels.dot_f16 = |_, _| 0.0;
        let reason = self_test(&kernels).unwrap_err().to_string();
        assert!(reason.contains("dense_f16") && reason.contains("found 0 "), "{reason}");
        let mut kernels = right;
        kernels.dot_4 = |_, _| [f32::INFINITY; 4];
        let reason = self_test(&kernels).unwrap_err().to_string();
        assert!(reason.contains("dense_f32") && reason.contains("0 of four"), "{reason}");
    }
}
