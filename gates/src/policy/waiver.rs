//! Waivers: margins that somebody has lifted for a while, with a reason and their name. In: the `[[waiver]]` tables of a
//! policy. Out: [`Waiver`], each checked for its form, and what it is worth on a day.

use baselines::timestamp::parse_ms;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Policy,
    file::{demand, within},
};
use crate::{Result, exact};

/// One margin, lifted for a while.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// Name of a gated or exact metric.
    pub metric: String,
    /// Workload whose margin it is; of an exact metric, all workloads where it is left out.
    pub workload: Option<String>,
    /// Ratio head / base from which it must not pass any more; above the margin that it lifts.
    #[schemars(range(min = 1.0, max = 11.0))]
    pub ceiling: f64,
    /// Why a slow-down is accepted.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// Who accepts it.
    #[schemars(length(min = 1))]
    pub owner: String,
    /// Last day of its force, UTC: `2026-12-31`. At most 366 days away, since a waiver that never ends is none.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    pub expires: String,
}

/// What a waiver is worth on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaiverState {
    /// It lifts its margin.
    InForce,
    /// Its last day is over: it changes nothing.
    Expired,
    /// Its last day is more than 366 days away: it changes nothing.
    TooDistant,
}

impl WaiverState {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InForce => "in force",
            Self::Expired => "expired",
            Self::TooDistant => "ends too far away",
        }
    }
}

/// Days that a waiver may be away from its end.
const DAYS_MAX: i64 = 366;
const DAY_MS: i64 = 86_400_000;

impl Waiver {
    /// What it is worth at a UTC time, in the form of all timestamps. A time of another form is no day of its force.
    #[must_use]
    pub fn state(&self, at: &str) -> WaiverState {
        let days = parse_ms(at).zip(first_ms(&self.expires));
        let left = days.map(|(now, last)| last.div_euclid(DAY_MS) - now.div_euclid(DAY_MS));
        match left {
            Some(0..=DAYS_MAX) => WaiverState::InForce,
            Some(left) if left > DAYS_MAX => WaiverState::TooDistant,
            _ => WaiverState::Expired,
        }
    }

    /// Whether it is about this metric of this workload.
    #[must_use]
    pub fn covers(&self, workload: &str, metric: &str) -> bool {
        self.metric == metric && self.workload.as_deref().is_none_or(|name| name == workload)
    }
}

/// The first millisecond of a day.
fn first_ms(day: &str) -> Option<i64> {
    parse_ms(&format!("{day}T00:00:00.000Z"))
}

impl Policy {
    /// This policy with the unacceptable margins of gated metrics lifted by the waivers that are in force at a UTC time.
    #[must_use]
    pub fn lifted(&self, at: &str) -> Self {
        let mut lifted = self.clone();
        for waiver in self.waivers.iter().filter(|waiver| waiver.state(at) == WaiverState::InForce)
        {
            for gated in &mut lifted.gated {
                if waiver.covers(&gated.workload, &gated.metric) {
                    gated.margin_unacceptable = waiver.ceiling;
                }
            }
        }
        lifted
    }
}

pub(super) fn check(policy: &Policy) -> Result<()> {
    for (place, waiver) in policy.waivers.iter().enumerate() {
        check_one(policy, waiver)?;
        let twice = policy.waivers[..place].iter().any(|other| {
            let overlap = other.workload.is_none() || waiver.workload.is_none();
            other.metric == waiver.metric && (overlap || other.workload == waiver.workload)
        });
        demand(
            !twice,
            "waiver",
            "each metric and workload once",
            format!("{} twice", named(waiver)),
        )?;
    }
    Ok(())
}

fn check_one(policy: &Policy, waiver: &Waiver) -> Result<()> {
    let Waiver { metric, workload, ceiling, reason, owner, expires } = waiver;
    let field = |key: &str| format!("waiver.{key} of `{}`", named(waiver));
    let margin = margin(policy, waiver)?;
    demand(
        ceiling.is_finite() && *ceiling > margin && within(*ceiling, 1.0, 11.0),
        &field("ceiling"),
        &format!("a ratio above the margin that it lifts, {margin}, and at most 11"),
        ceiling,
    )?;
    demand(!reason.trim().is_empty(), &field("reason"), "why a slow-down is accepted", reason)?;
    demand(!owner.trim().is_empty(), &field("owner"), "who accepts it", owner)?;
    demand(
        first_ms(expires).is_some(),
        &field("expires"),
        "its last day, UTC, as text like \"2026-12-31\"",
        expires,
    )?;
    let is_exact = exact::find(metric).is_some();
    let whole = workload.as_deref() != Some("");
    demand(whole && (is_exact || workload.is_some()), &field("workload"), "a workload", workload)
}

/// The ratio that a waiver lifts.
fn margin(policy: &Policy, waiver: &Waiver) -> Result<f64> {
    let of_gated = policy
        .gated
        .iter()
        .find(|gated| waiver.covers(&gated.workload, &gated.metric))
        .map(|gated| gated.margin_unacceptable);
    let of_exact = policy
        .exact
        .iter()
        .find(|rule| rule.metric == waiver.metric)
        .map(|rule| 1.0 + rule.max_increase);
    if let Some(margin) = of_gated.or(of_exact) {
        return Ok(margin);
    }
    let gated = policy.gated.iter().map(|gated| format!("{}/{}", gated.workload, gated.metric));
    let known: Vec<String> =
        gated.chain(policy.exact.iter().map(|rule| rule.metric.clone())).collect();
    demand(
        false,
        "waiver.metric",
        &format!("one that this policy judges: {}", known.join(", ")),
        named(waiver),
    )?;
    Ok(f64::NAN)
}

fn named(waiver: &Waiver) -> String {
    match &waiver.workload {
        Some(workload) => format!("{workload}/{}", waiver.metric),
        None => waiver.metric.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::WaiverState;
    use crate::{DEFAULT_POLICY, Policy};

    const WAIVER: &str = "[[waiver]]\nmetric = \"decode_step_ns\"\nworkload = \"decode-64\"\nceiling = 1.3\n\
                          reason = \"a safer kernel\"\nowner = \"Ada\"\nexpires = \"2026-12-31\"\n";
    const EXACT: &str = "[[waiver]]\nmetric = \"binary_bytes\"\nceiling = 1.5\nreason = \"symbols\"\n\
                         owner = \"Ada\"\nexpires = \"2026-12-31\"\n";

    fn parse(waivers: &str) -> crate::Result<Policy> {
        Policy::parse(&format!("{DEFAULT_POLICY}\n{waivers}"))
    }

    /// Requirement: S2, T6.
    #[test]
    fn a_waiver_lifts_its_margin_up_to_its_last_day_and_for_a_year_at_most() {
        let policy = parse(WAIVER).expect("well formed");
        for (at, state) in [
            ("2026-12-31T23:59:59.999Z", WaiverState::InForce),
            ("2027-01-01T00:00:00.000Z", WaiverState::Expired),
            // 366 days before, and 367.
            ("2025-12-30T00:00:00.000Z", WaiverState::InForce),
            ("2025-12-29T23:59:59.999Z", WaiverState::TooDistant),
            ("whenever", WaiverState::Expired),
        ] {
            assert_eq!(policy.waivers[0].state(at), state, "{at}");
            let margins: Vec<f64> = policy
                .lifted(at)
                .gated
                .iter()
                .map(|gated| gated.margin_unacceptable)
                .filter(|margin| (margin - 1.05).abs() > 1e-12)
                .collect();
            let lifted: &[f64] = if state == WaiverState::InForce { &[1.3] } else { &[] };
            assert_eq!(margins, lifted, "{at}");
        }
    }

    /// Requirement: S2, T6.
    #[test]
    fn every_planted_fault_of_a_waiver_is_named() {
        for (good, bad, named) in [
            (
                "\"decode_step_ns\"",
                "\"decode_ns\"",
                "waiver.metric`: expected one that this policy judges: load/load_ns",
            ),
            ("\"decode-64\"", "\"decode-65\"", "found \"decode-65/decode_step_ns\""),
            ("workload = \"decode-64\"\n", "", "waiver.workload of `decode_step_ns`"),
            ("ceiling = 1.3", "ceiling = 1.05", "above the margin that it lifts, 1.05"),
            ("ceiling = 1.3", "ceiling = nan", "waiver.ceiling"),
            ("ceiling = 1.3", "ceiling = inf", "waiver.ceiling"),
            ("ceiling = 1.3", "ceiling = 11.5", "waiver.ceiling"),
            ("ceiling = 1.3", "ceiling = -1.3", "waiver.ceiling"),
            ("a safer kernel", " ", "waiver.reason"),
            ("\"Ada\"", "\"\"", "waiver.owner"),
            ("2026-12-31", "2026-02-30", "waiver.expires"),
            ("2026-12-31", "never", "waiver.expires"),
            ("\"2026-12-31\"", "2026-12-31", "expected a string"),
            ("owner = \"Ada\"\n", "", "owner"),
            ("owner", "ovner", "policy key `waiver.ovner` is unknown; nearest: `owner`"),
        ] {
            assert!(WAIVER.contains(good), "{good}");
            let error = parse(&WAIVER.replacen(good, bad, 1)).expect_err(bad).to_string();
            assert!(error.contains(named), "{bad}: {error}");
        }
        for twice in [format!("{WAIVER}{WAIVER}"), format!("{EXACT}{EXACT}")] {
            assert!(parse(&twice).expect_err("twice").to_string().contains("twice"));
        }
        let low = EXACT.replace("1.5", "1.1");
        assert!(parse(&low).expect_err("no more than allowed").to_string().contains("1.1"));
        assert!(parse(&format!("{WAIVER}{EXACT}")).is_ok());
    }
}
