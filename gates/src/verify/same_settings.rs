//! Both arms were set up alike: threads, instruction set, activations, batch, device. How the head finds the likeliest tokens, and
//! what memory the weights lie in, are no settings but what the code makes of them: arms may differ there, and that is compared.

use baselines::{Evidence, record::Settings};

use super::{Check, Class, Fault, Rule, same_model::engines};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "same-settings",
    class: Class::Incomparable,
    demand: "Both arms ran with the same settings.",
    way_out: "run `bench gate` with one set of settings: a change of threads or instruction set is no change of code",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let Some((base, head)) = engines(evidence) else { return Vec::new() };
    let asked = |settings: &Settings| Settings {
        head: None,
        weights_copied_bytes: None,
        ..settings.clone()
    };
    let (mut base, mut head) = (asked(&base.settings), asked(&head.settings));
    // That there was a fallback is compared; how much was free on the GPU is another number each time.
    if base.fallback.is_some() && head.fallback.is_some() {
        (base.fallback, head.fallback) = (None, None);
    }
    let differ = (base != head)
        .then(|| Fault::new("head.subject.settings", format!("{base:?}"), format!("{head:?}")));
    differ.into_iter().collect()
}
