//! The stages put together, with the stream of numbers that draws.

use super::greedy::greedy;
use super::logits::{self, Candidate};
use super::repetition::Past;
use super::{min_p, temperature, top_k, top_p};
use crate::{Drawing, Error, ErrorKind, Likely, Result};

/// How to choose a token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SamplerOptions {
    /// 0: always the likeliest token. Above: how far less likely ones may come up; 1 is the model's own distribution.
    pub temperature: f32,
    /// Draw from this many likeliest tokens only; 0 turns the stage off.
    pub top_k: usize,
    /// Draw from the smallest set of tokens with this share only, in `(0, 1]`; 1 turns the stage off.
    pub top_p: f32,
    /// Draw from tokens at least this share as likely as the likeliest only, in `[0, 1]`; 0 turns the stage off.
    pub min_p: f32,
    /// Divides the logits of tokens of the recent past, from 1 on; 1 turns the stage off.
    pub repetition_penalty: f32,
    /// How many tokens the recent past has.
    pub repetition_window: usize,
    /// The seed of the stream `sampler`.
    pub seed: u64,
}

impl Default for SamplerOptions {
    /// Greedy.
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            repetition_window: 64,
            seed: 0,
        }
    }
}

impl SamplerOptions {
    /// How many of the likeliest tokens decide; `None` where all do.
    #[must_use]
    pub fn looks_at(&self) -> Option<usize> {
        match () {
            () if self.repetition_penalty > 1.0 => None,
            () if self.temperature == 0.0 => Some(1),
            () => Some(self.top_k).filter(|k| *k > 0),
        }
    }
}

/// Chooses tokens, one position after the other.
///
/// ```
/// use engine::{Sampler, SamplerOptions};
///
/// let mut sampler = Sampler::new(SamplerOptions { temperature: 0.8, top_k: 2, ..SamplerOptions::default() })?;
/// let id = sampler.sample(&[1.0, 9.0, 8.5, -2.0])?;
/// assert!(id == 1 || id == 2);
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sampler {
    options: SamplerOptions,
    drawing: Drawing,
    candidates: Vec<Candidate>,
    past: Past,
    /// Logits with the penalty, where there is one.
    punished: Vec<f32>,
}

impl Sampler {
    /// A sampler at the start of its stream.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for a temperature below 0 or not finite, a `top_p` outside `(0, 1]`, a `min_p` outside
    /// `[0, 1]`, a penalty below 1 or not finite.
    pub fn new(options: SamplerOptions) -> Result<Self> {
        let SamplerOptions { temperature, top_p, min_p, repetition_penalty, seed, .. } = options;
        if !(temperature.is_finite() && temperature >= 0.0) {
            return Err(invalid("temperature", "a finite number from 0", temperature));
        }
        if !(top_p > 0.0 && top_p <= 1.0) {
            return Err(invalid("top_p", "a number above 0, at most 1", top_p));
        }
        if !(0.0..=1.0).contains(&min_p) {
            return Err(invalid("min_p", "a number from 0 to 1", min_p));
        }
        if !(repetition_penalty.is_finite() && repetition_penalty >= 1.0) {
            return Err(invalid(
                "repetition_penalty",
                "a finite number from 1",
                repetition_penalty,
            ));
        }
        Ok(Self {
            options,
            drawing: Drawing::new(seed, "sampler"),
            candidates: Vec::new(),
            past: Past::default(),
            punished: Vec::new(),
        })
    }

    /// Takes tokens into the recent past: a prompt's. Tokens that are sampled are taken in anyway.
    pub fn observe(&mut self, ids: &[u32]) {
        let window = self.options.repetition_window;
        for id in &ids[ids.len().saturating_sub(window)..] {
            self.past.push(*id, window);
        }
    }

    /// The next token, given the logits of its position (`[n_vocab]`). Greedy choice draws no number.
    ///
    /// # Errors
    /// [`ErrorKind::NonFinite`] if a logit is not finite, [`ErrorKind::InvalidArgument`] if there is none.
    pub fn sample(&mut self, logits: &[f32]) -> Result<u32> {
        let penalty = self.options.repetition_penalty;
        if penalty <= 1.0 {
            return self.choose(logits);
        }
        logits::check(logits)?;
        let mut punished = std::mem::take(&mut self.punished);
        punished.clear();
        punished.extend_from_slice(logits);
        self.past.punish(&mut punished, penalty);
        let chosen = self.choose(&punished);
        self.punished = punished;
        let id = chosen?;
        self.past.push(id, self.options.repetition_window);
        Ok(id)
    }

    /// How many of the likeliest tokens decide, with their logits; `None` where all do.
    #[must_use]
    pub fn looks_at(&self) -> Option<usize> {
        self.options.looks_at()
    }

    /// The next token, given the likeliest ones: as many as [`Sampler::looks_at`] says, or all there are. It is the one that
    /// [`Sampler::sample`] chooses.
    ///
    /// # Errors
    /// As [`Sampler::sample`]; [`ErrorKind::InvalidArgument`] for a sampler that looks at all logits.
    pub fn sample_likeliest(&mut self, likeliest: &[Likely]) -> Result<u32> {
        let Some(k) = self.looks_at() else {
            let text = "sampler: expected all logits for a repetition penalty or without top_k, found the likeliest alone";
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        };
        logits::check_each(likeliest.iter().map(|likely| (likely.id, likely.logit)))?;
        logits::fill_likely(&mut self.candidates, likeliest);
        top_k::keep(&mut self.candidates, k);
        if self.options.temperature == 0.0 {
            return Ok(self.candidates[0].id);
        }
        Ok(self.draw())
    }

    fn choose(&mut self, logits: &[f32]) -> Result<u32> {
        let options = &self.options;
        if options.temperature == 0.0 {
            return greedy(logits);
        }
        logits::check(logits)?;
        logits::fill(&mut self.candidates, logits);
        if options.top_k > 0 {
            top_k::keep(&mut self.candidates, options.top_k);
        }
        Ok(self.draw())
    }

    /// Draws one of the candidates, cut to the `top_k` likeliest.
    fn draw(&mut self) -> u32 {
        let options = &self.options;
        temperature::weigh(&mut self.candidates, options.temperature);
        if options.top_p < 1.0 {
            top_p::keep(&mut self.candidates, options.top_p);
        }
        if options.min_p > 0.0 {
            min_p::keep(&mut self.candidates, options.min_p);
        }
        logits::at(&self.candidates, self.drawing.unit_f64())
    }
}

fn invalid(name: &str, expected: &str, found: f32) -> Error {
    let text = format!("sampler option `{name}`: expected {expected}, found {found}");
    Error::new(ErrorKind::InvalidArgument, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f32; 6] = [0.0, 2.0, 1.0, -1.0, 2.0, 0.5];

    fn options(temperature: f32, top_k: usize, top_p: f32) -> SamplerOptions {
        SamplerOptions { temperature, top_k, top_p, seed: 42, ..SamplerOptions::default() }
    }

    fn drawn(options: SamplerOptions, n: usize) -> Vec<u32> {
        let mut sampler = Sampler::new(options).unwrap();
        (0..n).map(|_| sampler.sample(&LOGITS).unwrap()).collect()
    }

    #[test]
    fn temperature_zero_is_greedy_whatever_else_is_set() {
        assert_eq!(drawn(options(0.0, 3, 0.5), 4), [1; 4]);
    }

    #[test]
    fn one_candidate_is_always_drawn() {
        assert_eq!(drawn(options(5.0, 1, 1.0), 8), [1; 8]);
        assert_eq!(drawn(options(5.0, 0, 1e-6), 8), [1; 8]);
    }

    #[test]
    fn the_same_seed_gives_the_same_tokens_and_another_seed_others() {
        let first = drawn(options(1.0, 0, 1.0), 64);
        assert_eq!(first, drawn(options(1.0, 0, 1.0), 64));
        assert_ne!(first, drawn(SamplerOptions { seed: 43, ..options(1.0, 0, 1.0) }, 64));
    }

    #[test]
    fn shares_follow_the_softmax() {
        // 20,000 draws: a share s has standard deviation sqrt(s (1 - s) / n) ≤ 0.0036; five of them are 0.018.
        let n = 20_000;
        let counts =
            drawn(options(0.7, 0, 1.0), n).into_iter().fold([0_u32; 6], |mut counts, id| {
                counts[id as usize] += 1;
                counts
            });
        let weights = LOGITS.map(|logit| f64::from(logit / 0.7).exp());
        let total: f64 = weights.iter().sum();
        for (count, weight) in counts.into_iter().zip(weights) {
            let share = f64::from(count) / 20_000.0;
            assert!((share - weight / total).abs() < 0.018, "{share} {}", weight / total);
        }
    }

    #[test]
    fn top_k_and_top_p_never_draw_outside_their_set() {
        assert!(drawn(options(3.0, 3, 1.0), 500).iter().all(|id| [1, 4, 2].contains(id)));
        assert!(drawn(options(1.0, 0, 0.6), 500).iter().all(|id| [1, 4].contains(id)));
    }

    #[test]
    fn options_out_of_range_are_refused() {
        for (t, p) in [
            (-1.0, 1.0),
            (f32::NAN, 1.0),
            (f32::INFINITY, 1.0),
            (1.0, 0.0),
            (1.0, 1.1),
            (1.0, f32::NAN),
        ] {
            let e = Sampler::new(options(t, 0, p)).unwrap_err();
            assert_eq!(e.kind(), ErrorKind::InvalidArgument, "{t} {p}");
        }
    }

    #[test]
    fn min_p_and_the_penalty_out_of_range_are_refused() {
        let default = SamplerOptions::default();
        for bad in [-0.1, 1.1, f32::NAN] {
            assert!(Sampler::new(SamplerOptions { min_p: bad, ..default }).is_err(), "{bad}");
        }
        for bad in [0.9, -1.0, f32::NAN, f32::INFINITY] {
            let options = SamplerOptions { repetition_penalty: bad, ..default };
            assert!(Sampler::new(options).is_err(), "{bad}");
        }
    }

    #[test]
    fn min_p_never_draws_outside_its_set() {
        // exp(-1) = 0.37: token 2 is out.
        let options = SamplerOptions { min_p: 0.5, ..options(1.0, 0, 1.0) };
        assert!(drawn(options, 500).iter().all(|id| [1, 4].contains(id)));
    }

    #[test]
    fn what_was_sampled_or_observed_is_less_likely_within_the_window() {
        let options = SamplerOptions {
            repetition_penalty: 4.0,
            repetition_window: 2,
            ..SamplerOptions::default()
        };
        // 1 and 4 are equal; then 2 (1.0) beats both (0.5); then 1 has left the window.
        assert_eq!(drawn(options, 4), [1, 4, 2, 1]);
        let mut sampler = Sampler::new(options).unwrap();
        sampler.observe(&[9, 4, 1]);
        assert_eq!(sampler.sample(&LOGITS).unwrap(), 2);
    }

    #[test]
    fn a_nan_is_an_error_in_both_modes() {
        for temperature in [0.0, 1.0] {
            let mut sampler = Sampler::new(options(temperature, 0, 1.0)).unwrap();
            assert_eq!(sampler.sample(&[0.0, f32::NAN]).unwrap_err().kind(), ErrorKind::NonFinite);
        }
    }
}
