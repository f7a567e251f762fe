//! What the steps of a bisection come to: a verdict on each commit, what may still go wrong, and what is next.
//!
//! In: the order, and what was seen. Out: the trail. Everything is derived from what was seen, step by step, also of a document that is
//! read back: a verdict that somebody wrote into it counts for nothing.
//!
//! `alpha` is shared out: each test gets what is left of it ÷ the tests that are still to come if every commit can be measured. The
//! shares of all tests that decide something sum to `alpha` at most, so that the chance of any wrong step is at most that, however
//! the steps depend on each other.

use anyhow::{Result, ensure};

use super::{
    Bisection, Seen, Step,
    decide::{Differs, Estimate, Test, as_f64},
    search::{Search, Side},
};

/// What the next step is to find out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ask {
    /// The commit's place in the range.
    pub(crate) idx: usize,
    /// Chance that its test may err.
    pub(crate) share: f64,
    /// Half of the difference between the ends; `None` before that is known, and for counts.
    pub(crate) midpoint: Option<f64>,
}

/// What is next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Next {
    Measure(Ask),
    End(Outcome),
}

/// How a bisection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The commit at this place made the change.
    Found(usize),
    /// One of those after `good` up to `bad` did: what lies between cannot be measured.
    Suspects { good: usize, bad: usize },
    /// The commit `at` lies too near to the midpoint: one of those after `good` up to `bad` did it, or several.
    Undecided { good: usize, bad: usize, at: usize },
    /// The ends do not differ.
    Same,
    /// Whether they do cannot be said.
    Unclear,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The good commit's count, which others are held against.
    Reference,
    /// The bad commit differs from the good one.
    Differs,
    /// It does not.
    Same,
    /// Whether it does cannot be said.
    Unclear,
    /// As the good one.
    Good,
    /// As the bad one.
    Bad,
    /// Neither could be shown.
    Undecided,
    /// It cannot be measured.
    Skipped,
}

/// A step, judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Judged<'a> {
    pub(crate) step: &'a Step,
    pub(crate) verdict: Verdict,
    /// Of a time: what the look that decided, or the last one, saw.
    pub(crate) estimate: Option<Estimate>,
    pub(crate) ask: Ask,
}

/// The steps so far, judged.
#[derive(Clone, Debug)]
pub(crate) struct Trail<'a> {
    pub(crate) judged: Vec<Judged<'a>>,
    pub(crate) next: Next,
    /// Chance that any step was a wrong one, at most.
    pub(crate) spent: f64,
    looks: &'a [u64],
    exact: bool,
    alpha: f64,
    search: Search,
    /// Counts of the good commit and of the bad one.
    counts: [Option<f64>; 2],
}

impl Outcome {
    /// Kebab-case name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Found(_) => "found",
            Self::Suspects { .. } => "suspects",
            Self::Undecided { .. } => "undecided",
            Self::Same => "same",
            Self::Unclear => "unclear",
        }
    }
}

impl Verdict {
    /// The word for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Differs => "differs",
            Self::Same => "same",
            Self::Unclear => "unclear",
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Undecided => "undecided",
            Self::Skipped => "skipped",
        }
    }
}

impl Ask {
    /// Whether the test of this step still looks for its decision, after these pairs.
    pub(crate) fn is_open(&self, log_ratios: &[f64], looks: &[u64]) -> bool {
        let test = Test { share: self.share, looks };
        match self.midpoint {
            None => test.differs(log_ratios).1.is_none(),
            Some(midpoint) => test.side(log_ratios, midpoint).1.is_none(),
        }
    }

    /// The chance that the interval of one look misses.
    pub(crate) fn miss(&self, looks: &[u64]) -> f64 {
        Test { share: self.share, looks }.miss()
    }
}

impl<'a> Trail<'a> {
    /// Of what was done so far.
    ///
    /// # Errors
    /// A step that the ones before it do not lead to: the document was edited.
    pub(crate) fn of(bisection: &'a Bisection) -> Result<Self> {
        let (order, n) = (&bisection.order, bisection.n_commits());
        let search = Search::new(n);
        let n_tests = as_f64(search.looks_left() as usize) + 1.0;
        let first = if order.exact { 0 } else { n };
        let mut trail = Self {
            judged: Vec::new(),
            next: Next::Measure(Ask { idx: first, share: order.alpha / n_tests, midpoint: None }),
            spent: 0.0,
            looks: &order.looks,
            exact: order.exact,
            alpha: order.alpha,
            search,
            counts: [None; 2],
        };
        for (nth, step) in bisection.steps.iter().enumerate() {
            let ask = match trail.next {
                Next::Measure(ask) if ask.idx == step.idx => ask,
                found => {
                    anyhow::bail!("steps[{nth}]: commit {} does not follow: {found:?}", step.idx)
                }
            };
            let is_exact = matches!(step.seen, Seen::Count(_));
            ensure!(
                is_exact == order.exact || matches!(step.seen, Seen::Skipped(_)),
                "steps[{nth}]: expected what the metric `{}` gives, found another kind",
                order.metric
            );
            trail.take(step, ask, n);
        }
        Ok(trail)
    }

    /// The commit's estimate against the good one; of the good one itself there is none, and no doubt.
    pub(crate) fn estimate(&self, idx: usize) -> Option<Estimate> {
        self.judged.iter().rev().find(|judged| judged.step.idx == idx)?.estimate
    }

    /// How much the first bad commit differs from the last good one; where the ends do not differ, the bad end from the good one.
    pub(crate) fn change(&self, outcome: Option<Outcome>) -> Option<Estimate> {
        let (good, bad) = self.between();
        let of_bad = self.estimate(bad)?;
        match (good, outcome) {
            (0, _) | (_, Some(Outcome::Same | Outcome::Unclear)) => Some(of_bad),
            _ => Some(of_bad.minus(&self.estimate(good)?)),
        }
    }

    /// The commit's count.
    pub(crate) fn count(&self, idx: usize) -> Option<f64> {
        self.judged.iter().rev().find_map(|judged| match judged.step.seen {
            Seen::Count(count) if judged.step.idx == idx => Some(count),
            _ => None,
        })
    }

    /// Where the change lies: after the first of these, up to the second.
    pub(crate) const fn between(&self) -> (usize, usize) {
        (self.search.good, self.search.bad)
    }

    fn take(&mut self, step: &'a Step, ask: Ask, n: usize) {
        let (verdict, estimate) = match &step.seen {
            Seen::Skipped(_) => (Verdict::Skipped, None),
            Seen::Count(count) => (self.of_count(ask.idx, *count, n), None),
            Seen::Pairs { log_ratios, .. } => {
                self.spent += ask.share;
                of_pairs(log_ratios, &Test { share: ask.share, looks: self.looks }, ask.midpoint)
            }
        };
        self.judged.push(Judged { step, verdict, estimate, ask });
        let midpoint = ask.midpoint.or_else(|| Some(estimate?.log_ratio / 2.0));
        match verdict {
            Verdict::Reference => {
                self.next = Next::Measure(Ask { idx: n, ..ask });
                return;
            }
            Verdict::Same => self.next = Next::End(Outcome::Same),
            Verdict::Unclear => self.next = Next::End(Outcome::Unclear),
            Verdict::Undecided => {
                let Search { good, bad, .. } = self.search;
                self.next = Next::End(Outcome::Undecided { good, bad, at: ask.idx });
            }
            Verdict::Good => self.search.take(ask.idx, Side::Good),
            Verdict::Bad => self.search.take(ask.idx, Side::Bad),
            Verdict::Skipped => self.search.skip(ask.idx),
            Verdict::Differs => {}
        }
        if !matches!(verdict, Verdict::Same | Verdict::Unclear | Verdict::Undecided) {
            self.next = self.after(midpoint);
        }
    }

    /// What comes after a step that settled its commit.
    fn after(&self, midpoint: Option<f64>) -> Next {
        let Search { good, bad, .. } = self.search;
        let Some(idx) = self.search.next() else {
            return Next::End(match self.search.is_resolved() {
                true => Outcome::Found(bad),
                false => Outcome::Suspects { good, bad },
            });
        };
        let n_tests = as_f64(self.search.looks_left() as usize);
        let share = if self.exact { 0.0 } else { (self.alpha - self.spent) / n_tests };
        Next::Measure(Ask { idx, share, midpoint })
    }

    /// The side whose count is nearer; beyond the midpoint and on it is bad.
    fn of_count(&mut self, idx: usize, count: f64, n: usize) -> Verdict {
        match self.counts {
            [None, _] => {
                self.counts[0] = Some(count);
                Verdict::Reference
            }
            [Some(good), None] if idx == n => {
                self.counts[1] = Some(count);
                if good.to_bits() == count.to_bits() { Verdict::Same } else { Verdict::Differs }
            }
            [Some(good), bad] => {
                let bad = bad.unwrap_or(f64::INFINITY);
                if (count - good).abs() < (count - bad).abs() {
                    Verdict::Good
                } else {
                    Verdict::Bad
                }
            }
        }
    }
}

fn of_pairs(
    log_ratios: &[f64],
    test: &Test<'_>,
    midpoint: Option<f64>,
) -> (Verdict, Option<Estimate>) {
    let Some(midpoint) = midpoint else {
        let (estimate, differs) = test.differs(log_ratios);
        let verdict = match differs {
            Some(Differs::Yes) => Verdict::Differs,
            Some(Differs::No) => Verdict::Same,
            None => Verdict::Unclear,
        };
        return (verdict, estimate);
    };
    let (estimate, side) = test.side(log_ratios, midpoint);
    let verdict = match side {
        Some(Side::Good) => Verdict::Good,
        Some(Side::Bad) => Verdict::Bad,
        None => Verdict::Undecided,
    };
    (verdict, estimate)
}
