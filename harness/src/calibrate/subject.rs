//! What was calibrated, and on what: the part of the document that must be equal for another run to go on with it.
//! In: an order and the running program. Out: the subject.

use anyhow::Result;
use baselines::Digest;
use gates::policy::FailOn;
use serde::{Deserialize, Serialize};

use super::Order;
use crate::{
    environment,
    subject::{Binary, device, engine::Source, lane::Lane},
};

/// Machine, program, model, settings, workloads and rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subject {
    pub(crate) fingerprint: String,
    pub(crate) cpu_model: String,
    pub(crate) binary: String,
    pub(crate) commit: Option<String>,
    pub(crate) profile: String,
    pub(crate) model: String,
    pub(crate) isa: String,
    pub(crate) threads: u64,
    pub(crate) suite: String,
    pub(crate) rounds: u64,
    pub(crate) seed: u64,
    pub(crate) looks: Vec<usize>,
    pub(crate) level_pass: f64,
    pub(crate) level_fail: f64,
    pub(crate) fail_on: String,
    pub(crate) metrics: Vec<Metric>,
}

/// One metric of the family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metric {
    pub(crate) workload: String,
    pub(crate) metric: String,
    pub(crate) margin_negligible: f64,
    pub(crate) margin_unacceptable: f64,
}

impl Subject {
    /// Of this machine and program.
    pub(super) fn of(order: &Order<'_>, binary: &Binary) -> Result<Self> {
        let (assignment, policy) = (&order.assignment, &order.policy);
        let source = Source::named(&assignment.model);
        let model = source.open()?;
        let options = source.options(assignment.isa.as_deref(), assignment.threads)?;
        let size = device::size_of_suite(&assignment.suite, None);
        let lane = Lane::open(&model, &options, assignment.device, size)?;
        let settings = source.settings(&model, &options, &lane)?;
        let (host, tool) = (environment::host(), environment::tool());
        let metrics = policy.gated.iter().map(|gated| Metric {
            workload: gated.workload.clone(),
            metric: gated.metric.clone(),
            margin_negligible: gated.margin_negligible,
            margin_unacceptable: gated.margin_unacceptable,
        });
        let fail_on = match policy.verdict.fail_on {
            FailOn::Standard => "standard",
            FailOn::Any => "any",
            FailOn::Unacceptable => "unacceptable",
        };
        Ok(Self {
            fingerprint: host.fingerprint.to_string(),
            cpu_model: host.cpu_model,
            binary: binary.digest.to_string(),
            commit: tool.commit,
            profile: tool.profile,
            model: Digest::of(model.bytes()).to_string(),
            isa: settings.isa,
            threads: settings.threads,
            suite: assignment.suite.digest.to_string(),
            rounds: assignment.suite.rounds,
            seed: assignment.seed,
            looks: policy.pairs.looks.clone(),
            level_pass: policy.levels.pass,
            level_fail: policy.levels.fail,
            fail_on: fail_on.to_owned(),
            metrics: metrics.collect(),
        })
    }
}
