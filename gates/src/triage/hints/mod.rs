//! Why: what differs between the arms beside their times. In: the bundle, and what was found of the times. Out: sentences, each
//! with its numbers; nothing is guessed. Kinds of hints are the register [`KINDS`], the strongest evidence first.

mod builds;
mod system;

use baselines::{
    Evidence, RunRecord,
    record::{Engine, Process},
};

use super::{
    attribution::{Attribution, typical},
    cells::find,
};

/// One difference, with its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Kind, from the register.
    pub kind: &'static str,
    /// The sentence.
    pub text: String,
    /// Whether it is a difference of the builds; else a circumstance of the session.
    pub explains: bool,
}

/// What a kind of hint looks at.
struct Seen<'a> {
    evidence: &'a Evidence,
    workloads: &'a [Attribution],
}

/// One kind of hint.
struct Kind {
    name: &'static str,
    explains: bool,
    look: fn(&Seen<'_>) -> Vec<String>,
}

/// All kinds, the strongest evidence first.
const KINDS: &[Kind] = &[
    Kind { name: "output", explains: true, look: builds::output },
    Kind { name: "isa", explains: true, look: builds::isa },
    Kind { name: "fallback", explains: true, look: builds::fallback },
    Kind { name: "kernel", explains: true, look: builds::kernel },
    Kind { name: "settings", explains: true, look: builds::settings },
    Kind { name: "quantized", explains: true, look: builds::quantized },
    Kind { name: "counts", explains: true, look: builds::counts },
    Kind { name: "allocations", explains: true, look: builds::allocations },
    Kind { name: "growth", explains: true, look: builds::growth },
    Kind { name: "cache-size", explains: true, look: builds::cache_size },
    Kind { name: "thread-imbalance", explains: true, look: system::thread_imbalance },
    Kind { name: "processor-time", explains: true, look: system::processor_time },
    Kind { name: "page-faults", explains: true, look: system::page_faults },
    Kind { name: "faults-from-disk", explains: true, look: system::faults_from_disk },
    Kind { name: "disk-reads", explains: true, look: system::disk_reads },
    Kind { name: "disk-writes", explains: true, look: system::disk_writes },
    Kind { name: "waits", explains: true, look: system::waits },
    Kind { name: "huge-pages", explains: true, look: system::huge_pages },
    Kind { name: "memory", explains: true, look: system::memory },
    Kind { name: "parallel", explains: false, look: system::parallel },
    Kind { name: "preemptions", explains: false, look: system::preemptions },
    Kind { name: "environment", explains: false, look: system::environment },
];

/// All that differs.
pub(super) fn all(evidence: &Evidence, workloads: &[Attribution]) -> Vec<Hint> {
    let seen = Seen { evidence, workloads };
    let of_kind = |kind: &Kind| {
        let (name, explains) = (kind.name, kind.explains);
        (kind.look)(&seen).into_iter().map(move |text| Hint { kind: name, text, explains })
    };
    KINDS.iter().flat_map(of_kind).collect()
}

impl Seen<'_> {
    const fn arms(&self) -> [&RunRecord; 2] {
        [&self.evidence.base, &self.evidence.head]
    }

    /// Whether the session is of two commands.
    fn is_of_commands(&self) -> bool {
        self.evidence.base.subject.command().is_some()
    }

    fn engines(&self) -> Option<[&Engine; 2]> {
        let [base, head] = self.arms();
        Some([base.subject.engine()?, head.subject.engine()?])
    }

    /// The typical value of a series in both arms of each workload that has it.
    fn typical(&self, metric: &str) -> Vec<(String, [f64; 2])> {
        let [base, head] = self.arms();
        let both = |name: &String| {
            Some((name.clone(), [typical(base, name, metric)?, typical(head, name, metric)?]))
        };
        base.suite.workloads.iter().map(|def| &def.name).filter_map(both).collect()
    }
}
/// The mean of all samples of one series.
fn mean_of(process: &Process, workload: &str, metric: &str) -> Option<f64> {
    Some(crate::stats::yuen::mean(&find(process, workload, metric)?.samples))
}

#[cfg(test)]
mod tests {
    use super::KINDS;

    #[test]
    fn kinds_have_names_of_their_own() {
        for (i, kind) in KINDS.iter().enumerate() {
            assert!(KINDS[..i].iter().all(|other| other.name != kind.name), "{}", kind.name);
            assert!(kind.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
        }
    }
}
