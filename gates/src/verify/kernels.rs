//! The kernels that the dispatcher names are kernels of the engine, on the instruction set that the session claims.

use baselines::{
    RunRecord,
    record::{Counts, Settings},
};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "kernels",
    class: Class::Invalid,
    demand: "Every count names a kernel of the engine that fits the linear's format, on the instruction set claimed.",
    way_out: "run the session with `bench run`; a kernel of another name did not do this work",
    check: Check::Record(check),
};

/// One kernel family: its name without the instruction set, and what it multiplies.
struct Kernel {
    name: &'static str,
    ternary_weights: bool,
    int8_activations: bool,
}

/// Kernel families, sorted by name. `dense_f32` also carries ternary weights, widened, when activations are floats.
#[rustfmt::skip] // a table
const KERNELS: &[Kernel] = &[
    Kernel { name: "dense_f32", ternary_weights: false, int8_activations: false },
    Kernel { name: "dense_f32", ternary_weights: true, int8_activations: false },
    Kernel { name: "gemm_f16_f32", ternary_weights: false, int8_activations: false },
    Kernel { name: "gemm_i2s_i8", ternary_weights: true, int8_activations: true },
    Kernel { name: "ternary_i8", ternary_weights: true, int8_activations: true },
];

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let Some(engine) = record.subject.engine() else { return Vec::new() };
    let settings = &engine.settings;
    let ternary = |linear: &str| {
        engine.model.linears.iter().any(|known| known.name == linear && known.format == "i2_s")
    };
    let all = record
        .processes
        .iter()
        .flat_map(|process| process.counts.iter().map(move |counts| (process.order, counts)));
    let fault = |(order, counts): (u64, &Counts)| {
        let field = format!("process {order} counts[{}/{}].kernel", counts.workload, counts.linear);
        (!fits(counts, settings, ternary(&counts.linear))).then(|| {
            Fault::new(
                field,
                format!("a kernel for its format on {}", settings.isa),
                counts.kernel.clone(),
            )
        })
    };
    all.filter_map(fault).collect()
}

fn fits(counts: &Counts, settings: &Settings, ternary: bool) -> bool {
    let int8 = ternary && settings.activations == "int8";
    let family = |known: &&Kernel| {
        counts.kernel.strip_prefix(known.name).and_then(|rest| rest.strip_prefix('.'))
            == Some(settings.isa.as_str())
    };
    KERNELS
        .iter()
        .filter(family)
        .any(|known| known.ternary_weights == ternary && known.int8_activations == int8)
}

#[cfg(test)]
mod tests {
    use super::KERNELS;

    #[test]
    fn kernels_are_sorted() {
        assert!(KERNELS.is_sorted_by_key(|kernel| kernel.name));
    }
}
