//! The absolute rule: the head's amount is at most the base's and the increase that the policy allows.
//!
//! In: both arms, the policy. Out: an [`Exact`] per rule and place, in the policy's order, places sorted. Kernel counts are
//! compared only where both arms chose the same kernels: another instruction set does the same work in other steps.

use baselines::RunRecord;

use super::{
    Amount, ExactMetric, METRICS, find,
    read::{Place, places},
};
use crate::{
    policy::{ExactRule, Policy},
    text,
    waived::Waived,
};

/// What became of one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The same in both arms.
    Same,
    /// Less in the head.
    Less,
    /// More in the head, and allowed.
    Allowed,
    /// More in the head than allowed: a fail.
    Broken,
    /// The two cannot be held against each other: a hole where the rule is required.
    NotComparable,
}

impl State {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Less => "less",
            Self::Allowed => "allowed",
            Self::Broken => "broken",
            Self::NotComparable => "not comparable",
        }
    }
}

/// One exact metric at one place, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Exact {
    /// Name of the metric.
    pub metric: &'static str,
    /// Workload, or workload and linear, with `/` between; empty for what an arm has once.
    pub place: String,
    /// The base's amount.
    pub base: Option<Amount>,
    /// The head's.
    pub head: Option<Amount>,
    /// Share by which it may grow.
    pub max_increase: f64,
    /// Whether the policy takes a place that cannot be compared for a hole.
    pub required: bool,
    /// What became of it.
    pub state: State,
    /// Of an increase that is allowed: the waiver without which it would not be.
    pub waived: Option<Waived>,
    /// All of it in a sentence.
    pub text: String,
}

impl Exact {
    /// Whether this place is missing something that the policy demands.
    #[must_use]
    pub fn is_hole(&self) -> bool {
        self.required && self.state == State::NotComparable
    }
}

/// Every place that the policy's rules look at; nothing without a rule.
#[must_use]
pub fn check(base: &RunRecord, head: &RunRecord, policy: &Policy) -> Vec<Exact> {
    let of_rule =
        |rule: &ExactRule| find(&rule.metric).map(|metric| places_of(base, head, metric, rule));
    policy.exact.iter().filter_map(of_rule).flatten().collect()
}

/// Every place of every metric whose amounts differ, whatever a policy allows; kernels that differ are not compared.
#[must_use]
pub fn differences(base: &RunRecord, head: &RunRecord) -> Vec<Exact> {
    let rule = |metric: &ExactMetric| ExactRule {
        metric: metric.name.to_owned(),
        max_increase: 0.0,
        required: false,
    };
    let of_metric = |metric: &ExactMetric| places_of(base, head, metric, &rule(metric));
    let differs = |found: &Exact| matches!(found.state, State::Less | State::Broken);
    METRICS.iter().flat_map(of_metric).filter(differs).collect()
}

fn places_of(
    base: &RunRecord,
    head: &RunRecord,
    metric: &ExactMetric,
    rule: &ExactRule,
) -> Vec<Exact> {
    let (mut of_base, mut of_head) = (places(metric, base), places(metric, head));
    let mut names: Vec<String> = of_base.keys().chain(of_head.keys()).cloned().collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        return vec![not_comparable(
            metric,
            rule,
            String::new(),
            [None, None],
            "neither arm counted it",
        )];
    }
    // Kernels run in the engine alone: a command counts nothing that depends on the instruction set.
    let isas = [base, head]
        .map(|arm| arm.subject.engine().map_or("", |engine| engine.settings.isa.as_str()));
    let judged = |name: String| {
        let (base, head) = (of_base.remove(&name), of_head.remove(&name));
        let amount = |place: &Option<Result<Place, String>>| {
            place.as_ref().and_then(|place| place.as_ref().ok()).map(|place| place.amount)
        };
        let amounts = [amount(&base), amount(&head)];
        match comparable(base, head, isas) {
            Ok((base, head)) => judge(metric, rule, name, base, head),
            Err(why) => not_comparable(metric, rule, name, amounts, &why),
        }
    };
    names.into_iter().map(judged).collect()
}

/// Both amounts, if they are of the same thing.
fn comparable(
    base: Option<Result<Place, String>>,
    head: Option<Result<Place, String>>,
    [base_isa, head_isa]: [&str; 2],
) -> Result<(Amount, Amount), String> {
    let of_arm = |arm: &str, place: Option<Result<Place, String>>| {
        place
            .unwrap_or_else(|| Err("not counted".to_owned()))
            .map_err(|why| format!("{arm}: {why}"))
    };
    let (base, head) = (of_arm("base", base)?, of_arm("head", head)?);
    if base.kernel != head.kernel {
        let name = |place: &Place| text::plain(place.kernel.as_deref().unwrap_or("no kernel"));
        return Err(format!("base ran {}, head {}", name(&base), name(&head)));
    }
    if base.kernel.is_some() && base_isa != head_isa {
        return Err(format!(
            "base on {}, head on {}",
            text::plain(base_isa),
            text::plain(head_isa)
        ));
    }
    Ok((base.amount, head.amount))
}

fn judge(
    metric: &ExactMetric,
    rule: &ExactRule,
    place: String,
    base: Amount,
    head: Amount,
) -> Exact {
    let Some(is_within) = head.is_within(base, rule.max_increase) else {
        return not_comparable(
            metric,
            rule,
            place,
            [Some(base), Some(head)],
            "too large to compare",
        );
    };
    let state = match is_within {
        false => State::Broken,
        true if head.equals(base) => State::Same,
        true if head.is_less_than(base) => State::Less,
        true => State::Allowed,
    };
    let unit = metric.unit;
    let found = if state == State::Same { "the same".to_owned() } else { change(base, head) };
    let text = format!(
        "{}: base {base} {unit}, head {head}, at most {} allowed: found {found}, {}",
        named(metric, &place),
        allowed(rule.max_increase),
        state.name()
    );
    Exact { base: Some(base), head: Some(head), text, ..exact(metric, rule, place, state) }
}

fn not_comparable(
    metric: &ExactMetric,
    rule: &ExactRule,
    place: String,
    [base, head]: [Option<Amount>; 2],
    why: &str,
) -> Exact {
    let text = format!("{}: not comparable: {why}", named(metric, &place));
    Exact { base, head, text, ..exact(metric, rule, place, State::NotComparable) }
}

fn exact(metric: &ExactMetric, rule: &ExactRule, place: String, state: State) -> Exact {
    Exact {
        metric: metric.name,
        place,
        base: None,
        head: None,
        max_increase: rule.max_increase,
        required: rule.required,
        state,
        waived: None,
        text: String::new(),
    }
}

fn named(metric: &ExactMetric, place: &str) -> String {
    if place.is_empty() {
        metric.name.to_owned()
    } else {
        format!("{} of {}", metric.name, text::plain(place))
    }
}

/// A share as a bound: `+10 %`, and without digits that were not given.
fn allowed(share: f64) -> String {
    format!("+{} %", (share * 1e6).round() / 1e4)
}

fn change(base: Amount, head: Amount) -> String {
    if base.total == 0 {
        return "something in place of nothing".to_owned();
    }
    let percent = 100.0 * (head.per_iteration() / base.per_iteration() - 1.0);
    // One byte of many is not "+0.00 %".
    if percent.abs() < 0.005 {
        return format!("{percent:+.1e} %");
    }
    format!("{percent:+.2} %")
}
