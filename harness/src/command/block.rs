//! A block of runs: what stands in a paired session of programs where a worker process stands in one of the engine.
//! Several runs of a command, or one of a bench target.
//! In: the runs as they end. Out: a `Process` of the record, with every sample.

use baselines::{
    Digest,
    metric::BENCH_METRIC,
    record::{Process, Purpose, Runs, Series, Suite},
};

use super::{
    criterion::Benchmark,
    run::{Counts, Ended},
};
use crate::{
    environment,
    measure::{Clock, Slot, timestamp},
};

/// Stamps have milliseconds, and a block must not end in the one it began in.
const SHORTEST_NS: u64 = 2_000_000;

/// One of the counts of a run.
type Count = fn(&Counts) -> u64;

/// Metrics of what the system counts, in a session of triage.
const COUNTED: [(&str, Count); 6] = [
    ("minor_faults_count", |counts| counts.minor_faults),
    ("major_faults_count", |counts| counts.major_faults),
    ("voluntary_switches_count", |counts| counts.voluntary_switches),
    ("involuntary_switches_count", |counts| counts.involuntary_switches),
    ("blocks_read_count", |counts| counts.blocks_read),
    ("blocks_written_count", |counts| counts.blocks_written),
];

/// One block on its way.
#[derive(Debug)]
pub(super) struct Block {
    slot: Slot,
    purpose: Purpose,
    started_at: String,
    start_ns: u64,
    pid: Option<u64>,
    /// Largest resident set of its runs.
    peak_rss_bytes: u64,
    workloads: Vec<Taken>,
}

/// The runs of one workload.
#[derive(Clone, Debug, Default)]
struct Taken {
    wall_ns: Vec<f64>,
    cpu_ns: Vec<f64>,
    user_ns: Vec<f64>,
    system_ns: Vec<f64>,
    counts: Vec<Counts>,
    max_rss_bytes: Vec<f64>,
    /// One list for each metric of the suite's own.
    own: Vec<Vec<f64>>,
    exit_codes: Vec<u64>,
    stdout_digests: Vec<Digest>,
    /// Of a benchmark: time of one iteration, and how many were timed together.
    iteration_ns: Vec<f64>,
    iterations: Vec<u64>,
}

impl Block {
    pub(super) fn begin(slot: Slot, suite: &Suite, purpose: Purpose, clock: &dyn Clock) -> Self {
        let own = vec![Vec::new(); suite.metrics.len()];
        let (started_at, start_ns) = (timestamp(clock.utc()), clock.now_ns());
        let workloads = vec![Taken { own, ..Taken::default() }; suite.workloads.len()];
        Self { slot, purpose, started_at, start_ns, pid: None, peak_rss_bytes: 0, workloads }
    }

    pub(super) const fn slot(&self) -> Slot {
        self.slot
    }

    /// Notes that a run ended.
    pub(super) fn ran(&mut self, ended: &Ended) {
        self.pid.get_or_insert(ended.pid);
        self.peak_rss_bytes = self.peak_rss_bytes.max(ended.max_rss_bytes);
    }

    /// Keeps what a run measured of one workload.
    pub(super) fn take_benchmark(&mut self, workload: usize, benchmark: Benchmark) {
        let taken = &mut self.workloads[workload];
        taken.iteration_ns = benchmark.iteration_ns;
        taken.iterations = benchmark.iterations;
        taken.exit_codes.push(0);
    }

    /// Keeps what one timed run of a workload came to.
    pub(super) fn take(&mut self, workload: usize, ended: &Ended, own: &[f64], keep_digest: bool) {
        self.ran(ended);
        let taken = &mut self.workloads[workload];
        taken.wall_ns.push(as_f64(ended.wall_ns));
        taken.cpu_ns.push(as_f64(ended.user_ns + ended.system_ns));
        taken.user_ns.push(as_f64(ended.user_ns));
        taken.system_ns.push(as_f64(ended.system_ns));
        taken.counts.push(ended.counts);
        taken.max_rss_bytes.push(as_f64(ended.max_rss_bytes));
        taken.exit_codes.push(ended.exit_code);
        taken.stdout_digests.extend(keep_digest.then(|| Digest::of(&ended.stdout)));
        for (values, value) in taken.own.iter_mut().zip(own) {
            values.push(*value);
        }
    }

    /// What it came to; `disturbed` is what was seen to disturb its pair.
    pub(super) fn finish(
        self,
        suite: &Suite,
        disturbed: Option<String>,
        clock: &dyn Clock,
    ) -> Process {
        let lasted_ns = clock.now_ns() - self.start_ns;
        if let Some(short_ns) = SHORTEST_NS.checked_sub(lasted_ns) {
            std::thread::sleep(std::time::Duration::from_nanos(short_ns));
        }
        let (ended_at, wall_ns) = (timestamp(clock.utc()), clock.now_ns() - self.start_ns);
        // A new process begins with the memory of the one that starts it, ours, and keeps that as its peak.
        let floor_bytes = environment::peak_rss_bytes().map_or(f64::INFINITY, as_f64);
        let (mut series, mut runs) = (Vec::new(), Vec::new());
        for (def, taken) in suite.workloads.iter().zip(self.workloads) {
            // A benchmark that this arm does not have.
            if taken.exit_codes.is_empty() {
                continue;
            }
            let mut add = |metric: &str, samples: Vec<f64>| {
                if samples.is_empty() {
                    return;
                }
                let (workload, metric) = (def.name.clone(), metric.to_owned());
                series.push(Series { workload, metric, per_iteration: 1, samples });
            };
            add("wall_ns", taken.wall_ns);
            add(BENCH_METRIC, taken.iteration_ns);
            // A clock that counts in ticks sees nothing of a short run: a time of 0 is none.
            if taken.cpu_ns.iter().all(|ns| *ns > 0.0) {
                add("cpu_ns", taken.cpu_ns);
            }
            if taken.max_rss_bytes.iter().all(|bytes| *bytes > floor_bytes) {
                add("max_rss_bytes", taken.max_rss_bytes);
            }
            // A gate has no use for these, and its records stay as they are.
            if self.purpose == Purpose::Triage {
                add("user_ns", taken.user_ns);
                add("system_ns", taken.system_ns);
                for (metric, of) in COUNTED {
                    add(metric, taken.counts.iter().map(|counts| as_f64(of(counts))).collect());
                }
            }
            for (metric, values) in suite.metrics.iter().zip(taken.own) {
                add(&metric.name, values);
            }
            runs.push(Runs {
                workload: def.name.clone(),
                exit_codes: taken.exit_codes,
                stdout_digests: taken.stdout_digests,
                iterations: taken.iterations,
            });
        }
        Process {
            order: self.slot.order,
            pair: self.slot.pair,
            position: self.slot.position,
            layout: self.slot.layout,
            disturbed,
            pid: self.pid.unwrap_or(0),
            started_at: self.started_at,
            ended_at,
            wall_ns,
            env_padding_bytes: u64::from(self.slot.padding_bytes),
            peak_rss_bytes: Some(self.peak_rss_bytes).filter(|bytes| as_f64(*bytes) > floor_bytes),
            weights_huge_bytes: None,
            device: None,
            samples_digest: None,
            series,
            outputs: Vec::new(),
            challenges: Vec::new(),
            counts: Vec::new(),
            screenings: Vec::new(),
            allocations: Vec::new(),
            runs,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds and bytes of a run are below 2^53")]
const fn as_f64(n: u64) -> f64 {
    n as f64
}
