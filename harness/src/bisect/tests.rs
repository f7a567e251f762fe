//! Whole bisections without a build: commits whose times and counts are made up, some of which cannot be measured.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
};

use anyhow::bail;
use engine::Drawing;

use super::{document::Kept, *};

/// `n` commits after the good one.
pub(crate) fn commits(n: usize) -> Vec<Commit> {
    let commit = |idx: usize| Commit {
        commit: format!("{idx:040x}"),
        subject: format!("change number {idx}"),
        authored_at: "2026-03-02T09:00:00+01:00".to_owned(),
        merge: false,
    };
    (0..=n).map(commit).collect()
}

/// A bisection of `n` commits that nothing was done of.
pub(crate) fn fresh(n: usize, exact: bool) -> Bisection {
    let range = commits(n);
    let order = Order {
        good: range[0].commit.clone(),
        bad: range[n].commit.clone(),
        workload: "decode-64".to_owned(),
        metric: if exact { "timed_allocations" } else { "decode_step_ns" }.to_owned(),
        exact,
        alpha: 0.05,
        looks: looks(PAIRS),
        layouts: 8,
        seed: 42,
        suite: "s".repeat(64),
        model: Some("m".repeat(64)),
        isa: None,
        threads: None,
        device: Some("cpu".to_owned()),
        machine: "f".repeat(64),
    };
    Bisection::new(order, range, "2026-03-02T09:00:00.000Z".to_owned())
}

/// A repository that is made up.
pub(crate) struct Scripted {
    /// Log ratio of each commit against the good one.
    pub(crate) changes: Vec<f64>,
    /// Pair SD.
    pub(crate) sd: f64,
    pub(crate) broken: BTreeSet<usize>,
    draw: RefCell<Drawing>,
    built: RefCell<BTreeSet<usize>>,
    /// Measures so often, and then somebody ends it.
    left: Cell<usize>,
    /// The document, as it was last written.
    pub(crate) kept: RefCell<String>,
}

impl Scripted {
    /// `n` commits, of which number `culprit` adds `change` for good.
    pub(crate) fn new(n: usize, culprit: usize, change: f64, sd: f64, seed: u64) -> Self {
        Self {
            changes: (0..=n).map(|idx| if idx >= culprit { change } else { 0.0 }).collect(),
            sd,
            broken: BTreeSet::new(),
            draw: RefCell::new(Drawing::new(seed, "test/bisect")),
            built: RefCell::default(),
            left: Cell::new(usize::MAX),
            kept: RefCell::default(),
        }
    }

    fn normal(&self) -> f64 {
        let mut draw = self.draw.borrow_mut();
        let radius = (-2.0 * libm::log(1.0 - draw.unit_f64())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * draw.unit_f64())
    }

    /// The end of a bisection of it.
    pub(crate) fn bisect(&self, exact: bool) -> Bisection {
        bisect(fresh(self.changes.len() - 1, exact), self, &|_| {}).unwrap()
    }
}

impl Bench for Scripted {
    fn measure(&self, bisection: &Bisection, ask: &Ask, builds: &mut u64) -> Result<Seen> {
        if self.left.get() == 0 {
            bail!("interrupted");
        }
        self.left.set(self.left.get() - 1);
        for idx in if bisection.order.exact { vec![ask.idx] } else { vec![0, ask.idx] } {
            *builds += u64::from(self.built.borrow_mut().insert(idx));
        }
        if self.broken.contains(&ask.idx) {
            return Ok(Seen::Skipped("cargo ended with exit status: 101:\nerror: no".to_owned()));
        }
        let change = self.changes[ask.idx];
        if bisection.order.exact {
            return Ok(Seen::Count((1000.0 * change.exp()).round()));
        }
        let mut log_ratios = Vec::new();
        for pairs in &bisection.order.looks {
            while (log_ratios.len() as u64) < *pairs {
                log_ratios.push(change + self.sd * self.normal());
            }
            if !ask.is_open(&log_ratios, &bisection.order.looks) {
                break;
            }
        }
        Ok(Seen::Pairs { log_ratios, same_output: true })
    }

    fn now(&self) -> String {
        "2026-03-02T09:01:00.000Z".to_owned()
    }

    fn keep(&self, bisection: &Bisection) -> Result<()> {
        *self.kept.borrow_mut() = json(bisection)?;
        Ok(())
    }
}

fn outcome(bisection: &Bisection) -> Outcome {
    match Trail::of(bisection).unwrap().next {
        Next::End(outcome) => outcome,
        Next::Measure(ask) => panic!("{ask:?} is still to be measured"),
    }
}

/// The most builds for `n` commits.
fn most_builds(n: usize) -> u64 {
    2 + u64::from(n.next_power_of_two().trailing_zeros())
}

#[test]
fn sixteen_commits_take_six_builds_and_a_count_finds_each_culprit() {
    assert_eq!(most_builds(16), 6);
    for culprit in 1..=16 {
        for change in [0.001, 0.5, -0.3] {
            let found = Scripted::new(16, culprit, change, 0.0, 1).bisect(true);
            assert_eq!(outcome(&found), Outcome::Found(culprit), "{change}");
            assert!(found.builds <= 6, "{culprit}: {} builds", found.builds);
        }
    }
}

#[test]
fn a_slow_down_of_five_per_cent_is_found_at_every_place_among_up_to_forty_commits() {
    let (mut n_searches, mut n_wrong, mut n_open) = (0, 0, 0);
    for n in 1..=40 {
        for culprit in 1..=n {
            let seed = (n * 100 + culprit) as u64;
            let found = Scripted::new(n, culprit, 0.05_f64.ln_1p(), 0.015, seed).bisect(false);
            assert!(found.builds <= most_builds(n), "{n}, {culprit}: {} builds", found.builds);
            let trail = Trail::of(&found).unwrap();
            assert!(trail.spent <= found.order.alpha + 1e-12, "{}", trail.spent);
            n_searches += 1;
            match outcome(&found) {
                Outcome::Found(idx) if idx == culprit => {}
                Outcome::Found(_) | Outcome::Same => n_wrong += 1,
                _ => n_open += 1,
            }
        }
    }
    println!("{n_searches} searches: {n_wrong} wrong, {n_open} left open");
    // At most 5 % are allowed to go wrong; Bonferroni and both sides of an interval keep it far below.
    assert!(n_wrong <= n_searches / 20, "{n_wrong} of {n_searches}");
    assert!(n_open <= n_searches / 20, "{n_open} of {n_searches}");
}

#[test]
fn wrong_steps_stay_below_alpha_where_noise_is_two_thirds_of_the_change() {
    let (mut n_wrong, mut n_found) = (0, 0);
    for seed in 0..400_usize {
        let culprit = 1 + (seed * 7) % 16;
        let found = Scripted::new(16, culprit, 0.03, 0.02, seed as u64).bisect(false);
        match outcome(&found) {
            Outcome::Found(idx) if idx == culprit => n_found += 1,
            Outcome::Found(_) | Outcome::Same => n_wrong += 1,
            _ => {}
        }
    }
    println!("{n_found} found, {n_wrong} wrong of 400");
    assert!(n_wrong <= 20 && n_found >= 40, "{n_wrong} of 400 are more than 5 %; {n_found} found");
}

#[test]
fn two_builds_of_the_same_source_have_nothing_to_bisect() {
    let same = Scripted::new(16, 17, 0.0, 0.0, 1).bisect(true);
    assert_eq!((outcome(&same), same.builds), (Outcome::Same, 2));
    let (mut n_same, mut n_unclear) = (0, 0);
    for seed in 0..400 {
        match outcome(&Scripted::new(16, 17, 0.0, 0.01, seed).bisect(false)) {
            Outcome::Same => n_same += 1,
            Outcome::Unclear => n_unclear += 1,
            _ => {}
        }
    }
    println!("{n_same} the same, {n_unclear} unclear of 400");
    // A first step may err in 1 of 100.
    assert!(n_same + n_unclear >= 396 && n_same >= 200, "{n_same} + {n_unclear}");
}

#[test]
fn commits_that_do_not_build_are_walked_around_or_stay_suspects() {
    for culprit in 1..=16 {
        let mut bench = Scripted::new(16, culprit, 0.2, 0.01, 3);
        bench.broken = [7, 8, 9].into();
        let found = bench.bisect(false);
        match outcome(&found) {
            Outcome::Found(idx) => assert_eq!(idx, culprit),
            Outcome::Suspects { good: 6, bad: 10 } => assert!((7..=10).contains(&culprit)),
            other => panic!("{culprit}: {other:?}"),
        }
        assert!((7..=10).contains(&culprit) == matches!(outcome(&found), Outcome::Suspects { .. }));
    }
    // Neither end may be one of them, and nothing is written of it as a step.
    for end in [0, 16] {
        let mut bench = Scripted::new(16, 5, 0.2, 0.01, 3);
        bench.broken = [end].into();
        let error = bisect(fresh(16, true), &bench, &|_| {}).unwrap_err().to_string();
        assert!(error.contains("cannot be measured") && error.contains("error: no"), "{error}");
    }
}

#[test]
fn a_change_in_two_halves_ends_at_the_commit_between_them() {
    let mut bench = Scripted::new(16, 12, 0.10, 0.005, 5);
    for idx in 5..12 {
        bench.changes[idx] = 0.05;
    }
    let found = bench.bisect(false);
    let Outcome::Undecided { good, bad, at } = outcome(&found) else {
        // By luck of the noise half of it may look like more or less than half.
        panic!("{:?}", outcome(&found));
    };
    assert!(good < 5 && bad >= 12 && (5..12).contains(&at), "{good} {bad} {at}");
}

#[test]
fn one_that_is_ended_at_any_step_goes_on_and_comes_to_the_same_end() {
    for exact in [true, false] {
        let whole = Scripted::new(16, 11, 0.2, 0.01, 9).bisect(exact);
        for n_steps in 0..whole.steps.len() {
            let bench = Scripted::new(16, 11, 0.2, 0.01, 9);
            bench.left.set(n_steps);
            let error = bisect(fresh(16, exact), &bench, &|_| {}).unwrap_err();
            assert_eq!(error.to_string(), "interrupted");
            let path = tempfile::tempdir().unwrap();
            let path = path.path().join("bisect.json");
            std::fs::write(&path, &*bench.kept.borrow()).unwrap();
            let Kept::Same(kept) = read(&path, &fresh(16, exact)).unwrap() else {
                panic!("it is of the same order");
            };
            assert_eq!(kept.steps, whole.steps[..n_steps]);
            bench.left.set(usize::MAX);
            let end = bisect(*kept, &bench, &|_| {}).unwrap();
            assert_eq!(outcome(&end), Outcome::Found(11));
            assert_eq!((end.steps.len(), end.builds), (whole.steps.len(), whole.builds));
        }
    }
}
