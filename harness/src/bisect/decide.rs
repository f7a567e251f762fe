//! The sequential test of one commit: on which side of the midpoint its change lies, looked at after more and more pairs.
//!
//! In: the log ratios of its pairs against the good commit, in the order taken; how often the test may err. Out: a decision, or
//! none yet. The road before it: [`differs`], which says whether the two ends differ at all, and sets the midpoint.
//!
//! At each look an interval is drawn around the mean that misses the truth with at most the chance that the test may err ÷ the number
//! of looks (Bonferroni), so that however the looks depend on each other the chance that any misses is what was given. A commit is
//! decided at the first look whose interval leaves out the midpoint. Interval: Student's t of the plain mean below 15 pairs, where
//! stragglers widen it; from 15 on that of a gate, Yuen's trimmed mean, of block means where neighbours depend on each other.

use gates::stats::{Location, sign_flip, student, yuen};

use super::search::Side;

/// Numbers of pairs that are looked at, as far as a test goes.
const LOOKS: [u64; 13] = [4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256];
/// Pairs of a commit where nothing says otherwise.
pub(crate) const PAIRS: u64 = 64;
/// Pairs of a commit at least, and at most.
pub(crate) const PAIRS_RANGE: std::ops::RangeInclusive<u64> = 4..=256;
/// A change within 1 % either way is none: another build of the same source may differ by as much.
const NEGLIGIBLE: f64 = 0.01;

/// The looks of a test of at most `most` pairs.
pub(crate) fn looks(most: u64) -> Vec<u64> {
    LOOKS.into_iter().filter(|pairs| *pairs < most).chain([most]).collect()
}

/// What some pairs say of a change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) n_pairs: usize,
    /// ln(commit ÷ good), above 0 is worse.
    pub(crate) log_ratio: f64,
    pub(crate) standard_error: f64,
    /// Degrees of freedom.
    pub(crate) df: f64,
}

/// How often a test may err, and when it looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Test<'a> {
    /// Chance that any of its intervals misses the truth, at most.
    pub(crate) share: f64,
    pub(crate) looks: &'a [u64],
}

/// Whether the two ends differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Differs {
    /// By so much that half of it can be told from all and from nothing.
    Yes,
    /// By 1 % at most.
    No,
}

impl Estimate {
    /// Of two pairs or more; `None` of fewer, or where one is not finite.
    pub(crate) fn of(log_ratios: &[f64]) -> Option<Self> {
        let n_pairs = log_ratios.len();
        if n_pairs < 2 || log_ratios.iter().any(|ratio| !ratio.is_finite()) {
            return None;
        }
        // The exact test of so few pairs has no level as small as the looks need.
        if n_pairs <= sign_flip::MAX_VALUES {
            let (n, mean) = (as_f64(n_pairs), yuen::mean(log_ratios));
            let squares: f64 = log_ratios.iter().map(|ratio| (ratio - mean).powi(2)).sum();
            let standard_error = (squares / (n - 1.0) / n).sqrt();
            return Some(Self { n_pairs, log_ratio: mean, standard_error, df: n - 1.0 });
        }
        match Location::of_pairs(log_ratios)? {
            Location::Paired(yuen) | Location::Blocks { yuen, .. } => Some(Self {
                n_pairs,
                log_ratio: yuen.estimate,
                standard_error: yuen.standard_error,
                df: yuen.df(),
            }),
            Location::Few(..) | Location::Unpaired(_) => None,
        }
    }

    /// The interval that misses the truth with the chance `miss`, half of it on either side.
    pub(crate) fn interval(&self, miss: f64) -> (f64, f64) {
        let half = student::quantile(1.0 - miss / 2.0, self.df) * self.standard_error;
        (self.log_ratio - half, self.log_ratio + half)
    }

    /// Whether the interval that misses with this chance lies above `bound` as a whole: the same as to draw it, and cheaper.
    fn is_above(&self, bound: f64, miss: f64) -> bool {
        student::p_above(self.log_ratio, bound, self.standard_error, self.df) < miss / 2.0
    }

    fn is_below(&self, bound: f64, miss: f64) -> bool {
        student::p_below(self.log_ratio, bound, self.standard_error, self.df) < miss / 2.0
    }

    /// How much this differs from `other`, measured against the same commit in pairs of its own. Source: Welch 1947.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        let variances = [self.standard_error.powi(2), other.standard_error.powi(2)];
        let variance = variances[0] + variances[1];
        let df = if variance > 0.0 {
            variance.powi(2) / (variances[0].powi(2) / self.df + variances[1].powi(2) / other.df)
        } else {
            self.df.min(other.df)
        };
        Self {
            n_pairs: self.n_pairs.min(other.n_pairs),
            log_ratio: self.log_ratio - other.log_ratio,
            standard_error: variance.sqrt(),
            df,
        }
    }
}

impl Test<'_> {
    /// The chance that the interval of one look misses.
    pub(crate) fn miss(&self) -> f64 {
        self.share / as_f64(self.looks.len())
    }

    /// The first look that `decides`, and what it decides; else the estimate of the last look that was reached.
    fn at_looks<T>(
        &self,
        log_ratios: &[f64],
        decides: impl Fn(&Estimate, f64) -> Option<T>,
    ) -> (Option<Estimate>, Option<T>) {
        let mut last = None;
        for pairs in self.looks {
            let seen = usize::try_from(*pairs).ok().and_then(|pairs| log_ratios.get(..pairs));
            let Some(estimate) = seen.and_then(Estimate::of) else { break };
            last = Some(estimate);
            let decided = decides(&estimate, self.miss());
            if decided.is_some() {
                return (last, decided);
            }
        }
        (last, None)
    }

    /// Whether the bad commit differs from the good one, by pairs of the two.
    ///
    /// With `Yes` half of the estimate is a midpoint that lies between nothing and the truth, unless the interval missed the truth.
    pub(crate) fn differs(&self, log_ratios: &[f64]) -> (Option<Estimate>, Option<Differs>) {
        self.at_looks(log_ratios, |estimate, miss| {
            let (negligible, half) = (NEGLIGIBLE.ln_1p(), estimate.log_ratio / 2.0);
            if estimate.is_above(-negligible, miss) && estimate.is_below(negligible, miss) {
                return Some(Differs::No);
            }
            let beyond_half = match half > 0.0 {
                true => estimate.is_above(half, miss),
                false => estimate.is_below(half, miss),
            };
            beyond_half.then_some(Differs::Yes)
        })
    }

    /// On which side of `midpoint`, half of the difference between the ends, a commit lies.
    pub(crate) fn side(
        &self,
        log_ratios: &[f64],
        midpoint: f64,
    ) -> (Option<Estimate>, Option<Side>) {
        self.at_looks(log_ratios, |estimate, miss| {
            let above = estimate.is_above(midpoint, miss);
            let below = estimate.is_below(midpoint, miss);
            match (above, below, midpoint > 0.0) {
                (true, _, true) | (_, true, false) => Some(Side::Bad),
                (_, true, true) | (true, _, false) => Some(Side::Good),
                _ => None,
            }
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of pairs and looks are far below 2^53")]
pub(super) const fn as_f64(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use engine::Drawing;

    use super::*;

    /// Chance that a test may err: a hundredth, as a fifth of 5 %.
    const SHARE: f64 = 0.01;

    /// A kind of noise: standard normal draws become pairs about 0.
    type Noise = fn(&mut Drawing, &[f64]) -> Vec<f64>;

    fn normal(draw: &mut Drawing) -> f64 {
        let radius = (-2.0 * libm::log(1.0 - draw.unit_f64())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * draw.unit_f64())
    }

    /// `n` pairs with SD 1.5 %, about `centre`.
    fn pairs(draw: &mut Drawing, n: usize, centre: f64, noise: Noise) -> Vec<f64> {
        let normals: Vec<f64> = (0..n).map(|_| normal(draw)).collect();
        noise(draw, &normals).into_iter().map(|error| centre + 0.015 * error).collect()
    }

    fn plain(_: &mut Drawing, normals: &[f64]) -> Vec<f64> {
        normals.to_vec()
    }

    /// One pair in ten has an arm that took up to 15 % longer.
    fn stragglers(draw: &mut Drawing, normals: &[f64]) -> Vec<f64> {
        let straggle = |normal: &f64| {
            let sign = if draw.below(2) == 0 { 1.0 } else { -1.0 };
            let hit = if draw.below(10) == 0 { 10.0 * draw.unit_f64() } else { 0.0 };
            normal + sign * hit
        };
        normals.iter().map(straggle).collect()
    }

    /// Each pair of eight code layouts has an offset of its own, with a third of the SD.
    fn layouts(draw: &mut Drawing, normals: &[f64]) -> Vec<f64> {
        let offsets: Vec<f64> = (0..8).map(|_| normal(draw) / 3.0).collect();
        normals.iter().enumerate().map(|(pair, normal)| normal + offsets[pair % 8]).collect()
    }

    const NOISES: [(&str, Noise); 3] =
        [("normal", plain), ("stragglers", stragglers), ("layouts", layouts)];

    #[test]
    fn looks_rise_up_to_the_most() {
        assert_eq!(looks(32), [4, 6, 8, 12, 16, 24, 32]);
        assert_eq!(looks(10), [4, 6, 8, 10]);
        assert_eq!(looks(4), [4]);
        assert_eq!(looks(256).last(), Some(&256));
    }

    #[test]
    fn a_wrong_side_is_rarer_than_what_the_test_may_err_and_five_per_cent_are_found() {
        let looks = looks(32);
        let test = Test { share: SHARE, looks: &looks };
        let change = 0.05_f64.ln_1p();
        let n = 4_000_usize;
        for (name, noise) in NOISES {
            let mut draw = Drawing::new(42, &format!("test/bisect/side/{name}"));
            for (centre, right) in [(0.0, Side::Good), (change, Side::Bad)] {
                let (mut wrong, mut open, mut used) = (0, 0, 0);
                for _ in 0..n {
                    let pairs = pairs(&mut draw, 32, centre, noise);
                    let (estimate, side) = test.side(&pairs, change / 2.0);
                    wrong += u32::from(side.is_some_and(|side| side != right));
                    open += u32::from(side.is_none());
                    used += estimate.expect("32 pairs").n_pairs;
                }
                println!("{name} at {centre:.3}: {wrong} wrong, {open} open of {n}, {used} pairs");
                // 1 % of 4,000 are 40; 4 sessions in 100 may be left open by the wildest noise.
                assert!(wrong <= 40, "{name}: {wrong} of {n} on the wrong side");
                assert!(open <= 160, "{name}: {open} of {n} undecided");
                assert!(used < 16 * n || name == "stragglers", "{name}: {used} pairs");
            }
        }
    }

    #[test]
    fn a_commit_on_the_midpoint_is_decided_as_rarely_as_the_test_may_err() {
        let looks = looks(32);
        // A tenth, so that a bound that does not hold is seen.
        let test = Test { share: 0.1, looks: &looks };
        for (name, noise) in &NOISES[..2] {
            let mut draw = Drawing::new(42, &format!("test/bisect/midpoint/{name}"));
            let decided = (0..4_000)
                .filter(|_| test.side(&pairs(&mut draw, 32, 0.02, *noise), 0.02).1.is_some())
                .count();
            println!("{name}: {decided} of 4000 decided");
            assert!((40..=400).contains(&decided), "{name}: {decided}, at most 400 are allowed");
        }
    }

    #[test]
    fn a_midpoint_is_between_nothing_and_the_truth_but_as_often_as_the_test_may_err() {
        let looks = looks(32);
        let test = Test { share: SHARE, looks: &looks };
        let n = 4_000;
        for (name, noise) in NOISES {
            for percent in [0.0, 2.0, 5.0, -5.0] {
                let change: f64 = (percent / 100.0_f64).ln_1p();
                let mut draw = Drawing::new(42, &format!("test/bisect/differs/{name}/{percent}"));
                let (mut wrong, mut found) = (0, 0);
                for _ in 0..n {
                    let pairs = pairs(&mut draw, 32, change, noise);
                    let (estimate, differs) = test.differs(&pairs);
                    let share = estimate.expect("32 pairs").log_ratio / 2.0 / change;
                    let fair = (0.0..1.0).contains(&share);
                    wrong += u32::from(differs == Some(Differs::Yes) && !fair);
                    wrong += u32::from(differs == Some(Differs::No) && percent.abs() > 1.0);
                    found += u32::from(differs == Some(Differs::Yes));
                }
                println!("{name}, {percent} %: {wrong} wrong, {found} found of {n}");
                assert!(wrong <= 40, "{name}, {percent} %: {wrong} of {n}");
                if percent.abs() > 4.0 {
                    assert!(found >= 3_800, "{name}, {percent} %: {found} of {n} found");
                }
            }
        }
    }

    #[test]
    fn an_interval_lies_above_a_bound_where_its_lower_end_does() {
        let mut draw = Drawing::new(7, "test/bisect/interval");
        for n in [4, 12, 16, 32] {
            let estimate = Estimate::of(&pairs(&mut draw, n, 0.03, plain)).expect("pairs");
            let (low, high) = estimate.interval(0.01);
            for (bound, above, below) in [
                (low - 1e-6, true, false),
                (low + 1e-6, false, false),
                (high - 1e-6, false, false),
                (high + 1e-6, false, true),
            ] {
                let found = (estimate.is_above(bound, 0.01), estimate.is_below(bound, 0.01));
                assert_eq!(found, (above, below), "{n} pairs, {bound} of {low}…{high}");
            }
        }
    }

    #[test]
    fn the_decision_is_that_of_the_first_look_whatever_comes_after() {
        let looks = looks(32);
        let test = Test { share: SHARE, looks: &looks };
        let mut log_ratios: Vec<f64> = (0..8).map(|idx| 0.1 + 0.001 * f64::from(idx)).collect();
        let early = test.side(&log_ratios, 0.05);
        assert_eq!((early.0.expect("4 pairs").n_pairs, early.1), (4, Some(Side::Bad)));
        log_ratios.extend([-5.0; 24]);
        assert_eq!(test.side(&log_ratios, 0.05), early);
        // Faster is a change too, and three pairs are none.
        let faster: Vec<f64> = log_ratios[..8].iter().map(|ratio| -ratio).collect();
        assert_eq!(test.side(&faster, -0.05).1, Some(Side::Bad));
        assert_eq!(test.side(&log_ratios[..8], -0.05).1, Some(Side::Good));
        assert_eq!(test.side(&faster[..3], -0.05), (None, None));
    }
}
