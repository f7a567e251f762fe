//! What the gate found, in words and numbers, as the page shows it. Made from verdicts by `harness`: this crate judges
//! nothing.

use baselines::unit::Unit;

/// The verdict on one metric of one workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Workload name.
    pub workload: String,
    /// Metric name.
    pub metric: String,
    /// `improved`, `unchanged`, `regressed`, `inconclusive` or `missing`.
    pub outcome: String,
    /// `pass`, `fail` or `inconclusive`.
    pub verdict: String,
    /// Why, in one sentence.
    pub reason: String,
    /// Base unit of the medians.
    pub unit: Unit,
    /// Pairs that entered the comparison.
    pub n_pairs: usize,
    /// Median of the base's process medians, base units.
    pub base_median: Option<f64>,
    /// Median of the head's process medians, base units.
    pub head_median: Option<f64>,
    /// log(head / base), the trimmed mean over pairs.
    pub estimate: Option<f64>,
    /// Lower end of the 95 % interval of `estimate`.
    pub ci_low: Option<f64>,
    /// Upper end of the 95 % interval of `estimate`.
    pub ci_high: Option<f64>,
    /// The negligible margin, as a log ratio.
    pub m0: f64,
    /// The unacceptable margin, as a log ratio.
    pub m1: f64,
    /// Whether the processes behind it ran at one level.
    pub warm_up: WarmUp,
}

/// Whether processes ran at one level, and from where on. It says what a stored median is worth; the comparison of pairs cuts
/// nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WarmUp {
    /// Evidence class, `A` or `B`; `None` where every process was too short to judge.
    pub class: Option<String>,
    /// Processes judged or too short, of both arms.
    pub n_processes: usize,
    /// Of these, with too few iterations.
    pub n_too_short: usize,
    /// Of these, that still change late in their run.
    pub n_flagged: usize,
    /// Median over the steady ones of the iterations before their steady level.
    pub median_cut: Option<f64>,
}

/// The session's verdict and what it means for the pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// `pass`, `fail`, `inconclusive`, `invalid` or `incomparable`.
    pub verdict: String,
    /// Exit code of `bench gate`.
    pub exit_code: u8,
    /// Where the pull request goes next.
    pub route_to: String,
    /// What was compared and what not, one phrase each: `6 compared`, `0 regressed`, …
    pub tally: Vec<String>,
    /// Rules of evidence that were broken; empty unless the verdict is `invalid` or `incomparable`.
    pub refusals: Vec<Refusal>,
}

/// One broken rule of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Name of the rule.
    pub rule: String,
    /// The field it looked at.
    pub field: String,
    /// What the rule wanted there.
    pub expected: String,
    /// What was there.
    pub found: String,
    /// What would help.
    pub way_out: String,
}
