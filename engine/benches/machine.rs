//! The products of the 2B shape against the machine: what each reads and multiplies a second, beside what this machine reads
//! from huge pages and multiplies in registers in the same minute. Weights are as many as no cache holds, each used once a
//! turn; every figure is the median of 15 turns, and every product's first row is held against scalar before it is timed.

#![expect(clippy::print_stdout, reason = "a program")]
#![expect(clippy::disallowed_methods, reason = "it times the engine from outside")]
#![expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]

use std::{hint::black_box, time::Instant};

use engine::{
    Drawing, HugePages, Isa, Lines, Pool,
    kernels::{Kernels, Packed, Product, RowScale},
    probe,
    quant::Shape,
    threads::{Columns, Split},
};

/// Bytes of weights: beyond the last-level caches of today's servers.
const WEIGHTS: usize = 512 << 20;
const TURNS: usize = 15;
/// Attention's output, and the feed-forward layer's two, of BitNet b1.58 2B4T.
const SHAPES: [(usize, usize); 3] = [(2560, 2560), (6912, 2560), (2560, 6912)];
/// One token, a batch of sequences, a batch of a prompt.
const TOKENS: [usize; 3] = [1, 8, 128];

fn main() {
    let mut weights = HugePages::zeroed(WEIGHTS).expect("half a gibibyte");
    let mut drawing = Drawing::new(1, "machine");
    for word in weights.as_chunks_mut::<4>().0 {
        // Codes 0, 1 and 2: no upper bit where the lower one is set.
        let bits = drawing.below(u32::MAX);
        *word = (bits & !(bits << 1 & 0xaaaa_aaaa)).to_le_bytes();
    }
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    println!("isa     threads  product                 GB/s   share   G MAC/s   share");
    for isa in Isa::available().into_iter().filter(|isa| *isa != Isa::Scalar) {
        let mut threads: Vec<usize> = vec![1, cpus];
        threads.dedup();
        for n_threads in threads {
            against_the_machine(isa, n_threads, &weights);
        }
    }
}

fn against_the_machine(isa: Isa, n_threads: usize, weights: &[u8]) {
    let pool = Pool::new(n_threads);
    let read = WEIGHTS as f64
        / median(|| {
            black_box(probe::read(&pool, isa, weights, 1).expect("available"));
        });
    let mut macs = 0;
    let peak_s = median(|| macs = probe::int8_peak(&pool, isa, 200_000).expect("available").0);
    let peak = macs as f64 / peak_s;
    println!(
        "{:7} {n_threads:7}  {:20} {:7.1}   100 % {:9.1}   100 %",
        isa.name(),
        "the machine",
        read / 1e9,
        peak / 1e9
    );
    for (rows, cols) in SHAPES {
        for n_tokens in TOKENS {
            let (bytes, macs) = product(isa, &pool, weights, Shape::new(rows, cols), n_tokens);
            println!(
                "{:7} {n_threads:7}  {:20} {:7.1} {:5.0} % {:9.1} {:5.0} %",
                isa.name(),
                format!("{rows} x {cols}, {n_tokens}"),
                bytes / 1e9,
                bytes / read * 100.0,
                macs / 1e9,
                macs / peak * 100.0
            );
        }
    }
}

/// Bytes of weights, and multiply-adds, a second.
fn product(isa: Isa, pool: &Pool, weights: &[u8], shape: Shape, n_tokens: usize) -> (f64, f64) {
    let Shape { rows, cols, .. } = shape;
    let mut drawing = Drawing::new(2, "activations");
    let x: Vec<f32> = (0..cols * n_tokens).map(|_| drawing.unit_f32() - 0.5).collect();
    let kernels = Kernels::of(isa).expect("available");
    let kernel = kernels.product("i2_s").expect("a ternary format");
    let packed = pack(&kernels, &x, cols);
    let mut out = vec![0.0; rows * n_tokens];
    let size = rows * cols / 4;
    let multiply = |i: usize, out: &mut [f32]| {
        let weights = &weights[i * size..][..size];
        let product = Product { weights, shape, scale: 1.0, x: packed.all() };
        pool.strips(
            Split::Columns,
            [Columns { data: out, width: rows, unit: 32 }],
            |[mut strip]| {
                (kernel.product)(&product, &mut strip);
            },
        );
    };
    multiply(0, &mut out);
    let scalar = Kernels::of(Isa::Scalar).expect("always");
    let x = pack(&scalar, &x[..cols], cols);
    let mut want = vec![0.0; 32];
    let first = Shape::new(32, cols);
    let one = Product { weights: &weights[..8 * cols], shape: first, scale: 1.0, x: x.all() };
    let columns = Columns { data: &mut want, width: 32, unit: 32 };
    Pool::new(1).strips(Split::Columns, [columns], |[mut strip]| {
        (scalar.product("i2_s").expect("a ternary format").product)(&one, &mut strip);
    });
    assert!(out[..32] == want, "{} agrees with scalar", kernel.name);
    // All weights for a single token; for several a share of them, so that no turn takes seconds.
    let n = (weights.len() / size / n_tokens.isqrt()).max(2);
    let s = median(|| (0..n).for_each(|i| multiply(i, &mut out)));
    ((n * size) as f64 / s, (n * rows * cols * n_tokens) as f64 / s)
}

fn pack(kernels: &Kernels, x: &[f32], cols: usize) -> Packed {
    let packing = kernels.packing(kernels.product("i2_s").expect("a ternary format").input);
    let row_len = (packing.row_len)(cols);
    let n_tokens = x.len() / cols;
    let mut packed = Packed {
        bytes: Lines::filled(n_tokens * row_len, 0),
        scales: Lines::filled(n_tokens, RowScale::default()),
        row_len,
    };
    for (i, x) in x.chunks_exact(cols).enumerate() {
        packed.scales[i] = (packing.pack)(x, &mut packed.bytes[i * row_len..][..row_len]);
    }
    packed
}

/// Seconds of one turn of `work`, after one untimed.
fn median(mut work: impl FnMut()) -> f64 {
    work();
    let mut times: Vec<f64> = (0..TURNS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[TURNS / 2]
}
