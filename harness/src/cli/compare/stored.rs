//! `bench compare --baseline NAME`: a record against what the last sessions of a baseline predict for this machine.
//! In: the record, the store. Out: a table, what was passed over, and a verdict whose fail is unconfirmed.

use std::path::Path;

use anyhow::{Context as _, Result};
use baselines::{
    RunRecord,
    select::{PassedOver, Selection},
    store::{DirStore, Entry},
};
use gates::{Policy, StoredComparison, judge_stored};

use super::{Args, show};
use crate::{
    baseline, build,
    cli::{Context, baseline::minute, print},
    config::Config,
    failure::Failure,
    files,
};

/// Sessions that a baseline is judged on where nothing says otherwise.
pub(crate) const SESSIONS: usize = 20;

/// What was compared, for the three ways of printing it.
pub(super) struct Compared {
    pub(super) name: String,
    /// Digests of the sessions judged on, newest first.
    pub(super) sessions: Vec<String>,
    /// Records that were not, each with the reason.
    pub(super) passed_over: Vec<(String, String)>,
    pub(super) comparison: StoredComparison,
    pub(super) route: String,
}

/// The name that `--baseline` gives, unless it is a path: of a file that is there, or of one that can only be a file.
pub(super) fn name(baseline: &Path) -> Option<&str> {
    let text = baseline.to_str()?;
    let a_path = baseline.exists()
        || text.contains(['/', '\\'])
        || baseline.extension().is_some_and(|extension| extension == "json");
    (!a_path).then_some(text)
}

pub(super) fn run(
    args: &Args,
    name: &str,
    head: &RunRecord,
    policy: &Policy,
    context: &Context<'_>,
    config: &Config,
) -> Result<u8> {
    if let Some(refusal) = gates::check_record(head).first() {
        return Err(Failure::invalid(format!("current: {}", files::paragraph(refusal))).into());
    }
    let store = args.store.open(context, config)?;
    in_use(&store, name)?;
    let commits = args.ancestry.then(|| ancestry(head)).transpose()?;
    let k = args.last.map_or(SESSIONS, usize::from);
    let selection = store.select(name, head.host.fingerprint, k, commits.as_deref())?;
    let (sessions, passed_over) =
        read(&store, selection).with_context(|| format!("failed to read baseline `{name}`"))?;
    let (entries, records): (Vec<Entry>, Vec<RunRecord>) = sessions.into_iter().unzip();
    let comparison = judge_stored(head, &records, policy);
    let compared = Compared::of(name, &entries, passed_over, comparison, policy);
    if let Some(difference) = &compared.comparison.difference {
        let text = format!("failed to compare with baseline `{name}`: {}", difference.text(name));
        return Err(match compared.comparison.verdict {
            gates::Verdict::Invalid => Failure::invalid(text),
            _ => Failure::incomparable(text),
        }
        .into());
    }
    if compared.sessions.is_empty() {
        return Err(none_left(&compared).into());
    }
    print(&show::text(&compared, context.format))?;
    Ok(compared.comparison.verdict.exit_code())
}

/// Sessions with their records, and entries that were passed over with the reason.
type Read = (Vec<(Entry, RunRecord)>, Vec<(Entry, String)>);

/// The records of a selection that hold. If none is of this machine, the newest of another: the comparison then says in
/// which facts the machines differ.
fn read(store: &DirStore, selection: Selection) -> Result<Read> {
    let mut sessions = Vec::new();
    let mut passed_over = Vec::new();
    for entry in selection.chosen {
        let record = store.get_record(entry.record)?;
        match gates::check_record(&record).first() {
            None => sessions.push((entry, record)),
            Some(refusal) => {
                passed_over.push((entry, format!("rule `{}` does not hold", refusal.rule)));
            }
        }
    }
    let others = selection.passed_over;
    let elsewhere = others.iter().find(|(_, why)| *why == PassedOver::OtherFingerprint);
    if let Some((entry, _)) = elsewhere.filter(|_| sessions.is_empty()) {
        sessions.push((entry.clone(), store.get_record(entry.record)?));
    }
    passed_over.extend(others.into_iter().map(|(entry, why)| (entry, why.reason().to_owned())));
    Ok((sessions, passed_over))
}

impl Compared {
    fn of(
        name: &str,
        entries: &[Entry],
        mut passed_over: Vec<(Entry, String)>,
        comparison: StoredComparison,
        policy: &Policy,
    ) -> Self {
        let by_comparison = &comparison.passed_over;
        passed_over.extend(
            by_comparison
                .iter()
                .map(|(place, difference)| (entries[*place].clone(), difference.reason())),
        );
        // Newest first, whoever passed it over.
        passed_over.sort_by(|a, b| b.0.at.cmp(&a.0.at));
        let is_left = |place: &usize| !by_comparison.iter().any(|(over, _)| over == place);
        let left = (0..entries.len()).filter(is_left);
        let shown = |entry: &Entry| {
            format!("record {} of {}", entry.record.short(), minute(&entry.recorded_at))
        };
        Self {
            name: name.to_owned(),
            sessions: left.map(|place| entries[place].record.to_string()).collect(),
            passed_over: passed_over
                .iter()
                .map(|(entry, why)| (shown(entry), why.clone()))
                .collect(),
            route: comparison.route(policy).to_owned(),
            comparison,
        }
    }
}

/// The name must point at something, and that must be in use.
fn in_use(store: &DirStore, name: &str) -> Result<()> {
    let journal = store.journal(name)?;
    let current = journal.as_ref().and_then(|journal| Some((journal, journal.current()?)));
    let Some((journal, current)) = current else {
        let text = format!(
            "failed to compare: there is no file `{name}`, and store `{}` has no baseline of that name; `bench baseline \
             list` names those it has, `bench baseline record --name {name}` makes one",
            store.root().display()
        );
        return Err(Failure::incomparable(text).into());
    };
    match journal.expiry_of(current.record) {
        Some(expiry) => Err(baseline::expired(store, expiry).into()),
        None => Ok(()),
    }
}

/// The commit of the record, or that of this folder where the record names none, and all before it.
fn ancestry(head: &RunRecord) -> Result<Vec<String>> {
    build::ancestry(Path::new("."), head.tool.commit.as_deref().unwrap_or("HEAD"))
}

/// Why nothing is left to compare with.
fn none_left(compared: &Compared) -> Failure {
    let name = &compared.name;
    let reasons = show::passed_over(&compared.passed_over, "; ");
    Failure::incomparable(format!(
        "failed to compare with baseline `{name}`: no session of it is left: {reasons}; `bench baseline record --name \
         {name}` on this machine adds one, `bench gate` pairs both builds in one session"
    ))
}
