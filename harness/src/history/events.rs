//! What was done to baselines, from their journals.
//! In: journals that were read, sessions. Out: events, oldest first, each with its session where that was read.

use std::collections::BTreeMap;

use baselines::{
    Digest,
    store::{Entry, Journal},
};
use reports::history::{Event, Session};

pub(super) fn events(journals: &[Journal], sessions: &[Session]) -> Vec<Event> {
    let places: BTreeMap<Digest, usize> =
        sessions.iter().enumerate().map(|(place, session)| (session.record, place)).collect();
    let entries = journals.iter().flat_map(Journal::entries);
    let mut events: Vec<Event> =
        entries.map(|entry| event(entry, places.get(&entry.record).copied())).collect();
    // Stable: the entries of a journal stay in their order, journals in that of their names.
    events.sort_by(|a, b| a.at.cmp(&b.at));
    events
}

fn event(entry: &Entry, session: Option<usize>) -> Event {
    Event {
        baseline: entry.name.clone(),
        action: entry.action.name().to_owned(),
        moves: entry.action.moves(),
        session,
        record: entry.record,
        at: entry.at.clone(),
        reason: entry.reason.clone(),
        by: match &entry.approved_by {
            Some(who) => format!("{}, approved by {who}", entry.recorded_by),
            None => entry.recorded_by.clone(),
        },
    }
}
