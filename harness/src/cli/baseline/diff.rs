//! `bench baseline diff`: two stored records side by side, and how their times differ where they can be compared.
//! It describes and never judges: two sessions share no drift, so the machine's own change is in every number.

use anyhow::{Context as _, Result};
use baselines::{Digest, RunRecord, metric, quantile::median, record::Engine, unit::Unit};
use serde_json::{Value, json};

use crate::{
    agreement::{Change, medians},
    cli::{Context, Format, options::StoreArgs, print, table},
    config::Config,
    failure::{INCOMPARABLE, INVALID},
};

/// Options of `bench baseline diff`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,

    /// The older record: a baseline's name, a digest, or the first digits of one.
    #[arg(value_name = "A")]
    a: String,

    /// The newer record: likewise.
    #[arg(value_name = "B")]
    b: String,
}

/// A stored record, as it was asked for.
struct Stored {
    asked: String,
    digest: Digest,
    record: RunRecord,
}

/// One series that at least one of the records has.
struct Line {
    workload: String,
    metric: String,
    unit: Unit,
    a: Option<f64>,
    b: Option<f64>,
    change: Option<Change>,
}

/// Why times cannot be compared: the exit code, and what would help.
type Obstacle = (u8, String);

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let config = Config::read(context.config.as_deref())?;
    let store = args.store.open(context, &config)?;
    let read = |asked: &String| -> Result<Stored> {
        let digest = store.resolve(asked).context("failed to compare")?;
        let record = store.get_record(digest).context("failed to compare")?;
        Ok(Stored { asked: asked.clone(), digest, record })
    };
    let (a, b) = (read(&args.a)?, read(&args.b)?);
    let obstacle = obstacle(&a, &b);
    let lines = lines(&a.record, &b.record, obstacle.is_none());
    print(&match context.format {
        Format::Json => format!("{:#}\n", json_of(&a, &b, &lines, obstacle.as_ref())),
        Format::Human | Format::Md => human(&a, &b, &lines, obstacle.as_ref()),
    })?;
    Ok(obstacle.map_or(0, |(exit_code, _)| exit_code))
}

/// The first difference that makes a comparison of times meaningless.
fn obstacle(a: &Stored, b: &Stored) -> Option<Obstacle> {
    let (from, to) = (&a.record, &b.record);
    // No store keeps a record of a command: both are engines.
    let (mine, theirs) = (from.subject.engine()?, to.subject.engine()?);
    let settings = &mine.settings;
    let record = "`bench baseline record";
    let (fingerprint, model, suite) = (from.host.fingerprint, mine.model.digest, from.suite.digest);
    let causes = [
        (
            "fingerprint",
            (fingerprint.short(), to.host.fingerprint.short()),
            format!(
                "{record}` of both commits on one machine, or `bench gate`, makes them comparable"
            ),
        ),
        (
            "model",
            (model.short(), theirs.model.digest.short()),
            format!(
                "{record} --model {}` makes a record of the model of {}",
                mine.model.name, a.asked
            ),
        ),
        (
            "suite",
            (suite.short(), to.suite.digest.short()),
            format!(
                "{record} --suite {}` makes a record of the suite of {}",
                from.suite.name, a.asked
            ),
        ),
        (
            "settings",
            (words(from), words(to)),
            format!(
                "{record} --isa {} --threads {}` makes a record with the settings of {}",
                settings.isa, settings.threads, a.asked
            ),
        ),
        (
            "seed",
            (from.seed.to_string(), to.seed.to_string()),
            format!("{record} --seed {}` makes a record of the prompts of {}", from.seed, a.asked),
        ),
    ];
    for (what, (expected, found), way_out) in causes {
        if expected != found {
            let text = format!(
                "incomparable: {what} differs: expected {expected} as in {}, found {found} in {}; {way_out}",
                a.asked, b.asked
            );
            return Some((INCOMPARABLE, text));
        }
    }
    other_output(a, b)
}

/// A time with another output is not a faster or slower one.
fn other_output(a: &Stored, b: &Stored) -> Option<Obstacle> {
    let outputs = |record: &RunRecord| {
        record.processes.first().map(|process| process.outputs.clone()).unwrap_or_default()
    };
    let theirs = outputs(&b.record);
    outputs(&a.record).into_iter().find_map(|mine| {
        let found = theirs.iter().find(|found| found.workload == mine.workload)?;
        let same = found.logits_digest == mine.logits_digest
            && found.output_ids_digest == mine.output_ids_digest;
        (!same).then(|| {
            let text = format!(
                "incomparable: output of `{}` differs: expected logits {} as in {}, found {} in {}; `bench model logits` \
                 shows where the two builds part",
                mine.workload,
                mine.logits_digest.short(),
                a.asked,
                found.logits_digest.short(),
                b.asked
            );
            (INVALID, text)
        })
    })
}

/// Every series of either record, those of `a` first.
fn lines(a: &RunRecord, b: &RunRecord, comparable: bool) -> Vec<Line> {
    let mut names: Vec<(String, String)> = Vec::new();
    for process in [a, b].iter().filter_map(|record| record.processes.first()) {
        for series in &process.series {
            let name = (series.workload.clone(), series.metric.clone());
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let line = |(workload, metric): (String, String)| {
        let (of_a, of_b) = (medians(a, &workload, &metric), medians(b, &workload, &metric));
        Line {
            unit: metric::find(&metric).map_or(Unit::Nanoseconds, |metric| metric.unit),
            a: median(&of_a),
            b: median(&of_b),
            change: comparable.then(|| Change::of(&of_a, &of_b)).flatten(),
            workload,
            metric,
        }
    };
    names.into_iter().map(line).collect()
}

/// What the two records say of themselves; the last column marks what differs.
fn facts(stored: &Stored) -> [(&'static str, String); 11] {
    let Stored { digest, record, .. } = stored;
    let (subject, tool) = (&record.subject, &record.tool);
    let model = subject.engine().map(|engine| &engine.model);
    let model = model.map(|model| format!("{} {}", model.name, model.digest.short()));
    let model = model.unwrap_or_else(|| "none".to_owned());
    let dirty = if tool.dirty == Some(true) { " (dirty)" } else { "" };
    let commit =
        tool.commit.as_deref().map_or("unknown", |commit| commit.get(..12).unwrap_or(commit));
    [
        ("record", digest.short()),
        ("recorded", super::minute(&record.ended_at)),
        ("commit", format!("{commit}{dirty}")),
        ("binary", subject.binary.short()),
        ("model", model),
        ("machine", record.host.fingerprint.short()),
        ("cpu", record.host.cpu_model.clone()),
        ("suite", format!("{} {}", record.suite.name, record.suite.digest.short())),
        ("settings", words(record)),
        ("seed", record.seed.to_string()),
        ("processes", record.processes.len().to_string()),
    ]
}

/// The settings in words.
fn words(record: &RunRecord) -> String {
    let Some(Engine { settings, .. }) = record.subject.engine() else { return "none".to_owned() };
    format!(
        "{}, {}{}, {}, batch {}, {}",
        settings.isa,
        table::count(settings.threads, "thread"),
        if settings.pinned { " pinned" } else { "" },
        settings.activations,
        settings.batch,
        settings.device_selected
    )
}

fn human(a: &Stored, b: &Stored, lines: &[Line], obstacle: Option<&Obstacle>) -> String {
    let mut side_by_side = table::table(&["", &a.asked, &b.asked, ""], 0..0);
    for ((what, left), (_, right)) in facts(a).into_iter().zip(facts(b)) {
        let mark = if left == right { "" } else { "≠" };
        side_by_side.add_row([what.to_owned(), left, right, mark.to_owned()]);
    }
    let mut times = table::table(&["", &a.asked, &b.asked, "change", "95 % interval"], 1..5);
    let none = || "–".to_owned();
    for line in lines {
        let value = |value: Option<f64>| value.map_or_else(none, |value| line.unit.text(value));
        let percent = table::percent;
        times.add_row([
            format!("{} {}", line.workload, line.metric.trim_end_matches("_ns")),
            value(line.a),
            value(line.b),
            line.change.map_or_else(none, |change| format!("{} %", percent(change.estimate))),
            line.change.map_or_else(none, |change| {
                format!("{} to {} %", percent(change.low), percent(change.high))
            }),
        ]);
    }
    let said = format!("{}\n{}", table::text(&side_by_side), table::text(&times));
    match obstacle {
        Some((_, text)) => format!("{said}{text}\n"),
        None => {
            said + "Not judged: the records are of two sessions, and the machine's drift between them is in every number.\n"
        }
    }
}

fn json_of(a: &Stored, b: &Stored, lines: &[Line], obstacle: Option<&Obstacle>) -> Value {
    let side = |stored: &Stored| -> Value {
        facts(stored).into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
    };
    let line = |line: &Line| {
        json!({
            "workload": line.workload, "metric": line.metric, "a": line.a, "b": line.b,
            "estimate": line.change.map(|change| change.estimate),
            "ci_low": line.change.map(|change| change.low), "ci_high": line.change.map(|change| change.high),
        })
    };
    json!({
        "a": side(a),
        "b": side(b),
        "lines": lines.iter().map(line).collect::<Vec<_>>(),
        "obstacle": obstacle.map(|(_, text)| text),
    })
}
