//! A GPU that was selected computed what is claimed of it, and none computed where none was.

use baselines::{
    RunRecord,
    record::{Counts, DeviceUse, Engine, Process},
};

use super::{Check, Class, Fault, Rule, tokens::GENERATING};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "device",
    class: Class::Invalid,
    demand: "Where a GPU was selected, each process says what it held, moved and launched there, enough for what it put out, and the \
             kernels of what it generated are the GPU's, unless it lost the GPU and says why; elsewhere none are.",
    way_out: "run the session with `bench run --device …`; a figure of the CPU is no figure of a GPU",
    check: Check::Record(check),
};

/// The device that is no GPU.
pub(crate) const CPU: &str = "cpu";

/// Whether a kernel ran on the GPU called `device`.
pub(crate) fn is_of(device: &str, kernel: &str) -> bool {
    let backend = device.split(':').next();
    device != CPU && kernel.split_once('.').map(|(_, isa)| isa) == backend
}

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let Some(engine) = record.subject.engine() else { return Vec::new() };
    let selected = &engine.settings.device_selected;
    let mut faults = Vec::new();
    for process in &record.processes {
        let field = format!("process {} device", process.order);
        match &process.device {
            None if selected == CPU => {}
            None => faults.push(Fault::new(field, format!("what {selected} had to do"), "nothing")),
            Some(used) if selected == CPU || used.id != *selected => {
                faults.push(Fault::new(format!("{field}.id"), selected.clone(), used.id.clone()));
            }
            Some(used) => faults.extend(too_little(record, engine, process, used)),
        }
        let may_be_cpu = process.device.as_ref().is_none_or(|used| used.lost.is_some());
        for counts in &process.counts {
            faults.extend(misplaced(record, selected, may_be_cpu, process, counts));
        }
    }
    faults
}

/// Weights that were not there, passes that were not launched.
fn too_little(
    record: &RunRecord,
    engine: &Engine,
    process: &Process,
    used: &DeviceUse,
) -> Vec<Fault> {
    let linears = engine.model.linears.iter();
    let weights: u64 =
        linears.map(|linear| linear.n.saturating_mul(linear.bytes)).fold(0, u64::saturating_add);
    // Without scales and padding.
    let weights = weights / 10 * 9;
    // One token a pass, at least one kernel each.
    let is_decode = |name: &str| {
        record.suite.workloads.iter().any(|def| def.name == name && def.kind == "decode")
    };
    let decoded = process.outputs.iter().filter(|output| is_decode(&output.workload));
    let passes: u64 = decoded
        .map(|output| output.n_generated.saturating_mul(output.iterations))
        .fold(0, u64::saturating_add);
    let is_lost = used.lost.is_some();
    let least = |n: u64| if is_lost { 0 } else { n };
    let mut faults = Vec::new();
    let mut bound = |name: &str, found: Option<u64>, least: u64, most: u64| {
        let Some(found) = found.filter(|found| !(least..=most).contains(found)) else { return };
        let field = format!("process {} device.{name}", process.order);
        let expected = match most {
            u64::MAX => format!("at least {least}"),
            _ => format!("{least} to {most}"),
        };
        faults.push(Fault::new(field, expected, found.to_string()));
    };
    bound("peak_bytes", used.peak_bytes, weights, used.total_bytes.unwrap_or(u64::MAX));
    bound("to_device_bytes", Some(used.to_device_bytes), weights, u64::MAX);
    bound("to_host_bytes", Some(used.to_host_bytes), least(passes), u64::MAX);
    bound("launches", Some(used.launches), least(passes.max(1)), u64::MAX);
    bound("graphs", Some(used.graphs), 0, used.launches);
    faults
}

/// A kernel of the CPU in what a GPU is said to have generated, or one of a GPU where none was selected.
fn misplaced(
    record: &RunRecord,
    selected: &str,
    may_be_cpu: bool,
    process: &Process,
    counts: &Counts,
) -> Option<Fault> {
    let def = record.suite.workloads.iter().find(|def| def.name == counts.workload)?;
    let generates = GENERATING.contains(&def.kind.as_str());
    let on_gpu = is_of(selected, &counts.kernel);
    let is_claimed = selected != CPU && generates && !may_be_cpu;
    (is_claimed && !on_gpu).then(|| {
        let Counts { workload, linear, kernel, .. } = counts;
        let field = format!("process {} counts[{workload}/{linear}].kernel", process.order);
        Fault::new(field, format!("a kernel of {selected}"), kernel.clone())
    })
}
