//! What the waivers of a policy let pass. In: both arms, the policy, the time of the bundle. Out: rows and exact metrics as
//! judged with the waivers in force; what passes because of one alone says so.

use baselines::Evidence;

use crate::{
    compare::{Row, compare_arms},
    exact::{self, Exact, State},
    policy::{ExactRule, Policy, Waiver, WaiverState},
    text,
    verdict::MetricVerdict,
};

/// The waiver without which a row or place would not pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Waived {
    /// Who accepted it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Last day of its force, UTC.
    pub expires: String,
    /// Ratio head / base up to which it lets pass.
    pub ceiling: f64,
}

impl Waived {
    fn by(waiver: &Waiver) -> Self {
        let Waiver { owner, reason, expires, ceiling, .. } = waiver.clone();
        Self { owner, reason, expires, ceiling }
    }

    /// As the end of a sentence.
    fn text(&self) -> String {
        format!(
            "passes only by the waiver of {} up to {} until {}: {}",
            text::plain(&self.owner),
            text::change(libm::log(self.ceiling)),
            text::plain(&self.expires),
            text::plain(&self.reason)
        )
    }
}

/// One waiver of the policy, and what it was worth.
#[derive(Clone, Debug, PartialEq)]
pub struct WaiverUse {
    /// As it stands in the policy.
    pub waiver: Waiver,
    /// Whether it was in force.
    pub state: WaiverState,
    /// Rows and places that pass because of it alone.
    pub n_waived: usize,
}

impl WaiverUse {
    /// All of it in a sentence, without a mark or a line break.
    #[must_use]
    pub fn text(&self) -> String {
        let Waiver { metric, workload, ceiling, reason, owner, expires } = &self.waiver;
        let place = workload.as_ref().map_or_else(String::new, |name| format!("{name}/"));
        let worth = match self.state {
            WaiverState::InForce => format!("in force, {} pass by it alone", self.n_waived),
            other => format!("{}, it changes nothing", other.name()),
        };
        text::plain(&format!(
            "waiver of {owner} for {place}{metric} up to {} until {expires} ({reason}): {worth}",
            text::change(libm::log(*ceiling))
        ))
    }
}

/// The gated metrics, judged with the waivers in force.
pub(crate) fn rows(evidence: &Evidence, policy: &Policy) -> Vec<Row> {
    let (base, head) = (&evidence.base, &evidence.head);
    let lifted = policy.lifted(&evidence.created_at);
    let mut rows = compare_arms(base, head, &lifted);
    if lifted == *policy {
        return rows;
    }
    let unwaived = compare_arms(base, head, policy);
    for (row, before) in rows.iter_mut().zip(unwaived) {
        let passes = (row.verdict, before.verdict);
        let in_force =
            in_force(evidence, policy).find(|waiver| waiver.covers(&row.workload, &row.metric));
        if let (Some(waiver), MetricVerdict::Pass, true) =
            (in_force, passes.0, passes.1 != MetricVerdict::Pass)
        {
            let waived = Waived::by(waiver);
            row.reason = format!("{}; {}", row.reason, waived.text());
            row.waived = Some(waived);
        }
    }
    rows
}

/// The exact metrics, judged with the waivers in force.
pub(crate) fn exact(evidence: &Evidence, policy: &Policy) -> Vec<Exact> {
    let (base, head) = (&evidence.base, &evidence.head);
    let mut places = exact::check(base, head, policy);
    for waiver in in_force(evidence, policy) {
        let Some(rule) = policy.exact.iter().find(|rule| rule.metric == waiver.metric) else {
            continue;
        };
        // In millionths, as the rule is judged: 1.15 − 1 is 0.1499999999999999.
        let max_increase = ((waiver.ceiling - 1.0) * 1e6).round() / 1e6;
        let rule = ExactRule { max_increase, ..rule.clone() };
        let again = exact::check(base, head, &Policy { exact: vec![rule], ..policy.clone() });
        for place in places.iter_mut().filter(|place| is_broken(place, waiver)) {
            let found = again.iter().find(|found| found.place == place.place);
            let Some(found) = found.filter(|found| found.state == State::Allowed) else { continue };
            let waived = Waived::by(waiver);
            let text = format!("{}; {}", found.text, waived.text());
            *place = Exact { text, waived: Some(waived), ..found.clone() };
        }
    }
    places
}

/// Whether `place` is broken, and `waiver` is about it: all of a metric, or one workload with its linears.
fn is_broken(place: &Exact, waiver: &Waiver) -> bool {
    let of_workload = waiver.workload.as_deref().is_none_or(|workload| {
        place
            .place
            .strip_prefix(workload)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    place.state == State::Broken && place.metric == waiver.metric && of_workload
}

fn in_force<'a>(evidence: &'a Evidence, policy: &'a Policy) -> impl Iterator<Item = &'a Waiver> {
    let at = &evidence.created_at;
    policy.waivers.iter().filter(move |waiver| waiver.state(at) == WaiverState::InForce)
}

/// Every waiver of the policy, and what it was worth.
pub(crate) fn uses(
    evidence: &Evidence,
    policy: &Policy,
    rows: &[Row],
    exact: &[Exact],
) -> Vec<WaiverUse> {
    let used = |waiver: &Waiver| {
        let of_rows = rows
            .iter()
            .filter(|row| row.waived.is_some() && waiver.covers(&row.workload, &row.metric));
        let by = Waived::by(waiver);
        let of_exact = exact
            .iter()
            .filter(|place| place.metric == waiver.metric && place.waived.as_ref() == Some(&by));
        WaiverUse {
            waiver: waiver.clone(),
            state: waiver.state(&evidence.created_at),
            n_waived: of_rows.count() + of_exact.count(),
        }
    };
    policy.waivers.iter().map(used).collect()
}
