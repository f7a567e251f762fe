//! Teacher-forced predictions: the true text is fed, and at each position it is noted what the model would have said.

use crate::{Error, ErrorKind, Result, Session};

/// What one run said about one position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// The most likely token; the lowest id among equals.
    pub top1: usize,
    /// Negative log likelihood of the true next token, in nats.
    pub nll: f64,
}

/// One prediction for every token of `window` but the first. The session is emptied first.
///
/// # Errors
/// As [`Session::score`]; [`ErrorKind::NonFinite`] for a likelihood that is no number.
pub fn predictions(session: &mut Session<'_>, window: &[u32]) -> Result<Vec<Prediction>> {
    let mut predictions = Vec::with_capacity(window.len().saturating_sub(1));
    session.rewind(0);
    session.score(window, |position, logits| {
        // The last position predicts a token that is not in the window.
        if let Some(truth) = window.get(position + 1) {
            predictions.push(predict(logits, *truth as usize));
        }
    })?;
    match predictions.iter().position(|prediction| !prediction.nll.is_finite()) {
        None => Ok(predictions),
        Some(i) => Err(Error::new(
            ErrorKind::NonFinite,
            format!("likelihood behind token {i}: expected a finite number, found none"),
        )),
    }
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
}
