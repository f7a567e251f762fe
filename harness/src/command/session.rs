//! One session of two commands: set-up, warm-up, pairs of blocks in their order, clean-up; a record for each arm.
//! In: the spec and the looks. Out: both records. A block holds several runs, one of either arm in each round.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use baselines::{
    Digest, RunRecord,
    record::{Purpose, Suite},
};

use super::{
    block::Block,
    json,
    line::Program,
    pairs::{Opening, Plan, Rounds, Tested},
    plan,
    run::{Ended, Streams, Watchdog, run},
    spec::Spec,
};
use crate::{
    halt::Halt,
    measure::{Arm, Clock, Slot, order_of_turns},
    progress::Progress,
    session::{GoesOn, with_spare},
    subject::{self, Binary},
};

/// One command, ready to run.
struct Subjected {
    /// The option that gave it, for errors.
    option: &'static str,
    binary: Binary,
    /// What is started for each workload.
    programs: Vec<Program>,
}

/// What both commands share while they are run.
struct Surroundings<'a> {
    spec: &'a Spec,
    arms: [Subjected; 2],
    /// What is started before each run, for each workload.
    prepare: Vec<Program>,
    watchdog: Watchdog,
    halt: &'a Halt,
    clock: &'a dyn Clock,
}

/// The digest of the program, where both commands are the same words and the same program: there is nothing to explain.
pub(crate) fn identical(spec: &Spec) -> Result<Option<Digest>> {
    let values: Vec<_> = spec.workloads()?.into_iter().map(|(_, values)| values).collect();
    let base = Subjected::of(spec, "base-command", &spec.base, &values)?;
    let head = Subjected::of(spec, "head-command", &spec.head, &values)?;
    let words = |program: &Program| (program.path.clone(), program.args.clone());
    let same = base.binary.digest == head.binary.digest
        && base.programs.iter().map(words).eq(head.programs.iter().map(words));
    Ok(same.then_some(base.binary.digest))
}

/// Runs either command twice by `run`, which gets the arm, which run it is, the option and the program; in what surrounds the runs
/// of a session. Returns the programs' files. A session of several workloads or of a shell's lines is refused.
pub(crate) fn each_twice(
    spec: &Spec,
    clock: &dyn Clock,
    progress: &Progress,
    run: &mut dyn FnMut(Arm, usize, &str, &Program) -> Result<()>,
) -> Result<[Binary; 2]> {
    let workloads = spec.workloads()?;
    ensure!(
        workloads.len() == 1,
        "failed to count instructions: expected one workload, found {}; name one with `--workload`",
        workloads.len()
    );
    ensure!(
        spec.shell.is_none(),
        "failed to count instructions: `--shell` starts the command as a child, and the shell would be counted; leave it out, words \
         are split and started without one"
    );
    let values = [workloads[0].1.clone()];
    let base = Subjected::of(spec, "base-command", &spec.base, &values)?;
    let head = Subjected::of(spec, "head-command", &spec.head, &values)?;
    let steps = |what, line: &Option<String>| steps(spec, what, line.as_deref(), &values);
    let (setup, cleanup) = (steps("setup", &spec.setup)?, steps("cleanup", &spec.cleanup)?);
    let prepare = steps("prepare", &spec.prepare)?;
    let watchdog = Watchdog::start();
    let halt = progress.halt();
    let around = Surroundings { spec, arms: [base, head], prepare, watchdog, halt, clock };
    let counted = around.each_arm(&setup).and_then(|()| {
        for (arm, of_arm) in [Arm::Base, Arm::Head].into_iter().zip(&around.arms) {
            for nth in 1..=2 {
                if let Some(prepare) = around.prepare.first() {
                    around.step(prepare)?;
                }
                run(arm, nth, of_arm.option, &of_arm.programs[0])?;
            }
        }
        Ok(())
    });
    let cleaned = around.each_arm(&cleanup);
    counted?;
    cleaned?;
    Ok(around.arms.map(|arm| arm.binary))
}

/// Measures both commands in pairs as long as it `goes_on` at each of the `looks` but the last. A session of triage reads what
/// else the system knows of each run.
pub(crate) fn measure(
    spec: &Spec,
    purpose: Purpose,
    looks: &[u64],
    goes_on: GoesOn<'_>,
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<(RunRecord, RunRecord)> {
    let plan = Plan { looks, goes_on, clock, progress };
    let workloads = spec.workloads()?;
    spec.check_size(with_spare(plan.n_last()), purpose)?;
    let (names, values): (Vec<String>, Vec<_>) = workloads.into_iter().unzip();
    let base = Subjected::of(spec, "base-command", &spec.base, &values)?;
    let head = Subjected::of(spec, "head-command", &spec.head, &values)?;
    let tested = |line: &str, arm: &Subjected| Tested {
        info: spec.info(line),
        // A command is run as it is: nobody links it again.
        program: subject::Program::single(arm.binary.clone()),
    };
    let tested = [tested(&spec.base, &base), tested(&spec.head, &head)];
    let steps = |what, line: &Option<String>| steps(spec, what, line.as_deref(), &values);
    let (setup, cleanup) = (steps("setup", &spec.setup)?, steps("cleanup", &spec.cleanup)?);
    let prepare = steps("prepare", &spec.prepare)?;
    let watchdog = Watchdog::start();
    let halt = progress.halt();
    let mut around = Surroundings { spec, arms: [base, head], prepare, watchdog, halt, clock };

    let opening = Opening::now(&tested[1].program, purpose, spec.seed, clock);
    let measured = around.each_arm(&setup).and_then(|()| {
        let iterations = around.warm_up(names.len())?;
        let suite = spec.suite(&names, spec.iterations.unwrap_or(iterations));
        let setting = opening.with_suite(suite, Vec::new());
        let reached = setting.measure(&tested, &mut around, &plan)?;
        Ok((setting, reached))
    });
    progress.end();
    // What was set up is cleaned up however the session ended; the first error is the one that says why.
    let cleaned = around.each_arm(&cleanup);
    let (setting, reached) = measured?;
    cleaned?;
    setting.end(&tested, &reached, clock)
}

impl Subjected {
    fn of(
        spec: &Spec,
        option: &'static str,
        line: &str,
        values: &[BTreeMap<String, String>],
    ) -> Result<Self> {
        let programs = steps(spec, option, Some(line), values)?;
        let first = programs.first().context("a session has a workload")?;
        // A parameter may stand where the program does; then there is no one file to tell the subject by.
        if let Some(other) = programs.iter().find(|program| program.path != first.path) {
            bail!(
                "failed to read `--{option}`: expected one program for all parameters, found `{}` and `{}`; run them as \
                 several sessions",
                first.path.display(),
                other.path.display()
            );
        }
        let binary = Binary::at(&first.path)?;
        Ok(Self { option, binary, programs })
    }
}

/// What `line` starts for each workload; nothing if there is no line.
fn steps(
    spec: &Spec,
    what: &str,
    line: Option<&str>,
    values: &[BTreeMap<String, String>],
) -> Result<Vec<Program>> {
    let Some(line) = line else { return Ok(Vec::new()) };
    let program = |values| Program::of(what, line, values, spec.shell.as_deref(), &spec.folders);
    values.iter().map(program).collect()
}

impl Surroundings<'_> {
    /// Runs each different step once for either arm.
    fn each_arm(&self, programs: &[Program]) -> Result<()> {
        for _ in [Arm::Base, Arm::Head] {
            for (idx, program) in programs.iter().enumerate() {
                if !programs[..idx].contains(program) {
                    self.step(program)?;
                }
            }
        }
        Ok(())
    }

    /// A step around the runs; its failure is an error, whatever the commands may do.
    fn step(&self, program: &Program) -> Result<()> {
        let watch = (&self.watchdog, self.spec.timeout);
        let ended = run(program, 0, Streams::Shown, watch, self.clock)?;
        if ended.exit_code != 0 {
            bail!(
                "failed to run {:?}: it ended with exit code {}; setup, preparation and cleanup must succeed",
                program.line,
                ended.exit_code
            );
        }
        Ok(())
    }

    /// The untimed runs, and how many timed ones they suggest.
    fn warm_up(&self, n_workloads: usize) -> Result<u64> {
        // Without a number of runs there has to be one run to find it from.
        let least = u64::from(self.spec.iterations.is_none());
        let mut round_ns = 0;
        for _ in 0..self.spec.warmup.max(least) {
            round_ns = 0;
            for workload in 0..n_workloads {
                for arm in [Arm::Base, Arm::Head] {
                    let (ended, _) = self.once(arm, workload, 0)?;
                    round_ns += ended.wall_ns;
                }
            }
        }
        Ok(plan::iterations(round_ns))
    }

    /// One run of one workload, prepared, checked, and its own metrics read.
    fn once(&self, arm: Arm, workload: usize, padding_bytes: u32) -> Result<(Ended, Vec<f64>)> {
        self.halt.check()?;
        let spec = self.spec;
        let arm = &self.arms[usize::from(arm == Arm::Head)];
        if let Some(prepare) = self.prepare.get(workload) {
            self.step(prepare)?;
        }
        let program = &arm.programs[workload];
        let reads = !spec.metrics.is_empty() || spec.same_output;
        let streams = if reads { Streams::Kept } else { Streams::Null };
        let watch = (&self.watchdog, spec.timeout);
        let ended = run(program, padding_bytes, streams, watch, self.clock)?;
        if ended.exit_code != 0 && !spec.ignore_failure {
            bail!(
                "`--{}` {:?} ended with exit code {}; run it by itself to see why, or let it with `--ignore-failure`",
                arm.option,
                program.line,
                ended.exit_code
            );
        }
        let own = json::values(&spec.metrics, &ended.stdout)
            .with_context(|| format!("`--{}` {:?}", arm.option, program.line))?;
        Ok((ended, own))
    }
}

impl Rounds for Surroundings<'_> {
    /// In each round every workload once by either arm, in the order of the turns.
    fn run(&mut self, suite: &Suite, blocks: &mut [Block]) -> Result<()> {
        for round in 0..suite.rounds {
            for workload in 0..suite.workloads.len() {
                for idx in order_of_turns(blocks.len(), round) {
                    let Slot { arm, padding_bytes, .. } = blocks[idx].slot();
                    let (ended, own) = self
                        .once(arm, workload, padding_bytes)
                        .with_context(|| format!("round {}", round + 1))?;
                    blocks[idx].take(workload, &ended, &own, self.spec.same_output);
                }
            }
        }
        Ok(())
    }

    /// All was taken as it came.
    fn read(&mut self, _: &Suite, _: &mut [Block]) -> Result<()> {
        Ok(())
    }
}
