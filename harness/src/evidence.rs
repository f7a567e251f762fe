//! The bundle: both arms, the baseline they stand for, the store's history and the policy, in one value.

use anyhow::Result;
use baselines::{
    CheckRecord, Digest, Evidence, RunRecord,
    evidence::{BaselineRef, Given, HistoryPoint, Hop},
    quantile::median,
    record::{SCHEMA_VERSION, Settings},
    store::DirStore,
};

use crate::policy::Ruling;

/// Earlier records that the trend charts show at most.
const HISTORY_RECORDS_MAX: usize = 50;

/// Where the base of a session comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A stored baseline.
    Stored(BaselineRef),
    /// The command line.
    Given(Given),
}

/// What was in the folder of a gate before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Brought {
    /// The hop log.
    pub(crate) hops: Vec<Hop>,
    /// Records of other commands.
    pub(crate) checks: Vec<CheckRecord>,
}

/// Closes a bundle at `created_at`.
pub(crate) fn bundle(
    source: Source,
    base: RunRecord,
    head: RunRecord,
    history: Vec<HistoryPoint>,
    ruling: Ruling,
    brought: Brought,
    created_at: String,
) -> Evidence {
    let head_sha = head.commit_under_test().map(str::to_owned);
    let (baseline, given) = match source {
        Source::Stored(baseline) => (Some(baseline), None),
        Source::Given(given) => (None, Some(given)),
    };
    Evidence {
        version: SCHEMA_VERSION,
        created_at,
        head_sha,
        baseline,
        given,
        base,
        head,
        history,
        policy: ruling.text,
        policy_commit: ruling.commit,
        edits: ruling.edits,
        triage: None,
        hops: brought.hops,
        checks: brought.checks,
    }
}

/// Medians of the store's records that measured the same suite on the same model and machine as `like`, oldest first.
///
/// A record that does not read back is no history: `bench verify` is where it is reported.
pub(crate) fn history(store: &DirStore, like: &RunRecord) -> Result<Vec<HistoryPoint>> {
    let mut records: Vec<_> = store
        .records()?
        .into_iter()
        .filter_map(|digest| Some((digest, store.get_record(digest).ok()?)))
        .filter(|(_, record)| comparable(record, like))
        .collect();
    records.sort_by(|(a_digest, a), (b_digest, b)| {
        a.started_at.cmp(&b.started_at).then_with(|| a_digest.cmp(b_digest))
    });
    let surplus = records.len().saturating_sub(HISTORY_RECORDS_MAX);
    Ok(records[surplus..].iter().flat_map(|(digest, record)| points(*digest, record)).collect())
}

fn comparable(record: &RunRecord, like: &RunRecord) -> bool {
    record.session != like.session
        && record.host.fingerprint == like.host.fingerprint
        && of_engine(record) == of_engine(like)
        && record.suite.digest == like.suite.digest
}

/// Model and settings; `None` of a command, which no store keeps.
fn of_engine(record: &RunRecord) -> Option<(Digest, &Settings)> {
    record.subject.engine().map(|engine| (engine.model.digest, &engine.settings))
}

/// One point for every series of a record.
fn points(digest: Digest, record: &RunRecord) -> Vec<HistoryPoint> {
    let Some(first) = record.processes.first() else { return Vec::new() };
    let point = |series: &baselines::record::Series| {
        let mut medians: Vec<f64> = record
            .samples(&series.workload, &series.metric)
            .filter_map(|(_, samples)| median(samples))
            .collect();
        medians.sort_by(f64::total_cmp);
        Some(HistoryPoint {
            record: digest,
            started_at: record.started_at.clone(),
            commit: record.tool.commit.clone(),
            workload: series.workload.clone(),
            metric: series.metric.clone(),
            min: *medians.first()?,
            max: *medians.last()?,
            median: median(&medians)?,
        })
    };
    first.series.iter().filter_map(point).collect()
}
