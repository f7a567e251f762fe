//! The kernels that the dispatcher names are kernels of the engine, on the instruction set or the GPU that the session claims.

use baselines::{
    RunRecord,
    record::{Counts, Linear, Settings},
};

use super::{
    Check, Class, Fault, Rule, device,
    reads::{self, PACKED},
};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "kernels",
    class: Class::Invalid,
    demand: "Every count names a kernel of the engine that fits the linear's format, on the instruction set or the GPU claimed.",
    way_out: "run the session with `bench run`; a kernel of another name did not do this work",
    check: Check::Record(check),
};

/// One kernel family: its name without the instruction set, and the format that it multiplies with int8 activations.
struct Kernel {
    name: &'static str,
    format: &'static str,
}

/// Kernel families with int8 activations, sorted by name.
#[rustfmt::skip] // a table
const KERNELS: &[Kernel] = &[
    Kernel { name: "gemm_i2s_i8", format: "i2_s" },
    Kernel { name: "q4_0_q8", format: "q4_0" },
    Kernel { name: "q4_1_q8", format: "q4_1" },
    Kernel { name: "q4_k_q8", format: "q4_k" },
    Kernel { name: "q5_0_q8", format: "q5_0" },
    Kernel { name: "q5_1_q8", format: "q5_1" },
    Kernel { name: "q5_k_q8", format: "q5_k" },
    Kernel { name: "q6_k_q8", format: "q6_k" },
    Kernel { name: "q8_0_q8", format: "q8_0" },
    Kernel { name: "ternary_i8", format: "i2_s" },
    Kernel { name: PACKED, format: "i2_s" },
    Kernel { name: "tl1_lut", format: "tl1" },
    Kernel { name: "tl2_lut", format: "tl2" },
    Kernel { name: "tq1_0_i8", format: "tq1_0" },
    Kernel { name: "tq2_0_i8", format: "tq2_0" },
];

/// Kernels that widen weights of any format to floats, sorted by name.
const DENSE: [&str; 2] = ["dense_f32", "gemm_f16_f32"];
/// Formats that are numbers already: they are multiplied as floats, whatever the activations are.
const PLAIN: [&str; 3] = ["bf16", "f16", "f32"];

/// The head's products by bounds first, of F16 weights alone; where else its name is given, the rule `screening` says so.
const SCREENED: &str = "screened_f16";

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let Some(engine) = record.subject.engine() else { return Vec::new() };
    let settings = &engine.settings;
    let linear = |name: &str| engine.model.linears.iter().find(|known| known.name == name);
    let all = record
        .processes
        .iter()
        .flat_map(|process| process.counts.iter().map(move |counts| (process.order, counts)));
    let fault = |(order, counts): (u64, &Counts)| {
        let field = format!("process {order} counts[{}/{}].kernel", counts.workload, counts.linear);
        (!fits(counts, settings, linear(&counts.linear))).then(|| {
            Fault::new(
                field,
                format!("a kernel for its format on {}", settings.isa),
                counts.kernel.clone(),
            )
        })
    };
    all.filter_map(fault).collect()
}

fn fits(counts: &Counts, settings: &Settings, linear: Option<&Linear>) -> bool {
    let Some((name, isa)) = counts.kernel.split_once('.') else { return false };
    let is_here = isa == settings.isa || device::is_of(&settings.device_selected, &counts.kernel);
    let format = linear.map_or("", |linear| linear.format.as_str());
    if name == PACKED && linear.is_none_or(|linear| !reads::can_be_packed(linear)) {
        return false;
    }
    if name == SCREENED {
        return format == "f16" && isa == settings.isa;
    }
    if settings.activations == "int8" && !PLAIN.contains(&format) {
        let known = KERNELS.iter().any(|known| known.name == name && known.format == format);
        return known && is_here;
    }
    DENSE.contains(&name) && is_here
}

#[cfg(test)]
mod tests {
    use super::{DENSE, KERNELS, PLAIN};
    use baselines::format;

    #[test]
    fn kernels_are_sorted() {
        assert!(KERNELS.is_sorted_by_key(|kernel| kernel.name));
        assert!(DENSE.is_sorted() && PLAIN.is_sorted());
        let formats = KERNELS.iter().map(|kernel| kernel.format).chain(PLAIN);
        assert!(formats.clone().all(|name| format::find(name).is_some()));
        assert!(format::FORMATS.iter().all(|known| formats.clone().any(|name| name == known.name)));
    }
}
