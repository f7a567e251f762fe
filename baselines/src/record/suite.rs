//! What every process ran, and how good the output was.

use std::{borrow::Cow, collections::BTreeMap};

use crate::{
    Digest,
    metric::{self, Better},
    unit::Unit,
};

/// The workloads of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Suite {
    /// `quick`, or a name from `bench.toml`.
    pub name: String,
    /// SHA-256 of the canonical definition, so that two arms can be shown to have run the same thing.
    pub digest: Digest,
    /// Rounds of turns: in each, every workload gets its share of its iterations (see [`Suite::in_round`]).
    pub rounds: u64,
    /// The workloads, in the order they take their turns.
    pub workloads: Vec<WorkloadDef>,
    /// Metrics of its own, read from what a command writes; none has a name of the register.
    pub metrics: Vec<MetricDef>,
}

/// A metric that a command reports about itself, as JSON on its stdout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricDef {
    /// Snake-case name, unit last.
    pub name: String,
    /// Where its value stands, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// Base unit of the samples.
    pub unit: Unit,
    /// Which direction is better.
    pub better: Better,
}

impl Suite {
    /// How many of `iterations` fall to `round` (0-based), as evenly as whole numbers allow.
    #[must_use]
    pub fn in_round(&self, iterations: u64, round: u64) -> u64 {
        // A record from elsewhere may hold any numbers: 128 bits hold their product.
        let upto = |round: u128| u128::from(iterations) * round / u128::from(self.rounds.max(1));
        let share = upto(u128::from(round) + 1) - upto(u128::from(round));
        u64::try_from(share).unwrap_or(u64::MAX)
    }

    /// What `digest` must be: SHA-256 of the canonical form. `rounds=N`; then one workload a line, `NAME kind=KIND` and its
    /// parameters as `name=value`, sorted; then one metric of its own a line. A name that holds anything but letters, digits and
    /// `-_.` is quoted. Of a bench target the command `line` comes first: the library's settings are part of what is run.
    #[must_use]
    pub fn computed_digest(&self, line: Option<&str>) -> Digest {
        let mut text = line.map_or_else(String::new, |line| format!("line={line:?}\n"));
        text += &format!("rounds={}\n", self.rounds);
        for WorkloadDef { name, kind, params } in &self.workloads {
            text += &format!("{} kind={kind}", quoted(name));
            for (name, value) in params {
                text += &format!(" {name}={value}");
            }
            text.push('\n');
        }
        for MetricDef { name, pointer, unit, better } in &self.metrics {
            text += &format!("metric {name} pointer={pointer:?} unit={unit:?} better={better:?}\n");
        }
        Digest::of(text.as_bytes())
    }

    /// Unit and direction of the metric called `name`: of the register, else of this suite's own.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<(Unit, Better)> {
        let own = || self.metrics.iter().find(|metric| metric.name == name);
        match metric::find(name) {
            Some(metric) => Some((metric.unit, metric.better)),
            None => own().map(|metric| (metric.unit, metric.better)),
        }
    }
}

/// `name`, in quotes unless it is plain.
fn quoted(name: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !name.is_empty() && name.chars().all(plain) {
        name.into()
    } else {
        format!("{name:?}").into()
    }
}

impl MetricDef {
    /// Whether `name` can be that of a metric in `unit`: snake case, the unit last, and not in the register.
    #[must_use]
    pub fn is_name(name: &str, unit: Unit) -> bool {
        let known = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.len() <= 64
            && name.bytes().all(known)
            && name.strip_suffix(unit.suffix()).is_some_and(|stem| !stem.is_empty())
            && metric::find(name).is_none()
    }
}

/// One named workload.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadDef {
    /// `decode-64`.
    pub name: String,
    /// `load`, `prefill`, `decode`, `end-to-end`, `quantize`, `matmul`; `command` for runs of an external command.
    pub kind: String,
    /// Parameters by name; whole numbers only.
    pub params: BTreeMap<String, u64>,
}

/// Output quality against the float-activation run of the same weights, teacher-forced on held-out text.
/// All of it counted, none of it inferred.
#[derive(Clone, Debug, PartialEq)]
pub struct Accuracy {
    /// Storage format of the ternary weights, e.g. `i2_s`.
    pub format: String,
    /// SHA-256 of the scored token ids (little-endian u32).
    pub ids_digest: Digest,
    /// Positions scored.
    pub positions: u64,
    /// Positions where both runs have the same most likely token.
    pub top1_equal: u64,
    /// Sum of negative log likelihoods (nats) of the int8-activation run.
    pub nll_int8: f64,
    /// The same of the float-activation run.
    pub nll_float: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rounds_share_all_iterations_evenly() {
        for rounds in [1, 6, 10] {
            let suite = Suite {
                name: String::new(),
                digest: Digest::of(b""),
                rounds,
                workloads: Vec::new(),
                metrics: Vec::new(),
            };
            for iterations in [1, 2, 5, 7, 8, 20, 1000] {
                let shares: Vec<u64> =
                    (0..rounds).map(|round| suite.in_round(iterations, round)).collect();
                assert_eq!(shares.iter().sum::<u64>(), iterations);
                let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
                assert!(most - least <= 1, "{iterations} in {rounds}: {shares:?}");
            }
        }
    }
}
