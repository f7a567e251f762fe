//! The machine's own limits were measured, before and after, and are limits that a machine can have.

use baselines::{
    RunRecord,
    record::{Probe, ProbeKind, ProbeWhen},
};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "probes",
    class: Class::Invalid,
    demand: "In a session of the engine, each probe, a GPU's own where one computed, ran before and after the processes, at least three times, with a rate that a machine can have.",
    way_out: "run the session again; without probes nothing says whether its rates are possible",
    check: Check::Record(check),
};

/// Fewest repetitions of a probe.
const LEAST: usize = 3;
/// Bytes per second that one host does not exceed (2 TB/s: twice the caches of a large server core complex read at once).
const MAX_BYTES_PER_S: f64 = 2e12;
/// int8 multiply-adds per second that one host does not exceed.
const MAX_MACS_PER_S: f64 = 1e15;

/// The same of one GPU, whose caches are faster.
const DEVICE_MAX_BYTES_PER_S: f64 = 1e14;
const DEVICE_MAX_MACS_PER_S: f64 = 1e17;

const KINDS: [ProbeKind; 4] = [
    ProbeKind::BandwidthCache,
    ProbeKind::BandwidthPages4k,
    ProbeKind::BandwidthHugePages,
    ProbeKind::Int8Peak,
];

/// Those of a GPU, where one computed.
const DEVICE_KINDS: [ProbeKind; 3] =
    [ProbeKind::DeviceBandwidth, ProbeKind::DeviceCacheBandwidth, ProbeKind::DeviceInt8Peak];

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    // Nothing is known about the work of a command, so there is no rate to bound.
    if record.subject.command().is_some() {
        return Vec::new();
    }
    let mut faults = Vec::new();
    let on_gpu = record.gpu().is_some();
    let of_device = DEVICE_KINDS.iter().filter(|_| on_gpu);
    for kind in KINDS.iter().chain(of_device).copied() {
        for when in [ProbeWhen::Before, ProbeWhen::After] {
            let field = format!("probes[{kind:?}, {when:?}]");
            match record.probes.iter().find(|probe| probe.kind == kind && probe.when == when) {
                None => faults.push(Fault::new(field, format!("{LEAST} repetitions"), "no probe")),
                Some(probe) => faults.extend(fault(probe, &field)),
            }
        }
    }
    faults
}

fn fault(probe: &Probe, field: &str) -> Option<Fault> {
    let positive = probe.samples_ns.iter().filter(|ns| ns.is_finite() && **ns > 0.0).count();
    if positive < LEAST || positive < probe.samples_ns.len() || probe.work == 0 {
        let expected = format!("at least {LEAST} repetitions, all positive, of some work");
        return Some(Fault::new(field, expected, format!("{positive} of work {}", probe.work)));
    }
    let limit = match (probe.kind.is_of_device(), probe.kind.counts_macs()) {
        (false, false) => MAX_BYTES_PER_S,
        (false, true) => MAX_MACS_PER_S,
        (true, false) => DEVICE_MAX_BYTES_PER_S,
        (true, true) => DEVICE_MAX_MACS_PER_S,
    };
    let rate = probe.best_rate()?;
    (rate > limit)
        .then(|| Fault::new(field, format!("at most {limit:e} per second"), format!("{rate:e}")))
}
