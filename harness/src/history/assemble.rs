//! Summaries in the order of time → sessions, classes and tracks with their points.
//!
//! In: entries, sorted. Out: a history whose changes are yet to be searched for. A point is the median of its process medians; one of
//! which a process can't be drawn is counted and left out.

use std::{cmp::Reverse, collections::BTreeMap};

use baselines::{Digest, quantile::median};
use rayon::prelude::*;
use reports::history::{Class, History, Point, Session, Track, interval};

use super::{
    class::Facts,
    left_out::{LeftOuts, Reason},
    summary::{Form, Key, Summary},
};

/// From here on a value is a fault of the record: eleven days in nanoseconds, a petabyte.
const TOO_LARGE: f64 = 1e15;

/// A record of the history.
#[derive(Debug)]
pub(super) struct Entry {
    /// SHA-256 of the record.
    pub(super) record: Digest,
    pub(super) summary: Summary,
    pub(super) is_current: bool,
}

/// One track before it has points: in which sessions its numbers are.
struct Found<'a> {
    key: &'a Key,
    class: Digest,
    values: Vec<(usize, &'a [f64])>,
}

impl Found<'_> {
    fn last(&self) -> usize {
        self.values.last().map_or(0, |(session, _)| *session)
    }
}

/// The history of `entries`; tracks whose name doesn't contain `asked` are counted.
pub(super) fn assemble(entries: &[Entry], asked: Option<&str>, left_out: &mut LeftOuts) -> History {
    let classes = classes(entries);
    let place: BTreeMap<Digest, usize> =
        classes.iter().enumerate().map(|(place, class)| (class.digest, place)).collect();
    let mut found = find(entries);
    found.retain(|found| {
        let name = format!("{}/{}", found.key.workload, found.key.metric);
        let shown = asked.is_none_or(|asked| name.contains(asked));
        if !shown {
            left_out.add(Reason::NotAskedFor, &name, "");
        }
        shown
    });
    // The classes are in the order of their latest sessions already.
    found.sort_by_cached_key(|found| {
        let key = found.key;
        let (class, last) = (place.get(&found.class).copied(), Reverse(found.last()));
        (key.workload.clone(), key.metric.clone(), class, last, key.definition.clone())
    });
    let track = |found: &Found<'_>| track(found, place.get(&found.class).copied().unwrap_or(0));
    let session = |entry: &Entry| Session {
        record: entry.record,
        started_at: entry.summary.started_at.clone(),
        commit: entry.summary.commit.clone(),
        subject: None,
        is_current: entry.is_current,
    };
    History {
        sessions: entries.iter().map(session).collect(),
        tracks: found.par_iter().map(track).collect(),
        classes,
        ..History::default()
    }
}

/// The classes of the entries, that of the latest session first.
fn classes(entries: &[Entry]) -> Vec<Class> {
    // A form is hashed once, not once a record.
    let mut met: BTreeMap<&Facts, (Digest, usize, usize)> = BTreeMap::new();
    for (session, entry) in entries.iter().enumerate() {
        let facts = &entry.summary.form.class;
        let (_, n, last) = met.entry(facts).or_insert_with(|| (facts.digest(), 0, 0));
        (*n, *last) = (*n + 1, session);
    }
    let others: Vec<&Facts> = met.keys().copied().collect();
    let mut classes: Vec<(usize, Class)> = met
        .iter()
        .map(|(facts, (digest, n_sessions, last))| {
            let class = Class {
                digest: *digest,
                cpu_model: facts.cpu_model.clone(),
                fingerprint: facts.fingerprint().unwrap_or(*digest),
                subject: facts.words_among(&others),
                n_sessions: *n_sessions,
            };
            (*last, class)
        })
        .collect();
    classes.sort_by_key(|(last, class)| (Reverse(*last), class.digest));
    classes.into_iter().map(|(_, class)| class).collect()
}

/// Every track, and where its numbers are.
fn find(entries: &[Entry]) -> Vec<Found<'_>> {
    let mut places: BTreeMap<(&Key, Digest), usize> = BTreeMap::new();
    let mut of_form: BTreeMap<&Form, Vec<usize>> = BTreeMap::new();
    let mut found: Vec<Found<'_>> = Vec::new();
    for (session, entry) in entries.iter().enumerate() {
        let form = &*entry.summary.form;
        let tracks = of_form.entry(form).or_insert_with(|| {
            let class = form.class.digest();
            let mut place = |key| {
                *places.entry((key, class)).or_insert_with(|| {
                    found.push(Found { key, class, values: Vec::new() });
                    found.len() - 1
                })
            };
            form.series.iter().map(&mut place).collect()
        });
        for (track, medians) in tracks.iter().zip(&entry.summary.medians) {
            found[*track].values.push((session, medians));
        }
    }
    found
}

fn track(found: &Found<'_>, class: usize) -> Track {
    let n_values = found.values.iter().map(|(_, medians)| medians.len()).sum();
    let mut processes = Vec::with_capacity(n_values);
    let mut points = Vec::with_capacity(found.values.len());
    for (session, medians) in &found.values {
        let Some(point) = point(*session, medians, processes.len()) else { continue };
        points.push(point);
        processes.extend_from_slice(medians);
    }
    let key = found.key;
    Track {
        workload: key.workload.clone(),
        metric: key.metric.clone(),
        definition: key.definition.clone(),
        unit: key.unit(),
        better: key.better(),
        class,
        n_unusable: found.values.len() - points.len(),
        points,
        processes,
        changes: Vec::new(),
        not_searched: None,
        reference: None,
        waivers: Vec::new(),
    }
}

/// One session's value; `None` without one that a chart can show.
fn point(session: usize, medians: &[f64], first_process: usize) -> Option<Point> {
    let usable = medians.iter().all(|value| (0.0..TOO_LARGE).contains(value));
    let bounds = interval(medians).filter(|_| usable)?;
    Some(Point {
        session,
        median: median(medians)?,
        low: bounds.low,
        high: bounds.high,
        first_process,
        n_processes: medians.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::point;

    #[test]
    fn what_no_chart_can_show_is_no_point() {
        for bad in [&[][..], &[1.0, -1.0], &[1.0, f64::NAN], &[f64::INFINITY], &[1.0, 1e15]] {
            assert_eq!(point(0, bad, 0), None, "{bad:?}");
        }
        let good = point(3, &[2.0, 0.0, 4.0], 7).unwrap();
        assert_eq!((good.median, good.low, good.high), (2.0, 0.0, 4.0));
        assert_eq!((good.session, good.first_process, good.n_processes), (3, 7, 3));
    }
}
