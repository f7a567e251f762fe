//! Replay: the prompts of a record asked again, of this build. In: a record. Out: where the answers are others.
//!
//! Fixed prompts and those of the nonce, prompt by prompt, each once and untimed; accuracy, where the record has one, over the
//! same text. One arithmetic gives the same bits on every instruction set and for any number of threads, so that any machine
//! can ask. Prompts are drawn again from the seed and the nonce: nothing is taken from the record but what it is held against.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    iter,
};

use anyhow::{Context as _, Result, ensure};
use baselines::{
    Digest, RunRecord,
    record::{Accuracy, Challenge, Output, WorkloadDef, challenge_seed},
};

use crate::{
    Hooks,
    accuracy::{self, Scoring},
    measure::{Clock, Planted, Tally},
    progress::Progress,
    subject::{engine::Source, lane::Lane},
    workload::{Answers, Asked, Bench, answer},
};

/// Sums of logarithms may differ in their last digits where another mathematical library took them.
const NLL_TOLERANCE: f64 = 1e-9;

/// What is given by hand in place of what the record names.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Given<'a> {
    /// Where the model lies, in place of the name that the record has for it.
    pub(crate) model: Option<&'a str>,
    /// The text that `bench run --prompt` was given.
    pub(crate) prompt: Option<&'a str>,
}

/// One place where the record says something else than this build puts out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) field: String,
    /// What this build puts out.
    pub(crate) expected: String,
    /// What the record says.
    pub(crate) found: String,
}

/// What was asked again.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    /// Answers that were compared.
    pub(crate) n_answers: usize,
    /// Positions that accuracy was counted over.
    pub(crate) positions: Option<u64>,
    pub(crate) differences: Vec<Difference>,
}

impl Replayed {
    fn compare<T: PartialEq + ToString>(&mut self, field: String, expected: &T, found: &T) {
        if expected != found {
            let (expected, found) = (expected.to_string(), found.to_string());
            self.differences.push(Difference { field, expected, found });
        }
    }
}

/// Asks everything again that `record` says it put out.
pub(crate) fn replay(
    record: &RunRecord,
    given: Given<'_>,
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<Replayed> {
    let engine = record.subject.engine().context(
        "failed to replay: the record is of an external command, whose lines only its own machine should run; measure again \
         with `bench gate --base-command …` or `--bench …`",
    )?;
    let source = Source::named(given.model.unwrap_or(&engine.model.name));
    let model =
        source.open().context("failed to replay; `--model PATH` says where the model lies")?;
    let digest = Digest::of(model.bytes());
    ensure!(
        digest == engine.model.digest,
        "failed to replay: model `{}`: expected SHA-256 {}, found {digest}; give the file that was measured with `--model PATH`",
        source.name(),
        engine.model.digest
    );
    let options = source.options(None, None)?;
    // Another machine may have no GPU; the CPU gives the same bits.
    let lane = Lane::cpu()?;
    let tally = Tally::default();
    let bench = Bench {
        source: &source,
        model: &model,
        options: &options,
        lane: &lane,
        seed: record.seed,
        challenge_seed: 0,
        prompt: given.prompt,
        clock,
        hooks: &Hooks::none(),
        planted: Planted::none(),
        tally: &tally,
        spans: false,
    };
    let mut replayed = Replayed::default();
    for def in &record.suite.workloads {
        let before = replayed.n_answers;
        replay_workload(record, def, bench, &mut replayed)?;
        let n = replayed.n_answers - before;
        if n > 0 {
            progress.note(&format!("replayed {}: {n} answers", def.name));
        }
    }
    if let Some(recorded) = &record.accuracy {
        let positions = recorded.positions;
        let hooks = &Hooks::none();
        let scoring = Scoring { options: &options, lane: &lane, hooks, positions };
        let formats = record.format_accuracy.iter().map(|accuracy| accuracy.format.as_str());
        let scored = accuracy::score(&model, scoring, formats, || Ok(()))
            .context("failed to replay the accuracy")?;
        let n_formats = scored.len();
        progress
            .note(&format!("replayed accuracy over {positions} positions in {n_formats} formats"));
        replayed.compare(
            "format_accuracy".to_owned(),
            &record.format_accuracy.len(),
            &(n_formats - 1),
        );
        for (i, (again, recorded)) in
            scored.iter().zip(iter::once(recorded).chain(&record.format_accuracy)).enumerate()
        {
            let place = i.checked_sub(1).map(|i| format!("format_accuracy[{i}]"));
            let place = place.unwrap_or_else(|| "accuracy".to_owned());
            compare_accuracy(&place, again, recorded, &mut replayed);
        }
    }
    Ok(replayed)
}

fn replay_workload(
    record: &RunRecord,
    def: &WorkloadDef,
    bench: Bench<'_>,
    replayed: &mut Replayed,
) -> Result<()> {
    let failed = || format!("failed to replay workload `{}`", def.name);
    let of = |output: &&Output| output.workload == def.name;
    // All processes put out the same, or the rule `stable-output` says so.
    let outputs = record.processes.first().map_or(&[][..], |process| &process.outputs);
    if let Some(recorded) = outputs.iter().find(of) {
        let Answers { output, .. } = answer(bench, def, Asked::Fixed).with_context(failed)?;
        let again = output.with_context(failed)?;
        replayed.n_answers += 1;
        let field = |what: &str| format!("outputs[{}].{what}", def.name);
        for (what, again, recorded) in [
            ("prompt_ids_digest", again.prompt_ids_digest, recorded.prompt_ids_digest),
            ("output_ids_digest", again.output_ids_digest, recorded.output_ids_digest),
            ("logits_digest", again.logits_digest, recorded.logits_digest),
        ] {
            replayed.compare(field(what), &again, &recorded);
        }
    }
    let nonce = record.nonce.as_deref().unwrap_or_default();
    // Both arms of a pair were asked the same.
    let mut known: BTreeMap<u64, Challenge> = BTreeMap::new();
    for process in &record.processes {
        for recorded in process.challenges.iter().filter(|found| found.workload == def.name) {
            let again = match known.entry(process.pair) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let challenge_seed = challenge_seed(nonce, process.pair);
                    let bench = Bench { challenge_seed, ..bench };
                    let answers = answer(bench, def, Asked::Challenge).with_context(failed)?;
                    new.insert(answers.challenge.with_context(failed)?)
                }
            };
            replayed.n_answers += 1;
            let field =
                |what: &str| format!("process {} challenges[{}].{what}", process.order, def.name);
            replayed.compare(
                field("prompt_ids_digest"),
                &again.prompt_ids_digest,
                &recorded.prompt_ids_digest,
            );
            replayed.compare(
                field("generated, as SHA-256"),
                &Digest::of_ids(&again.generated),
                &Digest::of_ids(&recorded.generated),
            );
            replayed.compare(field("logits_digest"), &again.logits_digest, &recorded.logits_digest);
        }
    }
    Ok(())
}

fn compare_accuracy(place: &str, again: &Accuracy, recorded: &Accuracy, replayed: &mut Replayed) {
    replayed.positions = Some(again.positions);
    let field = |what: &str| format!("{place}.{what}");
    replayed.compare(field("format"), &again.format, &recorded.format);
    replayed.compare(field("ids_digest"), &again.ids_digest, &recorded.ids_digest);
    replayed.compare(field("positions"), &again.positions, &recorded.positions);
    replayed.compare(field("top1_equal"), &again.top1_equal, &recorded.top1_equal);
    for (what, again, recorded) in [
        ("nll_int8", again.nll_int8, recorded.nll_int8),
        ("nll_float", again.nll_float, recorded.nll_float),
    ] {
        if (again - recorded).abs() > NLL_TOLERANCE * again.abs() {
            replayed.compare(field(what), &again, &recorded);
        }
    }
}
