//! Whether a stored record asks the question of the current one: machine, model, settings, suite, seed, build, output.
//!
//! In: two records. Out: the first difference that makes their times incomparable, with the way out. The order is that of
//! causes: another model puts out something else, and is not an error of the output.

use baselines::{
    RunRecord,
    record::{Engine, Output, Purpose, Settings},
};

use super::machine;
use crate::verify::Class;

/// Why the times of two records cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What differs: `machine`, `subject`, `model`, `settings`, `suite`, `seed`, `build`, `pairing`, `output` or `session`.
    pub what: &'static str,
    /// What it takes away: another output is invalid, everything else incomparable.
    pub class: Class,
    /// The stored record's.
    pub expected: String,
    /// The current record's.
    pub found: String,
}

impl Difference {
    fn new(what: &'static str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        let (expected, found) = (expected.into(), found.into());
        Self { what, class: Class::Incomparable, expected, found }
    }

    /// In a sentence, with the command that would help; `name` is that of the baseline.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        let Self { what, expected, found, .. } = self;
        format!("{what}: expected {expected} as stored, found {found}; {}", self.way_out(name))
    }

    /// Why a past record is passed over.
    #[must_use]
    pub fn reason(&self) -> String {
        match self.what {
            "session" => "it is the current record".to_owned(),
            what => format!("its {what} differs"),
        }
    }

    fn way_out(&self, name: &str) -> String {
        let record = format!("`bench baseline record --name {name}`");
        match self.what {
            "machine" => format!(
                "{record} on this machine begins a history of it, and `bench gate` pairs both builds in one session"
            ),
            "subject" => {
                "a store keeps records of the engine: `bench gate --base-command A --head-command B` pairs commands"
                    .to_owned()
            }
            "model" => format!("measure with the model of the baseline, or {record} with this one"),
            "settings" | "suite" | "seed" => {
                format!("measure as the baseline was, or {record} with this {}", self.what)
            }
            "build" => format!(
                "a time of another compiler is no change of code: {record} with this one, or `bench gate` pairs both builds"
            ),
            "pairing" => {
                "measure the current record with `bench run`, as the baseline was".to_owned()
            }
            "session" => "compare another record: this one is part of the baseline".to_owned(),
            _ => format!(
                "if the other output is meant, {record} with `--reason`; a time with another output is not a faster or \
                 slower one"
            ),
        }
    }
}

/// The first difference between a stored record and the current one; `None` where their times can be compared.
#[must_use]
pub fn difference(stored: &RunRecord, current: &RunRecord) -> Option<Difference> {
    if stored.session == current.session {
        return Some(Difference::new("session", "another session", "the same one"));
    }
    let machine = machine::differences(&stored.host, &current.host);
    if let Some((expected, found)) = listed(&machine) {
        return Some(Difference::new("machine", expected, found));
    }
    let (Some(mine), Some(theirs)) = (current.subject.engine(), stored.subject.engine()) else {
        return Some(Difference::new("subject", subject(stored), subject(current)));
    };
    if mine.model.digest != theirs.model.digest {
        let named = |model: &baselines::record::ModelInfo| {
            format!("{} (SHA-256 {})", crate::text::inline(&model.name), model.digest.short())
        };
        return Some(Difference::new("model", named(&theirs.model), named(&mine.model)));
    }
    [
        ("settings", settings(stored, theirs), settings(current, mine)),
        ("suite", vec![("SHA-256", suite(stored))], vec![("SHA-256", suite(current))]),
        ("seed", vec![("seed", stored.seed.to_string())], vec![("seed", current.seed.to_string())]),
        ("build", build(stored), build(current)),
        ("pairing", pairing(stored), pairing(current)),
    ]
    .into_iter()
    .find_map(|(what, expected, found)| {
        let fields: Vec<Field> = expected
            .into_iter()
            .zip(found)
            .filter(|(expected, found)| expected != found)
            .map(|((name, expected), (_, found))| (name, expected, found))
            .collect();
        let (expected, found) = listed(&fields)?;
        Some(Difference::new(what, expected, found))
    })
    .or_else(|| output(stored, current))
}

/// Name, stored, current.
pub(super) type Field = (&'static str, String, String);

/// `name value, name value` of both sides; `None` where nothing differs.
fn listed(fields: &[Field]) -> Option<(String, String)> {
    let side = |value: fn(&Field) -> &String| {
        let named = fields.iter().map(|field| format!("{} {}", field.0, value(field)));
        crate::text::inline(&named.collect::<Vec<_>>().join(", "))
    };
    (!fields.is_empty()).then(|| (side(|field| &field.1), side(|field| &field.2)))
}

/// A command is no subject of a stored baseline, and no two of them are compared here.
fn subject(record: &RunRecord) -> String {
    record.subject.command().map_or_else(
        || "the engine".to_owned(),
        |command| format!("the command `{}`", crate::text::plain(&command.line)),
    )
}

fn settings(record: &RunRecord, engine: &Engine) -> Vec<(&'static str, String)> {
    let settings = &engine.settings;
    vec![
        ("isa", settings.isa.clone()),
        ("threads", settings.threads.to_string()),
        ("pinned", settings.pinned.to_string()),
        ("activations", settings.activations.clone()),
        ("batch", settings.batch.to_string()),
        ("device", device(record, settings)),
    ]
}

/// The GPU by its maker's name too: `cuda:0` is another one on another machine.
fn device(record: &RunRecord, settings: &Settings) -> String {
    let used = record.processes.first().and_then(|process| process.device.as_ref());
    used.map_or_else(
        || settings.device_selected.clone(),
        |used| format!("{} ({}, {})", used.id, used.name, used.capability),
    )
}

fn suite(record: &RunRecord) -> String {
    record.suite.digest.short()
}

fn build(record: &RunRecord) -> Vec<(&'static str, String)> {
    let tool = &record.tool;
    vec![
        ("toolchain", tool.toolchain.clone()),
        ("profile", tool.profile.clone()),
        ("target", tool.target.clone()),
        ("features", tool.features.join("+")),
    ]
}

/// The processes of a pair measure by turns, and meet colder caches than those of a session of one subject.
fn pairing(record: &RunRecord) -> Vec<(&'static str, String)> {
    let how = if record.purpose == Purpose::Paired { "in pairs" } else { "alone" };
    vec![("measured", how.to_owned())]
}

/// Model, suite and seed are the same here: so must be every answer.
fn output(stored: &RunRecord, current: &RunRecord) -> Option<Difference> {
    let (expected, found) = (outputs(stored), outputs(current));
    let said = |output: Option<&Output>| {
        output.map_or_else(
            || "none".to_owned(),
            |output| {
                let (ids, logits) = (output.output_ids_digest, output.logits_digest);
                format!("ids {} and logits {}", ids.short(), logits.short())
            },
        )
    };
    (0..expected.len().max(found.len())).find_map(|place| {
        let (expected, found) = (expected.get(place), found.get(place));
        let same = expected.zip(found).is_some_and(|(a, b)| {
            (&a.workload, a.prompt_ids_digest, a.n_generated, a.output_ids_digest, a.logits_digest)
                == (
                    &b.workload,
                    b.prompt_ids_digest,
                    b.n_generated,
                    b.output_ids_digest,
                    b.logits_digest,
                )
        });
        let name = expected.or(found).map_or("", |output| &output.workload);
        let at = |side| crate::text::inline(&format!("of {name} {}", said(side)));
        (!same).then(|| Difference {
            class: Class::Invalid,
            ..Difference::new("output", at(expected), at(found))
        })
    })
}

/// Those of the first process; the rule `stable-output` says that the others have the same.
fn outputs(record: &RunRecord) -> &[Output] {
    record.processes.first().map_or(&[], |process| &process.outputs)
}
