//! What measures a commit of a repository: its build in a worktree, and a session of it.
//!
//! In: what is asked. Out: its log ratios against the good commit, or its count; or why it has none. Source that does not build, a
//! worker of another protocol and one that fails are the commit's own: it is skipped. The rest is an error.

use std::{path::Path, thread, time::Duration};

use anyhow::{Context as _, Result, bail};
use baselines::{RunRecord, record::Purpose};
use gates::{
    exact::{self, ExactMetric},
    policy::Gated,
};

use super::{Bench, Bisection, Seen, document, trail::Ask};
use crate::{
    build::{self, BuildVariables, Request, Revision, Unbuildable},
    given::Target,
    measure::{Clock, timestamp},
    progress::Progress,
    session::{self, Assignment, Measured, Subjects},
    subject::Program,
};

/// Processes that count: two, so that a count that is not exact is noticed.
const N_COUNTING: u64 = 2;
/// Cargo dies of a Ctrl-C at once; this long after it, ours has been heard as well.
const GRACE: Duration = Duration::from_millis(300);

/// What is measured.
#[derive(Clone, Debug)]
pub(crate) enum Metric {
    /// A sampled one, in pairs.
    Time(Gated),
    /// A count without noise.
    Count(&'static ExactMetric),
}

/// A repository whose commits are built and measured.
#[derive(Debug)]
pub(crate) struct Revisions<'a> {
    /// A folder of the repository.
    pub(crate) repo: &'a Path,
    /// Where builds are kept.
    pub(crate) cache: &'a Path,
    pub(crate) variables: &'a BuildVariables,
    /// What every session is told; its suite has the one workload.
    pub(crate) assignment: &'a Assignment,
    pub(crate) metric: &'a Metric,
    /// The document.
    pub(crate) out: &'a Path,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) progress: &'a Progress,
}

impl Bench for Revisions<'_> {
    fn measure(&self, bisection: &Bisection, ask: &Ask, builds: &mut u64) -> Result<Seen> {
        let commit = &bisection.range[ask.idx].commit;
        let n_layouts = match self.metric {
            Metric::Time(_) => usize::try_from(bisection.order.layouts)?,
            Metric::Count(_) => 1,
        };
        let built = |commit: &str, builds: &mut u64| self.build(commit, n_layouts, builds);
        let seen = match self.metric {
            Metric::Count(metric) => built(commit, builds)
                .and_then(|program| Ok(Seen::Count(self.count(program, metric)?))),
            // The good one first: used last but one, it is never among the builds that the cache drops.
            Metric::Time(gated) => match built(&bisection.order.good, builds) {
                Ok(good) => built(commit, builds).and_then(|program| {
                    self.pairs(good, program, gated, ask, &bisection.order.looks)
                }),
                Err(error) => {
                    return Err(self.ended().err().unwrap_or_else(|| {
                        error.context("failed to bisect: the good commit cannot be measured")
                    }));
                }
            },
        };
        let error = match seen {
            Ok(seen) => return Ok(seen),
            Err(error) => error,
        };
        self.ended()?;
        match error.downcast::<Unmeasurable>() {
            Ok(why) => Ok(Seen::Skipped(why.0)),
            Err(error) => Err(error),
        }
    }

    fn now(&self) -> String {
        timestamp(self.clock.utc())
    }

    fn keep(&self, bisection: &Bisection) -> Result<()> {
        document::write(self.out, bisection)
    }
}

/// Why a commit is skipped.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unmeasurable(String);

impl Revisions<'_> {
    /// An error if somebody ended the bisection: children of one terminal may die of it before it is heard here.
    fn ended(&self) -> Result<()> {
        thread::sleep(GRACE);
        let ended = self.progress.halt().check();
        ended.context("failed to bisect: the same command goes on where this one was")
    }

    /// The commit's layouts.
    fn build(&self, commit: &str, n_layouts: usize, builds: &mut u64) -> Result<Program> {
        self.progress.halt().check()?;
        let Target { package, kind, name, profile, features } = Target::BENCH;
        let request = Request {
            repo: self.repo,
            revision: Revision::Commit(commit.to_owned()),
            cache: self.cache,
            seeds: build::seeds(self.assignment.seed, n_layouts),
            package,
            kind,
            name,
            profile,
            features,
            default_features: true,
            cargo: Path::new("cargo"),
            variables: self.variables,
        };
        match build::layouts(&request, self.progress) {
            Ok(built) => {
                *builds += u64::from(!built.cached);
                Ok(Program::of(&built))
            }
            Err(error) if Unbuildable::caused(&error) => {
                *builds += 1;
                Err(Unmeasurable(format!("{:#}", error.root_cause())).into())
            }
            Err(error) => Err(error),
        }
    }

    /// A session whose failure is the commit's.
    fn session(&self, subjects: &Subjects, goes_on: session::GoesOn<'_>) -> Result<Measured> {
        let quiet = self.progress.quiet();
        session::run(self.assignment, subjects, goes_on, self.clock, &quiet)
            .map_err(|error| Unmeasurable(format!("{error:#}")).into())
    }

    fn count(&self, head: Program, metric: &ExactMetric) -> Result<f64> {
        let subjects = Subjects::One { head, processes: N_COUNTING, purpose: Purpose::Run };
        let measured = self.session(&subjects, &|_, _| false)?;
        let failed = |why| Unmeasurable(format!("failed to count `{}`: {why}", metric.name));
        Ok(exact::total(metric, &measured.head).map_err(failed)?)
    }

    fn pairs(
        &self,
        base: Program,
        head: Program,
        gated: &Gated,
        ask: &Ask,
        looks: &[u64],
    ) -> Result<Seen> {
        let subjects = Subjects::Pair { base, head, looks: looks.to_vec() };
        // What does not pair up will not do so later.
        let goes_on = |base: &RunRecord, head: &RunRecord| {
            gates::pair_log_ratios(base, head, gated)
                .is_ok_and(|log_ratios| ask.is_open(&log_ratios, looks))
        };
        let Measured { base, head } = self.session(&subjects, &goes_on)?;
        let base = base.context("a paired session has a base")?;
        let log_ratios = gates::pair_log_ratios(&base, &head, gated)
            .map_err(|why| Unmeasurable(format!("failed to compare `{}`: {why}", gated.metric)))?;
        let first_look = looks.first().copied().unwrap_or(0);
        if (log_ratios.len() as u64) < first_look {
            bail!(
                "failed to bisect: expected {first_look} pairs that nothing disturbed, found {} of {}; the same command goes \
                 on in a quieter hour",
                log_ratios.len(),
                base.processes.len()
            );
        }
        Ok(Seen::Pairs { log_ratios, same_output: outputs(&base) == outputs(&head) })
    }
}

/// Digests of what the workload put out, which are the same in all processes of an arm.
fn outputs(record: &RunRecord) -> Option<&[baselines::record::Output]> {
    record.processes.first().map(|process| process.outputs.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_commits_own_is_told_from_what_is_not() {
        let own = anyhow::Error::new(Unbuildable("cargo ended with 101".to_owned()));
        assert!(Unbuildable::caused(&own.context("failed to build revision `x`")));
        assert!(!Unbuildable::caused(&anyhow::anyhow!("no space left on device")));
    }
}
