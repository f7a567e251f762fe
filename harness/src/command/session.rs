//! One session of two commands: set-up, warm-up, pairs of blocks in their order, clean-up; a record for each arm.
//! In: the spec and the looks. Out: both records. Marks are taken without looking at a time; the clock is the caller's.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use baselines::{
    RunRecord,
    record::{CommandInfo, Mark, Process, Purpose, SCHEMA_VERSION, Subject, Suite, What},
};

use super::{
    block::Block,
    json,
    line::Program,
    plan,
    run::{Ended, Streams, Watchdog, run},
    spec::Spec,
};
use crate::{
    environment::{self, Busy, Machine, Watch},
    measure::{Arm, Clock, Slot, order_of_turns, paired, timestamp},
    progress::Progress,
    session::{GoesOn, session_id, with_spare},
    subject::Binary,
};

/// A command is run as it is: nobody links it again.
const ONE_LAYOUT: (u64, u64) = (1, 1);

/// One command, ready to run.
struct Subjected {
    /// The option that gave it, for errors.
    option: &'static str,
    info: CommandInfo,
    binary: Binary,
    /// What is started for each workload.
    programs: Vec<Program>,
}

/// What both commands share while they are run.
struct Surroundings<'a> {
    spec: &'a Spec,
    /// What is started before each run, for each workload.
    prepare: Vec<Program>,
    watchdog: Watchdog,
    clock: &'a dyn Clock,
}

/// Measures both commands in pairs as long as it `goes_on` at each of the `looks` but the last.
pub(crate) fn measure(
    spec: &Spec,
    looks: &[u64],
    goes_on: GoesOn<'_>,
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<(RunRecord, RunRecord)> {
    let (started_at, host) = (timestamp(clock.utc()), environment::host());
    let marks = environment::marks(&host, &environment::tool());
    let busy = Busy::now();
    let workloads = spec.workloads()?;
    spec.check_size(with_spare(looks.last().copied().unwrap_or(0)))?;
    let (names, values): (Vec<String>, Vec<_>) = workloads.into_iter().unzip();
    let base = Subjected::of(spec, "base-command", &spec.base, &values)?;
    let head = Subjected::of(spec, "head-command", &spec.head, &values)?;
    let steps = |what, line: &Option<String>| steps(spec, what, line.as_deref(), &values);
    let (setup, cleanup) = (steps("setup", &spec.setup)?, steps("cleanup", &spec.cleanup)?);
    let prepare = steps("prepare", &spec.prepare)?;
    let around = Surroundings { spec, prepare, watchdog: Watchdog::start(), clock };

    let session = session_id(clock, head.binary.digest);
    let mut reached = Reached { base: Vec::new(), head: Vec::new() };
    let arms = [&base, &head];
    let measured = around.each_arm(&setup).and_then(|()| {
        let iterations = around.warm_up(arms, names.len())?;
        let suite = spec.suite(&names, spec.iterations.unwrap_or(iterations));
        let n_last = looks.last().copied().unwrap_or(0);
        let slots = paired(with_spare(n_last), ONE_LAYOUT, spec.seed, &session);
        progress.begin(n_last);
        let setting = Setting { session, started_at, suite, host, marks, seed: spec.seed };
        let mut n_kept = 0;
        for pair in slots.chunk_by(|a, b| a.pair == b.pair) {
            if !around.pair(arms, &setting.suite, pair, &mut reached, progress)? {
                continue;
            }
            n_kept += 1;
            let is_open = || {
                let (base, head) = setting.records(arms, &reached, &timestamp(clock.utc()), &[]);
                goes_on(&base, &head)
            };
            if n_kept == n_last || looks.contains(&n_kept) && !is_open() {
                break;
            }
        }
        Ok(setting)
    });
    progress.end();
    // What was set up is cleaned up however the session ended; the first error is the one that says why.
    let cleaned = around.each_arm(&cleanup);
    let setting = measured?;
    cleaned?;
    arms.into_iter().try_for_each(|arm| arm.binary.check_unchanged())?;
    let busy = busy.zip(Busy::now()).map(|(before, after)| after.marks_since(&before));
    let ended_at = timestamp(clock.utc());
    Ok(setting.records(arms, &reached, &ended_at, &busy.unwrap_or_default()))
}

/// What both records of a session share.
struct Setting {
    session: String,
    started_at: String,
    suite: Suite,
    host: baselines::record::Host,
    marks: Vec<Mark>,
    seed: u64,
}

/// The blocks measured so far.
struct Reached {
    base: Vec<Process>,
    head: Vec<Process>,
}

impl Setting {
    fn records(
        &self,
        [base, head]: [&Subjected; 2],
        reached: &Reached,
        ended_at: &str,
        more_marks: &[Mark],
    ) -> (RunRecord, RunRecord) {
        let record = |arm: &Subjected, processes: &[Process]| RunRecord {
            version: SCHEMA_VERSION,
            session: self.session.clone(),
            purpose: Purpose::Paired,
            started_at: self.started_at.clone(),
            ended_at: ended_at.to_owned(),
            seed: self.seed,
            deterministic: false,
            tool: environment::tool(),
            subject: Subject {
                binary: arm.binary.digest,
                binary_bytes: arm.binary.size,
                layouts: Vec::new(),
                what: What::Command(arm.info.clone()),
            },
            suite: self.suite.clone(),
            host: self.host.clone(),
            marks: self.marks.iter().chain(more_marks).cloned().collect(),
            probes: Vec::new(),
            processes: processes.to_vec(),
            accuracy: None,
        };
        (record(base, &reached.base), record(head, &reached.head))
    }
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
        Ok(Self { option, info: spec.info(line), binary, programs })
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
    fn warm_up(&self, arms: [&Subjected; 2], n_workloads: usize) -> Result<u64> {
        // Without a number of runs there has to be one run to find it from.
        let least = u64::from(self.spec.iterations.is_none());
        let mut round_ns = 0;
        for _ in 0..self.spec.warmup.max(least) {
            round_ns = 0;
            for workload in 0..n_workloads {
                for arm in arms {
                    let (ended, _) = self.once(arm, workload, 0)?;
                    round_ns += ended.wall_ns;
                }
            }
        }
        Ok(plan::iterations(round_ns))
    }

    /// One pair of blocks: in each round every workload once by either arm, in the order of the turns. Whether it counts.
    fn pair(
        &self,
        arms: [&Subjected; 2],
        suite: &Suite,
        slots: &[Slot],
        reached: &mut Reached,
        progress: &Progress,
    ) -> Result<bool> {
        let machine = Machine::here();
        let watch = Watch::start(&machine);
        let start_ns = self.clock.now_ns();
        let mut blocks: Vec<Block> =
            slots.iter().map(|slot| Block::begin(*slot, suite, self.clock)).collect();
        for round in 0..suite.rounds {
            for workload in 0..suite.workloads.len() {
                for idx in order_of_turns(blocks.len(), round) {
                    let Slot { arm, padding_bytes, pair, .. } = blocks[idx].slot();
                    let subject = arms[usize::from(arm == Arm::Head)];
                    let place =
                        || format!("failed to measure pair {}, round {}", pair + 1, round + 1);
                    let (ended, own) =
                        self.once(subject, workload, padding_bytes).with_context(place)?;
                    blocks[idx].take(workload, &ended, &own, self.spec.same_output);
                }
            }
        }
        // Before any time is read, as for the engine: what is left out is left out whatever they say.
        let disturbed = watch.disturbed(&machine);
        for block in blocks {
            let arm = block.slot().arm;
            let processes = if arm == Arm::Base { &mut reached.base } else { &mut reached.head };
            processes.push(block.finish(suite, disturbed.clone(), self.clock));
        }
        let lasted_ms = (self.clock.now_ns() - start_ns) / 1_000_000;
        let said = format!("pair {}: {lasted_ms} ms", slots[0].pair + 1);
        match &disturbed {
            Some(why) => progress.note(&format!("{said}, left out ({why})")),
            None => progress.step(&said),
        }
        Ok(disturbed.is_none())
    }

    /// One run of one workload, prepared, checked, and its own metrics read.
    fn once(
        &self,
        arm: &Subjected,
        workload: usize,
        padding_bytes: u32,
    ) -> Result<(Ended, Vec<f64>)> {
        let spec = self.spec;
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
