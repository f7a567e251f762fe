//! The screened head against all logits: random matrices and such as are made to deceive it.

use half::f16;
use proptest::prelude::*;

use super::*;
use crate::{Drawing, Isa, sample::likely::k_likeliest};

/// `[rows, cols]` in F16.
struct Head {
    bytes: Vec<u8>,
    cols: usize,
}

impl Head {
    fn new(cols: usize, rows: impl IntoIterator<Item = Vec<f32>>) -> Self {
        let rows = rows.into_iter().inspect(|row| assert_eq!(row.len(), cols));
        let bytes = rows.flatten().flat_map(|w| f16::from_f32(w).to_le_bytes()).collect();
        Self { bytes, cols }
    }

    /// Screens one or more rows of activations with every instruction set and number of threads; the one answer that all give,
    /// held against all logits.
    fn check(&self, x: &[f32], k: usize) -> Option<Screening> {
        let mut answer = None;
        for (isa, threads) in Isa::available().into_iter().flat_map(|isa| [(isa, 1), (isa, 3)]) {
            let (kernels, pool) = (Kernels::of(isa).unwrap(), Pool::new(threads));
            let n_tokens = x.len() / self.cols;
            let n_rows = self.bytes.len() / 2 / self.cols;
            let mut want = Vec::new();
            for x in x.chunks_exact(self.cols) {
                let rows = self.bytes.chunks_exact(2 * self.cols);
                let logits: Vec<f32> = rows.map(|row| (kernels.dot_f16)(row, x)).collect();
                k_likeliest(&logits, k, &mut want);
            }
            let screen = Screen::new(&self.bytes, self.cols, &kernels, &pool).unwrap()?;
            let mut looks = Looks::default();
            looks.reserve(threads, (n_rows, self.cols), n_tokens).unwrap();
            let (with, head) = ((&kernels, &pool), (&screen, &self.bytes[..]));
            let mut found = Vec::new();
            let screening = looks.find(with, head, (x, self.cols), k, &mut found);
            if screening.is_some() {
                let bits = |likely: &[Likely]| -> Vec<(u32, u32)> {
                    likely.iter().map(|likely| (likely.id, likely.logit.to_bits())).collect()
                };
                assert_eq!(bits(&found), bits(&want), "{isa}, {threads} threads, k = {k}");
            }
            assert_eq!(*answer.get_or_insert(screening), screening, "{isa}, {threads} threads");
        }
        answer.expect("scalar is always there")
    }
}

/// `n` draws that are about normal.
fn normal(drawing: &mut Drawing, n: usize) -> Vec<f32> {
    (0..n).map(|_| (0..6).map(|_| drawing.unit_f32() - 0.5).sum()).collect()
}

#[test]
fn on_normal_weights_few_rows_are_looked_at_again() {
    let mut drawing = Drawing::new(1, "screen");
    // What was counted, and a third more: fewer rows are in question where the largest logits stand out.
    let most = [
        (2560, [(1, 2200, 30), (5, 3300, 90), (64, 3900, 550)]),
        (384, [(1, 9, 3), (5, 101, 9), (64, 920, 180)]),
    ];
    for (cols, cases) in most {
        let head = Head::new(cols, (0..4000).map(|_| normal(&mut drawing, cols)));
        let x = normal(&mut drawing, cols);
        for (k, most_refined, most_rescored) in cases {
            let done = head.check(&x, k).expect("finite");
            assert_eq!(done.rows, 4000);
            let is_few = done.refined < most_refined && done.rescored < most_rescored;
            assert!(is_few && done.rescored >= k as u64, "{cols}, k = {k}: {done:?}");
        }
    }
}

/// As many tokens as no kernel takes at once, each with a largest logit of its own.
#[test]
fn several_tokens_are_screened_together() {
    let mut drawing = Drawing::new(4, "batch");
    let cols = 384;
    let head = Head::new(cols, (0..500).map(|_| normal(&mut drawing, cols)));
    for n_tokens in 1..=13 {
        let x = normal(&mut drawing, n_tokens * cols);
        let done = head.check(&x, 2).expect("finite");
        assert_eq!(done.rows, 500 * n_tokens as u64);
    }
    let mut x = normal(&mut drawing, 3 * cols);
    x[cols + 5] = f32::NAN;
    assert_eq!(head.check(&x, 2), None, "one that is no number leaves all to all logits");
}

/// What bounds by norms alone could get wrong: rows that are equal, rows that differ in the last bit, rows of other magnitudes,
/// one weight that outweighs all others, and numbers at both ends of what F16 holds.
#[test]
fn matrices_made_to_deceive_it_do_not() {
    let cols = 300;
    let mut drawing = Drawing::new(2, "adversary");
    let base = normal(&mut drawing, cols);
    let x = normal(&mut drawing, cols);
    let spread = |power: i32| 2.0_f32.powi(power);
    let least = f16::from_bits(1).to_f32();
    let heads = [
        ("equal rows", Head::new(cols, vec![base.clone(); 200])),
        ("zeros", Head::new(cols, vec![vec![0.0; cols]; 70])),
        (
            "zeros but for one",
            Head::new(cols, (0..70).map(|i| if i == 33 { base.clone() } else { vec![0.0; cols] })),
        ),
        (
            "rows that differ in one last bit",
            Head::new(
                cols,
                (0..200).map(|i| {
                    let mut row = base.clone();
                    let bits = f16::from_f32(row[i]).to_bits();
                    row[i] = f16::from_bits(bits ^ 1).to_f32();
                    row
                }),
            ),
        ),
        (
            "magnitudes from 2^-14 to 2^15",
            Head::new(
                cols,
                (0..240).map(|i| {
                    base.iter()
                        .map(|w| w * spread(i % 30 - 14) * (if i % 2 == 0 { 1.0 } else { -1.0 }))
                        .collect()
                }),
            ),
        ),
        (
            "one weight far above the rest",
            Head::new(
                cols,
                (0..300).map(|i| {
                    let mut row = base.clone();
                    row[i] = 60_000.0;
                    row
                }),
            ),
        ),
        (
            "the least numbers",
            Head::new(
                cols,
                (0..100).map(|i| {
                    (0..cols)
                        .map(|j| if (i * 7 + j) % 3 == 0 { least } else { -least * 2.0 })
                        .collect()
                }),
            ),
        ),
        (
            "the greatest numbers",
            Head::new(
                cols,
                (0..100).map(|i| {
                    (0..cols)
                        .map(|j| if (i * 5 + j) % 7 < 3 { 65_504.0 } else { -65_504.0 })
                        .collect()
                }),
            ),
        ),
        (
            "fewer rows than asked for",
            Head::new(cols, vec![base.clone(), x.clone(), base.iter().map(|w| -w).collect()]),
        ),
    ];
    let mut spike = vec![1e-3; cols];
    spike[17] = 1e4;
    let inputs = [
        x.clone(),
        x.iter().map(|x| -x).collect(),
        spike,
        vec![0.0; cols],
        vec![1e-42; cols],
        x.iter().map(|x| x * 1e-30).collect(),
        x.iter().map(|x| x * 1e20).collect(),
    ];
    for (name, head) in &heads {
        for (i, x) in inputs.iter().enumerate() {
            for k in [1, 2, 64] {
                assert!(head.check(x, k).is_some(), "{name}, input {i}, k = {k}: bounds are there");
            }
        }
    }
}

#[test]
fn what_bounds_do_not_cover_is_left_to_all_logits() {
    let cols = 40;
    let row = vec![1.0; cols];
    let head = Head::new(cols, vec![row.clone(); 3]);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 3e38] {
        let mut x = row.clone();
        x[3] = bad;
        assert_eq!(head.check(&x, 1), None, "{bad}");
    }
    for bad in [f32::NAN, f32::INFINITY] {
        let mut other = row.clone();
        other[39] = bad;
        let head = Head::new(cols, [row.clone(), other]);
        let (kernels, pool) = (Kernels::of(Isa::Scalar).unwrap(), Pool::new(1));
        assert!(Screen::new(&head.bytes, cols, &kernels, &pool).unwrap().is_none(), "{bad}");
    }
}

/// The bounds themselves: every logit, as computed, lies between those of both looks; and they are near enough to be of use.
#[test]
fn every_logit_lies_between_its_bounds() {
    let mut drawing = Drawing::new(3, "bounds");
    let kernels = Kernels::of(Isa::best()).unwrap();
    for cols in [1, 255, 256, 257, 2560] {
        for _ in 0..40 {
            let head = Head::new(cols, [normal(&mut drawing, cols)]);
            let x = normal(&mut drawing, cols);
            let screen = Screen::new(&head.bytes, cols, &kernels, &Pool::new(1)).unwrap().unwrap();
            let mut codes = vec![0; ScreenedInput::bytes_of(cols)];
            let input = ScreenedInput::quantize(&x, &mut codes).unwrap();
            let logit = f64::from((kernels.dot_f16)(&head.bytes, &x));
            let (row, mut first) = (&screen.rows()[0], [0]);
            (kernels.screen_first)(screen.first(0), &codes, &mut first);
            let rest = (kernels.screen_rest)(screen.rest(0), &codes);
            let (wide, near) = (input.first(row, first[0]), input.both(row, first[0], rest));
            for between in [wide, near] {
                assert!(
                    between.low <= logit && logit <= between.high,
                    "{cols}: {logit}, {between:?}"
                );
            }
            let ratio = (wide.high - wide.low) / (near.high - near.low);
            let is_usual = cols == 1 || (2.0..6.0).contains(&ratio);
            assert!(is_usual, "two bits more are four times nearer: {ratio}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Any bits that are finite F16, any finite activations.
    #[test]
    fn it_never_differs_from_all_logits(
        cols in 1_usize..600,
        n_rows in 1_usize..50,
        k in 1_usize..=64,
        n_tokens in 1_usize..=9,
        seed in any::<u64>(),
        (exponents, x_power) in (1_u32..=31, -60_i32..20),
    ) {
        let mut drawing = Drawing::new(seed, "any bits");
        let mut finite = || loop {
            // Of few exponents, so that sums are not always those of one weight.
            let bits = drawing.below(2) << 15 | drawing.below(exponents) << 10 | drawing.below(1024);
            let value = f16::from_bits(u16::try_from(bits).unwrap());
            if value.is_finite() {
                return value.to_f32();
            }
        };
        let rows: Vec<Vec<f32>> = (0..n_rows).map(|_| (0..cols).map(|_| finite()).collect()).collect();
        let head = Head::new(cols, rows);
        let x: Vec<f32> = (0..n_tokens * cols).map(|_| finite() * 2.0_f32.powi(x_power)).collect();
        prop_assert!(head.check(&x, k).is_some());
    }
}
