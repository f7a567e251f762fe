//! Evidence checks: one rule a file.
//!
//! In: records, the policy. Out: refusals, each with rule, field, expected, found and the way out. Evidence that one of them refuses has no green verdict, whatever its times say.

mod accuracy;
mod allocations;
mod arms_alike;
mod base_sha;
mod base_source;
mod baseline_fingerprint;
mod baseline_model;
mod challenge;
mod challenge_times;
mod check_commit;
mod check_output;
mod check_times;
mod chronology;
mod command;
mod counts;
pub(crate) mod device;
mod fingerprint;
mod head_sha;
mod head_source;
mod ids;
mod kept_binary;
mod kernels;
mod layouts;
mod model_shape;
mod one_session;
mod pairing;
mod phases;
mod physics_bandwidth;
mod physics_compute;
mod physics_kernel_rate;
mod probes;
mod purpose;
pub(crate) mod rates;
mod reads;
mod repeated_samples;
mod required_accuracy;
mod required_gates;
mod required_metrics;
mod rule;
mod same_challenge;
mod same_command;
mod same_host;
mod same_model;
mod same_output;
mod same_settings;
mod same_suite;
mod samples;
mod samples_digest;
mod schema;
mod screening;
mod series;
mod stable_output;
mod suite_digest;
mod timestamps;
mod tokens;
mod triage_arms;
mod turns;
mod wall;

use baselines::{Evidence, RunRecord};

use crate::policy::{DEFAULT_POLICY, Policy};
pub use base_sha::check_base_sha;
pub use head_sha::check_head_sha;
use rule::{Check, Fault};
pub use rule::{Class, Refusal, Rule};
pub(crate) use screening::is_screened;

/// All rules, sorted by name.
pub const RULES: &[Rule] = &[
    accuracy::RULE,
    allocations::RULE,
    arms_alike::RULE,
    base_source::RULE,
    baseline_fingerprint::RULE,
    baseline_model::RULE,
    challenge::RULE,
    challenge_times::RULE,
    check_commit::RULE,
    check_output::RULE,
    check_times::RULE,
    chronology::RULE,
    command::RULE,
    counts::RULE,
    device::RULE,
    fingerprint::RULE,
    head_source::RULE,
    ids::RULE,
    kept_binary::RULE,
    kernels::RULE,
    layouts::RULE,
    model_shape::RULE,
    one_session::RULE,
    pairing::RULE,
    phases::RULE,
    physics_bandwidth::RULE,
    physics_compute::RULE,
    physics_kernel_rate::RULE,
    probes::RULE,
    purpose::RULE,
    repeated_samples::RULE,
    required_accuracy::RULE,
    required_gates::RULE,
    required_metrics::RULE,
    same_challenge::RULE,
    same_command::RULE,
    same_host::RULE,
    same_model::RULE,
    same_output::RULE,
    same_settings::RULE,
    same_suite::RULE,
    samples::RULE,
    samples_digest::RULE,
    schema::RULE,
    screening::RULE,
    series::RULE,
    stable_output::RULE,
    suite_digest::RULE,
    timestamps::RULE,
    tokens::RULE,
    triage_arms::RULE,
    turns::RULE,
    wall::RULE,
];

/// Everything that does not hold in a bundle: the rules of single records on both arms, then those of the bundle.
#[must_use]
pub fn check_evidence(evidence: &Evidence, policy: &Policy) -> Vec<Refusal> {
    let refusals = |rule: &Rule| match rule.check {
        Check::Record(check) => {
            let mut found = rule.refusals("base.", check(&evidence.base, policy));
            found.extend(rule.refusals("head.", check(&evidence.head, policy)));
            found
        }
        Check::Bundle(check) => rule.refusals("", check(evidence, policy)),
    };
    RULES.iter().flat_map(refusals).collect()
}

/// Everything that does not hold in a single record, with the slack of the policy that ships.
///
/// # Panics
/// Never: the policy that ships is read by a test.
#[must_use]
pub fn check_record(record: &RunRecord) -> Vec<Refusal> {
    let policy = Policy::parse(DEFAULT_POLICY).expect("the shipped policy is read by a test");
    let refusals = |rule: &Rule| match rule.check {
        Check::Record(check) => rule.refusals("", check(record, &policy)),
        Check::Bundle(_) => Vec::new(),
    };
    RULES.iter().flat_map(refusals).collect()
}

#[cfg(test)]
mod tests {
    use super::RULES;

    #[test]
    fn rules_are_sorted_kebab_case_and_say_what_they_demand() {
        assert!(RULES.is_sorted_by(|a, b| a.name < b.name));
        for rule in RULES {
            assert!(
                rule.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
                "{}",
                rule.name
            );
            assert!(rule.demand.ends_with('.') && rule.way_out.len() > 20, "{}", rule.name);
        }
    }

    #[test]
    fn the_page_lists_every_rule() {
        let page = include_str!("../../docs/evidence.md");
        for rule in RULES {
            let row =
                format!("| `{}` | {} | {} |", rule.name, rule.class.verdict_name(), rule.demand);
            assert!(page.contains(&row), "docs/evidence.md lacks the row {row:?}");
        }
    }
}
