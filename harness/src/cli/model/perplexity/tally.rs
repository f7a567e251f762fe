//! Sums of negative log likelihoods, and what is said of them.

/// What was counted of a text. Natural logarithms throughout.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Tally {
    /// Predictions.
    pub(super) n: u64,
    /// Bytes of text that the predicted tokens stand for.
    pub(super) bytes: u64,
    /// Their negative log likelihoods.
    pub(super) sum: f64,
    squares: f64,
    /// Of the groups that were scored together: how many, and the sums of s², n·s and n² over their sums s and counts n.
    n_groups: u64,
    of_groups: [f64; 3],
}

impl Tally {
    /// Adds what was scored together: likelihoods, and the bytes of the tokens.
    pub(super) fn add(&mut self, nlls: &[f64], bytes: u64) {
        if nlls.is_empty() {
            return;
        }
        let sum: f64 = nlls.iter().sum();
        let n = count(nlls.len() as u64);
        self.n += nlls.len() as u64;
        self.bytes += bytes;
        self.sum += sum;
        self.squares += nlls.iter().map(|nll| nll * nll).sum::<f64>();
        self.n_groups += 1;
        for (total, one) in self.of_groups.iter_mut().zip([sum * sum, n * sum, n * n]) {
            *total += one;
        }
    }

    /// The exponential of the mean.
    pub(super) fn perplexity(&self) -> f64 {
        self.mean().exp()
    }

    /// Of the perplexity, as llama-perplexity has it: as if every prediction were independent of the others. `None` below two.
    pub(super) fn standard_error(&self) -> Option<f64> {
        let n = count(self.n);
        let variance = (self.squares / n - self.mean().powi(2)).max(0.0) / (n - 1.0);
        (self.n > 1).then(|| self.perplexity() * variance.sqrt())
    }

    /// The same as if only what was scored apart were independent: predictions of one window have its text in common.
    pub(super) fn standard_error_of_groups(&self) -> Option<f64> {
        let [squares, products, sizes] = self.of_groups;
        let mean = self.mean();
        let groups = count(self.n_groups);
        let spread = (squares - 2.0 * mean * products + mean * mean * sizes).max(0.0);
        let error = (spread * groups / (groups - 1.0)).sqrt() / count(self.n);
        (self.n_groups > 1).then(|| self.perplexity() * error)
    }

    pub(super) fn bits_per_token(&self) -> f64 {
        self.mean() / std::f64::consts::LN_2
    }

    /// `None` where the tokens stand for no text.
    pub(super) fn bits_per_byte(&self) -> Option<f64> {
        (self.bytes > 0).then(|| self.sum / std::f64::consts::LN_2 / count(self.bytes))
    }

    fn mean(&self) -> f64 {
        self.sum / count(self.n)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts below 2^53")]
const fn count(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a / b - 1.0).abs() < 1e-12, "{a} {b}");
    }

    #[test]
    fn a_fair_coin_has_one_bit_a_token_and_no_error() {
        let mut tally = Tally::default();
        for _ in 0..4 {
            tally.add(&[2_f64.ln(); 10], 40);
        }
        near(tally.perplexity(), 2.0);
        near(tally.bits_per_token(), 1.0);
        near(tally.bits_per_byte().unwrap(), 0.25);
        assert!(tally.standard_error().unwrap() < 1e-7);
        assert!(tally.standard_error_of_groups().unwrap() < 1e-7);
    }

    #[test]
    fn errors_are_those_of_the_mean_worked_by_hand() {
        // Groups (1, 3) and (2, 4): mean 2.5, variance of a value 5/3, of a group's sum around 2 · 2.5: (1 + 1)/1.
        let mut tally = Tally::default();
        tally.add(&[1.0, 3.0], 0);
        tally.add(&[2.0, 4.0], 0);
        near(tally.standard_error().unwrap(), 2.5_f64.exp() * (5.0 / 3.0 / 4.0_f64).sqrt());
        near(tally.standard_error_of_groups().unwrap(), 2.5_f64.exp() * 4_f64.sqrt() / 4.0);
        assert_eq!(tally.bits_per_byte(), None);
    }

    #[test]
    fn one_prediction_has_no_error_and_no_group_is_none() {
        let mut tally = Tally::default();
        tally.add(&[], 3);
        assert_eq!(tally, Tally::default());
        tally.add(&[1.0], 3);
        assert_eq!((tally.standard_error(), tally.standard_error_of_groups()), (None, None));
    }
}
