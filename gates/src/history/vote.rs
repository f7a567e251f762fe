//! The vote: a change is one where two of three detectors agree within two points.
//!
//! In: the places each detector found. Out: agreed places with who voted. Each detector fails in its own way (energy: needs
//! many points; fit: takes correlated noise for levels; window: sees 20 points); what two see is seldom a failure of both.
//! The place is the fit's where it voted (least squares is the likeliest place under normal noise), else the energy's.

use super::{MIN_SEGMENT, TOLERANCE};

/// The places that each detector found, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// By the energy statistic.
    pub energy: Vec<usize>,
    /// By the piecewise-constant fit.
    pub piecewise: Vec<usize>,
    /// By the two windows.
    pub window: Vec<usize>,
}

/// Where each detector saw one change, if it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Votes {
    /// The energy statistic.
    pub energy: Option<usize>,
    /// The piecewise-constant fit.
    pub piecewise: Option<usize>,
    /// The two windows.
    pub window: Option<usize>,
}

impl Votes {
    /// Places voted for.
    fn places(&self) -> impl Iterator<Item = usize> {
        [self.energy, self.piecewise, self.window].into_iter().flatten()
    }

    /// The agreed place.
    #[must_use]
    pub fn place(&self) -> Option<usize> {
        self.piecewise.or(self.energy).or(self.window)
    }

    /// First and last place voted for: the change lies between.
    #[must_use]
    pub fn span(&self) -> Option<(usize, usize)> {
        self.places().min().zip(self.places().max())
    }

    /// The same of a series with so many points before it.
    pub(super) fn shift(&mut self, points: usize) {
        for place in [&mut self.energy, &mut self.piecewise, &mut self.window] {
            *place = place.map(|place| place + points);
        }
    }

    /// Whether one detector's place stands behind both.
    fn shares_a_vote(&self, other: &Self) -> bool {
        let shared = |a: Option<usize>, b: Option<usize>| a.is_some() && a == b;
        shared(self.energy, other.energy)
            || shared(self.piecewise, other.piecewise)
            || shared(self.window, other.window)
    }

    fn count(&self) -> usize {
        self.places().count()
    }
}

impl Found {
    /// The places that at least two detectors share, in order, at least three points apart; no place stands behind two of them.
    #[must_use]
    pub fn agreed(&self) -> Vec<Votes> {
        // Every agreement of two has the fit or the energy in it.
        let mut agreed: Vec<Votes> = self
            .piecewise
            .iter()
            .chain(&self.energy)
            .map(|place| self.votes_near(*place))
            .filter(|votes| votes.count() >= 2)
            .collect();
        agreed.sort_by_key(Votes::place);
        agreed.dedup_by(|later, earlier| {
            let is_close = later.place() < earlier.place().map(|place| place + MIN_SEGMENT);
            let is_same = is_close || later.shares_a_vote(earlier);
            if is_same && later.count() > earlier.count() {
                *earlier = *later;
            }
            is_same
        });
        agreed
    }

    fn votes_near(&self, place: usize) -> Votes {
        let near = |places: &[usize]| {
            let close = places.iter().filter(|other| other.abs_diff(place) <= TOLERANCE);
            close.min_by_key(|other| other.abs_diff(place)).copied()
        };
        Votes {
            energy: near(&self.energy),
            piecewise: near(&self.piecewise),
            window: near(&self.window),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Found;

    fn places(energy: &[usize], piecewise: &[usize], window: &[usize]) -> Vec<usize> {
        let found = Found {
            energy: energy.to_vec(),
            piecewise: piecewise.to_vec(),
            window: window.to_vec(),
        };
        found.agreed().iter().filter_map(|votes| votes.place()).collect()
    }

    #[test]
    fn two_of_three_within_two_points_are_a_change_and_one_alone_is_none() {
        assert_eq!(places(&[20], &[22], &[40]), [22]);
        assert_eq!(places(&[20], &[23], &[40]), [0; 0]);
        assert_eq!(places(&[20], &[], &[18]), [20]);
        assert_eq!(places(&[], &[20], &[19]), [20]);
        assert_eq!(places(&[20], &[30], &[]), [0; 0]);
        assert_eq!(places(&[10, 30], &[11, 50], &[29, 51]), [11, 30, 50]);
    }

    #[test]
    fn one_change_is_reported_once() {
        assert_eq!(places(&[20], &[21], &[22]), [21]);
        // The fit at 21 and the energy at 24 both need the window at 22, and one vote can't count twice.
        assert_eq!(places(&[24], &[21], &[22]), [21]);
    }
}
