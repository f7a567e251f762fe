//! Absolute bounds: accuracy, inference time, load time, the time of a workload, the rate of kernels.
//!
//! In: the head's record, the policy. Out: met, broken or not measured, with value and limit. Each is judged on the bound
//! or the worst run, never on the best guess.

use baselines::{
    RunRecord,
    record::{Accuracy, WorkloadDef},
    unit::{Rate, Unit},
};

use crate::{
    policy::{
        AccuracyBudget, Budgets, InferenceBudget, KernelBudget, LoadBudget, LoadJudge, Policy,
        TimeBudget,
    },
    stats::{quantile::median, student, wilson},
    text,
};

/// What became of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The bound holds.
    Met,
    /// It does not.
    Broken,
    /// There is nothing to hold against it.
    NotMeasured,
}

impl State {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Broken => "broken",
            Self::NotMeasured => "not measured",
        }
    }
}

/// One budget, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// `accuracy`, `inference`, `kernels`, `load` or `time`.
    pub name: &'static str,
    /// What was held against the limit: a share, or nanoseconds.
    pub value: Option<f64>,
    /// The limit, in the same unit.
    pub limit: f64,
    /// What became of it.
    pub state: State,
    /// All of it in a sentence.
    pub text: String,
}

/// All budgets of the policy that apply to the model of this record.
#[must_use]
pub fn check(head: &RunRecord, policy: &Policy) -> Vec<Budget> {
    let Budgets {
        accuracy: of_accuracy,
        inference: of_inference,
        load: of_load,
        time: of_time,
        kernels: of_kernels,
    } = &policy.budgets;
    let mut budgets = Vec::new();
    if let Some(budget) = of_accuracy {
        budgets.push(accuracy(head.accuracy.as_ref(), budget));
        budgets.extend(head.format_accuracy.iter().map(|found| accuracy(Some(found), budget)));
    }
    budgets.extend(of_inference.as_ref().map(|budget| inference(head, budget)));
    let model = head.subject.engine().map(|engine| engine.model.name.as_str());
    let of_model = |budget: &&LoadBudget| Some(budget.model.as_str()) == model;
    budgets.extend(of_load.iter().filter(of_model).map(|budget| load(head, budget)));
    budgets.extend(of_time.iter().map(|budget| time(head, budget)));
    if let Some(budget) = of_kernels {
        let products = head.suite.workloads.iter().filter(|workload| workload.kind == "gemm");
        budgets.extend(products.map(|workload| kernel(head, workload, budget)));
    }
    budgets
}

fn accuracy(found: Option<&Accuracy>, budget: &AccuracyBudget) -> Budget {
    let limit = budget.minimum;
    let counted = found.filter(|found| found.positions >= budget.positions);
    let bound = counted
        .and_then(|found| Some((found, wilson::lower_95(found.top1_equal, found.positions)?)));
    let Some((found, lower)) = bound else {
        return Budget::not_measured(
            "accuracy",
            limit,
            "top-1 agreement: not counted over enough positions",
        );
    };
    let (equal, positions) = (found.top1_equal, found.positions);
    let figures = format!(
        "{} top-1 agreement with the float run ({equal} of {positions} positions, {}), lower 95 % bound {}, at least {}",
        text::share(share(equal, positions)),
        found.format,
        text::share(lower),
        text::share(limit)
    );
    Budget::judged("accuracy", lower, limit, lower >= limit, &figures)
}

fn inference(head: &RunRecord, budget: &InferenceBudget) -> Budget {
    let limit = as_ns(budget.limit_ms);
    let worst = head.processes.iter().filter_map(|process| {
        let series = |workload: &str, metric: &str| {
            process
                .series
                .iter()
                .find(|series| series.workload == workload && series.metric == metric)
        };
        let prefill = longest(&series(&budget.prefill, "prefill_ns")?.samples)?;
        let decode = series(&budget.decode, "decode_step_ns")?;
        let per_iteration =
            usize::try_from(decode.per_iteration).ok().filter(|steps| *steps > 0)?;
        let sums: Vec<f64> =
            decode.samples.chunks(per_iteration).map(|steps| steps.iter().sum()).collect();
        // A stop before `tokens` is scaled up: fewer tokens must not look like a faster run.
        let scale = count(budget.tokens) / count(decode.per_iteration);
        Some(prefill + longest(&sums)? * scale)
    });
    let Some(worst) = worst.max_by(f64::total_cmp) else {
        return Budget::not_measured("inference", limit, "prefill and decode: not measured");
    };
    let figures = format!(
        "prefill and {} tokens in {} in the slowest run, at most {}",
        budget.tokens,
        Unit::Nanoseconds.text(worst),
        Unit::Nanoseconds.text(limit)
    );
    Budget::judged("inference", worst, limit, worst <= limit, &figures)
}

fn load(head: &RunRecord, budget: &LoadBudget) -> Budget {
    let limit = as_ns(budget.limit_ms);
    let samples: Vec<&[f64]> =
        head.samples(&budget.workload, "load_ns").map(|(_, samples)| samples).collect();
    let (value, what) = match budget.judge {
        LoadJudge::Mean => (upper_95_of_mean(&samples), "upper 95 % bound of the mean"),
        LoadJudge::EveryRun => (longest(&samples.concat()), "slowest run"),
    };
    let Some(value) = value else {
        return Budget::not_measured("load", limit, "load: not measured in enough processes");
    };
    let figures = format!(
        "`{}` of `{}`: {what} {}, at most {}",
        budget.workload,
        budget.model,
        Unit::Nanoseconds.text(value),
        Unit::Nanoseconds.text(limit)
    );
    Budget::judged("load", value, limit, value <= limit, &figures)
}

fn time(head: &RunRecord, budget: &TimeBudget) -> Budget {
    let limit = count(budget.limit_us) * 1e3;
    let samples: Vec<&[f64]> =
        head.samples(&budget.workload, &budget.metric).map(|(_, samples)| samples).collect();
    let what = format!("{}/{}", budget.workload, budget.metric);
    let Some(value) = upper_95_of_mean(&samples) else {
        let text = format!("{what}: not measured in enough processes");
        return Budget::not_measured("time", limit, &text);
    };
    let figures = format!(
        "{what}: upper 95 % bound of the mean {}, at most {}",
        Unit::Nanoseconds.text(value),
        Unit::Nanoseconds.text(limit)
    );
    Budget::judged("time", value, limit, value <= limit, &figures)
}

/// The slowest process of a product, by the median of its samples.
fn kernel(head: &RunRecord, workload: &WorkloadDef, budget: &KernelBudget) -> Budget {
    let limit = count(budget.minimum_mega_macs_per_s) * 1e6;
    let param = |name: &str| count(workload.params.get(name).copied().unwrap_or(0));
    let macs = param("rows") * param("cols") * param("tokens");
    let medians =
        head.samples(&workload.name, "gemm_ns").filter_map(|(_, samples)| median(samples));
    let Some(slowest_ns) = medians.filter(|ns| *ns > 0.0).max_by(f64::total_cmp) else {
        let text = format!("{}: not measured", workload.name);
        return Budget::not_measured("kernels", limit, &text);
    };
    let value = macs / slowest_ns * 1e9;
    let figures = format!(
        "{}: {} in the slowest process, at least {}",
        workload.name,
        Rate::Macs.text(value),
        Rate::Macs.text(limit)
    );
    Budget::judged("kernels", value, limit, value >= limit, &figures)
}

/// Upper end of the one-sided 95 % interval of the mean; the process is the unit, so it has processes − 1 degrees.
fn upper_95_of_mean(processes: &[&[f64]]) -> Option<f64> {
    let means: Vec<f64> = processes
        .iter()
        .filter(|samples| !samples.is_empty())
        .map(|samples| mean(samples))
        .collect();
    let n = count(means.len() as u64);
    if means.len() < 2 {
        return None;
    }
    let centre = mean(&means);
    let variance = means.iter().map(|value| (value - centre).powi(2)).sum::<f64>() / (n - 1.0);
    Some(centre + student::quantile(0.95, n - 1.0) * (variance / n).sqrt())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values.len() as u64)
}

fn longest(values: &[f64]) -> Option<f64> {
    values.iter().copied().max_by(f64::total_cmp)
}

fn as_ns(ms: u64) -> f64 {
    count(ms) * 1e6
}

fn share(part: u64, whole: u64) -> f64 {
    count(part) / count(whole)
}

#[expect(clippy::cast_precision_loss, reason = "counts and limits are far below 2^53")]
const fn count(n: u64) -> f64 {
    n as f64
}

impl Budget {
    fn judged(name: &'static str, value: f64, limit: f64, met: bool, figures: &str) -> Self {
        let state = if met { State::Met } else { State::Broken };
        Self {
            name,
            value: Some(value),
            limit,
            state,
            text: format!("{figures}: {}", state.name()),
        }
    }

    fn not_measured(name: &'static str, limit: f64, text: &str) -> Self {
        Self { name, value: None, limit, state: State::NotMeasured, text: text.to_owned() }
    }
}
