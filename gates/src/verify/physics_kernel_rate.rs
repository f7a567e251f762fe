//! No decode step is faster than the kernels it is made of.

use baselines::{
    RunRecord,
    record::ProbeKind,
    unit::{Rate, Unit},
};

use super::{
    Check, Class, Fault, Rule,
    rates::{Timed, best_probe, timed},
};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "physics-kernel-rate",
    class: Class::Invalid,
    demand: "Beside a matmul workload, a decode step multiplies no faster than the best sample of matmul or prefill, plus the slack.",
    way_out: "the decode rate contradicts the kernel rates beside it: one of them was not measured",
    check: Check::Record(check),
};

fn check(record: &RunRecord, policy: &Policy) -> Vec<Fault> {
    let slack = 1.0 + policy.physics.slack;
    let timed = timed(record);
    // A short prefill shares its weights among few tokens, and no decode step need be slower than that: without the
    // kernels themselves, timed alone, there is no rate to hold a step against.
    if !timed.iter().any(|timed| timed.metric == "matmul_ns") {
        return Vec::new();
    }
    let peak = best_probe(record, &[ProbeKind::Int8Peak]).unwrap_or(f64::INFINITY);
    // The shortest sample against a median: what the kernels once reached, in however noisy a session, bounds what they
    // reach usually. An impossible kernel rate must not excuse an impossible decode rate.
    let kernel_rates =
        timed.iter().filter(|timed| matches!(timed.metric, "matmul_ns" | "prefill_ns"));
    let best = kernel_rates.map(|timed| timed.best_macs_per_s().min(peak)).fold(0.0, f64::max);
    let mut faults = Vec::new();
    // A GPU's step is not made of the CPU's kernels.
    let on_cpu = |timed: &&Timed<'_>| timed.metric == "decode_step_ns" && !timed.on_device;
    for decode in timed.iter().filter(on_cpu) {
        let per_s = 1e9 / decode.fastest_ns;
        let limit = best * slack / decode.work.macs;
        if per_s > limit {
            let macs = Unit::Count.text(decode.work.macs);
            let expected = format!(
                "at most {}: the best kernel does {}, a token is {macs} multiply-adds",
                Rate::Tokens.text(limit),
                Rate::Macs.text(best)
            );
            faults.push(Fault::new(decode.field(), expected, Rate::Tokens.text(per_s)));
        }
    }
    faults
}
