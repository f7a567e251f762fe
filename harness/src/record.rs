//! Worker reports of one arm → a `RunRecord`.
//! In: what the session knows and what its workers reported. Out: the record; or an error where workers of one binary
//! disagree about themselves.

use anyhow::{Context as _, Result, ensure};
use baselines::{
    RunRecord,
    record::{Host, Mark, Probe, Process, Purpose, SCHEMA_VERSION, Subject, Suite},
};

use crate::{measure::Slot, subject::Binary, worker::Report};

/// What both arms of a session share.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setting {
    pub(crate) session: String,
    pub(crate) purpose: Purpose,
    pub(crate) started_at: String,
    pub(crate) ended_at: String,
    pub(crate) seed: u64,
    pub(crate) deterministic: bool,
    pub(crate) suite: Suite,
    pub(crate) host: Host,
    pub(crate) marks: Vec<Mark>,
    pub(crate) probes: Vec<Probe>,
}

/// The record of one arm: `reports` are those of `binary`, in the order they ran. Accuracy is the session's to add.
pub(crate) fn record(
    setting: &Setting,
    binary: &Binary,
    reports: Vec<(Slot, Report)>,
) -> Result<RunRecord> {
    let (_, first) = reports.first().context("no worker ran")?;
    let (tool, model, settings) = (first.tool.clone(), first.model.clone(), first.settings.clone());
    for (slot, report) in &reports {
        ensure!(
            (&report.tool, &report.model, &report.settings) == (&tool, &model, &settings),
            "failed to make a record: process {} of binary {} reports another build, model or set-up than the first: \
             was the model file replaced while it was measured?",
            slot.order,
            binary.digest.short()
        );
    }
    Ok(RunRecord {
        version: SCHEMA_VERSION,
        session: setting.session.clone(),
        purpose: setting.purpose,
        started_at: setting.started_at.clone(),
        ended_at: setting.ended_at.clone(),
        seed: setting.seed,
        deterministic: setting.deterministic,
        tool,
        subject: Subject { binary: binary.digest, binary_bytes: binary.size, model, settings },
        suite: setting.suite.clone(),
        host: setting.host.clone(),
        marks: setting.marks.clone(),
        probes: setting.probes.clone(),
        processes: reports.into_iter().map(|(slot, report)| process(slot, report)).collect(),
        accuracy: None,
    })
}

fn process(slot: Slot, report: Report) -> Process {
    Process {
        order: slot.order,
        pair: slot.pair,
        position: slot.position,
        pid: report.pid,
        started_at: report.started_at,
        ended_at: report.ended_at,
        wall_ns: report.wall_ns,
        env_padding_bytes: u64::from(slot.padding_bytes),
        peak_rss_bytes: report.peak_rss_bytes,
        series: report.series,
        outputs: report.outputs,
        counts: report.counts,
    }
}
