//! Accuracy: how often int8 activations choose the same next token as float activations of the same weights.
//!
//! Teacher-forced over held-out text: the true text is fed, both runs predict each next token. In: a model. Out: counts of
//! equal top-1 tokens and both sums of negative log likelihood. All of it counted, none inferred from anything.

use anyhow::{Context as _, Result, ensure};
use baselines::{Digest, record::Accuracy};
use engine::{Activations, Isa, Model, Session, SessionOptions};

/// Positions scored at least where nothing says otherwise: fewer say too little about a rate near 99 %.
pub(crate) const POSITIONS: u64 = 7_000;
/// Longest window: each is scored by itself, all of its positions.
const WINDOW_LEN_MAX: usize = 512;

/// What one run said about one position.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Prediction {
    /// The most likely token; the lowest id among equals.
    top1: usize,
    /// Negative log likelihood of the true next token, in nats.
    nll: f64,
}

/// Scores `positions` or a few more of the engine's held-out text with both kinds of activations.
pub(crate) fn score(model: &Model, options: &SessionOptions, positions: u64) -> Result<Accuracy> {
    let tokenizer = model.tokenizer().context("failed to read the tokenizer")?;
    let ids = tokenizer.encode(engine::builtin::held_out(), true)?;
    let positions = usize::try_from(positions)?;
    let window_len = model.config().n_ctx.min(WINDOW_LEN_MAX).min(positions.saturating_add(1));
    ensure!(
        window_len >= 2,
        "expected a context of 2 tokens and a position to score at least, found {} and {positions}",
        model.config().n_ctx
    );
    let n_windows = positions.div_ceil(window_len - 1);
    let wanted = n_windows.saturating_mul(window_len);
    let ids = ids.get(..wanted).with_context(|| {
        let found = ids.len();
        format!(
            "expected held-out text of {wanted} tokens, found {found} with this model's tokenizer"
        )
    })?;

    let mut accuracy = Accuracy {
        format: weight_format(model),
        ids_digest: Digest::of_ids(ids),
        positions: 0,
        top1_equal: 0,
        nll_int8: 0.0,
        nll_float: 0.0,
    };
    let mut int8 = session(model, options, Activations::Int8)?;
    let mut float = session(model, options, Activations::Float)?;
    for window in ids.chunks_exact(window_len) {
        let int8 = predictions(&mut int8, window)?;
        let float = predictions(&mut float, window)?;
        accuracy.add(&int8, &float);
    }
    Ok(accuracy)
}

trait Add {
    fn add(&mut self, int8: &[Prediction], float: &[Prediction]);
}

impl Add for Accuracy {
    /// Adds two runs over the same positions.
    fn add(&mut self, int8: &[Prediction], float: &[Prediction]) {
        for (int8, float) in int8.iter().zip(float) {
            self.positions += 1;
            self.top1_equal += u64::from(int8.top1 == float.top1);
            self.nll_int8 += int8.nll;
            self.nll_float += float.nll;
        }
    }
}

/// A session for counting, not for timing: on the machine's fastest instruction set, whichever the suite was told to run
/// on. All of them give the same bits, and the scalar one would take a quarter of an hour.
fn session<'m>(
    model: &'m Model,
    options: &SessionOptions,
    activations: Activations,
) -> Result<Session<'m>> {
    let options = SessionOptions { activations, isa: Isa::best(), ..options.clone() };
    Session::new(model, &options).context("failed to set up the engine")
}

/// One prediction for every token of `window` but the first.
fn predictions(session: &mut Session<'_>, window: &[u32]) -> Result<Vec<Prediction>> {
    let mut predictions = Vec::with_capacity(window.len() - 1);
    session.rewind(0);
    session.score(window, |position, logits| {
        // The last position predicts a token that is not in the window.
        if let Some(truth) = window.get(position + 1) {
            predictions.push(predict(logits, *truth as usize));
        }
    })?;
    ensure!(
        predictions.len() == window.len() - 1 && predictions.iter().all(|p| p.nll.is_finite()),
        "expected {} finite predictions, found {}",
        window.len() - 1,
        predictions.iter().filter(|p| p.nll.is_finite()).count()
    );
    Ok(predictions)
}

fn predict(logits: &[f32], truth: usize) -> Prediction {
    let (mut top1, mut largest) = (0, f32::NEG_INFINITY);
    for (id, logit) in logits.iter().enumerate() {
        if *logit > largest {
            (top1, largest) = (id, *logit);
        }
    }
    // Relative to the largest, so that no term overflows.
    let largest = f64::from(largest);
    let sum: f64 = logits.iter().map(|logit| (f64::from(*logit) - largest).exp()).sum();
    Prediction { top1, nll: sum.ln() + largest - f64::from(logits[truth]) }
}

/// The storage format of the matrices within the layers.
fn weight_format(model: &Model) -> String {
    let linears = model.linears();
    let within = linears.iter().find(|linear| !linear.once_per_sequence);
    within.map_or_else(|| "unknown".to_owned(), |linear| linear.format.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prediction_is_the_lowest_of_equal_tops_and_the_log_of_the_softmax() {
        // Softmax of [0, ln 2, ln 2, 0] is [1, 2, 2, 1] / 6.
        let logits = [0.0, 2_f32.ln(), 2_f32.ln(), 0.0];
        let prediction = predict(&logits, 3);
        assert_eq!(prediction.top1, 1);
        assert!((prediction.nll - 6_f64.ln()).abs() < 1e-6, "{prediction:?}");
    }

    #[test]
    fn large_logits_do_not_overflow() {
        let prediction = predict(&[1000.0, 0.0], 1);
        assert!((prediction.nll - 1000.0).abs() < 1e-9, "{prediction:?}");
    }

    #[test]
    fn positions_that_disagree_are_counted() {
        let mut accuracy = Accuracy {
            format: "i2_s".to_owned(),
            ids_digest: Digest::of(b""),
            positions: 0,
            top1_equal: 0,
            nll_int8: 0.0,
            nll_float: 0.0,
        };
        let p = |top1| Prediction { top1, nll: 0.5 };
        accuracy.add(&[p(1), p(2), p(3)], &[p(1), p(9), p(3)]);
        assert_eq!((accuracy.positions, accuracy.top1_equal), (3, 2));
        assert!((accuracy.nll_int8 - 1.5).abs() < 1e-12);
    }
}
