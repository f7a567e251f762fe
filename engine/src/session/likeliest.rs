//! The largest logits without all of them: the screened head (`docs/numerics.md`).
//!
//! Three looks, each at fewer rows: five bits of every weight bound every logit; rows whose upper bound reaches the k-th of the
//! lower ones are looked at with all seven; what still does is multiplied as the definition says. The result is the one
//! that all logits would give, bit for bit.

use std::{
    ops::Range,
    sync::{Mutex, PoisonError},
};

use super::out_of_memory;
use crate::{
    Result,
    kernels::{Kernels, ScreenedInput},
    model::Screen,
    sample::likely::{Likely, keep, order},
    threads::{Pool, split},
};

/// How many rows each look was at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Screening {
    /// Rows of the output matrix, for every token.
    pub rows: u64,
    /// Those looked at with all seven bits.
    pub refined: u64,
    /// Those multiplied in full.
    pub rescored: u64,
}

impl Screening {
    pub(super) const fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.refined += other.refined;
        self.rescored += other.rescored;
    }
}

/// Rows of the output matrix that pass several tokens before the next ones come.
const ROWS: usize = 16;
/// Bytes of codes that stay in the first-level cache: most of 32 KiB.
const CODES: usize = 24 << 10;

/// What the looks need between one another; kept from pass to pass.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// Of each row of activations, its codes and what else is known of it.
    codes: Vec<u8>,
    inputs: Vec<ScreenedInput>,
    /// One for each thread.
    parts: Vec<Mutex<Part>>,
    /// What at least k logits of each row of activations reach.
    reach: Vec<f64>,
    /// Reserved for all of them.
    bytes: usize,
}

/// One thread's rows of the output matrix.
#[derive(Debug, Default)]
struct Part {
    /// Of every row with every row of activations: the sum of the first look, and the upper bound.
    all: Vec<First>,
    sums: Vec<i64>,
    lows: Vec<Lows>,
    /// What is still in question, with the upper bounds.
    refined: Vec<Question>,
    rescored: Vec<(u32, Likely)>,
}

type First = (i64, f64);

/// A row of the output matrix with one of the activations.
#[derive(Clone, Copy, Debug)]
struct Question {
    row: u32,
    token: u32,
    high: f64,
}

/// The largest lower bounds, ascending, and whose they are; at most `k` of them.
#[derive(Clone, Debug, Default)]
struct Lows(Vec<(f64, u32)>);

impl Lows {
    fn take(&mut self, low: f64, row: usize, k: usize) {
        if self.0.len() == k {
            if low <= self.0[0].0 {
                return;
            }
            self.0.remove(0);
        }
        let place = self.0.partition_point(|other| other.0 < low);
        self.0.insert(place, (low, id(row)));
    }
}

#[expect(clippy::cast_possible_truncation, reason = "ids are u32")]
const fn id(row: usize) -> u32 {
    row as u32
}

impl Looks {
    /// Bytes that a head of so many rows and columns needs for so many tokens at once.
    pub(super) const fn bytes_of(rows: usize, cols: usize, tokens: usize) -> usize {
        tokens
            * (ScreenedInput::bytes_of(cols) + rows * (size_of::<First>() + size_of::<Question>()))
    }

    /// Bytes held.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Has room for a head of so many rows and columns and so many tokens; no later look at as many allocates but for what it
    /// finds.
    pub(super) fn reserve(
        &mut self,
        threads: usize,
        (rows, cols): (usize, usize),
        tokens: usize,
    ) -> Result<()> {
        let bytes = Self::bytes_of(rows, cols, tokens);
        if self.bytes >= bytes {
            return Ok(());
        }
        let no_room = |_| out_of_memory("bounds of logits", bytes);
        self.codes.clear();
        self.codes.try_reserve_exact(tokens * ScreenedInput::bytes_of(cols)).map_err(no_room)?;
        self.parts.resize_with(threads, Mutex::default);
        for (i, part) in self.parts.iter_mut().enumerate() {
            let part = part.get_mut().unwrap_or_else(PoisonError::into_inner);
            let mine = split(rows, 1, i, threads).len() * tokens;
            part.all.clear();
            part.refined.clear();
            part.all.try_reserve_exact(mine).map_err(no_room)?;
            part.refined.try_reserve_exact(mine).map_err(no_room)?;
        }
        self.bytes = bytes;
        Ok(())
    }

    /// For each row of `x`, the `k` largest logits with the rows of `weights` (F16), largest first; `None` where no bound can be
    /// relied on. There is room for them.
    pub(super) fn find(
        &mut self,
        (kernels, pool): (&Kernels, &Pool),
        (screen, weights): (&Screen, &[u8]),
        (x, cols): (&[f32], usize),
        k: usize,
        out: &mut Vec<Likely>,
    ) -> Option<Screening> {
        let Self { codes, inputs, parts, reach, .. } = self;
        let (len, n_tokens) = (ScreenedInput::bytes_of(cols), x.len() / cols);
        codes.resize(n_tokens * len, 0);
        inputs.clear();
        for (x, codes) in x.chunks_exact(cols).zip(codes.chunks_exact_mut(len)) {
            let input = ScreenedInput::quantize(x, codes)?;
            inputs.push(Some(input).filter(|input| input.fits(screen.norm()))?);
        }
        let of = Of { kernels, pool, screen, weights, x, cols, k, codes, inputs, parts };
        of.first_look();
        of.kth(reach);
        of.second_look(reach);
        of.kth(reach);
        of.full_products(reach);
        let n_rows = (screen.rows().len() * n_tokens) as u64;
        let mut screening = Screening { rows: n_rows, ..Screening::default() };
        out.clear();
        for part in &mut *parts {
            let part = part.get_mut().unwrap_or_else(PoisonError::into_inner);
            screening.refined += part.refined.len() as u64;
            screening.rescored += part.rescored.len() as u64;
        }
        for token in 0..n_tokens {
            let first = out.len();
            for part in &mut *parts {
                let part = part.get_mut().unwrap_or_else(PoisonError::into_inner);
                let of_token = part.rescored.iter().filter(|(of, _)| *of as usize == token);
                out.extend(of_token.map(|(_, likely)| *likely));
            }
            keep(out, first, k, order);
        }
        Some(screening)
    }
}

/// What the looks are at, and with what.
#[derive(Clone, Copy)]
struct Of<'a> {
    kernels: &'a Kernels,
    pool: &'a Pool,
    screen: &'a Screen,
    /// `[rows, cols]`, F16.
    weights: &'a [u8],
    /// `[tokens, cols]`.
    x: &'a [f32],
    cols: usize,
    k: usize,
    /// Of each token.
    codes: &'a [u8],
    inputs: &'a [ScreenedInput],
    parts: &'a [Mutex<Part>],
}

impl Of<'_> {
    /// Gives each thread its rows.
    fn each(&self, look: impl Fn(Range<usize>, &mut Part) + Sync) {
        self.pool.run(&|i| {
            let mut part = self.parts[i].lock().unwrap_or_else(PoisonError::into_inner);
            look(split(self.screen.rows().len(), 1, i, self.parts.len()), &mut part);
        });
    }

    /// At five bits of every row.
    fn first_look(&self) {
        let Self { kernels, screen, k, codes, inputs, .. } = *self;
        let (n_tokens, len) = (inputs.len(), codes.len() / inputs.len());
        // So many tokens that their codes stay in the first-level cache while some rows pass.
        let some = (CODES / len).max(1);
        self.each(|mine, part| {
            let Part { all, sums, lows, .. } = part;
            all.clear();
            all.resize(mine.len() * n_tokens, (0, 0.0));
            start(lows, n_tokens);
            for (i, all) in all.chunks_mut(ROWS * n_tokens).enumerate() {
                let first = mine.start + i * ROWS;
                let rows = &screen.rows()[first..first + all.len() / n_tokens];
                for tokens in (0..n_tokens).step_by(some).map(|t| t..n_tokens.min(t + some)) {
                    sums.resize(rows.len() * tokens.len(), 0);
                    let codes = &codes[tokens.start * len..tokens.end * len];
                    for (row, sums) in (first..).zip(sums.chunks_exact_mut(tokens.len())) {
                        (kernels.screen_first)(screen.first(row), codes, sums);
                    }
                    // Behind all products of these rows, so that no bound waits for one.
                    let sums = sums.chunks_exact(tokens.len()).zip(rows);
                    let all = all.chunks_exact_mut(n_tokens);
                    for (row, ((sums, known), all)) in (first..).zip(sums.zip(all)) {
                        for (token, sum) in tokens.clone().zip(sums) {
                            let between = inputs[token].first(known, *sum);
                            all[token] = (*sum, between.high);
                            lows[token].take(between.low, row, k);
                        }
                    }
                }
            }
        });
    }

    /// At all seven bits, where the upper bound of the first look reaches so far.
    fn second_look(&self, reached: &[f64]) {
        let Self { kernels, screen, k, codes, inputs, .. } = *self;
        let (n_tokens, len) = (inputs.len(), codes.len() / inputs.len());
        self.each(|mine, part| {
            let Part { all, lows, refined, .. } = part;
            refined.clear();
            start(lows, n_tokens);
            for (row, all) in mine.zip(all.chunks_exact(n_tokens)) {
                for (token, (sum, high)) in all.iter().enumerate() {
                    if *high < reached[token] {
                        continue;
                    }
                    let codes = &codes[token * len..][..len];
                    let rest = (kernels.screen_rest)(screen.rest(row), codes);
                    let between = inputs[token].both(&screen.rows()[row], *sum, rest);
                    lows[token].take(between.low, row, k);
                    refined.push(Question { row: id(row), token: id(token), high: between.high });
                }
            }
        });
    }

    /// What at least `k` logits of each token reach: the least of those with the largest lower bounds. They are computed here,
    /// since no bound is as near, and rows are in question by the nearness of this one.
    fn kth(&self, reach: &mut Vec<f64>) {
        reach.clear();
        let mut lows: Vec<(f64, u32)> = Vec::with_capacity(self.parts.len() * self.k);
        for token in 0..self.inputs.len() {
            lows.clear();
            for part in self.parts {
                let part = part.lock().unwrap_or_else(PoisonError::into_inner);
                lows.extend_from_slice(&part.lows[token].0);
            }
            // Equal ones by row, so that it does not matter which thread they are of.
            lows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let largest = lows.get(..self.k).unwrap_or_default().iter();
            let logits = largest.map(|(_, row)| f64::from(self.logit(id(token), *row).logit));
            reach.push(logits.reduce(f64::min).unwrap_or(f64::NEG_INFINITY));
        }
    }

    /// As the definition says, where the upper bound of the second look does.
    fn full_products(&self, reached: &[f64]) {
        self.each(|_, part| {
            part.rescored.clear();
            for Question { row, token, high } in &part.refined {
                if *high >= reached[*token as usize] {
                    part.rescored.push((*token, self.logit(*token, *row)));
                }
            }
        });
    }

    fn logit(&self, token: u32, row: u32) -> Likely {
        let x = &self.x[token as usize * self.cols..][..self.cols];
        let w = &self.weights[row as usize * 2 * self.cols..][..2 * self.cols];
        Likely { id: row, logit: (self.kernels.dot_f16)(w, x) }
    }
}

/// Forgets the bounds of the look before.
fn start(lows: &mut Vec<Lows>, n_tokens: usize) {
    lows.resize(n_tokens, Lows::default());
    lows.iter_mut().for_each(|lows| lows.0.clear());
}

#[cfg(test)]
mod tests;
