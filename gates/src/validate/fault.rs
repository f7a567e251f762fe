//! Faults to plant: rules that look right and are not, each of which must turn the table red.
//! In: the right rule. Out: the wrong one.

use crate::{
    decision::Rule,
    design::{Design, Look},
    stats::{Location, yuen::Yuen},
};

/// A rule that is known to be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Yuen's standard error without the division by 0.6.
    Winsor,
    /// All of both levels at every look.
    Alpha,
    /// Ten iterations of each process taken as ten pairs.
    Iterations,
    /// The family's level given to each of its metrics.
    Family,
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 4] = [Self::Winsor, Self::Alpha, Self::Iterations, Self::Family];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Winsor => "winsor",
            Self::Alpha => "alpha",
            Self::Iterations => "iterations",
            Self::Family => "family",
        }
    }

    /// What is wrong with it.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Winsor => "the winsorised standard deviation is not divided by 0.6",
            Self::Alpha => "every look spends all of both levels",
            Self::Iterations => "ten iterations of a process count as ten pairs",
            Self::Family => "each metric of the family gets the level of the whole",
        }
    }

    /// `rule` with this fault in it.
    pub(super) fn plant(self, rule: Rule) -> Rule {
        match self {
            Self::Winsor => Rule { locate: without_the_division, ..rule },
            Self::Iterations => Rule { locate: of_iterations, ..rule },
            Self::Family => Rule { family_wise: false, ..rule },
            Self::Alpha => {
                let sum = |level: fn(&Look) -> f64| rule.design.looks().iter().map(level).sum();
                let (pass, fail) = (sum(|look| look.pass), sum(|look| look.fail));
                let looks = rule.design.looks().iter();
                let looks = looks.map(|look| Look { pass, fail, ..*look }).collect();
                Rule { design: Design::of_looks(looks), ..rule }
            }
        }
    }
}

fn without_the_division(pairs: &[f64]) -> Option<Location> {
    let yuen = Yuen::of(pairs)?;
    Some(Location::Paired(Yuen { standard_error: yuen.standard_error * 0.6, ..yuen }))
}

/// Iterations of a process differ far less than processes do; here they are alike.
fn of_iterations(pairs: &[f64]) -> Option<Location> {
    Yuen::of(&pairs.repeat(10)).map(Location::Paired)
}
