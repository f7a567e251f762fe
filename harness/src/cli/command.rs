//! Options of external commands as subjects, and the spec and policy that they become.

use std::{ffi::OsString, time::Duration};

use anyhow::{Context as _, Result, ensure};

use crate::command::{Parameter, Spec, parse_metric};

/// Most runs that a record holds of one workload in a block.
const ITERATIONS_MAX: u64 = 1_000;
/// Most metrics that can be gated together.
pub(super) const GATED_MAX: usize = 8;

/// Two external commands in place of a kept binary and the current one.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "External commands")]
pub(crate) struct CommandArgs {
    /// Command line to compare with; no store and no baseline are used.
    #[arg(long, value_name = "LINE", group = "programs", requires = "head_command", conflicts_with_all = [
        "model", "suite", "tokens", "deterministic", "threads", "isa", "device", "strict_device", "baseline", "base",
        "head", "layouts", "store",
    ])]
    base_command: Option<String>,

    /// Command line under test.
    #[arg(long, value_name = "LINE", requires = "base_command")]
    head_command: Option<String>,

    /// Timed runs of each command in a pair [default: as many as make a pair of a second or two].
    #[arg(long, value_name = "N", requires = "base_command")]
    iterations: Option<u64>,

    /// Untimed runs of each command before the first pair [default: 1].
    #[arg(long, value_name = "N", requires = "base_command")]
    warmup: Option<u64>,

    /// Run once for each command before its first run.
    #[arg(long, value_name = "LINE", requires = "base_command")]
    setup: Option<String>,

    /// Run before each run, untimed.
    #[arg(long, value_name = "LINE", requires = "base_command")]
    prepare: Option<String>,

    /// Run once for each command after its last run.
    #[arg(long, value_name = "LINE", requires = "base_command")]
    cleanup: Option<String>,

    /// Shell that reads the lines, e.g. `sh` [default: none, words are split and started].
    #[arg(long, value_name = "NAME", requires = "base_command")]
    shell: Option<String>,

    /// Values for `{VAR}` in the lines, parted by commas; each is a workload of its own. May be given again.
    #[arg(long, num_args = 2, value_names = ["VAR", "VALUES"], requires = "base_command")]
    parameter_list: Vec<String>,

    /// A metric from JSON on the command's stdout: NAME=/json/pointer[:UNIT][:higher|lower]. May be given again.
    #[arg(long, value_name = "METRIC", requires = "base_command")]
    metric: Vec<String>,

    /// Metrics that are gated, parted by commas: `wall_ns`, `cpu_ns`, `max_rss_bytes`, or names of `--metric` [default:
    /// `wall_ns`].
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "base_command")]
    gated: Vec<String>,

    /// Longest that a run may take, in seconds; of a bench target too [default: 600].
    #[arg(long, value_name = "SECONDS", requires = "programs")]
    timeout: Option<f64>,

    /// Let runs end with another exit code than 0.
    #[arg(long, requires = "base_command")]
    ignore_failure: bool,

    /// Refuse the evidence unless every run of both commands writes the same bytes to stdout.
    #[arg(long, requires = "base_command")]
    same_output: bool,
}

impl CommandArgs {
    /// Whether commands are the subjects.
    pub(crate) const fn are_given(&self) -> bool {
        self.base_command.is_some()
    }

    /// The longest that a run may take.
    pub(crate) fn timeout(&self) -> Result<Duration> {
        let seconds = self.timeout.unwrap_or(600.0);
        ensure!(
            (0.001..=1e6).contains(&seconds),
            "failed to plan the session: `--timeout`: expected 0.001 to 1000000 seconds, found {seconds}"
        );
        Ok(Duration::from_secs_f64(seconds))
    }

    /// What is asked for, checked as far as it can be without starting anything. `folders` is the value of `PATH`.
    pub(crate) fn spec(&self, seed: u64, folders: OsString) -> Result<Spec> {
        let line = |line: &Option<String>| line.clone().context("clap asks for both commands");
        if let Some(iterations) = self.iterations {
            ensure!(
                (1..=ITERATIONS_MAX).contains(&iterations),
                "failed to plan the session: `--iterations`: expected 1 to {ITERATIONS_MAX}, found {iterations}"
            );
        }
        let mut parameters: Vec<Parameter> = Vec::new();
        for two in self.parameter_list.chunks(2) {
            let [name, values] = two else { continue };
            ensure!(
                !parameters.iter().any(|known| known.name == *name),
                "failed to read `--parameter-list`: expected each name once, found {name:?} again"
            );
            parameters.push(Parameter::parse(name, values)?);
        }
        let mut metrics = Vec::new();
        for text in &self.metric {
            let metric = parse_metric(text)?;
            ensure!(
                !metrics
                    .iter()
                    .any(|known: &crate::command::Metric| known.def.name == metric.def.name),
                "failed to read `--metric`: expected each name once, found `{}` again",
                metric.def.name
            );
            metrics.push(metric);
        }
        Ok(Spec {
            base: line(&self.base_command)?,
            head: line(&self.head_command)?,
            shell: self.shell.clone(),
            setup: self.setup.clone(),
            prepare: self.prepare.clone(),
            cleanup: self.cleanup.clone(),
            parameters,
            only: Vec::new(),
            metrics,
            iterations: self.iterations,
            warmup: self.warmup.unwrap_or(1),
            timeout: self.timeout()?,
            ignore_failure: self.ignore_failure,
            same_output: self.same_output,
            seed,
            folders,
        })
    }

    /// The same for a triage of `workloads`, or of all: it explains wall time, and gates nothing.
    pub(crate) fn triage_spec(
        &self,
        workloads: &[String],
        seed: u64,
        folders: OsString,
    ) -> Result<Spec> {
        for (given, option) in [(&self.metric, "--metric"), (&self.gated, "--gated")] {
            ensure!(
                given.is_empty(),
                "failed to plan the triage: `{option}`: a triage explains the wall time of commands and gates nothing; leave it out, \
                 `bench gate` has it"
            );
        }
        Ok(Spec { only: workloads.to_vec(), ..self.spec(seed, folders)? })
    }

    /// The policy where none is given: each workload's gated metrics.
    pub(crate) fn policy(&self, spec: &Spec) -> Result<String> {
        let workloads = spec.workloads()?;
        let wall = ["wall_ns".to_owned()];
        let metrics = if self.gated.is_empty() { &wall[..] } else { &self.gated };
        let gated: Vec<(&str, &str)> = workloads
            .iter()
            .flat_map(|(workload, _)| {
                metrics.iter().map(|metric| (workload.as_str(), metric.as_str()))
            })
            .collect();
        ensure!(
            gated.len() <= GATED_MAX,
            "failed to plan the session: expected at most {GATED_MAX} gated metrics, found {} ({} workloads × {} metrics); gate \
             fewer metrics with `--gated`, or measure fewer values of `--parameter-list` in one session",
            gated.len(),
            workloads.len(),
            metrics.len()
        );
        Ok(gates::command_policy(&gated))
    }
}
