//! Scripted sessions at other times: what a store looks like after months.
//! In: a record, or what a day is to hold. Out: the same moved in time; a small record of any number of series.

use std::collections::BTreeMap;

use super::{Size, arm, noise::Noise, session::Arm, session::Session};
use crate::{
    RunRecord,
    record::{Purpose, Series, WorkloadDef},
    timestamp,
};

/// `record` with every time in it `by_ms` later.
///
/// # Panics
/// If that is no time of this calendar.
#[must_use]
pub fn moved(mut record: RunRecord, by_ms: i64) -> RunRecord {
    let later = |at: &mut String| {
        let ms = timestamp::parse_ms(at).expect("records have timestamps") + by_ms;
        *at = timestamp::format_ms(ms).expect("a time of this calendar");
    };
    later(&mut record.started_at);
    later(&mut record.ended_at);
    for process in &mut record.processes {
        later(&mut process.started_at);
        later(&mut process.ended_at);
    }
    record
}

/// One session of a long history.
#[derive(Clone, Debug, PartialEq)]
pub struct Day {
    /// Another seed is another session.
    pub seed: u64,
    /// Milliseconds after the script's own time.
    pub at_ms: i64,
    /// Commit that was measured.
    pub commit: Option<String>,
    /// How slow each series is, 1 as the script; as many series as levels.
    pub levels: Vec<f64>,
}

/// Processes and samples of each series of a day.
const PROCESSES: usize = 5;
const SAMPLES: u64 = 5;

/// A session of one build by itself: `work-00/matmul_ns`, `work-01/matmul_ns`, … of five processes with five samples each.
#[must_use]
pub fn day(day: &Day) -> RunRecord {
    let size = Size { n_pairs: 6, iterations: Some(SAMPLES), decode_tokens: 2 };
    let mut record = moved(arm(&Session::new(day.seed, size), Arm::Base, 1.0), day.at_ms);
    record.purpose = Purpose::Baseline;
    record.seed = super::ROOT_SEED;
    record.tool.commit.clone_from(&day.commit);
    record.processes.truncate(PROCESSES);
    let name = |nth: usize| format!("work-{nth:02}");
    record.suite.workloads = (0..day.levels.len())
        .map(|nth| WorkloadDef {
            name: name(nth),
            kind: "matmul".to_owned(),
            params: BTreeMap::from([("iterations".to_owned(), SAMPLES)]),
        })
        .collect();
    record.suite.digest = record.suite.computed_digest(None);
    for (place, process) in (0..).zip(&mut record.processes) {
        (process.order, process.pair, process.position) = (place, place, 0);
        let mut noise = Noise::new(day.seed, &format!("day {place}"));
        let mut series = |(nth, level): (usize, &f64)| {
            // A process has a level of its own, about 1 % from the day's.
            let level = noise.around(1e6 * level, 0.01);
            Series {
                workload: name(nth),
                metric: "matmul_ns".to_owned(),
                per_iteration: 1,
                samples: (0..SAMPLES).map(|_| noise.around(level, 0.01)).collect(),
            }
        };
        process.series = day.levels.iter().enumerate().map(&mut series).collect();
    }
    record.sealed()
}
