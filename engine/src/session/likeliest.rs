//! The largest logits without all of them: the screened head (`docs/numerics.md`).
//!
//! Three looks, each at fewer rows: six bits of every weight bound every logit; rows whose upper bound reaches the k-th of the
//! lower ones are looked at with all eight; what still does is multiplied as the definition says. The result is the one
//! that all logits would give, bit for bit.

use std::sync::{Mutex, PoisonError};

use super::out_of_memory;
use crate::{
    Result,
    kernels::{Kernels, ScreenedInput},
    model::Screen,
    threads::{Pool, split},
};

/// A token with its logit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likely {
    /// The token.
    pub id: u32,
    /// Its logit, as the full product gives it.
    pub logit: f32,
}

/// Larger first; the lower id first among equals.
fn order(a: &Likely, b: &Likely) -> std::cmp::Ordering {
    b.logit.partial_cmp(&a.logit).unwrap_or(std::cmp::Ordering::Equal).then(a.id.cmp(&b.id))
}

/// The `k` largest of all logits.
pub(super) fn of_all(logits: &[f32], k: usize, out: &mut Vec<Likely>) {
    out.clear();
    if k == 1 {
        // The usual case needs no list.
        let best = (0_u32..).zip(logits).fold(None, |best: Option<Likely>, (id, logit)| {
            best.filter(|best| *logit <= best.logit).or(Some(Likely { id, logit: *logit }))
        });
        out.extend(best);
        return;
    }
    out.extend((0..).zip(logits).map(|(id, logit)| Likely { id, logit: *logit }));
    if k < out.len() {
        out.select_nth_unstable_by(k, order);
        out.truncate(k);
    }
    out.sort_unstable_by(order);
}

/// How many rows each look was at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Screening {
    /// Rows of the output matrix, for every token.
    pub rows: u64,
    /// Those looked at with all eight bits.
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

/// What the looks need between one another; kept from token to token.
#[derive(Debug, Default)]
pub(super) struct Looks {
    input: ScreenedInput,
    /// One for each thread.
    parts: Vec<Mutex<Part>>,
    /// Reserved for all of them.
    bytes: usize,
}

/// One thread's rows.
#[derive(Debug, Default)]
struct Part {
    /// Of every row: the sum of its first look, and the upper bound.
    all: Vec<(i64, f64)>,
    lows: Lows,
    /// Rows that are still in question, with their upper bounds.
    refined: Vec<(usize, f64)>,
    rescored: Vec<Likely>,
}

/// The largest lower bounds, ascending; at most `k` of them.
#[derive(Debug, Default)]
struct Lows(Vec<f64>);

impl Lows {
    fn take(&mut self, low: f64, k: usize) {
        if self.0.len() == k {
            if low <= self.0[0] {
                return;
            }
            self.0.remove(0);
        }
        let place = self.0.partition_point(|other| *other < low);
        self.0.insert(place, low);
    }
}

impl Looks {
    /// Bytes that a head of so many rows and columns needs.
    pub(super) const fn bytes_of(rows: usize, cols: usize) -> usize {
        ScreenedInput::bytes_of(cols) + rows * (size_of::<(i64, f64)>() + size_of::<(usize, f64)>())
    }

    /// Bytes held.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Has room for a head of so many rows and columns; no later look allocates.
    pub(super) fn reserve(&mut self, threads: usize, rows: usize, cols: usize) -> Result<()> {
        let bytes = Self::bytes_of(rows, cols);
        if self.bytes == bytes {
            return Ok(());
        }
        let no_room = |_| out_of_memory("bounds of logits", bytes);
        self.input.codes.try_reserve_exact(ScreenedInput::bytes_of(cols)).map_err(no_room)?;
        self.parts.resize_with(threads, Mutex::default);
        for (i, part) in self.parts.iter_mut().enumerate() {
            let part = part.get_mut().unwrap_or_else(PoisonError::into_inner);
            let mine = split(rows, 1, i, threads).len();
            part.all.try_reserve_exact(mine).map_err(no_room)?;
            part.refined.try_reserve_exact(mine).map_err(no_room)?;
        }
        self.bytes = bytes;
        Ok(())
    }

    /// The `k` largest logits of `x` and the rows of `weights` (F16), largest first; `None` where no bound can be relied on.
    /// There is room for them.
    pub(super) fn find(
        &mut self,
        (kernels, pool): (&Kernels, &Pool),
        (screen, weights): (&Screen, &[u8]),
        x: &[f32],
        k: usize,
        out: &mut Vec<Likely>,
    ) -> Option<Screening> {
        if !(self.input.set(x) && self.input.fits(screen.norm())) {
            return None;
        }
        let Self { input, parts, .. } = self;
        let (rows, row_bytes) = (screen.rows(), 2 * x.len());
        let each = |look: &(dyn Fn(std::ops::Range<usize>, &mut Part) + Sync)| {
            pool.run(&|i| {
                let mut part = parts[i].lock().unwrap_or_else(PoisonError::into_inner);
                look(split(rows.len(), 1, i, parts.len()), &mut part);
            });
        };
        each(&|mine, part| {
            part.lows.0.clear();
            part.all.clear();
            for row in mine {
                let six = (kernels.screen_six)(screen.six(row), &input.codes);
                let between = input.six(&rows[row], six);
                part.all.push((six, between.high));
                part.lows.take(between.low, k);
            }
        });
        let reach = kth(parts, k);
        each(&|mine, part| {
            part.lows.0.clear();
            part.refined.clear();
            for (row, (six, high)) in mine.zip(&part.all) {
                if *high >= reach {
                    let rest = (kernels.screen_rest)(screen.rest(row), &input.codes);
                    let between = input.eight(&rows[row], *six, rest);
                    part.refined.push((row, between.high));
                    part.lows.take(between.low, k);
                }
            }
        });
        let reach = kth(parts, k);
        each(&|_, part| {
            part.rescored.clear();
            for (row, _) in part.refined.iter().filter(|(_, high)| *high >= reach) {
                let logit = (kernels.dot_f16)(&weights[row * row_bytes..][..row_bytes], x);
                #[expect(clippy::cast_possible_truncation, reason = "ids are u32")]
                part.rescored.push(Likely { id: *row as u32, logit });
            }
        });
        let mut screening = Screening { rows: rows.len() as u64, ..Screening::default() };
        out.clear();
        for part in parts {
            let part = part.get_mut().unwrap_or_else(PoisonError::into_inner);
            screening.refined += part.refined.len() as u64;
            screening.rescored += part.rescored.len() as u64;
            out.append(&mut part.rescored);
        }
        out.sort_unstable_by(order);
        out.truncate(k);
        Some(screening)
    }
}

/// What at least `k` logits reach.
fn kth(parts: &[Mutex<Part>], k: usize) -> f64 {
    let mut lows: Vec<f64> = Vec::with_capacity(parts.len() * k);
    for part in parts {
        lows.extend_from_slice(&part.lock().unwrap_or_else(PoisonError::into_inner).lows.0);
    }
    lows.sort_unstable_by(|a, b| b.total_cmp(a));
    lows.get(k - 1).copied().unwrap_or(f64::NEG_INFINITY)
}

#[cfg(test)]
mod tests;
