//! TL1 and TL2 in every way to cut a matrix: lookups equal the product in exact integers, for one token and for several.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use engine::{
    Drawing, Isa, Pool,
    kernels::{Kernels, Packed, Product},
    quant::{self, BlockFormat, Shape, Tiles},
    threads::{Columns, Split},
};

/// What the tensor is multiplied by last: not a power of two, so that the order of roundings shows.
const SCALE: f32 = 0.7;

fn packed(kernels: &Kernels, format: &str, x: &[f32], cols: usize) -> Packed {
    let packing = kernels.packing(kernels.product(format).unwrap().input);
    let row_len = (packing.row_len)(cols);
    let mut packed = Packed { row_len, ..Packed::default() };
    for x in x.chunks_exact(cols) {
        let mut bytes = vec![77; row_len];
        packed.scales.push((packing.pack)(x, &mut bytes));
        packed.bytes.extend_from_slice(&bytes);
    }
    packed
}

/// `[tokens, rows]`.
fn multiply(
    kernels: &Kernels,
    format: &str,
    weights: &[u8],
    shape: Shape,
    x: &[f32],
    threads: usize,
) -> Vec<f32> {
    let x = &packed(kernels, format, x, shape.cols);
    let mut out = vec![f32::NAN; x.scales.len() * shape.rows];
    let product = Product { weights, shape, scale: SCALE, x: x.all() };
    let columns = Columns { data: &mut out, width: shape.rows, unit: 32 };
    let kernel = kernels.product(format).unwrap();
    Pool::new(threads)
        .strips(Split::Columns, [columns], |[mut strip]| (kernel.product)(&product, &mut strip));
    out
}

/// Codes of the activations in element order, summed with the trits in i64; then the two roundings of the definition.
fn exact(trits: &[i8], shape: Shape, x: &[f32]) -> Vec<f32> {
    let codes = packed(&Kernels::of(Isa::Scalar).unwrap(), "i2_s", x, shape.cols);
    let mut out = Vec::new();
    for token in 0..codes.scales.len() {
        for trits in trits.chunks_exact(shape.cols) {
            let product = |(t, q): (&i8, &u8)| i64::from(*t) * i64::from(q.cast_signed());
            let sum: i64 = trits.iter().zip(codes.all().row(token)).map(product).sum();
            #[expect(clippy::cast_precision_loss, reason = "below 2^24")]
            out.push(sum as f32 / codes.scales[token].scale * SCALE);
        }
    }
    out
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

/// Every way to cut some shapes that the format accepts.
fn cuts(format: &dyn BlockFormat) -> Vec<Shape> {
    let mut cuts = Vec::new();
    for (rows, cols) in
        [(320, 640), (256, 768), (96, 192), (64, 96), (64, 1024), (32, 32), (512, 224)]
    {
        for tile_rows in [32, 64, 96, 128, 160, 256, 320] {
            for tile_cols in [32, 64, 96, 128, 192, 256] {
                for lanes in [32, 64] {
                    let tiles = Tiles { rows: tile_rows, cols: tile_cols, lanes };
                    let shape = Shape::new(rows, cols).with_tiles(Some(tiles));
                    cuts.extend(format.fits(shape).is_ok().then_some(shape));
                }
            }
        }
    }
    cuts
}

/// Requirement: Q1.
#[test]
fn lookups_equal_the_integer_product_in_every_cut_and_for_any_number_of_tokens() {
    let mut drawing = Drawing::new(9, "tiles");
    for name in ["tl1", "tl2"] {
        let format = quant::by_name(name).unwrap();
        let cuts = cuts(format);
        let some = |is: &dyn Fn(Tiles) -> bool| cuts.iter().any(|cut| is(cut.tiles.unwrap()));
        assert!([32, 64, 96, 128, 160, 256, 320].into_iter().all(|rows| some(&|t| t.rows == rows)));
        match name {
            "tl1" => assert!(some(&|t| t.lanes == 64) && some(&|t| t.cols == 256)),
            _ => assert!(some(&|t| t.cols == 96) && some(&|t| t.cols == 192)),
        }
        for (i, shape) in cuts.into_iter().enumerate() {
            let trits: Vec<i8> = (0..shape.rows * shape.cols)
                .map(|_| [-1, 0, 1][drawing.below(3) as usize])
                .collect();
            let tensor = format.ternary().unwrap().pack(&trits, 1.0, shape).unwrap();
            let x: Vec<f32> =
                (0..(i % 9 + 1) * shape.cols).map(|_| drawing.unit_f32() * 2.0 - 1.0).collect();
            let want = exact(&trits, shape, &x);
            for isa in Isa::available() {
                let kernels = Kernels::of(isa).unwrap();
                let got = multiply(&kernels, name, &tensor, shape, &x, 1 + i % 3);
                assert_eq!(
                    bits(&got),
                    bits(&want),
                    "{name} on {isa}: {shape:?}, {} tokens",
                    i % 9 + 1
                );
            }
        }
    }
}

/// The largest sums that 16 bits must hold: every weight and every activation at an extreme, in the widest tiles.
#[test]
fn the_largest_sums_are_exact_in_the_widest_tiles() {
    for (name, tile_cols) in [("tl1", 256), ("tl2", 192), ("tl2", 96)] {
        let format = quant::by_name(name).unwrap();
        for cols in [768, 1024, 1120] {
            let tiles = Tiles { rows: 64, cols: tile_cols, lanes: 32 };
            let shape = Shape::new(64, cols).with_tiles(Some(tiles));
            if format.fits(shape).is_err() {
                continue;
            }
            for (t, sign) in [(1, 1.0), (-1, 1.0), (1, -1.0), (-1, -1.0)] {
                let trits = vec![t; 64 * cols];
                let tensor = format.ternary().unwrap().pack(&trits, 1.0, shape).unwrap();
                let x = vec![sign; 3 * cols];
                let want = exact(&trits, shape, &x);
                for isa in Isa::available() {
                    let kernels = Kernels::of(isa).unwrap();
                    let got = multiply(&kernels, name, &tensor, shape, &x, 1);
                    assert_eq!(bits(&got), bits(&want), "{name} on {isa}: {shape:?}");
                }
            }
        }
    }
}

#[test]
fn the_2b_shape_works_in_tiles_of_256_and_of_320_rows() {
    let mut drawing = Drawing::new(10, "2b");
    let trits: Vec<i8> = (0..2560 * 6912).map(|_| [-1, 0, 1][drawing.below(3) as usize]).collect();
    let x: Vec<f32> = (0..6912).map(|_| drawing.unit_f32() * 2.0 - 1.0).collect();
    let format = quant::by_name("tl2").unwrap().ternary().unwrap();
    let shape = Shape::new(2560, 6912);
    let want = bits(&exact(&trits, shape, &x));
    assert_eq!(format.tiles(shape), Some(Tiles { rows: 256, cols: 96, lanes: 32 }));
    for rows in [256, 320] {
        let shape = shape.with_tiles(Some(Tiles { rows, cols: 96, lanes: 32 }));
        let tensor = format.pack(&trits, 1.0, shape).unwrap();
        let kernels = Kernels::of(Isa::best()).unwrap();
        assert_eq!(bits(&multiply(&kernels, "tl2", &tensor, shape, &x, 2)), want, "BM {rows}");
    }
}
