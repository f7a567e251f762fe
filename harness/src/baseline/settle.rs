//! Whether a new record becomes the baseline: it must come back to an earlier one of the same build.
//! In: a kept record, the order and the policy. Out: an entry in the journal, or both numbers and no entry.

use anyhow::Result;
use baselines::{
    Digest, RunRecord,
    store::{Action, DirStore, Entry, Journal, Note},
};
use gates::Policy;

use super::Order;
use crate::{
    agreement::{self, Row},
    failure::Failure,
};

/// Points the baseline at a kept record, if the record agrees with an earlier one of the same build or is accepted.
pub(super) fn settle(
    store: &DirStore,
    digest: Digest,
    record: &RunRecord,
    order: &Order,
    policy: &Policy,
    at: String,
) -> Result<Option<(Entry, Vec<Row>)>> {
    let journal = store.journal(&order.name)?;
    let earlier = journal.as_ref().and_then(|journal| of_same_build(store, journal, record));
    let earlier = earlier.map(|(entry, found)| (entry, agreement::rows(&found, record, policy)));
    if let Some((entry, rows)) = &earlier
        && !order.accept
        && let Some(row) = rows.iter().find(|row| !row.agrees())
    {
        return Err(disagreement(&order.name, digest, entry, row).into());
    }
    let Order { reason, recorded_by, approved_by, .. } = order.clone();
    let note = Note { at, reason, recorded_by, approved_by };
    store.append(&order.name, &[(Action::Record, digest)], &note)?;
    Ok(earlier)
}

/// The newest record in use that asked the same question of the same build on the same machine.
fn of_same_build(
    store: &DirStore,
    journal: &Journal,
    record: &RunRecord,
) -> Option<(Entry, RunRecord)> {
    let alike = |entry: &&Entry| {
        entry.action.moves()
            && entry.binary == record.subject.binary
            && entry.fingerprint == record.host.fingerprint
            && journal.expiry_of(entry.record).is_none()
    };
    journal.entries().iter().rev().filter(alike).find_map(|entry| {
        // One that was pruned or edited says nothing; `bench baseline verify` is where it is reported.
        let found = store.get_record(entry.record).ok()?;
        agreement::same_question(&found, record).then(|| (entry.clone(), found))
    })
}

fn disagreement(name: &str, digest: Digest, earlier: &Entry, row: &Row) -> Failure {
    let percent = |log_ratio: f64| format!("{:+.1} %", log_ratio.exp_m1() * 100.0);
    let found = row.change.map_or_else(
        || "times that allow no interval".to_owned(),
        |change| {
            let (low, high) = (percent(change.low), percent(change.high));
            format!("{} [{low}, {high}]", percent(change.estimate))
        },
    );
    Failure::inconclusive(format!(
        "failed to record baseline `{name}`: two records of one build do not agree: {} {}: expected a change whose 95 % interval \
         lies within {} to {}, found {found}: {} in record {} of {}, {} now; the name was not moved. Measure again when the \
         machine is quiet; or take the new record with `bench baseline promote {} --to {name} --reason TEXT --approved-by \
         WHO`, or the next one with `bench baseline record --accept --reason TEXT`",
        row.workload,
        row.metric,
        percent(-row.margin),
        percent(row.margin),
        row.unit.text(row.earlier),
        earlier.record.short(),
        earlier.recorded_at,
        row.unit.text(row.later),
        digest.short(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::exit_code;

    /// A store with a binary and a scripted record of it, `factor` times as slow, kept and not yet pointed at.
    fn kept(store: &DirStore, seed: u64, factor: f64) -> (Digest, RunRecord) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bench");
        std::fs::write(&path, b"#!/bin/sh\n").unwrap();
        let mut record = baselines::testing::evidence(seed, factor).head;
        record.subject.binary = store.put_binary(&path).unwrap();
        record.seed = 42;
        (store.put_record(&record).unwrap(), record)
    }

    fn order(accept: bool) -> Order {
        Order {
            name: "main".to_owned(),
            reason: "a reason".to_owned(),
            recorded_by: "someone".to_owned(),
            approved_by: None,
            accept,
        }
    }

    /// Requirement: S1.
    #[test]
    fn a_second_record_of_one_build_moves_the_name_only_if_it_agrees_or_is_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let store = DirStore::open(folder.path()).unwrap();
        let policy = Policy::parse(gates::DEFAULT_POLICY).unwrap();
        let settled = |seed, factor, accept| {
            let (digest, record) = kept(&store, seed, factor);
            let at = "2026-03-02T12:00:00.000Z".to_owned();
            let earlier = settle(&store, digest, &record, &order(accept), &policy, at);
            let journal = store.journal("main").unwrap().unwrap();
            (digest, earlier, journal.current().unwrap().record)
        };
        let (first, earlier, current) = settled(1, 1.0, false);
        assert!(earlier.unwrap().is_none());
        assert_eq!(current, first);

        let (second, earlier, current) = settled(2, 1.0, false);
        let (entry, rows) = earlier.unwrap().unwrap();
        assert_eq!((entry.record, current), (first, second));
        assert!(rows.len() >= 3 && rows.iter().all(Row::agrees), "{rows:?}");

        let (third, earlier, current) = settled(3, 1.2, false);
        let error = earlier.unwrap_err();
        assert_eq!((exit_code(&error), current), (3, second));
        let text = error.to_string();
        for part in
            [&second.short(), &third.short(), "within -4.8 % to +5.0 %", "--accept", "not moved"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }

        let (fourth, earlier, current) = settled(4, 1.2, true);
        assert!(earlier.unwrap().unwrap().1.iter().any(|row| !row.agrees()));
        assert_eq!(current, fourth);
    }
}
