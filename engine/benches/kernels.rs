//! Products at the built-in model's shapes and whole steps, per instruction set. Each asserts its result before it is timed.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::{Isa, Model, Session, SessionOptions, bench::LayerMatmul, quant::i2_s};
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
    targets = layer_matmul, steps, quantize
}
criterion_main!(benches);
