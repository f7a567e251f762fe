//! Accuracy: how often int8 activations choose the same next token as float activations of the same weights.
//!
//! Teacher-forced over held-out text: the true text is fed, both runs predict each next token. In: a model, and the formats
//! that it is converted to as well. Out: counts of equal top-1 tokens and both sums of negative log likelihood, for each. All
//! of it counted, none inferred from anything.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use baselines::{
    Digest, format,
    record::{Accuracy, Suite},
};
use engine::{
    Activations, Isa, Model, Session, SessionOptions,
    accuracy::{Prediction, predictions},
    convert,
    gguf::File,
    kernels::Kernels,
    quant,
};

use crate::{Hooks, subject::lane::Lane};

/// Positions scored at least where nothing says otherwise: fewer say too little about a rate near 99 %.
pub(crate) const POSITIONS: u64 = 7_000;
/// Longest window: each is scored by itself, all of its positions.
const WINDOW_LEN_MAX: usize = 512;

/// How both runs are set up, and over how much they are scored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scoring<'a> {
    pub(crate) options: &'a SessionOptions,
    /// Where the model itself is scored with int8 activations; all else is the CPU's.
    pub(crate) lane: &'a Lane,
    pub(crate) hooks: &'a Hooks,
    /// Positions, or a few more.
    pub(crate) positions: u64,
}

/// Ternary formats that a suite has workloads of: accuracy is counted in each.
pub(crate) fn formats(suite: &Suite) -> BTreeSet<&'static str> {
    let named = suite.workloads.iter().filter_map(|workload| {
        let format = format::by_id(*workload.params.get("format")?)?;
        format.ternary.then_some(format.name)
    });
    named.collect()
}

/// Scores the engine's held-out text with both kinds of activations, then with int8 activations and the model converted to
/// each of `formats` but its own. The model's own accuracy comes first. `alive` is called before each window: with a model of
/// billions of weights all of them take many minutes.
pub(crate) fn score<'f>(
    model: &Model,
    scoring: Scoring<'_>,
    formats: impl IntoIterator<Item = &'f str>,
    mut alive: impl FnMut() -> Result<()>,
) -> Result<Vec<Accuracy>> {
    let (ids, window_len) = held_out(model, scoring.positions)?;
    let mut run = |mut session: Session<'_>| -> Result<Vec<Prediction>> {
        let mut predicted = Vec::new();
        for window in ids.chunks_exact(window_len) {
            alive()?;
            predicted.extend(predictions(&mut session, window)?);
        }
        Ok(predicted)
    };
    let count = |format: &str, int8: &[Prediction], float: &[Prediction]| {
        compare(format, Digest::of_ids(&ids), int8, float)
    };
    let own = weight_format(model);
    let float = run(session(model, scoring, Activations::Float)?)?;
    let int8 =
        scoring.lane.session(model, &options(scoring, Activations::Int8), kernels(scoring)?)?;
    let mut all = vec![count(&own, &run(int8)?, &float)];
    let file = File::parse(model.bytes().to_vec().into())?;
    for name in formats.into_iter().filter(|name| *name != own) {
        let failed = || format!("failed to convert the model to {name}");
        let format = quant::by_name(name).with_context(failed)?;
        let converted = convert::ternary(&file, format).with_context(failed)?;
        let converted = Model::from_bytes(converted.bytes.into()).with_context(failed)?;
        ensure!(
            converted.linears().iter().any(|linear| linear.format == name),
            "{}: none of its matrices fits the format",
            failed()
        );
        let converted = session(&converted, scoring, Activations::Int8)?;
        all.push(count(name, &run(converted)?, &float));
    }
    Ok(all)
}

/// The ids to score, and how many are scored together.
fn held_out(model: &Model, positions: u64) -> Result<(Vec<u32>, usize)> {
    let tokenizer = model.tokenizer().context("failed to read the tokenizer")?;
    let mut ids = tokenizer.encode(engine::builtin::held_out(), true)?;
    let positions = usize::try_from(positions)?;
    let window_len = model.config().n_ctx.min(WINDOW_LEN_MAX).min(positions.saturating_add(1));
    ensure!(
        window_len >= 2,
        "expected a context of 2 tokens and a position to score at least, found {} and {positions}",
        model.config().n_ctx
    );
    let n_windows = positions.div_ceil(window_len - 1);
    let wanted = n_windows.saturating_mul(window_len);
    ensure!(
        ids.len() >= wanted,
        "expected held-out text of {wanted} tokens, found {} with this model's tokenizer",
        ids.len()
    );
    ids.truncate(wanted);
    Ok((ids, window_len))
}

/// Counts two runs over the same positions.
fn compare(
    format: &str,
    ids_digest: Digest,
    int8: &[Prediction],
    float: &[Prediction],
) -> Accuracy {
    let equal = int8.iter().zip(float).filter(|(int8, float)| int8.top1 == float.top1);
    Accuracy {
        format: format.to_owned(),
        ids_digest,
        positions: int8.len() as u64,
        top1_equal: equal.count() as u64,
        nll_int8: int8.iter().map(|prediction| prediction.nll).sum(),
        nll_float: float.iter().map(|prediction| prediction.nll).sum(),
    }
}

/// A session for counting, not for timing: on the machine's fastest instruction set, whichever the suite was told to run
/// on. All of them give the same bits, and the scalar one would take a quarter of an hour.
fn session<'m>(
    model: &'m Model,
    scoring: Scoring<'_>,
    activations: Activations,
) -> Result<Session<'m>> {
    Session::with_kernels(model, &options(scoring, activations), kernels(scoring)?)
        .context("failed to set up the engine")
}

fn options(scoring: Scoring<'_>, activations: Activations) -> SessionOptions {
    SessionOptions { activations, isa: Isa::best(), ..scoring.options.clone() }
}

fn kernels(scoring: Scoring<'_>) -> engine::Result<Kernels> {
    scoring.hooks.kernels(Isa::best())
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
    fn positions_that_disagree_are_counted() {
        let p = |top1| Prediction { top1, nll: 0.5 };
        let accuracy = compare("i2_s", Digest::of(b""), &[p(1), p(2), p(3)], &[p(1), p(9), p(3)]);
        assert_eq!((accuracy.positions, accuracy.top1_equal), (3, 2));
        assert!((accuracy.nll_int8 - 1.5).abs() < 1e-12);
    }

    #[test]
    fn every_window_of_every_run_gives_a_sign_of_life() {
        let model = Model::builtin("stories").unwrap();
        let (options, hooks) = (SessionOptions::default(), Hooks::none());
        let lane = Lane::cpu().unwrap();
        let scoring = Scoring { options: &options, lane: &lane, hooks: &hooks, positions: 600 };
        let mut signs = 0;
        let sign = || {
            signs += 1;
            Ok(())
        };
        let scored = score(&model, scoring, ["tq2_0", "i2_s"], sign).unwrap();
        let formats: Vec<_> = scored.iter().map(|accuracy| accuracy.format.as_str()).collect();
        assert_eq!(formats, ["i2_s", "tq2_0"]);
        assert_eq!(signs, 2 * 3, "two windows: float, int8, and int8 in the other format");
        let dead = || anyhow::bail!("nobody listens");
        let error = score(&model, scoring, [], dead).unwrap_err().to_string();
        assert_eq!(error, "nobody listens");
    }

    #[test]
    fn every_format_of_the_engine_is_one_of_the_records() {
        for known in quant::FORMATS {
            let format = format::find(known.name());
            let format =
                format.unwrap_or_else(|| panic!("{} is no format of records", known.name()));
            assert_eq!(format.id, u64::from(known.id()), "{}", known.name());
            assert_eq!(format.ternary, known.ternary().is_some(), "{}", known.name());
            let shape = quant::Shape::new(64, 768);
            let bytes = known.n_bytes(shape).unwrap() as u64;
            let least = format.bytes(64 * 768);
            assert!((least..=least + 256 + 11 * 64).contains(&bytes), "{}: {bytes}", known.name());
        }
        assert_eq!(format::FORMATS.len(), quant::FORMATS.len());
    }
}
