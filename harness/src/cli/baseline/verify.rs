//! `bench baseline verify`: every journal, record and binary of the store, held against its digest and the rules.
//! Nothing is repaired here: what does not hold is said, with what was expected and found, and exits 4.

use std::collections::BTreeSet;

use anyhow::Result;
use baselines::{
    Digest, ErrorKind, RunRecord,
    store::{Action, DirStore, Entry, Journal},
    timestamp::parse_ms,
};
use serde_json::{Value, json};

use super::none_of_that_name;
use crate::{
    cli::{Context, Format, options::StoreArgs, print, table::count},
    config::Config,
    failure::INVALID,
    files,
    measure::timestamp,
};

/// How far ahead of this machine's clock another's may be.
const CLOCKS_APART_MS: i64 = 60_000;

/// Options of `bench baseline verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,

    /// Name of the baseline; without one, every baseline, record and binary of the store.
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

/// Something that does not hold.
struct Fault {
    /// Baseline, record or binary.
    place: String,
    rule: &'static str,
    /// Expected, found, way out.
    text: String,
}

/// What was looked at, and what was found.
#[derive(Default)]
struct Report {
    n_entries: usize,
    records: BTreeSet<Digest>,
    binaries: BTreeSet<Digest>,
    n_pruned: usize,
    faults: Vec<Fault>,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let config = Config::read(context.config.as_deref())?;
    let store = args.store.open(context, &config)?;
    let names = store.names()?;
    if let Some(name) = &args.name
        && !names.contains(name)
    {
        return Err(none_of_that_name("verify", name, &store).into());
    }
    let now = timestamp(context.clock.utc());
    let mut report = Report::default();
    for name in names.iter().filter(|name| args.name.as_ref().is_none_or(|only| only == *name)) {
        report.baseline(&store, name, &now);
    }
    if args.name.is_none() {
        report.rest(&store)?;
    }
    print(&match context.format {
        Format::Json => format!("{:#}\n", report.json()),
        Format::Human | Format::Md => report.human(),
    })?;
    Ok(if report.faults.is_empty() { 0 } else { INVALID })
}

impl Report {
    fn fault(&mut self, place: impl Into<String>, rule: &'static str, text: impl Into<String>) {
        self.faults.push(Fault { place: place.into(), rule, text: text.into() });
    }

    fn baseline(&mut self, store: &DirStore, name: &str, now: &str) {
        let journal = match store.journal(name) {
            Ok(Some(journal)) => journal,
            Ok(None) => return,
            Err(error) => return self.fault(name, "journal", error.to_string()),
        };
        if journal.torn_bytes() > 0 {
            let found = journal.torn_bytes();
            let text = format!(
                "expected a newline at the end, found {found} bytes after the last; no entry is missing, and the next one \
                 takes their place"
            );
            self.fault(name, "journal-torn", text);
        }
        self.n_entries += journal.entries().len();
        let mut seen = BTreeSet::new();
        for entry in journal.entries() {
            self.stamp(entry, now);
            if entry.action.moves() {
                self.pointer(store, &journal, entry, seen.insert(entry.record));
            }
        }
    }

    /// An entry of a time that has not come was not written then.
    fn stamp(&mut self, entry: &Entry, now: &str) {
        let ahead = parse_ms(&entry.at).zip(parse_ms(now));
        if ahead.is_some_and(|(at_ms, now_ms)| at_ms > now_ms + CLOCKS_APART_MS) {
            let text = format!(
                "`at`: expected a time that has been, at most {now} by this machine's clock, found {}; set the clock that is \
                 wrong",
                entry.at
            );
            self.fault(&entry.name, "timestamp", text);
        }
    }

    /// What an entry points at: the record, by digest and by the rules, what the entry says of it, and its binary.
    fn pointer(&mut self, store: &DirStore, journal: &Journal, entry: &Entry, first: bool) {
        let pruned = journal.pruning_of(entry.record).map(|entry| entry.action);
        let place = format!("{}: record {}", entry.name, entry.record.short());
        match store.get_record(entry.record) {
            Ok(record) => {
                self.agrees(&place, entry, &record);
                if first {
                    self.rules(&place, &record);
                    self.records.insert(entry.record);
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound && pruned == Some(Action::Prune) => {
                self.n_pruned += usize::from(first);
            }
            Err(error) if first => self.fault(&place, "record", error.to_string()),
            Err(_) => {}
        }
        if !first {
            return;
        }
        match store.binary_path(entry.binary) {
            Ok(_) => drop(self.binaries.insert(entry.binary)),
            Err(error) if error.kind() == ErrorKind::NotFound && pruned.is_some() => {}
            Err(error) => self.fault(&place, "binary", error.to_string()),
        }
    }

    fn agrees(&mut self, place: &str, entry: &Entry, record: &RunRecord) {
        let commit = |commit: &Option<String>| commit.clone().unwrap_or_else(|| "none".to_owned());
        let (subject, hex) = (&record.subject, |digest: Digest| digest.to_string());
        let model = subject.engine().map_or_else(String::new, |engine| hex(engine.model.digest));
        for (field, expected, found) in [
            ("binary", hex(subject.binary), hex(entry.binary)),
            ("model", model, hex(entry.model)),
            ("fingerprint", hex(record.host.fingerprint), hex(entry.fingerprint)),
            ("commit", commit(&record.tool.commit), commit(&entry.commit)),
            ("recorded_at", record.ended_at.clone(), entry.recorded_at.clone()),
        ] {
            if expected != found {
                let text = format!(
                    "`{field}`: expected {expected}, that of the record, found {found}; point the name at a record again with \
                     `bench baseline promote`"
                );
                self.fault(place, "pointer", text);
            }
        }
    }

    fn rules(&mut self, place: &str, record: &RunRecord) {
        for refusal in gates::check_record(record) {
            self.fault(place, refusal.rule, files::paragraph(&refusal));
        }
    }

    /// Records and binaries that no journal names: the history of gates, and what a session under way has put.
    fn rest(&mut self, store: &DirStore) -> Result<()> {
        let named = |faults: &[Fault], digest: &Digest| {
            faults.iter().any(|fault| fault.text.contains(&digest.to_string()))
        };
        for digest in store.records()? {
            if !self.records.contains(&digest) && !named(&self.faults, &digest) {
                match store.get_record(digest) {
                    Ok(_) => drop(self.records.insert(digest)),
                    Err(error) => self.fault("history", "record", error.to_string()),
                }
            }
        }
        for digest in store.binaries()? {
            if !self.binaries.contains(&digest) && !named(&self.faults, &digest) {
                match store.binary_path(digest) {
                    Ok(_) => drop(self.binaries.insert(digest)),
                    Err(error) => self.fault("history", "binary", error.to_string()),
                }
            }
        }
        Ok(())
    }

    fn human(&self) -> String {
        let mut said = String::new();
        for Fault { place, rule, text } in &self.faults {
            said += &format!("✘ {place}: rule `{rule}`: {text}\n");
        }
        let pruned = match self.n_pruned {
            0 => String::new(),
            n => format!(" ({} pruned)", count(n as u64, "record")),
        };
        let (records, binaries) = (self.records.len() as u64, self.binaries.len());
        let looked_at = format!(
            "{} journal {}, {}{pruned} and {binaries} {}",
            self.n_entries,
            if self.n_entries == 1 { "entry" } else { "entries" },
            count(records, "record"),
            if binaries == 1 { "binary" } else { "binaries" },
        );
        said + &match self.faults.len() {
            0 => format!("holds: {looked_at}\n"),
            n => format!("does not hold: {}; {looked_at} were read\n", count(n as u64, "fault")),
        }
    }

    fn json(&self) -> Value {
        let fault =
            |fault: &Fault| json!({ "place": fault.place, "rule": fault.rule, "text": fault.text });
        json!({
            "holds": self.faults.is_empty(),
            "n_entries": self.n_entries,
            "n_records": self.records.len(),
            "n_binaries": self.binaries.len(),
            "n_pruned": self.n_pruned,
            "faults": self.faults.iter().map(fault).collect::<Vec<_>>(),
        })
    }
}
