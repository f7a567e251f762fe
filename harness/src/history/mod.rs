//! From a store to the history that the page, the terminal and the exports show.
//!
//! In: a store, what is asked of it, a bundle if there is one. Out: `reports::History`, a pure function of the records, the
//! journals, the policy and the commits that git knows here: no clock, and the same bytes with and without the cache.
//!
//! ```text
//! records ─► read (cache) ─► summary ─► assemble ─► search (changes) ─┐
//! journals ─► events ─► reference          policy ─► waivers ─────────┼─► History
//! git ─► commits, link ───────────────────────────────────────────────┘
//! ```
//!
//! What a track follows is named in `summary.rs` (the workload as defined, the metric) and `class.rs` (machine, model, settings,
//! build, pairing). Two tracks that differ in nothing but the definition of their workload are two tracks. What is *not* asked
//! here is whether a record holds by the rules of evidence, and whether the outputs are the same: a history spans changes of both,
//! and `bench baseline verify` and `bench compare` are where they are judged.

mod assemble;
mod cache;
mod calibrations;
mod class;
mod commits;
mod events;
mod left_out;
mod link;
mod marks;
mod read;
mod search;
mod summary;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use baselines::{
    Digest, Evidence, metric,
    record::MetricDef,
    store::{DirStore, Journal},
};
use gates::Policy;
use reports::History;

use self::{
    assemble::Entry,
    left_out::{LeftOuts, Reason},
    read::Forms,
};
use crate::progress::Progress;

/// What is asked of a store.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    /// Where the records are.
    pub(crate) store: &'a DirStore,
    /// The folder of caches, if summaries may be kept there.
    pub(crate) cache: Option<PathBuf>,
    /// Read every record, whatever the cache has.
    pub(crate) fresh: bool,
    /// The baseline that is drawn as a reference.
    pub(crate) baseline: &'a str,
    /// Text of the policy whose margins and waivers are shown.
    pub(crate) policy: Option<&'a str>,
    /// The session that the history is read beside.
    pub(crate) evidence: Option<&'a Evidence>,
    /// What a commit is appended to, where it was said.
    pub(crate) commit_url: Option<&'a str>,
    /// Only tracks whose `workload/metric` contains it.
    pub(crate) workload: Option<&'a str>,
    /// The command line that asks the same.
    pub(crate) command: String,
    /// The folder whose repository knows the commits.
    pub(crate) repository: &'a Path,
}

/// The history that `asked` is about.
pub(crate) fn history(asked: &Asked<'_>, progress: &Progress) -> Result<History> {
    let commit_url = asked.commit_url.map(link::given).transpose()?;
    let mut left_out = LeftOuts::default();
    let forms = Forms::default();
    let found = read::read(asked, &forms, &mut left_out, progress)?;
    let own = own_metrics(&found);
    let mut entries = with_current(found, asked.evidence, &forms);
    entries.retain(|entry| shows_series(entry, &mut left_out));
    let mut history = assemble::assemble(&entries, asked.workload, &mut left_out);
    drop(entries);
    search::search(&mut history.tracks);

    let journals = journals(asked.store, &mut left_out)?;
    history.events = events::events(&journals, &history.sessions);
    let policy = asked.policy.map(|text| Policy::parse_with(text, &own));
    let policy = policy.transpose().context("failed to read the policy")?;
    marks::reference(&mut history, &journals, asked.baseline, policy.as_ref());
    marks::waivers(&mut history, policy.as_ref());

    history.calibrations = calibrations::calibrations(asked.store, &history.classes, &mut left_out);

    let repository = commits::Repository::at(asked.repository);
    commits::name(&mut history.sessions, repository.as_ref());
    history.commit_url = commit_url.or_else(|| link::of_remote(&repository.as_ref()?.remote()?));
    history.left_out = left_out.into_list();
    history.command.clone_from(&asked.command);
    Ok(history)
}

/// The records read, and the head of the bundle, in the order of time.
fn with_current(mut entries: Vec<Entry>, evidence: Option<&Evidence>, forms: &Forms) -> Vec<Entry> {
    if let Some(head) = evidence.map(|evidence| &evidence.head) {
        let record = Digest::of(&head.to_json());
        // The gate may have kept it already.
        match entries.iter_mut().find(|entry| entry.record == record) {
            Some(kept) => kept.is_current = true,
            None => entries.push(Entry { record, summary: forms.summary(head), is_current: true }),
        }
    }
    entries
        .sort_by(|a, b| (&a.summary.started_at, a.record).cmp(&(&b.summary.started_at, b.record)));
    entries
}

/// Whether an entry has a series at all; those that its suite doesn't define are counted.
fn shows_series(entry: &Entry, left_out: &mut LeftOuts) -> bool {
    let form = &entry.summary.form;
    for name in &form.undefined {
        left_out.add(Reason::Undefined, &entry.record.short(), name);
    }
    let has_any = !form.series.is_empty();
    if !has_any {
        left_out.add(Reason::NoSeries, &entry.record.short(), "it measured nothing");
    }
    has_any
}

/// The journals that can be read.
fn journals(store: &DirStore, left_out: &mut LeftOuts) -> Result<Vec<Journal>> {
    let mut journals = Vec::new();
    for name in store.names()? {
        match store.journal(&name) {
            Ok(journal) => journals.extend(journal),
            Err(error) => left_out.add(Reason::Journal, &name, &error.to_string()),
        }
    }
    Ok(journals)
}

/// Metrics that suites of these records define themselves: a policy may gate them.
fn own_metrics(entries: &[Entry]) -> Vec<MetricDef> {
    let mut own: Vec<MetricDef> = Vec::new();
    for key in entries.iter().flat_map(|entry| &entry.summary.form.series) {
        if metric::find(&key.metric).is_none() && own.iter().all(|def| def.name != key.metric) {
            own.push(MetricDef {
                name: key.metric.clone(),
                pointer: String::new(),
                unit: key.unit(),
                better: key.better(),
            });
        }
    }
    own
}
