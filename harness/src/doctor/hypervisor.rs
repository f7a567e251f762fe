//! A machine of its own, or a guest that shares one.

use super::{Check, Finding, Observation, State};
use crate::environment::{shown, virtualization};

pub(super) const CHECK: Check =
    Check { name: "hypervisor", about: "Is this a machine of its own, or a guest?", find };

fn find(seen: &Observation) -> Finding {
    let guest = |by: &str| {
        Finding::new(State::Warn, format!("a guest ({by})"))
            .effect(
                "other guests take CPU time, cache and bandwidth; processes of one build, run one after the other, differed \
                 by up to 50 % on a shared host (harness/docs/methodology.md, \"Pairs\")",
            )
            .mend(
                "nothing to do inside a guest; measure on bare metal or a dedicated host; pairs cancel what meets both builds",
            )
            .value("guest", true)
    };
    if let Some(kind) = seen.machine.line("/sys/hypervisor/type") {
        return guest(&kind);
    }
    let cpuinfo = seen.machine.text("/proc/cpuinfo").unwrap_or_default();
    let vendor = seen.machine.line("/sys/class/dmi/id/sys_vendor").unwrap_or_default();
    match virtualization(&cpuinfo, &vendor) {
        Some("none") => {
            Finding::new(State::Ok, "none: the CPU reports no hypervisor").value("guest", false)
        }
        Some("unknown") => guest("its vendor is not told"),
        Some(vendor) => guest(&shown(vendor)),
        None => Finding::unknown("the CPU's flags are not told"),
    }
}
