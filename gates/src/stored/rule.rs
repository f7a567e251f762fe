//! The rule of a stored baseline: one number of a new session against those of past ones, over a family of metrics.
//!
//! In: logs of processes, session by session, and margins. Out: for each metric the verdict and the numbers it rests on.
//! A session's number is the mean log of its processes. Sources: [`crate::stats::prediction`]; Bonferroni over the family;
//! Schuirmann 1987 (two one-sided tests), as in [`crate::decision`].

use crate::{
    decision::Margins,
    policy::{FailOn, Policy},
    stats::{
        VarianceComponents,
        noise::are_logs,
        power::POWER,
        prediction::{LEVEL, NewSession, Prediction, StoredSessions},
        quantile::median,
        yuen::{as_f64, mean},
    },
    verdict::MetricVerdict,
};

/// Past sessions without which nothing is judged: two would leave one degree of freedom, and a bound 30 SD away.
pub const SESSIONS_LEAST: usize = 3;

/// One metric: its past sessions, each the logs of its processes, and those of the new session.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Sessions without such a log are left out by the caller.
    pub past: Vec<Vec<f64>>,
    /// The new session.
    pub now: Vec<f64>,
    /// Logs of the two margins.
    pub margins: Margins,
}

/// How a session is held against stored ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Level of a false FAIL, over the family.
    pub level_fail: f64,
    /// Level of a false PASS, each metric.
    pub level_pass: f64,
    /// What fails.
    pub fail_on: FailOn,
    /// The spread between sessions in the bound; `false` only in a rule that is shown to be wrong.
    pub(crate) with_sessions: bool,
}

impl Rule {
    /// The rule of a policy. PASS asks for .99 even where the policy asks less of a pair: nobody looks a second time.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        Self {
            level_fail: policy.levels.fail,
            level_pass: policy.levels.pass.min(1.0 - LEVEL),
            fail_on: policy.verdict.fail_on,
            with_sessions: true,
        }
    }

    /// The slow-down that FAIL must be proven to lie beyond.
    fn fail_bound(&self, margins: Margins) -> f64 {
        if self.fail_on == FailOn::Unacceptable { margins.m1 } else { margins.m0 }
    }
}

/// What became of one metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decision {
    /// Judged.
    Judged(Found),
    /// This many past sessions have it: too few for a bound.
    TooFew(usize),
    /// The new session or every past one lacks it, or a value is no logarithm.
    Missing,
}

/// The numbers of a judged metric; logs, above is worse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// PASS, FAIL or INCONCLUSIVE.
    pub verdict: MetricVerdict,
    /// Past sessions.
    pub n_sessions: usize,
    /// What they predict.
    pub prediction: Prediction,
    /// The new session's number less the expected one.
    pub change: f64,
    /// The slow-down that FAIL must be proven to lie beyond.
    pub fail_bound: f64,
    /// One-sided p against "not slower than the slow-down that FAIL needs".
    pub p_fail: f64,
    /// What it must reach: the family's level ÷ metrics.
    pub level_fail: f64,
    /// One-sided p against "slower by the unacceptable margin or more".
    pub p_pass: f64,
    /// What it must reach.
    pub level_pass: f64,
    /// Whether the change lies above the bound; with PASS, a slow-down within the margin.
    pub proven_slower: bool,
}

impl Found {
    /// A change above it is slower than the bound.
    #[must_use]
    pub fn bound(&self) -> f64 {
        self.fail_bound + self.prediction.reach(self.level_fail)
    }

    /// The true change that lies above the bound 9 times in 10.
    #[must_use]
    pub fn detectable(&self) -> f64 {
        self.bound() + self.prediction.reach(1.0 - POWER)
    }

    /// Whether "not faster" is rejected at the level of FAIL.
    #[must_use]
    pub fn proven_faster(&self) -> bool {
        self.prediction.p_within(self.prediction.expected + self.change, 0.0) <= self.level_fail
    }
}

/// Decides a family. A metric that is missing (`None`) keeps its place in it.
#[must_use]
pub fn decide(family: &[Option<Measured>], rule: &Rule) -> Vec<Decision> {
    let sessions: Vec<Option<StoredSessions>> = family
        .iter()
        .map(|measured| {
            let past = &measured.as_ref()?.past;
            StoredSessions::of(&numbers(past)?).filter(|sessions| sessions.n >= SESSIONS_LEAST)
        })
        .collect();
    let variances: Vec<f64> = sessions.iter().flatten().map(|sessions| sessions.s_run2).collect();
    let suite = median(&variances);
    let one = |(measured, sessions): (&Option<Measured>, &Option<StoredSessions>)| {
        let Some(measured) = measured.as_ref().filter(|measured| is_whole(measured)) else {
            return Decision::Missing;
        };
        let judged = sessions.zip(suite).and_then(|(sessions, suite)| {
            judge(measured, widened(sessions, suite)?, rule, family.len())
        });
        judged.map_or(Decision::TooFew(measured.past.len()), Decision::Judged)
    };
    family.iter().zip(&sessions).map(one).collect()
}

/// Drawn toward the suite's median, but never below what its own sessions say: a metric that varies more than its suite
/// would else pass a slow-down three times as often as it says.
fn widened(sessions: StoredSessions, suite: f64) -> Option<StoredSessions> {
    let drawn = sessions.shrunk_toward(suite)?;
    Some(StoredSessions { s_run2: drawn.s_run2.max(sessions.s_run2), ..sessions })
}

/// Each session's number; `None` if a session is empty.
fn numbers(sessions: &[Vec<f64>]) -> Option<Vec<f64>> {
    sessions.iter().map(|logs| (!logs.is_empty()).then(|| mean(logs))).collect()
}

fn is_whole(measured: &Measured) -> bool {
    let mut all = measured.past.iter().chain([&measured.now]);
    !measured.past.is_empty() && all.all(|logs| !logs.is_empty() && are_logs(logs))
}

fn judge(
    measured: &Measured,
    sessions: StoredSessions,
    rule: &Rule,
    n_family: usize,
) -> Option<Found> {
    let new = NewSession { s_e2: between_processes(measured), n_now: measured.now.len() };
    let sessions =
        if rule.with_sessions { sessions } else { StoredSessions { s_run2: 0.0, ..sessions } };
    let prediction = sessions.predict(new)?;
    let number = mean(&measured.now);
    let Margins { m1, .. } = measured.margins;
    let fail_bound = rule.fail_bound(measured.margins);
    let level_fail = rule.level_fail / as_f64(n_family.max(1));
    let p_fail = prediction.p_slower(number - fail_bound);
    let p_pass = prediction.p_within(number, m1);
    let proven_slower = p_fail <= level_fail;
    Some(Found {
        verdict: match (p_pass <= rule.level_pass, proven_slower) {
            (true, true) if rule.fail_on == FailOn::Any => MetricVerdict::Fail,
            // As in a paired session, PASS is asked first.
            (true, _) => MetricVerdict::Pass,
            (false, true) => MetricVerdict::Fail,
            (false, false) => MetricVerdict::Inconclusive,
        },
        n_sessions: sessions.n,
        prediction,
        change: number - prediction.expected,
        fail_bound,
        p_fail,
        level_fail,
        p_pass,
        level_pass: rule.level_pass,
        proven_slower,
    })
}

/// Variance of one process' number inside a session: that of the past, or of the new session if it is the noisier one.
fn between_processes(measured: &Measured) -> f64 {
    let nested = |sessions: &[Vec<f64>]| -> f64 {
        let sessions: Vec<Vec<Vec<f64>>> =
            sessions.iter().map(|session| session.iter().map(|log| vec![*log]).collect()).collect();
        // One process a session: its noise is in the numbers of the sessions.
        VarianceComponents::of(&sessions).and_then(|found| found.process).unwrap_or(0.0)
    };
    nested(&measured.past).max(nested(std::slice::from_ref(&measured.now)))
}
