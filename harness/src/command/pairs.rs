//! The pairs of a session of programs: in their order, watched, until a look decides; a record for each arm.
//! In: two arms, and who runs the blocks of a pair. Out: both records. Marks are taken without looking at a time; the clock is
//! the caller's.

use anyhow::{Context as _, Result};
use baselines::{
    RunRecord,
    record::{CommandInfo, Host, Mark, Process, Purpose, SCHEMA_VERSION, Subject, Suite, What},
};

use super::block::Block;
use crate::{
    environment::{self, Busy, Machine, Watch},
    measure::{Arm, Clock, Slot, paired, timestamp},
    progress::Progress,
    session::{GoesOn, session_id, with_spare},
    subject::Program,
};

/// One arm of a session.
#[derive(Clone, Debug)]
pub(super) struct Tested {
    pub(super) info: CommandInfo,
    pub(super) program: Program,
}

/// Who runs what a pair is made of.
pub(super) trait Rounds {
    /// Runs all that `blocks` are to hold, base and head by turns.
    fn run(&mut self, suite: &Suite, blocks: &mut [Block]) -> Result<()>;

    /// Reads what the runs left behind. It is known by now whether something disturbed them.
    fn read(&mut self, suite: &Suite, blocks: &mut [Block]) -> Result<()>;
}

/// How a session goes.
pub(super) struct Plan<'a> {
    /// Numbers of undisturbed pairs at which it may end, and at the last of which it does.
    pub(super) looks: &'a [u64],
    pub(super) goes_on: GoesOn<'a>,
    pub(super) clock: &'a dyn Clock,
    pub(super) progress: &'a Progress,
}

impl Plan<'_> {
    /// Pairs at the latest, but for those that are left out.
    pub(super) fn n_last(&self) -> u64 {
        self.looks.last().copied().unwrap_or(0)
    }
}

/// What is known before anything of a session runs.
pub(super) struct Opening {
    session: String,
    purpose: Purpose,
    started_at: String,
    host: Host,
    marks: Vec<Mark>,
    seed: u64,
    busy: Option<Busy>,
}

/// What both records of a session share.
pub(super) struct Setting {
    opening: Opening,
    suite: Suite,
}

/// The blocks measured so far.
pub(super) struct Reached {
    base: Vec<Process>,
    head: Vec<Process>,
}

impl Opening {
    /// As of now.
    pub(super) fn now(head: &Program, purpose: Purpose, seed: u64, clock: &dyn Clock) -> Self {
        let (started_at, host) = (timestamp(clock.utc()), environment::host());
        let marks = environment::marks(&host, &environment::tool());
        let session = session_id(clock, head.first().digest);
        Self { session, purpose, started_at, host, marks, seed, busy: Busy::now() }
    }

    /// With what the pairs are to run, and what a reader must know about it.
    pub(super) fn with_suite(mut self, suite: Suite, marks: Vec<Mark>) -> Setting {
        self.marks.extend(marks);
        Setting { opening: self, suite }
    }
}

impl Setting {
    /// Measures the pairs, as long as the plan goes on.
    pub(super) fn measure(
        &self,
        arms: &[Tested; 2],
        rounds: &mut dyn Rounds,
        plan: &Plan<'_>,
    ) -> Result<Reached> {
        let [base, head] = arms;
        let n_layouts = (base.program.n_layouts(), head.program.n_layouts());
        let n_last = plan.n_last();
        let slots = paired(with_spare(n_last), n_layouts, self.opening.seed, &self.opening.session);
        let mut reached = Reached { base: Vec::new(), head: Vec::new() };
        plan.progress.begin(n_last);
        let mut n_kept = 0;
        for pair in slots.chunk_by(|a, b| a.pair == b.pair) {
            let place = || format!("failed to measure pair {}", pair[0].pair + 1);
            if !self.pair(pair, rounds, &mut reached, plan).with_context(place)? {
                continue;
            }
            n_kept += 1;
            let is_open = || {
                let now = timestamp(plan.clock.utc());
                let (base, head) = self.records(arms, &reached, &now, &[]);
                (plan.goes_on)(&base, &head)
            };
            if n_kept == n_last || plan.looks.contains(&n_kept) && !is_open() {
                break;
            }
        }
        plan.progress.end();
        Ok(reached)
    }

    /// One pair of blocks. Whether it counts.
    fn pair(
        &self,
        slots: &[Slot],
        rounds: &mut dyn Rounds,
        reached: &mut Reached,
        plan: &Plan<'_>,
    ) -> Result<bool> {
        let (suite, purpose, clock) = (&self.suite, self.opening.purpose, plan.clock);
        let machine = Machine::here();
        let watch = Watch::start(&machine);
        let start_ns = clock.now_ns();
        let mut blocks: Vec<Block> =
            slots.iter().map(|slot| Block::begin(*slot, suite, purpose, clock)).collect();
        rounds.run(suite, &mut blocks)?;
        // Before any time is read, as for the engine: what is left out is left out whatever they say.
        let disturbed = watch.disturbed(&machine);
        rounds.read(suite, &mut blocks)?;
        for block in blocks {
            let arm = block.slot().arm;
            let processes = if arm == Arm::Base { &mut reached.base } else { &mut reached.head };
            processes.push(block.finish(suite, disturbed.clone(), clock));
        }
        let lasted_ms = (clock.now_ns() - start_ns) / 1_000_000;
        let said = format!("pair {}: {lasted_ms} ms", slots[0].pair + 1);
        match &disturbed {
            Some(why) => plan.progress.note(&format!("{said}, left out ({why})")),
            None => plan.progress.step(&said),
        }
        Ok(disturbed.is_none())
    }

    /// Both records, at the end of the session.
    pub(super) fn end(
        &self,
        arms: &[Tested; 2],
        reached: &Reached,
        clock: &dyn Clock,
    ) -> Result<(RunRecord, RunRecord)> {
        arms.iter().try_for_each(|arm| arm.program.check_unchanged())?;
        let busy = self.opening.busy.as_ref().zip(Busy::now());
        let marks = busy.map(|(before, after)| after.marks_since(before)).unwrap_or_default();
        Ok(self.records(arms, reached, &timestamp(clock.utc()), &marks))
    }

    fn records(
        &self,
        [base, head]: &[Tested; 2],
        reached: &Reached,
        ended_at: &str,
        more_marks: &[Mark],
    ) -> (RunRecord, RunRecord) {
        let opening = &self.opening;
        let record = |arm: &Tested, processes: &[Process]| {
            let record = RunRecord {
                version: SCHEMA_VERSION,
                session: opening.session.clone(),
                purpose: opening.purpose,
                started_at: opening.started_at.clone(),
                ended_at: ended_at.to_owned(),
                seed: opening.seed,
                deterministic: false,
                tool: environment::tool(),
                subject: Subject {
                    binary: arm.program.first().digest,
                    binary_bytes: arm.program.first().size,
                    layouts: arm.program.layouts(),
                    what: What::Command(arm.info.clone()),
                },
                suite: self.suite.clone(),
                host: opening.host.clone(),
                marks: opening.marks.iter().chain(more_marks).cloned().collect(),
                probes: Vec::new(),
                nonce: None,
                ids: Vec::new(),
                processes: processes.to_vec(),
                accuracy: None,
                format_accuracy: Vec::new(),
            };
            record.sealed()
        };
        (record(base, &reached.base), record(head, &reached.head))
    }
}
