//! What is promised, row by row of the page's table. In: a plan. Out: lines, each a rate and its demand.

mod ends;
mod errors;
mod estimate;
mod history;
mod power;

use super::{Plan, line::Line};
use crate::{decision::Rule, design::Design, policy::FailOn};

/// One row of the page.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// Kebab-case name.
    pub name: &'static str,
    /// What is promised.
    pub about: &'static str,
    pub(super) lines: fn(Plan) -> Vec<Line>,
}

/// All rows, in the order of the page.
pub const PROPERTIES: &[Property] = &[
    Property {
        name: "false-fail",
        about: "one metric without a difference, or with a negligible one, fails",
        lines: errors::false_fail,
    },
    Property {
        name: "false-fail-hard",
        about: "the same where pairs depend on each other, or share their builds' layouts",
        lines: errors::false_fail_hard,
    },
    Property {
        name: "false-fail-few",
        about: "the same with eight pairs and the exact sign-flip test",
        lines: errors::false_fail_few,
    },
    Property {
        name: "false-fail-family",
        about: "one of eight metrics without a difference fails a pull request",
        lines: errors::false_fail_family,
    },
    Property {
        name: "detect-5",
        about: "a slow-down of 5 % fails, alone and as one of eight",
        lines: power::detect_5,
    },
    Property { name: "detect-10", about: "a slow-down of 10 % fails", lines: power::detect_10 },
    Property {
        name: "detect-2-quiet",
        about: "on a quiet machine with margins of 0.5 and 2 %, a slow-down of 2 % fails",
        lines: power::detect_2_quiet,
    },
    Property {
        name: "false-pass",
        about: "a metric that is slower by the unacceptable margin passes",
        lines: errors::false_pass,
    },
    Property {
        name: "inconclusive",
        about: "a session ends without a verdict",
        lines: ends::inconclusive,
    },
    Property {
        name: "process-as-unit",
        about: "two equal builds differ at a two-sided 5 %, one number a process",
        lines: estimate::process_as_unit,
    },
    Property {
        name: "coverage",
        about: "the 95 % interval holds the truth",
        lines: estimate::coverage,
    },
    Property {
        name: "power-as-printed",
        about: "a slow-down as large as the effect printed as detectable fails",
        lines: power::power_as_printed,
    },
    Property {
        name: "first-look",
        about: "a session of eight metrics without a difference is over at its first look",
        lines: ends::first_look,
    },
    Property {
        name: "history-noise",
        about: "a history of 100 points of noise has a change point",
        lines: history::history_noise,
    },
];

/// The looks and levels that ship.
fn shipped() -> Rule {
    Rule::new(Design::new(&[16, 24, 32, 40], 0.05, 0.01), FailOn::Standard)
}

/// Cells in which a false FAIL may happen one time in a hundred.
const EVERYDAY: [&str; 8] = [
    "normal",
    "log-normal",
    "bimodal",
    "stragglers",
    "drift",
    "position-bias",
    "ticks",
    "no-spread",
];

/// Key of a simulation: rows keep their draws when another row is added.
fn key(row: u64, place: usize) -> u64 {
    row * 1_000 + place as u64
}

#[cfg(test)]
mod tests {
    use super::PROPERTIES;

    #[test]
    fn properties_have_names_of_their_own_and_the_page_lists_each() {
        let page = include_str!("../../../docs/statistics.md");
        for (place, property) in PROPERTIES.iter().enumerate() {
            assert!(PROPERTIES[..place].iter().all(|other| other.name != property.name));
            let row = format!("| `{}` | {} |", property.name, property.about);
            assert!(page.contains(&row), "docs/statistics.md lacks the row {row:?}");
        }
    }
}
