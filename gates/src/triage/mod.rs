//! Triage: where the time between two builds went.
//!
//! In: the bundle of a session whose passes were stamped span by span. Out: of each workload a table of spans that sums to the whole,
//! of each matrix product its own time, and what else differs, with numbers. Of two commands: user time, system time and waiting in
//! place of spans. A pure function of the bundle, so that anyone can derive the same bytes again.
//!
//! ```text
//! pairs ─► cells: head − base, of one iteration and position ─► attribution: by span, with intervals, summing to the whole
//! counts, kernels, allocations, faults, marks ────────────────► hints: what changed beside the time
//! ```

mod attribution;
mod cells;
mod document;
mod hints;
mod part;
mod processor;
mod products;
mod spans;
mod summary;

use baselines::{Evidence, RunRecord, record::Purpose};

pub use attribution::{Attribution, Overhead};
pub use hints::Hint;
pub use part::{Change, Part};
pub use products::ProductTime;

use crate::{
    Policy,
    verify::{Refusal, check_evidence},
};

/// All that a triage says.
#[derive(Clone, Debug, PartialEq)]
pub struct Triage {
    /// One for each stamped workload, in the order of the suite.
    pub workloads: Vec<Attribution>,
    /// Each matrix product by itself.
    pub products: Vec<ProductTime>,
    /// What differs beside the time, the strongest evidence first.
    pub hints: Vec<Hint>,
    /// Pairs that were compared.
    pub n_pairs: usize,
    /// Pairs that something disturbed, which are in no number here.
    pub n_disturbed: usize,
    /// Why the evidence is refused; everything else is then empty.
    pub refusals: Vec<Refusal>,
}

/// Rules of evidence that a triage has no use for: it explains what a gate refuses to compare, and demands nothing.
const NOT_ASKED: [&str; 8] = [
    "kept-binary",
    "kernels",
    "purpose",
    "required-accuracy",
    "required-gates",
    "required-metrics",
    "same-output",
    "same-settings",
];

/// What the bundle says.
#[must_use]
pub fn triage(evidence: &Evidence, policy: &Policy) -> Triage {
    let (base, head) = (&evidence.base, &evidence.head);
    let mut refusals = check_evidence(evidence, policy);
    refusals.retain(|refusal| !NOT_ASKED.contains(&refusal.rule));
    if !refusals.is_empty() || ![base, head].iter().all(|arm| arm.purpose == Purpose::Triage) {
        return Triage {
            workloads: Vec::new(),
            products: Vec::new(),
            hints: Vec::new(),
            n_pairs: 0,
            n_disturbed: 0,
            refusals,
        };
    }
    let workloads = attribution::all(base, head);
    let products = products::all(base, head);
    let hints = hints::all(evidence, &workloads);
    let n_disturbed = base.processes.iter().filter(|process| process.disturbed.is_some()).count();
    let n_pairs = base.processes.len() - n_disturbed;
    Triage { workloads, products, hints, n_pairs, n_disturbed, refusals }
}

/// What the session of triage in a gate's bundle says; `None` without one.
#[must_use]
pub fn attached(evidence: &Evidence, policy: &Policy) -> Option<Triage> {
    let session = evidence.triage.clone()?;
    let stamped =
        Evidence { base: session.base, head: session.head, triage: None, ..evidence.clone() };
    Some(triage(&stamped, policy))
}

impl Triage {
    /// Whether something was compared, and nothing was found that differs.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.n_pairs > 0
            && self.workloads.iter().all(|workload| workload.named().next().is_none())
            && !self.workloads.iter().any(|workload| workload.whole.is_sure())
            && self.products.iter().all(|product| !product.change.is_sure())
            && self.hints.iter().all(|hint| !hint.explains)
    }
}

/// The processes of both arms of each pair that nothing disturbed.
fn pairs<'a>(
    base: &'a RunRecord,
    head: &'a RunRecord,
) -> impl Iterator<Item = (&'a baselines::record::Process, &'a baselines::record::Process)> {
    base.processes.iter().filter(|process| process.disturbed.is_none()).filter_map(|of_base| {
        let of_head = head.processes.iter().find(|process| process.pair == of_base.pair)?;
        of_head.disturbed.is_none().then_some((of_base, of_head))
    })
}
