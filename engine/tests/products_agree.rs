//! Products with stored weights: every format × instruction set × shapes around each block edge × adversarial values, bit
//! for bit against scalar; and scalar against a product in exact integers or f64 that knows nothing of kernels.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use engine::{
    Drawing, Isa, Pool,
    kernels::{Input, Kernels, Packed, PackedKernel, Packing, Product, ProductKernel},
    quant::{self, BlockFormat, Shape},
    threads::{Columns, Split},
};

/// What the tensor is multiplied by last: not a power of two, so that the order of roundings shows.
const SCALE: f32 = 0.7;
/// Rows around the edges of register tiles.
const ROWS: [usize; 7] = [1, 2, 3, 4, 5, 9, 17];
/// The same for formats in tiles of 32 rows.
const TILED_ROWS: [usize; 4] = [32, 64, 96, 160];
/// Tokens around the edges of register tiles.
const TOKENS: [usize; 6] = [1, 2, 3, 4, 5, 9];

#[expect(clippy::print_stdout, reason = "CI requires to see which instruction sets ran")]
fn others() -> Vec<Kernels> {
    for isa in [Isa::Avx2, Isa::Avx512] {
        if !Isa::available().contains(&isa) {
            println!("skipped: {isa} not available");
        }
    }
    Isa::available().into_iter().skip(1).map(|isa| Kernels::of(isa).unwrap()).collect()
}

fn scalar() -> Kernels {
    Kernels::of(Isa::Scalar).unwrap()
}

/// Every product that scalar has, with its format.
fn products() -> impl Iterator<Item = (&'static dyn BlockFormat, &'static ProductKernel)> {
    scalar().products.iter().map(|kernel| (quant::by_name(kernel.format).unwrap(), kernel))
}

/// Row lengths around the block's edges, and real ones.
fn cols(format: &dyn BlockFormat) -> Vec<usize> {
    let block = format.block_len();
    let mut cols: Vec<usize> =
        [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 25].map(|n| n * block).into_iter().collect();
    cols.extend([576, 1536, 2560, 6912].into_iter().filter(|n| n % block == 0));
    cols
}

fn rows(format: &dyn BlockFormat) -> &'static [usize] {
    if format.fits(Shape::new(1, format.block_len() * 4)).is_ok() { &ROWS } else { &TILED_ROWS }
}

/// Weights of very different sizes; trits where the format has nothing else.
fn weights(drawing: &mut Drawing, format: &dyn BlockFormat, n: usize) -> Vec<f32> {
    let mut one = || match format.ternary() {
        Some(_) => [-1.0, 0.0, 1.0][drawing.below(3) as usize],
        None => (drawing.unit_f32() * 2.0 - 1.0) * [0.01, 1.0, 30.0][drawing.below(3) as usize],
    };
    (0..n).map(|_| one()).collect()
}

/// Activations of very different sizes, and zeros.
fn activations(drawing: &mut Drawing, n: usize) -> Vec<f32> {
    let mut one = || match drawing.below(5) {
        0 => 0.0,
        size => (drawing.unit_f32() * 2.0 - 1.0) * [0.001, 0.1, 1.0, 9.0][size as usize - 1],
    };
    (0..n).map(|_| one()).collect()
}

fn packed(kernels: &Kernels, kernel: &ProductKernel, x: &[f32], cols: usize) -> Packed {
    let packing = kernels.packing(kernel.input);
    let row_len = (packing.row_len)(cols);
    let mut packed = Packed { row_len, ..Packed::default() };
    for x in x.chunks_exact(cols) {
        // Dirty memory: a packing that leaves bytes unwritten shows.
        let mut bytes = vec![77; row_len];
        packed.scales.push((packing.pack)(x, &mut bytes));
        packed.bytes.extend_from_slice(&bytes);
    }
    packed
}

/// `[tokens, rows]`.
fn multiply(kernels: &Kernels, format: &str, case: &Case<'_>, threads: usize) -> Vec<f32> {
    run(kernels, kernels.product(format).unwrap(), case, threads)
}

/// The same with the weights in fewer bits, where the instruction set, the format and the shape allow it.
fn multiply_packed(
    kernels: &Kernels,
    format: &str,
    case: &Case<'_>,
    threads: usize,
) -> Option<Vec<f32>> {
    let packed = kernels.packed.filter(|_| format == PackedKernel::FORMAT)?;
    let Shape { rows, cols, .. } = case.shape;
    // Dirty memory: a packing that leaves bytes unwritten shows.
    let mut tensor = vec![77; rows * PackedKernel::row_len(cols)?];
    (packed.pack)(&case.tensor[..rows * cols / 4], cols, &mut tensor);
    Some(run(kernels, &packed.kernel, &Case { tensor: &tensor, ..*case }, threads))
}

fn run(kernels: &Kernels, kernel: &ProductKernel, case: &Case<'_>, threads: usize) -> Vec<f32> {
    let x = packed(kernels, kernel, case.x, case.shape.cols);
    let rows = case.shape.rows;
    let mut out = vec![f32::NAN; x.scales.len() * rows];
    let product = Product { weights: case.tensor, shape: case.shape, scale: SCALE, x: x.all() };
    let columns = Columns { data: &mut out, width: rows, unit: 32 };
    Pool::new(threads)
        .strips(Split::Columns, [columns], |[mut strip]| (kernel.product)(&product, &mut strip));
    out
}

/// A matrix and the activations it meets.
#[derive(Clone, Copy)]
struct Case<'a> {
    tensor: &'a [u8],
    shape: Shape,
    x: &'a [f32],
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

/// Holds the case on every instruction set and for several threads; returns what they all say.
fn agree(format: &dyn BlockFormat, case: &Case<'_>, what: &str) -> Vec<f32> {
    let want = multiply(&scalar(), format.name(), case, 1);
    for kernels in others() {
        for threads in [1, 3] {
            let got = multiply(&kernels, format.name(), case, threads);
            let from_packed = multiply_packed(&kernels, format.name(), case, threads);
            for (form, got) in [("as stored", Some(got)), ("packed", from_packed)] {
                assert!(
                    got.is_none_or(|got| bits(&got) == bits(&want)),
                    "{}, {form}, on {}: {what}, {:?}, {} tokens, {threads} threads",
                    format.name(),
                    kernels.isa,
                    case.shape,
                    case.x.len() / case.shape.cols
                );
            }
        }
    }
    want
}

/// Trits times int8 codes in i64, then the two roundings of the definition.
fn exact(format: &dyn BlockFormat, case: &Case<'_>) -> Vec<f32> {
    let Shape { rows, cols, .. } = case.shape;
    let i2_s = scalar().product("i2_s").unwrap();
    // Element order, whatever the format's own kernel wants.
    let x = packed(&scalar(), i2_s, case.x, cols);
    let mut trits = vec![0.0; rows * cols];
    for (row, out) in trits.chunks_exact_mut(cols).enumerate() {
        format.row(case.tensor, case.shape, row, out).unwrap();
    }
    let mut out = Vec::new();
    for token in 0..x.scales.len() {
        for trits in trits.chunks_exact(cols) {
            #[expect(clippy::cast_possible_truncation, reason = "trits are -1, 0, 1")]
            let product = |(t, q): (&f32, &u8)| i64::from(*t as i8) * i64::from(q.cast_signed());
            let sum: i64 = trits.iter().zip(x.all().row(token)).map(product).sum();
            #[expect(clippy::cast_precision_loss, reason = "below 2^24")]
            out.push(sum as f32 / x.scales[token].scale * SCALE);
        }
    }
    out
}

#[test]
fn every_product_agrees_on_random_weights_and_ternary_ones_are_exact() {
    let mut drawing = Drawing::new(5, "products");
    for (format, _) in products() {
        for cols in cols(format) {
            for &rows in rows(format) {
                let shape = Shape::new(rows, cols);
                let values = weights(&mut drawing, format, rows * cols);
                let tensor = format.encode(&values, shape).unwrap();
                let n_tokens = TOKENS[drawing.below(6) as usize];
                let x = activations(&mut drawing, n_tokens * cols);
                let case = Case { tensor: &tensor, shape, x: &x };
                let got = agree(format, &case, "random");
                if format.ternary().is_some() {
                    let want = exact(format, &case);
                    assert_eq!(bits(&got), bits(&want), "{} {shape:?}", format.name());
                }
            }
        }
    }
}

#[test]
fn every_number_of_tokens_agrees() {
    let mut drawing = Drawing::new(6, "tokens");
    for (format, _) in products() {
        let shape = Shape::new(96, 768);
        let values = weights(&mut drawing, format, 96 * 768);
        let tensor = format.encode(&values, shape).unwrap();
        for n_tokens in 1..=13 {
            let x = activations(&mut drawing, n_tokens * 768);
            let case = Case { tensor: &tensor, shape, x: &x };
            let together = agree(format, &case, "tokens");
            // What a token gets does not depend on who is computed with it.
            for (token, x) in x.chunks_exact(768).enumerate() {
                let alone = multiply(&scalar(), format.name(), &Case { x, ..case }, 1);
                assert_eq!(bits(&alone), bits(&together[token * 96..][..96]), "token {token}");
            }
        }
    }
}

#[test]
fn extremes_agree() {
    // The worst cases of narrow sums: all weights and all activations at an extreme, of equal and of alternating signs.
    let cols = 6912;
    let wave = |a: f32, b: f32| (0..2 * cols).map(|i| if i % 2 == 0 { a } else { b }).collect();
    let inputs: [Vec<f32>; 7] = [
        wave(3.0, 3.0),
        wave(-3.0, -3.0),
        wave(3.0, -3.0),
        wave(0.0, 0.0),
        wave(1e-30, 0.0),
        wave(3e38, -1.0),
        // Infinite sums of blocks, of both signs: what becomes of them agrees too.
        (0..2 * cols).map(|i| if i / 256 % 2 == 0 { 3e38 } else { -3e38 }).collect(),
    ];
    for (format, _) in products() {
        let shape = Shape::new(64, cols);
        for values in [[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [0.0, 0.0]] {
            let values: Vec<f32> = (0..64 * cols).map(|i| values[i % 2]).collect();
            let tensor = format.encode(&values, shape).unwrap();
            for x in &inputs {
                let case = Case { tensor: &tensor, shape, x };
                let got = agree(format, &case, "extreme");
                if format.ternary().is_some() {
                    assert_eq!(bits(&got), bits(&exact(format, &case)), "{}", format.name());
                }
            }
        }
    }
}

/// The definition for formats with a scale a block: exact sums of blocks, joined in order by fused multiply-adds.
fn exact_by_block(format: &dyn BlockFormat, case: &Case<'_>) -> Vec<f32> {
    let Shape { rows, cols, .. } = case.shape;
    let i2_s = scalar().product("i2_s").unwrap();
    let x = packed(&scalar(), i2_s, case.x, cols);
    let mut weights = vec![0.0_f32; rows * cols];
    format.decode(case.tensor, case.shape, 0, &mut weights).unwrap();
    let mut out = Vec::new();
    for token in 0..x.scales.len() {
        for row in weights.chunks_exact(cols) {
            let mut acc = 0.0_f32;
            let blocks =
                row.chunks(format.block_len()).zip(x.all().row(token).chunks(format.block_len()));
            for (weights, codes) in blocks {
                let sum: i64 = weights
                    .iter()
                    .zip(codes)
                    .map(|(w, q)| {
                        i64::from(w.partial_cmp(&0.0).unwrap() as i8) * i64::from(q.cast_signed())
                    })
                    .sum();
                let scale = weights.iter().fold(0.0_f32, |most, w| most.max(w.abs()));
                #[expect(clippy::cast_precision_loss, reason = "at most 256 · 127")]
                let sum = sum as f32;
                acc = scale.mul_add(sum, acc);
            }
            out.push(acc / x.scales[token].scale * SCALE);
        }
    }
    out
}

#[test]
fn ternary_blocks_with_scales_of_their_own_agree_and_follow_the_definition() {
    let mut drawing = Drawing::new(9, "blocks");
    let blocked =
        |format: &dyn BlockFormat| format.ternary().is_some_and(|t| !t.has_tensor_scale());
    let mut n = 0;
    for (format, _) in products().filter(|(format, _)| blocked(*format)) {
        for (rows, n_blocks, n_tokens) in
            [(1, 1, 1), (5, 3, 2), (9, 10, 4), (17, 27, 5), (64, 4, 9)]
        {
            let shape = Shape::new(rows, n_blocks * format.block_len());
            let values: Vec<f32> = (0..rows * n_blocks)
                .flat_map(|_| {
                    let scale =
                        [0.0, 1e-7, 0.013, 0.7, 1.0, 90.0, 65504.0][drawing.below(7) as usize];
                    let trits = weights(&mut drawing, format, format.block_len());
                    trits.into_iter().map(move |trit| trit * scale)
                })
                .collect();
            let tensor = format.encode(&values, shape).unwrap();
            let x = activations(&mut drawing, n_tokens * shape.cols);
            let case = Case { tensor: &tensor, shape, x: &x };
            let got = agree(format, &case, "scales");
            assert_eq!(
                bits(&got),
                bits(&exact_by_block(format, &case)),
                "{} {shape:?}",
                format.name()
            );
            n += 1;
        }
    }
    assert!(n >= 10, "two formats have them, {n} cases");
}

/// Blocks are packed alike everywhere (codes with one scale for the row have an order of each instruction set's own).
#[test]
fn blocks_are_packed_to_the_same_bytes() {
    let mut drawing = Drawing::new(9, "packings");
    let sizes =
        [0.0, -0.0, 1e-45, 1e-38, 3e-36, 1e-7, 4e-6, 1e-3, 1.0, 77.0, 1e5, 9e6, 1e30, 3.4e38];
    let blocks = |packing: &&Packing| matches!(packing.input, Input::Blocks32 | Input::Blocks256);
    for packing in scalar().packings.iter().filter(blocks) {
        for n_blocks in [1, 2, 7, 8, 9, 27] {
            let cols = 256 * n_blocks;
            for turn in 0..20 {
                let mut x = activations(&mut drawing, cols);
                // One size a block of 32, so that a block of 256 has several.
                for x in x.chunks_exact_mut(32).filter(|_| turn > 0) {
                    let size = sizes[drawing.below(14) as usize];
                    x.iter_mut().for_each(|x| *x = (*x / 9.0) * size);
                    x[drawing.below(32) as usize] = size;
                }
                let mut want = vec![77; (packing.row_len)(cols)];
                (packing.pack)(&x, &mut want);
                for kernels in others() {
                    let other = kernels.packing(packing.input);
                    let mut got = vec![99; (other.row_len)(cols)];
                    (other.pack)(&x, &mut got);
                    assert!(got == want, "{:?} on {}, turn {turn}", packing.input, kernels.isa);
                }
            }
        }
    }
}

/// Bytes that no encoder writes, but a decoder accepts: codes at their ends, scales of any size.
#[test]
fn random_bytes_agree() {
    let mut drawing = Drawing::new(7, "bytes");
    let mut n_accepted = 0;
    for (format, _) in products().filter(|(format, _)| format.ternary().is_none()) {
        let shape = Shape::new(9, 5 * format.block_len());
        for _ in 0..200 {
            let size = format.n_bytes(shape).unwrap();
            let tensor: Vec<u8> = (0..size).map(|_| drawing.next_u32().to_le_bytes()[0]).collect();
            if format.check(&tensor, shape).is_err() {
                continue;
            }
            n_accepted += 1;
            let x = activations(&mut drawing, 3 * shape.cols);
            agree(format, &Case { tensor: &tensor, shape, x: &x }, "random bytes");
        }
    }
    let any = products().any(|(format, _)| format.ternary().is_none());
    assert_eq!(n_accepted > 0, any, "{n_accepted} accepted");
}

/// Products of int8 blocks against the same numbers in f64: codes are exact, so only roundings of sums remain.
#[test]
fn products_are_near_an_f64_product_of_the_weights_and_float_activations() {
    let mut drawing = Drawing::new(8, "f64");
    for (format, kernel) in products() {
        let shape = Shape::new(64, 2304);
        let values = weights(&mut drawing, format, 64 * 2304);
        let tensor = format.encode(&values, shape).unwrap();
        let x: Vec<f32> = (0..2304).map(|_| drawing.unit_f32() * 2.0 - 1.0).collect();
        let got = agree(format, &Case { tensor: &tensor, shape, x: &x }, "f64");
        let mut row = vec![0.0; 2304];
        let (mut dot, mut a, mut b) = (0.0, 0.0, 0.0);
        for (i, got) in got.iter().enumerate() {
            format.row(&tensor, shape, i, &mut row).unwrap();
            let want: f64 = row.iter().zip(&x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
            let (got, want) = (f64::from(*got), want * f64::from(SCALE));
            (dot, a, b) = (dot + got * want, a + got * got, b + want * want);
        }
        // One int8 code is off by half a step of 1/127 at most, a relative error near 0.3 % of a row's norm.
        let cosine = dot / (a * b).sqrt();
        assert!(cosine > 0.9999, "{}: cosine {cosine}", kernel.name);
        assert!((a / b).sqrt() > 0.99 && (a / b).sqrt() < 1.01, "{}: {}", kernel.name, a / b);
    }
}
