//! Every kernel but the products (`products_agree.rs`) of every instruction set against scalar, bit for bit, at sizes
//! around each block edge.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use engine::{
    Drawing, Isa,
    kernels::{AttentionChunk, Four, Kernels, ScreenedInput},
};

/// Lengths around the edges of lanes, registers and blocks.
const LENGTHS: &[usize] = &[
    0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257, 271,
    272, 383, 384, 511, 512, 513, 700, 1024, 2560,
];

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

/// Values of very different sizes, so that another order of additions gives other bits.
fn floats(drawing: &mut Drawing, n: usize) -> Vec<f32> {
    (0..n)
        .map(|_| {
            let sign = if drawing.below(2) == 0 { 1.0 } else { -1.0 };
            sign * drawing.unit_f32() * 10.0_f32.powi(i32::try_from(drawing.below(7)).unwrap() - 3)
        })
        .collect()
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn dot_products_agree_and_the_order_of_addition_matters() {
    let mut drawing = Drawing::new(1, "dot");
    let mut order_mattered = false;
    for n in LENGTHS {
        for offset in 0..3 {
            let (a, b) = (floats(&mut drawing, n + offset), floats(&mut drawing, n + offset));
            let (a, b) = (&a[offset..], &b[offset..]);
            let want = (scalar().dot)(a, b);
            let running: f32 = a.iter().zip(b).fold(0.0, |sum, (a, b)| a.mul_add(*b, sum));
            order_mattered |= running.to_bits() != want.to_bits();
            for kernels in others() {
                let got = (kernels.dot)(a, b);
                assert_eq!(got.to_bits(), want.to_bits(), "{} n={n} offset={offset}", kernels.isa);
            }
        }
    }
    assert!(order_mattered, "the test's values can't tell one order from another");
}

#[test]
fn four_dot_products_at_once_are_four_dot_products() {
    let mut drawing = Drawing::new(5, "dot_4");
    for n in [0, 128, 256, 384, 512, 640, 768, 2560, 6912] {
        let (w, x) = (floats(&mut drawing, n), floats(&mut drawing, 4 * n));
        let four = Four::interleaved(&x);
        let want: Vec<f32> = (0..4).map(|t| (scalar().dot)(&w, &x[t * n..][..n])).collect();
        assert_eq!(bits(&(scalar().dot_4)(&w, &four)), bits(&want), "scalar n={n}");
        for kernels in others() {
            assert_eq!(bits(&(kernels.dot_4)(&w, &four)), bits(&want), "{} n={n}", kernels.isa);
        }
        // Negative zeros stay what one product alone makes of them.
        let zeros = vec![-0.0; n];
        let want = [(scalar().dot)(&zeros, &w); 4];
        let four = Four::interleaved(&w.repeat(4));
        for kernels in others() {
            assert_eq!(bits(&(kernels.dot_4)(&zeros, &four)), bits(&want), "{} n={n}", kernels.isa);
        }
    }
}

#[test]
fn four_at_once_refuse_other_lengths() {
    for (n, n_blocks) in [(100, 6), (64, 4), (128, 7), (256, 8)] {
        let (w, x) = (vec![1.0; n], Four::interleaved(&vec![1.0; 64 * n_blocks]));
        for kernels in others().into_iter().chain([scalar()]) {
            let refused = std::panic::catch_unwind(|| (kernels.dot_4)(&w, &x));
            assert!(refused.is_err(), "{} {n} values, {n_blocks} blocks", kernels.isa);
        }
    }
}

#[test]
fn f16_dot_products_and_widening_agree() {
    let mut drawing = Drawing::new(2, "f16");
    for n in LENGTHS {
        let w: Vec<u8> = (0..*n)
            .flat_map(|_| half::f16::from_f32(drawing.unit_f32() * 2.0 - 1.0).to_le_bytes())
            .collect();
        let x = floats(&mut drawing, *n);
        let want = (scalar().dot_f16)(&w, &x);
        let mut wide = vec![0.0; *n];
        (scalar().widen_f16)(&w, &mut wide);
        assert_eq!((scalar().dot)(&wide, &x).to_bits(), want.to_bits(), "n={n}");
        for kernels in others() {
            assert_eq!(
                (kernels.dot_f16)(&w, &x).to_bits(),
                want.to_bits(),
                "{} n={n}",
                kernels.isa
            );
            let mut got = vec![0.0; *n];
            (kernels.widen_f16)(&w, &mut got);
            assert_eq!(bits(&got), bits(&wide), "{} n={n}", kernels.isa);
        }
    }
}

#[test]
fn element_wise_steps_agree() {
    let mut drawing = Drawing::new(3, "steps");
    for n in LENGTHS {
        let (x, y) = (floats(&mut drawing, *n), floats(&mut drawing, *n));
        let angles: Vec<f32> = floats(&mut drawing, n / 2);
        let run = |kernels: &Kernels| {
            let mut norm = vec![0.0; *n];
            (kernels.rms_norm)(&x, &y, 1e-5, &mut norm);
            let mut add = x.clone();
            (kernels.add)(&mut add, &y);
            let mut gate = x.clone();
            (kernels.relu2_mul)(&mut gate, &y);
            let mut silu = x.clone();
            (kernels.silu_mul)(&mut silu, &y);
            let mut rope = x[..n / 2 * 2].to_vec();
            (kernels.rope)(&mut rope, &angles, &angles);
            let mut pairs = x[..n / 2 * 2].to_vec();
            (kernels.rope_interleaved)(&mut pairs, &angles, &angles);
            let mut exp: Vec<f32> = x.iter().map(|x| -x.abs()).collect();
            (kernels.exp_sub)(&mut exp, 0.25);
            let mut fma = y.clone();
            (kernels.fma_into)(&x, 0.3, &mut fma);
            let codes: Vec<i8> =
                (0..*n).map(|i| u8::try_from(i * 37 % 256).unwrap().cast_signed()).collect();
            let mut wide = vec![0.0; *n];
            (kernels.widen_i8)(&codes, 0.3, &mut wide);
            [norm, add, gate, silu, rope, pairs, exp, fma, wide].map(|x| bits(&x))
        };
        let want = run(&scalar());
        for kernels in others() {
            assert_eq!(run(&kernels), want, "{} n={n}", kernels.isa);
        }
    }
}

/// Codes, norms and sums of the screened head, of rows that fill no block and of weights at both ends of F16.
#[test]
fn screened_rows_agree() {
    let mut drawing = Drawing::new(5, "screen");
    for cols in [1, 7, 64, 255, 256, 257, 384, 600, 2560] {
        for magnitude in [1.0, 6e-8, 65_504.0] {
            let w: Vec<f32> = floats(&mut drawing, cols).iter().map(|w| w * magnitude).collect();
            let n_blocks = cols.div_ceil(256);
            // One row alone, several that a kernel takes at once, and what is left over of them.
            let n_tokens = 13;
            let mut codes = vec![0; n_tokens * ScreenedInput::bytes_of(cols)];
            for codes in codes.chunks_exact_mut(ScreenedInput::bytes_of(cols)) {
                ScreenedInput::quantize(&floats(&mut drawing, cols), codes).unwrap();
            }
            let run = |kernels: &Kernels| {
                let (mut six, mut rest) = (vec![9; 192 * n_blocks], vec![9; 64 * n_blocks]);
                let row = (kernels.screen_quantize)(&w, &mut six, &mut rest);
                let mut sums = vec![9; n_tokens];
                (kernels.screen_six)(&six, &codes, &mut sums);
                let one = &codes[..ScreenedInput::bytes_of(cols)];
                (row, sums, (kernels.screen_rest)(&rest, one), six, rest)
            };
            let want = run(&scalar());
            for kernels in others() {
                assert_eq!(run(&kernels), want, "{} {cols} x {magnitude}", kernels.isa);
            }
        }
    }
}

#[test]
fn attention_chunks_agree() {
    let mut drawing = Drawing::new(4, "attend");
    for head_dim in [2, 16, 64, 80, 100, 128, 256] {
        for n in [1, 2, 15, 16, 17, 63, 64] {
            let q: Vec<f32> = floats(&mut drawing, head_dim).iter().map(|x| x * 0.01).collect();
            let (k, v) = (floats(&mut drawing, n * head_dim), floats(&mut drawing, n * head_dim));
            let chunk = AttentionChunk { q: &q, k: &k, v: &v, n, scale: 0.125 };
            let run = |kernels: &Kernels| {
                let mut out = vec![9.0; head_dim];
                let (max, sum) = (kernels.attend)(&chunk, &mut out);
                (max.to_bits(), sum.to_bits(), bits(&out))
            };
            let want = run(&scalar());
            for kernels in others() {
                assert_eq!(run(&kernels), want, "{} d={head_dim} n={n}", kernels.isa);
            }
        }
    }
}

#[test]
fn scores_that_vanish_with_either_sign_have_one_maximum() {
    for head_dim in [64, 80, 128] {
        for n in [1_u8, 5, 33] {
            // Products of -1e-60 round to -0, others to +0.
            let q = vec![1e-30; head_dim];
            let signs = (0..n).map(|j| if j % 3 == 0 { -1e-30 } else { 1e-30 });
            let k: Vec<f32> = signs.flat_map(|x| vec![x; head_dim]).collect();
            let chunk = AttentionChunk { q: &q, k: &k, v: &k, n: n.into(), scale: 0.125 };
            let mut out = vec![9.0; head_dim];
            for kernels in others().into_iter().chain([scalar()]) {
                let (max, sum) = (kernels.attend)(&chunk, &mut out);
                assert_eq!(max.to_bits(), 0.0_f32.to_bits(), "{} d={head_dim} n={n}", kernels.isa);
                assert!(
                    (sum - f32::from(n)).abs() < 1e-6,
                    "{} d={head_dim} n={n}: {sum}",
                    kernels.isa
                );
            }
        }
    }
}
