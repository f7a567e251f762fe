//! Every kernel but the products (`products_agree.rs`) of every instruction set against scalar, bit for bit, at sizes
//! around each block edge.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use engine::{
    Drawing, Isa,
    kernels::{
        ATTENTION_CHUNK, ATTENTION_CODES, ATTENTION_HEAD, ATTENTION_QUERIES, AttentionChunk, Four,
        Kernels, ScreenedInput, Stored,
    },
};
use half::f16;

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

fn positive(drawing: &mut Drawing, n: usize) -> Vec<f32> {
    floats(drawing, n).into_iter().map(f32::abs).collect()
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
            .flat_map(|_| f16::from_f32(drawing.unit_f32() * 2.0 - 1.0).to_le_bytes())
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
            let mut softmax = x.clone();
            softmax.resize(n.next_multiple_of(16), f32::NAN);
            (kernels.softmax)(&mut softmax, *n);
            [norm, add, gate, silu, rope, pairs, softmax].map(|x| bits(&x))
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
                let (mut first, mut rest) = (vec![9; 160 * n_blocks], vec![9; 64 * n_blocks]);
                let row = (kernels.screen_quantize)(&w, &mut first, &mut rest);
                let mut sums = vec![9; n_tokens];
                (kernels.screen_first)(&first, &codes, &mut sums);
                let one = &codes[..ScreenedInput::bytes_of(cols)];
                (row, sums, (kernels.screen_rest)(&rest, one), first, rest)
            };
            let want = run(&scalar());
            for kernels in others() {
                assert_eq!(run(&kernels), want, "{} {cols} x {magnitude}", kernels.isa);
            }
        }
    }
}

/// Keys or values of one chunk in each of their formats.
struct Chunk {
    wide: Vec<f32>,
    halves: Vec<[u8; 2]>,
    codes: Vec<i8>,
    scales: Vec<f32>,
}

impl Chunk {
    fn drawn(drawing: &mut Drawing, head_dim: usize) -> Self {
        let wide = floats(drawing, ATTENTION_CHUNK * head_dim);
        let halves = wide.iter().map(|x| f16::from_f32(*x).to_le_bytes()).collect();
        let n_codes = ATTENTION_CHUNK * head_dim.next_multiple_of(ATTENTION_CODES);
        let codes = (0..n_codes).map(|_| u8::try_from(drawing.below(256)).unwrap().cast_signed());
        let (codes, scales) = (codes.collect(), positive(drawing, ATTENTION_CHUNK));
        Self { wide, halves, codes, scales }
    }

    fn formats(&self) -> [Stored<'_>; 3] {
        let Self { wide, halves, codes, scales } = self;
        [Stored::F32(wide), Stored::F16(halves), Stored::Int8 { codes, scales }]
    }
}

#[test]
fn attention_agrees() {
    let mut drawing = Drawing::new(4, "attend");
    for head_dim in [2, 6, 16, 24, 64, 80, 100, 128, 256, ATTENTION_HEAD] {
        for n_queries in 1..=ATTENTION_QUERIES {
            let q = floats(&mut drawing, n_queries * head_dim);
            let before = floats(&mut drawing, n_queries * head_dim);
            let stride = ATTENTION_CHUNK + 16 * (head_dim % 3);
            let p = positive(&mut drawing, (n_queries - 1) * stride + ATTENTION_CHUNK);
            let (keys, values) =
                (Chunk::drawn(&mut drawing, head_dim), Chunk::drawn(&mut drawing, head_dim));
            for (keys, values) in keys.formats().into_iter().zip(values.formats()) {
                for n in [1, 2, 15, 16, 17, 31, 33, 48, 49, 63, 64] {
                    let chunk = |stored| AttentionChunk { stored, ahead: 64, head_dim, n, stride };
                    let run = |kernels: &Kernels| {
                        let mut scores = vec![9.0; p.len()];
                        (kernels.scores)(&chunk(keys), &q, 0.125, &mut scores);
                        let mut out = before.clone();
                        (kernels.weigh)(&chunk(values), &p, &mut out);
                        let scores = scores.chunks(stride).map(|scores| bits(&scores[..n]));
                        (scores.collect::<Vec<_>>(), bits(&out))
                    };
                    let want = run(&scalar());
                    for kernels in others() {
                        let isa = kernels.isa;
                        assert_eq!(run(&kernels), want, "{isa} {n_queries} x {head_dim} n={n}");
                    }
                }
            }
        }
    }
}

/// Against the definition in f64: what all instruction sets could have in common is wrong.
/// Queries, scales and probabilities that have no step, or an endless one.
#[test]
fn attention_over_codes_agrees_on_what_is_no_number() {
    const D: usize = 48;
    let mut drawing = Drawing::new(8, "attend");
    let (q, p) = (floats(&mut drawing, D), positive(&mut drawing, ATTENTION_CHUNK));
    let Chunk { codes, scales, .. } = Chunk::drawn(&mut drawing, D);
    for odd in [f32::NAN, f32::INFINITY, 0.0, f32::MIN_POSITIVE / 8.0, 1e30] {
        // In one value, in all of them, and in the last of the positions.
        for places in [5..6, 0..48, 40..41] {
            let with = |x: &[f32]| {
                let mut x = x.to_vec();
                x[places.clone()].fill(odd);
                x
            };
            let (odd_q, odd_p, odd_scales) = (with(&q), with(&p), with(&scales));
            for (q, p, scales) in
                [(&odd_q, &p, &scales), (&q, &odd_p, &scales), (&q, &p, &odd_scales)]
            {
                let run = |kernels: &Kernels| {
                    let stored = Stored::Int8 { codes: &codes, scales };
                    let stride = ATTENTION_CHUNK;
                    let chunk = AttentionChunk { stored, ahead: 0, head_dim: D, n: 41, stride };
                    let (mut scores, mut out) = (vec![9.0; stride], vec![1.0; D]);
                    (kernels.scores)(&chunk, q, 0.125, &mut scores);
                    (kernels.weigh)(&chunk, p, &mut out);
                    // Any NaN is as good as another.
                    let of = |x: &f32| if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() };
                    scores[..41].iter().chain(&out).map(of).collect::<Vec<_>>()
                };
                let want = run(&scalar());
                for kernels in others() {
                    assert_eq!(run(&kernels), want, "{} {odd:e} at {places:?}", kernels.isa);
                }
                let spoilt = want.iter().filter(|x| !f32::from_bits(**x).is_finite()).count();
                assert_eq!(spoilt > 0, odd.is_nan() || odd.is_infinite(), "{odd:e}: {spoilt}");
            }
        }
    }
}

/// Half a step of the query's codes, or of the probabilities', for each code that they are multiplied by, and no more: also where
/// one probability is all but everything.
#[test]
fn attention_over_codes_is_within_half_a_step() {
    let mut drawing = Drawing::new(9, "attend");
    for d in [16, 50, 128] {
        let (q, before) = (floats(&mut drawing, d), floats(&mut drawing, d));
        let Chunk { codes, scales, .. } = Chunk::drawn(&mut drawing, d);
        let (stored, n) = (Stored::Int8 { codes: &codes, scales: &scales }, 61);
        let chunk = AttentionChunk { stored, ahead: 0, head_dim: d, n, stride: ATTENTION_CHUNK };
        let most = q.iter().fold(0.0_f32, |most, q| most.max(q.abs()));
        let mut p = positive(&mut drawing, ATTENTION_CHUNK);
        p[7] = 1e6;
        let weights: Vec<f64> =
            p.iter().zip(&scales).map(|(p, s)| f64::from(*p) * f64::from(*s)).collect();
        let largest = weights[..n].iter().fold(0.0_f64, |most, w| most.max(*w));
        for kernels in others().into_iter().chain([scalar()]) {
            let (mut scores, mut out) = (vec![0.0; ATTENTION_CHUNK], before.clone());
            (kernels.scores)(&chunk, &q, 0.125, &mut scores);
            (kernels.weigh)(&chunk, &p, &mut out);
            for j in 0..n {
                let keys =
                    (0..d).map(|i| f64::from(codes[(i / 4 * ATTENTION_CHUNK + j) * 4 + i % 4]));
                let scale = f64::from(scales[j]) * 0.125;
                let exact: f64 = keys.clone().zip(&q).map(|(k, q)| k * f64::from(*q)).sum();
                let most_apart: f64 = keys.map(|k| k.abs() * f64::from(most) / 127.0 / 2.0).sum();
                let apart = (f64::from(scores[j]) - exact * scale).abs();
                assert!(apart <= 1.01 * most_apart * scale, "{} {d} {j}: {apart}", kernels.isa);
            }
            for i in 0..d {
                let values = (0..n).map(|j| f64::from(codes[(j / 4 * d + i) * 4 + j % 4]));
                let exact: f64 = values.clone().zip(&weights).map(|(v, w)| v * w).sum();
                let exact = exact + f64::from(before[i]);
                let most_apart: f64 = values.map(|v| v.abs() * largest / 32_767.0 / 2.0).sum();
                let apart = (f64::from(out[i]) - exact).abs();
                assert!(apart <= 1.01 * most_apart, "{} {d} {i}: {apart}", kernels.isa);
            }
        }
    }
}

#[test]
fn attention_is_near_its_definition() {
    let mut drawing = Drawing::new(6, "attend");
    let (d, n) = (64, 37);
    let mut drawn = |n| (0..n).map(|_| 4.0 * drawing.unit_f32() - 2.0).collect::<Vec<f32>>();
    let (q, keys, values) = (drawn(d), drawn(ATTENTION_CHUNK * d), drawn(ATTENTION_CHUNK * d));
    let chunk =
        |stored| AttentionChunk { stored, ahead: 0, head_dim: d, n, stride: ATTENTION_CHUNK };
    let score = |j: usize| -> f64 {
        let products = (0..d).map(|i| f64::from(q[i]) * f64::from(keys[i * ATTENTION_CHUNK + j]));
        products.sum::<f64>() * 0.125
    };
    let most = (0..n).map(score).fold(f64::NEG_INFINITY, f64::max);
    let all: f64 = (0..n).map(|j| libm::exp(score(j) - most)).sum();
    for kernels in others().into_iter().chain([scalar()]) {
        let mut p = vec![f32::NAN; ATTENTION_CHUNK];
        (kernels.scores)(&chunk(Stored::F32(&keys)), &q, 0.125, &mut p);
        (kernels.softmax)(&mut p, n);
        let mut out = vec![0.0; d];
        (kernels.weigh)(&chunk(Stored::F32(&values)), &p, &mut out);
        for (j, p) in p.iter().enumerate() {
            let want = if j < n { libm::exp(score(j) - most) / all } else { 0.0 };
            assert!((f64::from(*p) - want).abs() < 1e-6, "{} p_{j}: {p}, {want}", kernels.isa);
        }
        for (i, out) in out.iter().enumerate() {
            let of = |j: usize| libm::exp(score(j) - most) / all * f64::from(values[j * d + i]);
            let want: f64 = (0..n).map(of).sum();
            assert!((f64::from(*out) - want).abs() < 1e-5, "{} {i}: {out}, {want}", kernels.isa);
        }
    }
}

#[test]
fn the_softmax_of_hostile_scores() {
    for kernels in others().into_iter().chain([scalar()]) {
        let softmax = |scores: &[f32]| {
            let mut x = scores.to_vec();
            x.resize(scores.len().next_multiple_of(16), f32::NAN);
            (kernels.softmax)(&mut x, scores.len());
            assert!(x[scores.len()..].iter().all(|x| x.to_bits() == 0 || x.is_nan()), "{x:?}");
            x.truncate(scores.len());
            x
        };
        // Zeros of either sign are one maximum.
        for n in [1, 5, 16, 33, 64] {
            let zeros: Vec<f32> = (0..n).map(|j| if j % 3 == 0 { -0.0 } else { 0.0 }).collect();
            assert!(softmax(&zeros).windows(2).all(|p| p[0].to_bits() == p[1].to_bits()));
        }
        // Far apart, and beyond what exp takes: one of them has it all.
        assert_eq!(bits(&softmax(&[3e38, -3e38, 1.0])), bits(&[1.0, 0.0, 0.0]));
        // What is no number spoils the others, wherever it stands.
        for j in [0, 7, 16, 19] {
            let mut x = [0.5; 20];
            x[j] = f32::NAN;
            assert!(softmax(&x).iter().all(|p| p.is_nan()), "{} {j}", kernels.isa);
            x[j] = f32::INFINITY;
            assert!(softmax(&x).iter().any(|p| p.is_nan()), "{} {j}", kernels.isa);
        }
    }
}
