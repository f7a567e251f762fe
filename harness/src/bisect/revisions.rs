//! What measures a commit of a repository: its build in a worktree, and a session of it.
//!
//! In: what is asked. Out: its log ratios against the good commit, or its count; or why it has none. Source that does not build, a
//! worker of another protocol and one that fails are the commit's own: it is skipped. The rest is an error.

use std::{path::Path, thread, time::Duration};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use baselines::{RunRecord, record::Purpose};
use gates::{
    exact::{self, ExactMetric},
    policy::Gated,
};

use super::{Bench, Bisection, Order, Seen, document, trail::Ask};
use crate::{
    build::{self, BenchPackage, BuildVariables, Kind, Layouts, Request, Revision, Unbuildable},
    command::{BenchArm, BenchSession, BenchSpec},
    given::Target,
    measure::{Clock, timestamp},
    progress::Progress,
    session::{self, Assignment, Subjects},
    subject::Program,
};

/// Processes that count: two, so that a count that is not exact is noticed.
const N_COUNTING: u64 = 2;
/// Cargo dies of a Ctrl-C at once; this long after it, ours is heard as well.
const GRACE: Duration = Duration::from_millis(300);

/// What is measured of each commit.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// Its `bench`: what every session is told, whose suite has the one workload.
    Engine(Box<Assignment>, Metric),
    /// One benchmark of a Criterion bench target.
    Bench { spec: Box<BenchSpec>, package: BenchPackage, features: Vec<String>, gated: Gated },
}

/// A metric of the engine.
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
    pub(crate) subject: &'a Subject,
    /// The document.
    pub(crate) out: &'a Path,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) progress: &'a Progress,
}

impl Bench for Revisions<'_> {
    fn measure(&self, bisection: &Bisection, ask: &Ask, builds: &mut u64) -> Result<Seen> {
        let seen = match self.subject {
            Subject::Engine(assignment, Metric::Count(metric)) => {
                self.count(bisection, ask, assignment, metric, builds)
            }
            Subject::Engine(_, Metric::Time(gated)) | Subject::Bench { gated, .. } => {
                self.pairs(bisection, ask, gated, builds)
            }
        };
        let error = match seen {
            Ok(seen) => return Ok(seen),
            Err(error) => error,
        };
        // Children of one terminal may die of a Ctrl-C before it is heard here.
        thread::sleep(GRACE);
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
    /// An error if somebody ended the bisection.
    fn ended(&self) -> Result<()> {
        let ended = self.progress.halt().check();
        ended.context("failed to bisect: the same command goes on where this one was")
    }

    /// The commit's layouts.
    fn build(&self, commit: &str, order: &Order, builds: &mut u64) -> Result<Layouts> {
        self.ended()?;
        let target = match self.subject {
            Subject::Engine(..) => Target::BENCH,
            Subject::Bench { spec, features, .. } => Target {
                package: &spec.package,
                kind: Kind::Bench,
                name: &spec.name,
                profile: "bench",
                features,
            },
        };
        let Target { package, kind, name, profile, features } = target;
        let request = Request {
            repo: self.repo,
            revision: Revision::Commit(commit.to_owned()),
            cache: self.cache,
            seeds: build::seeds(order.seed, usize::try_from(order.layouts)?),
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
                Ok(built)
            }
            Err(error) if Unbuildable::caused(&error) => {
                *builds += 1;
                Err(Unmeasurable(format!("{:#}", error.root_cause())).into())
            }
            Err(error) => Err(error),
        }
    }

    fn count(
        &self,
        bisection: &Bisection,
        ask: &Ask,
        assignment: &Assignment,
        metric: &ExactMetric,
        builds: &mut u64,
    ) -> Result<Seen> {
        let commit = &bisection.range[ask.idx].commit;
        let head = Program::of(&self.build(commit, &bisection.order, builds)?);
        let subjects = Subjects::One { head, processes: N_COUNTING, purpose: Purpose::Run };
        let quiet = self.progress.quiet();
        let measured = session::run(assignment, &subjects, &|_, _| false, self.clock, &quiet);
        let total = exact::total(metric, &measured.map_err(own)?.head);
        let failed = |why| Unmeasurable(format!("failed to count `{}`: {why}", metric.name));
        Ok(Seen::Count(total.map_err(failed)?))
    }

    fn pairs(
        &self,
        bisection: &Bisection,
        ask: &Ask,
        gated: &Gated,
        builds: &mut u64,
    ) -> Result<Seen> {
        let (order, looks) = (&bisection.order, bisection.order.looks.as_slice());
        // The good one first: used last but one, it is never among the builds that the cache drops.
        let base = self.build(&order.good, order, builds).map_err(|error| {
            anyhow!("failed to bisect: the good commit cannot be measured: {error:#}")
        })?;
        let head = self.build(&bisection.range[ask.idx].commit, order, builds)?;
        // What does not pair up will not do so later.
        let goes_on = |base: &RunRecord, head: &RunRecord| {
            self.ended().is_ok()
                && gates::pair_log_ratios(base, head, gated)
                    .is_ok_and(|log_ratios| ask.is_open(&log_ratios, looks))
        };
        let (base, head) = self.session([&base, &head], looks, &goes_on).map_err(own)?;
        // What was cut short has not been looked at as often as the test says.
        self.ended()?;
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

    /// Both arms of a paired session.
    fn session(
        &self,
        [base, head]: [&Layouts; 2],
        looks: &[u64],
        goes_on: session::GoesOn<'_>,
    ) -> Result<(RunRecord, RunRecord)> {
        let quiet = self.progress.quiet();
        match self.subject {
            Subject::Engine(assignment, _) => {
                let [base, head] = [base, head].map(Program::of);
                let subjects = Subjects::Pair { base, head, looks: looks.to_vec() };
                let measured = session::run(assignment, &subjects, goes_on, self.clock, &quiet)?;
                Ok((measured.base.context("a paired session has a base")?, measured.head))
            }
            Subject::Bench { spec, package, gated, .. } => {
                let arm = |built: &Layouts| BenchArm {
                    program: Program::of(built),
                    commit: Some(built.commit.clone()),
                    folder: built.worktree.join(&package.below_top),
                    source: Some(built.worktree.join(&package.source)),
                };
                let arms = [base, head].map(arm);
                let session = BenchSession::open(spec, arms, self.clock, &quiet)?;
                let (names, name) = (session.names(), gated.workload.as_str());
                ensure!(
                    names.contains(&name),
                    "failed to find the benchmark `{name}` (`--workload`): found {}",
                    names.join(", ")
                );
                session.measure(looks, goes_on, &quiet)
            }
        }
    }
}

/// A session's failure, taken for the commit's.
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn own(error: anyhow::Error) -> Unmeasurable {
    Unmeasurable(format!("{error:#}"))
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
        assert!(!Unbuildable::caused(&anyhow!("no space left on device")));
    }
}
