//! Worker reports of one arm → a `RunRecord`.
//! In: what the session knows and what its workers reported. Out: the record; or an error where workers of one binary
//! disagree about themselves.

use anyhow::{Context as _, Result, ensure};
use baselines::{
    RunRecord,
    record::{
        Engine, Host, Mark, Probe, Process, Purpose, SCHEMA_VERSION, Settings, Subject, Suite, What,
    },
};

use crate::{session::Ran, subject::Program};

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
    pub(crate) nonce: String,
}

/// The record of one arm: `ran` are the processes of `program`, in their order. Accuracy is the session's to add.
pub(crate) fn record(setting: &Setting, program: &Program, ran: Vec<Ran>) -> Result<RunRecord> {
    let binary = program.first();
    let first = &ran.first().context("no worker ran")?.report;
    let ids = first.ids.clone();
    let (tool, model, settings) = (first.tool.clone(), first.model.clone(), first.settings.clone());
    for Ran { slot, report, .. } in &ran {
        // How much was free on a device that had too little is another number each time.
        let why = report.settings.fallback.as_ref().and(settings.fallback.clone());
        let fallback = why.or_else(|| report.settings.fallback.clone());
        let set_up = Settings { fallback, ..report.settings.clone() };
        ensure!(
            (&report.tool, &report.model, &set_up) == (&tool, &model, &settings),
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
        subject: Subject {
            binary: binary.digest,
            binary_bytes: binary.size,
            layouts: program.layouts(),
            what: What::Engine(Engine { model, settings }),
        },
        suite: setting.suite.clone(),
        host: setting.host.clone(),
        marks: setting.marks.clone(),
        probes: setting.probes.clone(),
        nonce: Some(setting.nonce.clone()),
        ids,
        processes: ran.into_iter().map(process).collect(),
        accuracy: None,
        format_accuracy: Vec::new(),
    })
}

fn process(ran: Ran) -> Process {
    let Ran { slot, report, disturbed } = ran;
    Process {
        order: slot.order,
        pair: slot.pair,
        position: slot.position,
        layout: slot.layout,
        disturbed,
        pid: report.pid,
        started_at: report.started_at,
        ended_at: report.ended_at,
        wall_ns: report.wall_ns,
        env_padding_bytes: u64::from(slot.padding_bytes),
        peak_rss_bytes: report.peak_rss_bytes,
        weights_huge_bytes: report.weights_huge_bytes,
        device: report.device,
        series: report.series,
        samples_digest: report.samples_digest,
        outputs: report.outputs,
        challenges: report.challenges,
        counts: report.counts,
        screenings: report.screenings,
        allocations: report.allocations,
        runs: Vec::new(),
    }
}
