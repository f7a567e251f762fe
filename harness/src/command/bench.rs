//! One session of a Criterion bench target in two builds: each pair runs either build once, all its benchmarks with it.
//!
//! In: two programs and Criterion's settings. Out: the records of both arms, a workload for each benchmark that the base has.
//! An untimed run of both comes first: it shows which benchmarks there are.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use baselines::{
    Digest, RunRecord,
    record::{
        BenchTarget, CommandInfo, Mark, Purpose, Suite, WorkloadDef,
        wire::{MAX_SAMPLES, MAX_SERIES},
    },
};
use tempfile::TempDir;

use super::{
    block::Block,
    criterion::{self, Benchmark},
    line::Program as Started,
    pairs::{Opening, Plan, Rounds, Tested},
    run::{Ended, Streams, Watchdog, run},
};
use crate::{
    measure::{Arm, Clock, Slot, order_of_turns},
    progress::Progress,
    session::{GoesOn, with_spare},
    subject::Program,
    suite,
};

/// Kind of every workload.
const KIND: &str = "criterion";
/// Resamples of Criterion's own analysis, of which nothing is read here: as few as it takes without a warning.
const RESAMPLES: &str = "--nresamples=1001";

/// A bench target and how it is run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BenchSpec {
    pub(crate) package: String,
    /// Cargo's name of the target.
    pub(crate) name: String,
    /// Regular expression that benchmarks must match.
    pub(crate) filter: Option<String>,
    pub(crate) sample_size: u64,
    pub(crate) warm_up_s: f64,
    pub(crate) measurement_s: f64,
    /// Longest that one run may take.
    pub(crate) timeout: Duration,
    pub(crate) seed: u64,
}

/// One build of it.
#[derive(Clone, Debug)]
pub(crate) struct BenchArm {
    pub(crate) program: Program,
    /// Clean commit that it was built from.
    pub(crate) commit: Option<String>,
    /// The package's folder, where cargo would start it.
    pub(crate) folder: PathBuf,
    /// Source file of the target, where it is known.
    pub(crate) source: Option<PathBuf>,
}

impl BenchSpec {
    /// The settings, as either build gets them.
    fn args(&self) -> Vec<String> {
        let mut args: Vec<String> = self.filter.iter().cloned().collect();
        args.push(format!("--sample-size={}", self.sample_size));
        args.push(format!("--warm-up-time={}", self.warm_up_s));
        args.push(format!("--measurement-time={}", self.measurement_s));
        args
    }

    /// As a person would start it.
    fn line(&self) -> String {
        let args = shell_words::join(self.args());
        format!("cargo bench --package {} --bench {} -- {args}", self.package, self.name)
    }

    fn info(&self, arm: &BenchArm) -> CommandInfo {
        CommandInfo {
            line: self.line(),
            shell: None,
            setup: None,
            prepare: None,
            cleanup: None,
            parameters: Vec::new(),
            timeout_ms: u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX),
            ignore_failure: false,
            same_output: false,
            bench: Some(BenchTarget {
                package: self.package.clone(),
                name: self.name.clone(),
                commit: arm.commit.clone(),
            }),
        }
    }

    /// The suite of these benchmarks. Its digest holds Criterion's settings as well: they are part of what is run.
    fn suite(&self, benchmarks: &[Benchmark]) -> Suite {
        let def = |benchmark: &Benchmark| WorkloadDef {
            name: benchmark.id.clone(),
            kind: KIND.to_owned(),
            params: [].into(),
        };
        let workloads: Vec<WorkloadDef> = benchmarks.iter().map(def).collect();
        suite::defined(&self.name, 1, workloads, Vec::new(), Some(&self.line()))
    }
}

/// A session whose benchmarks are known.
pub(crate) struct BenchSession<'a> {
    tested: [Tested; 2],
    runner: Runner<'a>,
    opening: Opening,
    suite: Suite,
    marks: Vec<Mark>,
}

impl<'a> BenchSession<'a> {
    /// Runs both builds once to see which benchmarks they have.
    pub(crate) fn open(
        spec: &'a BenchSpec,
        arms: [BenchArm; 2],
        clock: &'a dyn Clock,
        progress: &Progress,
    ) -> Result<Self> {
        let opening = Opening::now(&arms[1].program, Purpose::Paired, spec.seed, clock);
        let tested = arms
            .each_ref()
            .map(|arm| Tested { info: spec.info(arm), program: arm.program.clone() });
        let marks_of_source = edited(&arms)?;
        let watchdog = Watchdog::start();
        let runner = Runner { spec, watchdog, clock, arms, left: Vec::new() };
        progress.note("one run of either build, untimed, to see which benchmarks there are");
        let [base, head] = [Arm::Base, Arm::Head].map(|arm| runner.untimed(arm));
        let (base, head) = (base?, head?);
        for (arm, found) in [("base", &base), ("head", &head)] {
            ensure!(
                !found.is_empty(),
                "failed to find benchmarks: `{}` of the {arm} left no samples: expected a target of Criterion 0.3.4 or later{}",
                spec.line(),
                if spec.filter.is_some() {
                    ", some of whose benchmarks match `--filter`"
                } else {
                    ""
                }
            );
        }
        let mut marks = Vec::new();
        let only = |these: &[Benchmark], those: &[Benchmark]| -> Vec<String> {
            let missing =
                |benchmark: &&Benchmark| !those.iter().any(|other| other.id == benchmark.id);
            these.iter().filter(missing).map(|benchmark| benchmark.id.clone()).collect()
        };
        for (arm, ids) in [("base", only(&base, &head)), ("head", only(&head, &base))] {
            if !ids.is_empty() {
                let detail = format!("only the {arm} has {}", ids.join(", "));
                marks.push(Mark { name: "benchmarks-differ".to_owned(), detail });
            }
        }
        marks.extend(marks_of_source);
        let suite = spec.suite(&base);
        Ok(Self { tested, runner, opening, suite, marks })
    }

    /// Ids of the benchmarks that are compared: those of the base.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.suite.workloads.iter().map(|workload| workload.name.as_str()).collect()
    }

    /// Measures both builds in pairs as long as it `goes_on` at each of the `looks` but the last.
    pub(crate) fn measure(
        mut self,
        looks: &[u64],
        goes_on: GoesOn<'_>,
        progress: &Progress,
    ) -> Result<(RunRecord, RunRecord)> {
        let plan = Plan { looks, goes_on, clock: self.runner.clock, progress };
        self.check_size(with_spare(plan.n_last()))?;
        let setting = self.opening.with_suite(self.suite, self.marks);
        let measured = setting.measure(&self.tested, &mut self.runner, &plan);
        progress.end();
        setting.end(&self.tested, &measured?, plan.clock)
    }

    /// Refuses a session that would end in a record larger than the rules allow.
    fn check_size(&self, pairs: u64) -> Result<()> {
        let series = (self.suite.workloads.len() as u64).saturating_mul(pairs);
        let samples = series.saturating_mul(self.runner.spec.sample_size);
        let (series_max, samples_max) = (MAX_SERIES as u64 / 2, MAX_SAMPLES as u64 / 2);
        ensure!(
            series <= series_max && samples <= samples_max,
            "failed to plan the session: expected at most {series_max} series and {samples_max} samples of either build, found \
             {series} and {samples} in {pairs} pairs; choose benchmarks with `--filter`, or take a smaller `--sample-size`"
        );
        Ok(())
    }
}

/// That the file with the benchmarks is not the same in both revisions: then a difference may be one of the benchmark.
fn edited(arms: &[BenchArm; 2]) -> Result<Option<Mark>> {
    let digest = |arm: &BenchArm| -> Result<Option<Digest>> {
        let Some(path) = arm.source.as_ref().filter(|path| path.is_file()) else { return Ok(None) };
        let bytes =
            std::fs::read(path).with_context(|| format!("failed to read `{}`", path.display()))?;
        Ok(Some(Digest::of(&bytes)))
    };
    let differ = match (digest(&arms[0])?, digest(&arms[1])?) {
        (Some(base), Some(head)) => base != head,
        _ => false,
    };
    Ok(differ.then(|| Mark {
        name: "bench-edited".to_owned(),
        detail: "the file of the bench target is not the same in both revisions: a difference may be one of the benchmark"
            .to_owned(),
    }))
}

/// Runs the builds.
struct Runner<'a> {
    spec: &'a BenchSpec,
    watchdog: Watchdog,
    clock: &'a dyn Clock,
    arms: [BenchArm; 2],
    /// What the runs of this pair left, in the order of its blocks.
    left: Vec<TempDir>,
}

impl Runner<'_> {
    /// One run; what Criterion wrote lies in the folder.
    fn once(&self, arm: Arm, layout: u64, padding_bytes: u32) -> Result<(Ended, TempDir)> {
        let spec = self.spec;
        let arm = &self.arms[usize::from(arm == Arm::Head)];
        let home = tempfile::tempdir().context("failed to make a folder for Criterion's files")?;
        let mut args = spec.args();
        args.extend(["--bench", "--noplot", RESAMPLES].map(str::to_owned));
        let program = Started {
            path: arm.program.layout(layout).path.clone(),
            args,
            line: spec.line(),
            folder: Some(arm.folder.clone()),
            variables: vec![
                ("CRITERION_HOME", home.path().into()),
                ("CARGO_MANIFEST_DIR", arm.folder.clone().into()),
            ],
        };
        let watch = (&self.watchdog, spec.timeout);
        let ended = run(&program, padding_bytes, Streams::Null, watch, self.clock)?;
        if ended.exit_code != 0 {
            bail!(
                "`{}` of {} ended with exit code {}; run it by itself to see why",
                program.line,
                source_of(arm),
                ended.exit_code
            );
        }
        Ok((ended, home))
    }

    fn untimed(&self, arm: Arm) -> Result<Vec<Benchmark>> {
        let (_, home) = self.once(arm, 0, 0)?;
        criterion::read(home.path())
    }
}

/// The arm, for errors.
fn source_of(arm: &BenchArm) -> String {
    match &arm.commit {
        Some(commit) => format!("commit {}", commit.get(..12).unwrap_or(commit)),
        None => format!("`{}`", shown(&arm.program.first().path)),
    }
}

fn shown(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Rounds for Runner<'_> {
    fn run(&mut self, _: &Suite, blocks: &mut [Block]) -> Result<()> {
        self.left.clear();
        for idx in order_of_turns(blocks.len(), 0) {
            let Slot { arm, layout, padding_bytes, .. } = blocks[idx].slot();
            let (ended, home) = self.once(arm, layout, padding_bytes)?;
            blocks[idx].ran(&ended);
            self.left.push(home);
        }
        Ok(())
    }

    fn read(&mut self, suite: &Suite, blocks: &mut [Block]) -> Result<()> {
        for (block, home) in blocks.iter_mut().zip(self.left.drain(..)) {
            for benchmark in criterion::read(home.path())? {
                // One that the base does not have is no workload of the suite.
                let workload =
                    suite.workloads.iter().position(|workload| workload.name == benchmark.id);
                if let Some(workload) = workload {
                    block.take_benchmark(workload, benchmark);
                }
            }
        }
        Ok(())
    }
}
