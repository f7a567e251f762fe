//! The history of a program on hosted runners: how often the CPU changes, what that does to times, and who cries wolf.
//!
//! In: an imported table. Out: rows. Spreads are those of one run, from the differences of consecutive runs, so that slow
//! change of the program itself hardly counts; a revision's real change does, and makes every alarm rate an upper bound.

use std::collections::BTreeMap;

use baselines::import::{Imported, Series};

use super::{
    Replay, Row,
    naive::{ALERT, welch_p},
    rate::Tally,
    row::Demand,
    spread::Spread,
};

const TIME_UNITS: [&str; 4] = ["ms", "ns", "s", "us"];
const MEMORY_UNITS: [&str; 4] = ["B", "GB", "KB", "MB"];
/// Metrics of each sort that are looked at: every two of a kind are divided by one another.
const MAX_TRACKS: usize = 100;
/// Runs of each arm of the naive test: five against the five before.
const WELCH_RUNS: usize = 5;

/// One metric over the runs that have it.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) name: String,
    pub(super) values: Vec<Value>,
}

/// One value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    /// Place of its run in time.
    pub(super) run: usize,
    /// Place of its CPU model among the models.
    pub(super) model: usize,
    pub(super) log: f64,
}

/// All runs in time.
#[derive(Debug)]
pub(super) struct History {
    /// The model of each run.
    pub(super) models: Vec<usize>,
    pub(super) times: Vec<Track>,
    memory: Vec<Track>,
    n_left_out: usize,
    n_tracks_left_out: usize,
}

impl History {
    pub(super) fn of(imported: &Imported) -> Self {
        let label = |place: usize, key: &str| {
            imported.contexts[place].labels.get(key).map_or("", String::as_str)
        };
        let mut order: Vec<usize> = (0..imported.contexts.len()).collect();
        order.sort_by_key(|place| {
            (imported.contexts[*place].timestamp_s, label(*place, "revision"), label(*place, "cpu"))
        });
        let mut names: Vec<&str> = order.iter().map(|place| label(*place, "cpu")).collect();
        names.sort_unstable();
        names.dedup();
        let model = |place: usize| names.partition_point(|name| *name < label(place, "cpu"));
        let run_of: BTreeMap<usize, usize> =
            order.iter().enumerate().map(|(run, place)| (*place, run)).collect();
        let mut history = Self {
            models: order.iter().map(|place| model(*place)).collect(),
            times: Vec::new(),
            memory: Vec::new(),
            n_left_out: 0,
            n_tracks_left_out: 0,
        };
        for series in &imported.series {
            history.add(series, &run_of);
        }
        history
    }

    fn add(&mut self, series: &Series, run_of: &BTreeMap<usize, usize>) {
        let tracks = if TIME_UNITS.contains(&series.unit.as_str()) {
            &mut self.times
        } else if MEMORY_UNITS.contains(&series.unit.as_str()) {
            &mut self.memory
        } else {
            return;
        };
        if tracks.len() >= MAX_TRACKS {
            self.n_tracks_left_out += 1;
            return;
        }
        // Of a run that has a metric twice, the first counts; a value of 0 has no log.
        let mut by_run = BTreeMap::new();
        for point in series.points.iter().filter(|point| point.value > 0.0) {
            if let Some(run) = run_of.get(&point.context) {
                by_run.entry(*run).or_insert(point.value.ln());
            }
        }
        self.n_left_out += series.points.len() - by_run.len();
        let value = |(run, log)| Value { run, model: self.models[run], log };
        let values = by_run.into_iter().map(value).collect();
        tracks.push(Track { name: series.name.clone(), values });
    }

    pub(super) const fn n_runs(&self) -> usize {
        self.models.len()
    }

    /// The time that most runs have.
    fn main(&self) -> Option<&Track> {
        self.times.iter().rev().max_by_key(|track| track.values.len())
    }
}

pub(super) fn replay(history: &History, replay: &mut Replay) {
    let mut changes = Tally::default();
    for two in history.models.windows(2) {
        changes.count(two[0] != two[1]);
    }
    replay.rows.push(Row::rate("consecutive runs change CPU", Demand::Reported("69 %"), changes));
    let main = history.main().map_or(&[][..], std::slice::from_ref);
    let all = history.times.as_slice();
    for (whose, tracks, reported) in
        [("main time", main, Some(["13.5 %", "4.4 %"])), ("all times", all, None)]
    {
        for (place, name) in ["CPU changes", "CPU stays"].into_iter().enumerate() {
            let steps =
                steps(tracks).filter(|step| (step[0].model == step[1].model) == (place == 1));
            let differences: Vec<f64> = steps.map(|step| step[1].log - step[0].log).collect();
            let demand = reported.map_or(Demand::Nothing, |both| Demand::Reported(both[place]));
            let spread = Spread::of_differences(&differences);
            replay.rows.extend(Row::spread(
                format!("SD of a run, {whose}, {name}"),
                demand,
                spread,
            ));
        }
    }
    let memory: Vec<f64> = steps(&history.memory).map(|step| step[1].log - step[0].log).collect();
    let memory = Spread::of_differences(&memory);
    replay.rows.extend(Row::spread("SD of a run, all memory", Demand::Reported("0.0 %"), memory));
    replay.rows.extend(divided(all));
    replay.rows.extend(naive(main, all));
    replay.notes.push(note(history));
}

/// Consecutive values of each track.
fn steps(tracks: &[Track]) -> impl Iterator<Item = &[Value]> {
    tracks.iter().flat_map(|track| track.values.windows(2))
}

/// Spread before and after each time is divided by another of the same kind, taken in the same run.
fn divided(times: &[Track]) -> impl Iterator<Item = Row> {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (place, one) in times.iter().enumerate() {
        for other in times[..place].iter().filter(|other| kind(&other.name) == kind(&one.name)) {
            for step in joined(one, other).windows(2) {
                let (a, b) = (step[1].0.log - step[0].0.log, step[1].1.log - step[0].1.log);
                before.extend([a, b]);
                after.push(a - b);
            }
        }
    }
    let row = |property, reported, differences: &[f64]| {
        let spread = Spread::of_differences(differences);
        Row::spread(property, Demand::Reported(reported), spread)
    };
    let before = row("SD of a run, times of one kind", "13.0 %", &before);
    let after = row("SD of a run, ÷ a time of its kind", "1.9 %", &after);
    before.into_iter().chain(after)
}

/// The values of both in the runs that have both.
pub(super) fn joined(one: &Track, other: &Track) -> Vec<(Value, Value)> {
    let by_run: BTreeMap<usize, Value> =
        other.values.iter().map(|value| (value.run, *value)).collect();
    one.values.iter().filter_map(|value| Some((*value, *by_run.get(&value.run)?))).collect()
}

/// What comes before the first slash of a name: times of one kind can control one another.
pub(super) fn kind(name: &str) -> &str {
    name.split_once('/').map_or(name, |(kind, _)| kind)
}

/// "110 % of previous" as is and with 10 % planted; Welch's test of five runs against the five before.
fn naive(main: &[Track], all: &[Track]) -> [Row; 4] {
    let fires = |tracks: &[Track], slowdown: f64| {
        let mut tally = Tally::default();
        for step in steps(tracks) {
            tally.count(step[1].log + slowdown.ln() - step[0].log > ALERT.ln());
        }
        tally
    };
    let mut welch = Tally::default();
    for ten in all.iter().flat_map(|track| track.values.chunks_exact(2 * WELCH_RUNS)) {
        let raw: Vec<f64> = ten.iter().map(|value| value.log.exp()).collect();
        welch.count(welch_p(&raw[..WELCH_RUNS], &raw[WELCH_RUNS..], 1.0) <= 0.05);
    }
    [
        Row::rate("main time: 110 % of previous", Demand::Reported("24.6 %"), fires(main, 1.0)),
        Row::rate("all times: 110 % of previous", Demand::Nothing, fires(all, 1.0)),
        Row::rate("main time × 1.10: same rule", Demand::Reported("50 %"), fires(main, 1.1)),
        Row::rate("all times: Welch at 5 %, 5 on 5", Demand::Nothing, welch),
    ]
}

fn note(history: &History) -> String {
    let n = history.n_runs();
    let mut counts = BTreeMap::new();
    for model in &history.models {
        *counts.entry(model).or_insert(0_usize) += 1;
    }
    let share =
        |count: usize| crate::stats::yuen::as_f64(count) / crate::stats::yuen::as_f64(n.max(1));
    let differ = 1.0 - counts.values().map(|count| share(*count).powi(2)).sum::<f64>();
    format!(
        "Hosted: {n} runs in order of time on {} CPU models; two runs drawn at random differ in model with probability \
         {:.1} %, which may be the reported 69 %. Main time: {}, the one that most runs have. Spread: 1.4826 × median \
         distance of consecutive log differences from their median, ÷ √2. Of one kind: names alike up to the first \
         slash. {} values of 0 or twice in one run are left out, and {} \
         metrics beyond {MAX_TRACKS}. Commits are unlabelled: a real slow-down counts as a \
         false alarm.",
        counts.len(),
        differ * 100.0,
        history.main().map_or("none", |track| &track.name),
        history.n_left_out,
        history.n_tracks_left_out,
    )
}

#[cfg(test)]
mod tests {
    use baselines::import::import;

    use super::{History, joined, kind};

    #[test]
    fn runs_are_put_in_time_and_metrics_meet_in_their_run() {
        let text = "timestamp_s,revision,cpu,metric,value,unit\n\
            20,b,Y,k/a,2,ms\n20,b,Y,k/b,3,ms\n10,a,X,k/a,1,ms\n30,c,X,k/b,4,ms\n30,c,X,rss,5,MB\n30,c,X,other,5,#\n30,c,X,k/b,0,ms\n";
        let history = History::of(&import(text.as_bytes()).expect("a table"));
        assert_eq!(history.models, [0, 1, 0]);
        let runs: Vec<usize> = history.times[0].values.iter().map(|value| value.run).collect();
        assert_eq!((history.times[0].name.as_str(), runs), ("k/a", vec![0, 1]));
        assert_eq!((history.memory.len(), history.n_left_out), (1, 1));
        let both = joined(&history.times[0], &history.times[1]);
        assert_eq!(both.len(), 1);
        assert_eq!(both[0].1.log.to_bits(), 3.0_f64.ln().to_bits());
        assert_eq!((kind("k/a"), kind("build")), ("k", "build"));
    }
}
