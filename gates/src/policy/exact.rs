//! The rules of exact metrics: which, how much more is allowed, and whether a place without a comparison is a hole.
//! In: the `[[exact]]` tables of a policy. Out: [`ExactRule`], each checked for its range.

use schemars::JsonSchema;
use serde::Deserialize;

use super::file::{demand, within};
use crate::{Result, exact};

/// One exact metric that is judged.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExactRule {
    /// Name of the metric, from `exact::METRICS`.
    pub metric: String,
    /// Share by which the head may exceed the base, in steps of a millionth.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub max_increase: f64,
    /// Whether a place that cannot be compared is a hole in the evidence.
    #[serde(default)]
    pub required: bool,
}

pub(super) fn check(rules: &[ExactRule]) -> Result<()> {
    for (place, rule) in rules.iter().enumerate() {
        let ExactRule { metric, max_increase, .. } = rule;
        let known: Vec<&str> = exact::METRICS.iter().map(|metric| metric.name).collect();
        let is_known = known.contains(&metric.as_str());
        demand(is_known, "exact.metric", &format!("one of {}", known.join(", ")), metric)?;
        let twice = rules[..place].iter().any(|other| other.metric == *metric);
        demand(!twice, "exact", "each metric once", format!("{metric} twice"))?;
        demand(
            within(*max_increase, 0.0, 10.0),
            &format!("exact.max_increase of `{metric}`"),
            "0 to 10",
            max_increase,
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{DEFAULT_POLICY, Policy};

    #[test]
    fn a_policy_without_the_section_judges_none() {
        let (before, rest) = DEFAULT_POLICY.split_once("[[exact]]").expect("it ships");
        let after = rest.rsplit_once("[[exact]]").and_then(|(_, last)| last.split_once("\n\n"));
        let policy = Policy::parse(&format!("{before}{}", after.expect("more follows").1));
        assert_eq!(policy.expect("still a policy").exact, []);
    }

    #[test]
    fn every_planted_fault_is_named() {
        for (good, bad, named) in [
            (
                "metric = \"binary_bytes\"",
                "metric = \"peak_rss_bytes\"",
                "one of allocated_bytes, binary_bytes, ",
            ),
            ("metric = \"kernel_bytes\"", "metric = \"binary_bytes\"", "twice"),
            ("max_increase = 0.10", "max_increase = -0.1", "max_increase of `binary_bytes`"),
            ("max_increase = 0.10", "max_increase = nan", "max_increase of `binary_bytes`"),
            ("max_increase = 0.10", "max_increse = 0.1", "nearest: `max_increase`"),
            ("max_increase = 0.10", "", "max_increase"),
        ] {
            assert!(DEFAULT_POLICY.contains(good), "{good}");
            let error = Policy::parse(&DEFAULT_POLICY.replacen(good, bad, 1)).expect_err(bad);
            assert!(error.to_string().contains(named), "{bad}: {error}");
        }
    }
}
