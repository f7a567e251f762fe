//! How many multiply-adds a second each product carries out on one thread, at the shape of the widest matrix of BitNet 2B4T.
//! Ignored, since it is a measurement. Loads carry checks while debug assertions are on, so figures that count come from
//! `cargo nextest run -p tritgate-engine --config 'profile.dev.package.tritgate-engine.debug-assertions=false'
//! --test products_speed --run-ignored only --no-capture`.

use std::{hint::black_box, time::Instant};

use engine::{
    Drawing, Isa, Pool,
    kernels::{Kernels, Packed, Product, ProductKernel},
    quant::{self, Shape},
    threads::{Columns, Split},
};

/// What is asked of every vector kernel: multiply-adds a second.
const FLOOR: f64 = 1.71e9;
/// Inputs and outputs of the feed-forward network's last matrix.
const SHAPE: Shape = Shape::new(2560, 6912);

/// Multiply-adds a second: the best of several runs.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn rate(kernel: &ProductKernel, tensor: &[u8], x: &Packed, turns: usize) -> f64 {
    let n_tokens = x.scales.len();
    let mut out = vec![0.0; n_tokens * SHAPE.rows];
    let product = Product { weights: tensor, shape: SHAPE, scale: 1.0, x: x.all() };
    let pool = Pool::new(1);
    let best = (0..turns).map(|_| {
        let columns = Columns { data: &mut out, width: SHAPE.rows, unit: 32 };
        let start = now();
        pool.strips(Split::Columns, [columns], |[mut strip]| {
            (kernel.product)(&product, &mut strip);
        });
        black_box(&out);
        start.elapsed().as_secs_f64()
    });
    (n_tokens * SHAPE.rows * SHAPE.cols) as f64 / best.fold(f64::INFINITY, f64::min)
}

#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn now() -> Instant {
    Instant::now()
}

#[test]
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
#[ignore = "a measurement, not a check of correctness"]
fn every_vector_kernel_is_above_the_floor() {
    let mut drawing = Drawing::new(12, "speed");
    let values: Vec<f32> = (0..256 * SHAPE.cols).map(|_| drawing.unit_f32() - 0.5).collect();
    let x: Vec<f32> = (0..8 * SHAPE.cols).map(|_| drawing.unit_f32() - 0.5).collect();
    for isa in Isa::available() {
        let kernels = Kernels::of(isa).unwrap();
        let start = now();
        let (peak, _) = (kernels.int8_peak)(2_000_000);
        println!(
            "{isa}: {:.1} G/s in registers",
            peak as f64 / start.elapsed().as_secs_f64() / 1e9
        );
        for kernel in kernels.products {
            let format = quant::by_name(kernel.format).unwrap();
            // Ternary products are timed by the benchmarks; a tenth of a matrix, repeated, encodes sooner than a whole one.
            let tenth = Shape::new(256, SHAPE.cols);
            if format.ternary().is_some() {
                continue;
            }
            let part = format.encode(&values, tenth).unwrap();
            let tensor: Vec<u8> = part.repeat(10);
            format.check(&tensor, SHAPE).unwrap();
            let packing = kernels.packing(kernel.input);
            let row_len = (packing.row_len)(SHAPE.cols);
            for n_tokens in [1, 8] {
                let mut packed = Packed { row_len, ..Packed::default() };
                for x in x.chunks_exact(SHAPE.cols).take(n_tokens) {
                    let mut bytes = vec![0; row_len];
                    packed.scales.push((packing.pack)(x, &mut bytes));
                    packed.bytes.extend_from_slice(&bytes);
                }
                let turns = if isa == Isa::Scalar { 2 } else { 40 };
                let rate = rate(kernel, &tensor, &packed, turns);
                println!("{:>18}, {n_tokens} tokens: {:6.2} G/s", kernel.name, rate / 1e9);
                assert!(kernel.name.ends_with(".scalar") || rate > FLOOR, "{}", kernel.name);
            }
        }
    }
}
