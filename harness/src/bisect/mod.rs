//! `bench bisect`: which commit changed a metric, by halving the commits between a good and a bad one.
//!
//! In: an order, and what measures a commit. Out: the steps, in a document that is written after each of them, so that one that is
//! stopped goes on where it was.
//!
//! A time is judged in pairs against the good commit, by a test that may err with a share of the order's `alpha`; a count needs one
//! session of each commit and no test. `trail.rs` says what the steps come to and which is next, `search.rs` which commit that is,
//! `decide.rs` on which side it lies; all three are pure. `revisions.rs` builds and measures, `range.rs` asks git.

mod decide;
mod document;
mod range;
mod revisions;
mod search;
mod trail;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use self::trail::Ask;
pub(crate) use self::{
    decide::{Estimate, PAIRS, PAIRS_RANGE, looks},
    document::{Kept, json, read},
    range::{Commit, range},
    revisions::{Metric, Revisions, Subject},
    trail::{Judged, Next, Outcome, Trail},
};

/// What was asked for, as far as another run must ask for the same to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    /// The commit that is good.
    pub(crate) good: String,
    /// The one that is bad.
    pub(crate) bad: String,
    pub(crate) workload: String,
    pub(crate) metric: String,
    /// Whether the metric is a count without noise.
    pub(crate) exact: bool,
    /// Chance of a wrong step, over the whole road.
    pub(crate) alpha: f64,
    /// Numbers of pairs at which a commit is looked at.
    pub(crate) looks: Vec<u64>,
    pub(crate) layouts: u64,
    pub(crate) seed: u64,
    /// Digest of the workload's definition; of a benchmark, its target and how that is run.
    pub(crate) suite: String,
    /// SHA-256 of the model; of a benchmark there is none.
    pub(crate) model: Option<String>,
    pub(crate) isa: Option<String>,
    pub(crate) threads: Option<u64>,
    pub(crate) device: Option<String>,
    /// Fingerprint of the machine.
    pub(crate) machine: String,
}

/// A bisection, finished or not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bisection {
    pub(crate) order: Order,
    /// From the good commit to the bad one, both among them.
    pub(crate) range: Vec<Commit>,
    pub(crate) steps: Vec<Step>,
    /// Builds so far, those that failed and those of steps that were cut short among them.
    pub(crate) builds: u64,
    pub(crate) started_at: String,
    pub(crate) ended_at: String,
}

/// One commit that was tried.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    /// Its place in the range.
    pub(crate) idx: usize,
    pub(crate) seen: Seen,
    pub(crate) ended_at: String,
}

/// What was seen of a commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Seen {
    /// Its pairs with the good commit: ln(commit ÷ good), above 0 is worse, in the order taken.
    Pairs {
        log_ratios: Vec<f64>,
        /// Whether it put out what the good one did.
        same_output: bool,
    },
    /// Its count of one iteration.
    Count(f64),
    /// Why it cannot be measured.
    Skipped(String),
}

impl Bisection {
    /// Nothing tried yet.
    pub(crate) fn new(order: Order, range: Vec<Commit>, now: String) -> Self {
        Self { order, range, steps: Vec::new(), builds: 0, started_at: now.clone(), ended_at: now }
    }

    /// Commits that may be the culprit.
    pub(crate) fn n_commits(&self) -> usize {
        self.range.len() - 1
    }
}

/// What measures commits, and what keeps the steps.
pub(crate) trait Bench {
    /// Builds and measures what is asked; adds to `builds`. An error is one of this machine or the user's end of it, never a
    /// commit's: that is [`Seen::Skipped`].
    fn measure(&self, bisection: &Bisection, ask: &Ask, builds: &mut u64) -> Result<Seen>;

    /// The time, as it is written down.
    fn now(&self) -> String;

    /// Keeps the bisection as it stands, after a step.
    fn keep(&self, bisection: &Bisection) -> Result<()>;
}

/// Goes on to the end, wherever the steps so far have come to.
///
/// `said` is called after each step.
pub(crate) fn bisect(
    mut bisection: Bisection,
    bench: &dyn Bench,
    said: &dyn Fn(&Bisection),
) -> Result<Bisection> {
    loop {
        let trail = Trail::of(&bisection)?;
        let Next::Measure(ask) = trail.next else { return Ok(bisection) };
        let mut builds = bisection.builds;
        let seen = bench.measure(&bisection, &ask, &mut builds);
        (bisection.builds, bisection.ended_at) = (builds, bench.now());
        let seen = match seen {
            Ok(seen) => seen,
            Err(error) => {
                // What was built is in the cache, and counted.
                bench.keep(&bisection)?;
                return Err(error);
            }
        };
        let commit = &bisection.range[ask.idx];
        if let Seen::Skipped(why) = &seen
            && (ask.idx == 0 || ask.idx == bisection.n_commits())
        {
            let end = if ask.idx == 0 { "good" } else { "bad" };
            bail!(
                "failed to bisect: the {end} commit {} cannot be measured; name another one (`--{end}`): {why}",
                commit.short()
            );
        }
        bisection.steps.push(Step { idx: ask.idx, seen, ended_at: bisection.ended_at.clone() });
        bench.keep(&bisection)?;
        said(&bisection);
    }
}

#[cfg(test)]
pub(crate) mod tests;
