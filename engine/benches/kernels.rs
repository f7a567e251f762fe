//! Products at the built-in model's shapes and whole steps, per instruction set. Each asserts its result before it is timed.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::{
    Drawing, Isa, Lines, Model, Pool, Session, SessionOptions,
    bench::LayerMatmul,
    kernels::{Kernels, Packed, Product},
    quant::{self, Shape, i2_s},
    threads::{Columns, Split},
};
use std::{hint::black_box, time::Duration};

fn options(isa: Isa, threads: usize) -> SessionOptions {
    SessionOptions { isa, threads, ..SessionOptions::default() }
}

fn layer_matmul(c: &mut Criterion) {
    let model = Model::builtin("stories").expect("the built-in model loads");
    let want = LayerMatmul::new(&model, &options(Isa::Scalar, 1)).expect("scalar").run();
    let mut group = c.benchmark_group("layer_matmul");
    let macs: usize = model
        .linears()
        .iter()
        .filter(|linear| !linear.once_per_sequence)
        .map(|linear| linear.rows * linear.cols)
        .sum();
    group.throughput(Throughput::Elements(macs as u64));
    for isa in Isa::available() {
        let mut matmul = LayerMatmul::new(&model, &options(isa, 1)).expect("available");
        assert_eq!(matmul.run(), want, "{isa} agrees with scalar");
        group.bench_function(isa.name(), |b| b.iter(|| black_box(matmul.run())));
    }
    group.finish();
}

fn steps(c: &mut Criterion) {
    let model = Model::builtin("stories").expect("the built-in model loads");
    let ids: Vec<u32> = (0..128).map(|i| 2 + i * 31 % 4000).collect();
    let mut scalar = Session::new(&model, &options(Isa::Scalar, 1)).expect("scalar");
    let want = scalar.prefill(&ids).expect("fits").to_vec();
    for (name, n) in [("prefill-128", 128_u64), ("decode-step", 1)] {
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(n));
        for isa in Isa::available().into_iter().filter(|isa| *isa != Isa::Scalar) {
            let mut session = Session::new(&model, &options(isa, 1)).expect("available");
            assert_eq!(session.prefill(&ids).expect("fits"), want, "{isa} agrees with scalar");
            group.bench_function(isa.name(), |b| {
                b.iter(|| {
                    if n == 1 {
                        session.rewind(64);
                        black_box(session.step(7).expect("fits")[0])
                    } else {
                        session.rewind(0);
                        black_box(session.prefill(&ids).expect("fits")[0])
                    }
                });
            });
        }
        group.finish();
    }
}

/// Quantising and dequantising 2560 × 6912 on one thread and on two, for each format with one scale for the tensor.
fn whole_tensors(c: &mut Criterion) {
    let shape = Shape::new(2560, 6912);
    let mut drawing = Drawing::new(1, "whole tensors");
    let values: Vec<f32> =
        (0..2560 * 6912).map(|_| [-0.02, 0.0, 0.02][drawing.below(3) as usize]).collect();
    let mut out = vec![0.0; values.len()];
    let mut group = c.benchmark_group("quantize_dequantize");
    group.throughput(Throughput::Elements(values.len() as u64));
    for name in ["i2_s", "tl1", "tl2"] {
        let format = quant::by_name(name).expect("in the register");
        for threads in [1, 2] {
            let pool = Pool::new(threads);
            let mut both = || {
                let tensor = quant::quantize(format, &values, shape, &pool).expect("fits");
                quant::dequantize(format, &tensor, shape, &pool, &mut out).expect("just packed");
            };
            both();
            group.bench_function(format!("{name}/{threads}"), |b| b.iter(&mut both));
            assert_eq!(out, values, "{name}: every trit comes back");
        }
    }
    group.finish();
}

/// One token through 2560 × 6912, for each ternary format with a kernel of its own.
fn ternary_products(c: &mut Criterion) {
    let shape = Shape::new(2560, 6912);
    let mut drawing = Drawing::new(2, "ternary products");
    let values: Vec<f32> =
        (0..2560 * 6912).map(|_| [-1.0, 0.0, 1.0][drawing.below(3) as usize]).collect();
    let x: Vec<f32> = (0..6912).map(|_| drawing.unit_f32() - 0.5).collect();
    let pool = Pool::new(1);
    let mut group = c.benchmark_group("ternary_product");
    group.throughput(Throughput::Elements(values.len() as u64));
    for name in ["i2_s", "tl1", "tl2"] {
        let tensor = quant::by_name(name).expect("in the register").encode(&values, shape);
        let tensor = tensor.expect("fits");
        let mut want = Vec::new();
        for isa in Isa::available() {
            let kernels = Kernels::of(isa).expect("available");
            let kernel = kernels.product(name).expect("a ternary format");
            let packing = kernels.packing(kernel.input);
            let row_len = (packing.row_len)(shape.cols);
            let mut bytes = Lines::filled(row_len, 0);
            let scales = Lines::filled(1, (packing.pack)(&x, &mut bytes));
            let x = Packed { bytes, scales, row_len };
            let mut out = vec![0.0; shape.rows];
            let mut multiply = || {
                let product = Product { weights: &tensor, shape, scale: 1.0, x: x.all() };
                let columns = Columns { data: &mut out, width: shape.rows, unit: 32 };
                pool.strips(Split::Columns, [columns], |[mut strip]| {
                    (kernel.product)(&product, &mut strip);
                });
            };
            multiply();
            group.bench_function(kernel.name, |b| b.iter(&mut multiply));
            want.push(out);
            assert_eq!(want[0], want[want.len() - 1], "{} agrees with scalar", kernel.name);
        }
    }
    group.finish();
}

fn quantize(c: &mut Criterion) {
    let values: Vec<f32> =
        (0..2560_u16).map(|i| f32::from(i % 3) - 1.0).cycle().take(2560 * 256).collect();
    let packed = i2_s::quantize(&values).expect("whole groups");
    let mut back = vec![0.0; values.len()];
    i2_s::dequantize(&packed, values.len(), &mut back).expect("just packed");
    assert_eq!(back, values, "every trit comes back");
    let mut group = c.benchmark_group("i2_s");
    group.throughput(Throughput::Elements(values.len() as u64));
    group.bench_function("quantize", |b| b.iter(|| i2_s::quantize(black_box(&values))));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(2));
    targets = layer_matmul, steps, quantize, whole_tensors, ternary_products
}
criterion_main!(benches);
