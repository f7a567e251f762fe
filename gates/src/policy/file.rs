//! The policy file as typed values, each checked for its range. In: TOML text. Out: [`Policy`].

use baselines::record::MetricDef;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ExactRule, Waiver, exact, keys, waiver};
use crate::{Error, ErrorKind, Result, route::Stage};

/// Bounds, margins, levels and routes of one repository.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Version of the file's form; 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// When a session is judged.
    pub pairs: Pairs,
    /// Error rates.
    pub levels: Levels,
    /// How the three verdicts are told apart, and told to GitHub.
    pub verdict: VerdictRule,
    /// The gated family.
    #[schemars(length(min = 1, max = 8))]
    pub gated: Vec<Gated>,
    /// Quantities without noise, and how much they may grow; none where the section is absent.
    #[serde(default)]
    pub exact: Vec<ExactRule>,
    /// Absolute bounds; none where they are left out.
    #[serde(default)]
    pub budgets: Budgets,
    /// What the machine's own probes allow.
    pub physics: Physics,
    /// Which gates must be green.
    pub gates: Gates,
    /// Where work goes next.
    pub routes: Routes,
    /// Margins that are lifted for a while; none where the section is absent.
    #[serde(default, rename = "waiver")]
    pub waivers: Vec<Waiver>,
}

/// When a session is judged.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pairs {
    /// Pairs at each look, rising; the first of at least 6 pairs.
    #[schemars(length(min = 1, max = 8), inner(range(min = 6, max = 1_000)))]
    pub looks: Vec<usize>,
}

/// One-sided error rates.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Levels {
    /// A false PASS at the unacceptable margin, each metric.
    #[schemars(range(min = 1e-6, max = 0.2))]
    pub pass: f64,
    /// A false FAIL at the negligible margin, over the whole family.
    #[schemars(range(min = 1e-6, max = 0.2))]
    pub fail: f64,
}

/// How verdicts are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerdictRule {
    /// What fails.
    pub fail_on: FailOn,
    /// The check conclusion of an inconclusive verdict.
    pub conclusion_when_inconclusive: ConclusionWhenInconclusive,
}

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailOn {
    /// Proven slower than the negligible margin, and not proven to be within the unacceptable one.
    Standard,
    /// Proven slower than the negligible margin, within the other or not.
    Any,
    /// Proven slower than the unacceptable margin.
    Unacceptable,
}

/// The check conclusion of an inconclusive verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConclusionWhenInconclusive {
    /// Blocks until somebody looks.
    ActionRequired,
    /// Counts as satisfied on GitHub.
    Neutral,
}

/// One gated metric.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gated {
    /// Workload name.
    pub workload: String,
    /// Metric name, from `baselines::METRICS`, or of the suite's own.
    pub metric: String,
    /// Ratio head / base up to which a slow-down is nothing.
    #[schemars(range(min = 1.0, max = 10.0))]
    pub margin_negligible: f64,
    /// Ratio from which it must not pass.
    #[schemars(range(min = 1.0, max = 10.0))]
    pub margin_unacceptable: f64,
}

/// Absolute bounds: each is asked for where it stands in the policy.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Budgets {
    /// Output quality.
    pub accuracy: Option<AccuracyBudget>,
    /// Prefill and decode.
    pub inference: Option<InferenceBudget>,
    /// Load time, model by model.
    pub load: Vec<LoadBudget>,
    /// Time of a workload.
    pub time: Vec<TimeBudget>,
    /// Rate of the products of kernels.
    pub kernels: Option<KernelBudget>,
}

/// Longest time of one metric on one workload: the upper 95 % bound of its mean over processes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeBudget {
    /// Workload name.
    pub workload: String,
    /// A metric in nanoseconds.
    pub metric: String,
    /// Limit in microseconds.
    #[schemars(range(min = 1))]
    pub limit_us: u64,
}

/// Least rate of every `gemm` workload, in the slowest process.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KernelBudget {
    /// Millions of multiply-adds a second.
    #[schemars(range(min = 1))]
    pub minimum_mega_macs_per_s: u64,
}

/// Least top-1 agreement with the float-activation run.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccuracyBudget {
    /// Bound on the lower 95 % Wilson bound.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub minimum: f64,
    /// Fewest positions that count as evidence.
    #[schemars(range(min = 1))]
    pub positions: u64,
}

/// Longest prefill and decode of a number of tokens, in every run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InferenceBudget {
    /// Workload whose `prefill_ns` counts.
    pub prefill: String,
    /// Workload whose `decode_step_ns` count.
    pub decode: String,
    /// Tokens decoded.
    #[schemars(range(min = 1))]
    pub tokens: u64,
    /// Limit in milliseconds.
    pub limit_ms: u64,
}

/// Longest load of one model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadBudget {
    /// Model the limit is for, as the user names it.
    pub model: String,
    /// Workload whose `load_ns` counts.
    pub workload: String,
    /// What is held against the limit.
    pub judge: LoadJudge,
    /// Limit in milliseconds.
    pub limit_ms: u64,
}

/// What is held against a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LoadJudge {
    /// The upper 95 % bound of the mean over processes.
    Mean,
    /// The slowest sample.
    EveryRun,
}

/// What the machine's own probes allow.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Physics {
    /// Share by which a rate may exceed the best probe.
    #[schemars(range(min = 0.0, max = 0.25))]
    pub slack: f64,
}

/// Which gates must be green.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gates {
    /// Their names.
    #[schemars(length(min = 1))]
    pub required: Vec<String>,
    /// Paths of the repository by which changes are measured and judged, beside the policy and the measuring workflow: a file, or a
    /// folder with `/` at its end. On GitHub, a change that touches one of them does not succeed before somebody has looked.
    #[serde(default = "protected")]
    pub protected: Vec<String>,
}

/// What is protected where nothing is said.
pub(super) fn protected() -> Vec<String> {
    [".github/workflows/", "bench.toml"].map(str::to_owned).to_vec()
}

/// Where work goes next.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Routes {
    /// The stage that asks.
    pub from: String,
    /// After a pass.
    pub pass: String,
    /// After a confirmed fail: a paired session, or a broken budget.
    pub fail: String,
    /// After a fail against a stored baseline only.
    pub fail_unconfirmed: String,
    /// After honest noise.
    pub inconclusive: String,
    /// After evidence that does not hold.
    pub invalid: String,
    /// After evidence that cannot be compared, or has holes.
    pub incomparable: String,
    /// Where a person takes over: the rounds below are used up, or another required gate did not succeed. This key and the
    /// two below may be absent, so that the policies of older bundles are read.
    #[serde(default = "rework")]
    pub rework: String,
    /// Re-measurements of one commit before that.
    #[serde(default = "max_remeasurements")]
    #[schemars(range(max = 20))]
    pub max_remeasurements: usize,
    /// Attempts to mend a confirmed fail before that.
    #[serde(default = "max_attempts")]
    #[schemars(range(max = 20))]
    pub max_attempts: usize,
}

fn rework() -> String {
    "needs-rework".to_owned()
}

const fn max_remeasurements() -> usize {
    2
}

const fn max_attempts() -> usize {
    3
}

/// Most metrics a family may hold; more would thin the levels until nothing fails.
const MAX_GATED: usize = 8;
/// Most looks: more would thin the early levels to nothing.
const MAX_LOOKS: usize = 8;

pub(super) fn parse(text: &str, own: &[MetricDef]) -> Result<Policy> {
    let table: toml::Table = text.parse().map_err(|error| invalid(format!("policy: {error}")))?;
    if let Some(unknown) = keys::unknown(&table, "") {
        return Err(invalid(unknown));
    }
    let policy: Policy =
        toml::from_str(text).map_err(|error| invalid(format!("policy: {error}")))?;
    check(&policy, own)?;
    Ok(policy)
}

fn check(policy: &Policy, own: &[MetricDef]) -> Result<()> {
    let Policy { version, pairs, levels, gated, budgets, physics, gates, .. } = policy;
    demand(*version == 1, "version", "1", version)?;
    let rising = pairs.looks.is_sorted_by(|a, b| a < b);
    let within_bounds = pairs.looks.iter().all(|pairs| (6..=1_000).contains(pairs));
    demand(
        rising && within_bounds && (1..=MAX_LOOKS).contains(&pairs.looks.len()),
        "pairs.looks",
        "1 to 8 rising counts from 6 to 1000",
        &pairs.looks,
    )?;
    demand(within(levels.pass, 1e-6, 0.2), "levels.pass", "1e-6 to 0.2", levels.pass)?;
    demand(within(levels.fail, 1e-6, 0.2), "levels.fail", "1e-6 to 0.2", levels.fail)?;
    demand((1..=MAX_GATED).contains(&gated.len()), "gated", "1 to 8 entries", gated.len())?;
    for (place, entry) in gated.iter().enumerate() {
        check_gated(entry, own)?;
        let twice = gated[..place]
            .iter()
            .any(|other| (&other.workload, &other.metric) == (&entry.workload, &entry.metric));
        demand(
            !twice,
            "gated",
            "each metric of a workload once",
            format!("{}/{} twice", entry.workload, entry.metric),
        )?;
    }
    exact::check(&policy.exact)?;
    if let Some(AccuracyBudget { minimum, positions }) = budgets.accuracy {
        demand(within(minimum, 0.0, 1.0), "budgets.accuracy.minimum", "0 to 1", minimum)?;
        demand(positions > 0, "budgets.accuracy.positions", "at least 1", 0)?;
    }
    let tokens = budgets.inference.as_ref().map(|budget| budget.tokens);
    demand(tokens != Some(0), "budgets.inference.tokens", "at least 1", 0)?;
    check_times(budgets)?;
    demand(within(physics.slack, 0.0, 0.25), "physics.slack", "0 to 0.25", physics.slack)?;
    demand(!gates.required.is_empty(), "gates.required", "at least one gate", "none")?;
    check_routes(&policy.routes)?;
    waiver::check(policy)
}

fn check_times(budgets: &Budgets) -> Result<()> {
    for (place, budget) in budgets.time.iter().enumerate() {
        let TimeBudget { workload, metric, limit_us } = budget;
        let is_time = baselines::metric::find(metric)
            .is_some_and(|known| known.unit == baselines::unit::Unit::Nanoseconds);
        demand(is_time, "budgets.time.metric", "a metric in nanoseconds", metric)?;
        demand(*limit_us > 0, "budgets.time.limit_us", "at least 1", limit_us)?;
        let twice = budgets.time[..place]
            .iter()
            .any(|other| (&other.workload, &other.metric) == (workload, metric));
        let found = format!("{workload}/{metric} twice");
        demand(!twice, "budgets.time", "each metric of a workload once", found)?;
    }
    let minimum = budgets.kernels.as_ref().map(|budget| budget.minimum_mega_macs_per_s);
    demand(minimum != Some(0), "budgets.kernels.minimum_mega_macs_per_s", "at least 1", 0)
}

/// Most rounds of either kind: the hop log holds 50 hops.
const MAX_ROUNDS: usize = 20;

fn check_routes(routes: &Routes) -> Result<()> {
    let stages = Stage::ALL.map(|stage| (stage.key(), stage.name(routes)));
    for (key, name) in stages.into_iter().chain([("from", routes.from.as_str())]) {
        let field = format!("routes.{key}");
        let is_name =
            (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        demand(is_name, &field, "one line of 1 to 100 characters", name)?;
        let is_pass = key != "pass" && key != "from" && name == routes.pass;
        demand(!is_pass, &field, "another stage than after a pass", name)?;
    }
    for (key, rounds) in [
        ("routes.max_remeasurements", routes.max_remeasurements),
        ("routes.max_attempts", routes.max_attempts),
    ] {
        demand(rounds <= MAX_ROUNDS, key, "0 to 20", rounds)?;
    }
    Ok(())
}

fn check_gated(entry: &Gated, own: &[MetricDef]) -> Result<()> {
    let Gated { workload, metric, margin_negligible: m0, margin_unacceptable: m1 } = entry;
    let known = baselines::METRICS.iter().map(|metric| metric.name);
    let known: Vec<&str> = known.chain(own.iter().map(|metric| metric.name.as_str())).collect();
    if !known.contains(&metric.as_str()) {
        return demand(false, "gated.metric", &format!("one of {}", known.join(", ")), metric);
    }
    let names = format!("margins of `{workload}/{metric}`");
    let ordered = within(*m0, 1.0, 10.0) && within(*m1, 1.0, 10.0) && m0 < m1;
    demand(
        ordered,
        &names,
        "ratios with 1 ≤ negligible < unacceptable ≤ 10",
        format!("{m0} and {m1}"),
    )
}

pub(super) fn within(value: f64, low: f64, high: f64) -> bool {
    (low..=high).contains(&value)
}

pub(super) fn demand(
    holds: bool,
    field: &str,
    expected: &str,
    found: impl std::fmt::Debug,
) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(invalid(format!("policy `{field}`: expected {expected}, found {found:?}")))
}

fn invalid(context: String) -> Error {
    Error::new(ErrorKind::Policy, context)
}

#[cfg(test)]
mod tests {
    use super::Policy;
    use crate::{ErrorKind, policy::DEFAULT_POLICY};

    #[test]
    fn the_shipped_policy_is_read_and_gates_six_metrics() {
        let policy = Policy::parse(DEFAULT_POLICY).expect("it ships");
        assert_eq!(policy.gated.len(), 6);
        assert_eq!(policy.pairs.looks, [16, 24, 32, 40]);
    }

    /// Requirement: S2, T6.
    #[test]
    fn every_planted_fault_is_named() {
        for (good, bad, named) in [
            ("version = 1", "version = 2", "`version`: expected 1, found 2"),
            ("looks = [16, 24, 32, 40]", "looks = [5]", "pairs.looks"),
            ("looks = [16, 24, 32, 40]", "looks = []", "pairs.looks"),
            ("looks = [16, 24, 32, 40]", "looks = [16, 16]", "pairs.looks"),
            ("looks = [16, 24, 32, 40]", "looks = [24, 16]", "pairs.looks"),
            ("pass = 0.05", "pass = 0.5", "levels.pass"),
            ("fail = 0.01", "fail = nan", "levels.fail"),
            (
                "metric = \"load_ns\"",
                "metric = \"load_ms\"",
                "one of batch_step_ns, blocks_read_count, ",
            ),
            ("margin_negligible = 1.01", "margin_negligible = 1.05", "margins of `load/load_ns`"),
            (
                "workload = \"load\"\nmetric = \"load_ns\"",
                "workload = \"matmul\"\nmetric = \"matmul_ns\"",
                "twice",
            ),
            ("minimum = 0.99", "minimum = 99", "budgets.accuracy.minimum"),
            ("slack = 0.10", "slack = 5", "physics.slack"),
            ("slack = 0.10", "", "slack"),
            ("from = ", "form = ", "`routes.form` is unknown; nearest: `from`"),
            ("fail_on = \"standard\"", "fail_on = \"never\"", "never"),
            ("pass = \"docs-reviewer\"", "pass = \"\"", "routes.pass"),
            ("pass = \"docs-reviewer\"", "pass = \"a\\nb\"", "routes.pass"),
            (
                "pass = \"docs-reviewer\"",
                "pass = \"blocked\"",
                "`routes.invalid`: expected another",
            ),
            ("max_attempts = 3", "max_attempts = 21", "routes.max_attempts"),
            ("max_remeasurements = 2", "max_remeasurements = -2", "max_remeasurements"),
        ] {
            assert!(DEFAULT_POLICY.contains(good), "{good}");
            let error = Policy::parse(&DEFAULT_POLICY.replacen(good, bad, 1)).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::Policy);
            assert!(error.to_string().contains(named), "{bad}: {error}");
        }
        assert!(Policy::parse("").is_err(), "no policy entry is an error, never a default");
    }

    /// The text of a policy inside a bundle of an older version has none of these keys.
    #[test]
    fn a_policy_of_before_the_hop_log_is_read_with_its_defaults() {
        let old: Vec<&str> = DEFAULT_POLICY
            .lines()
            .filter(|line| {
                ["rework", "max_remeasurements", "max_attempts"]
                    .iter()
                    .all(|key| !line.starts_with(key))
            })
            .collect();
        assert_eq!(DEFAULT_POLICY.lines().count() - old.len(), 3);
        let read = Policy::parse(&old.join("\n")).expect("all other keys are there");
        assert_eq!(read, Policy::parse(DEFAULT_POLICY).expect("it ships"));
        let (before, after) =
            DEFAULT_POLICY.split_once("pass = \"docs-reviewer\"").expect("it ships");
        assert!(Policy::parse(&format!("{before}{after}")).is_err(), "no other key has a default");
    }
}
