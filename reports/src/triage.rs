//! What a triage found, as its page shows it: plain numbers and words. Made by `harness` from what `gates` derives of a bundle: this
//! crate derives nothing.

use baselines::Evidence;

use crate::{Refusal, html::facts};

/// All that the page of a triage says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// What was found, in a line.
    pub headline: String,
    /// Whether something was compared, and nothing was found that differs.
    pub silent: bool,
    /// What was compared with what.
    pub compared: Compared,
    /// Pairs behind the times; `None` where no time was measured.
    pub pairs: Option<Pairs>,
    /// One for each stamped workload.
    pub workloads: Vec<Workload>,
    /// Matrix products by themselves.
    pub products: Vec<Product>,
    /// What differs beside the time.
    pub hints: Vec<Hint>,
    /// Executed instructions, where they were counted.
    pub instructions: Option<Instructions>,
    /// Why the evidence is refused; the page then says nothing else.
    pub refusals: Vec<Refusal>,
}

/// Both arms, and where they ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// What the base was asked for as.
    pub with: String,
    /// A row for each fact: its name, of the base, of the head.
    pub rows: Vec<[String; 3]>,
    /// The machine, in words; empty where no time was measured.
    pub machine: String,
    /// When it was measured; empty where no time was.
    pub measured: String,
}

/// How many pairs were measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pairs {
    /// Compared.
    pub compared: usize,
    /// Left out, because something disturbed them.
    pub left_out: usize,
}

/// A change of one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// The base's time, nanoseconds.
    pub base_ns: f64,
    /// The head's.
    pub head_ns: f64,
    /// The change as a share: of the base's whole sample, or of a product's own time.
    pub share: f64,
    /// Lower bound of `share`.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// Where the time of one workload went.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Workload name.
    pub name: String,
    /// Its metric, which one sample is of.
    pub metric: String,
    /// The change of that metric.
    pub whole: Change,
    /// In the order of a pass; they sum to the whole.
    pub parts: Vec<Part>,
    /// Sums by kernel.
    pub kernels: Vec<(String, Change)>,
    /// What reading the clock cost; `None` where it was not measured.
    pub stamps: Option<Stamps>,
}

/// One span, or what is outside of all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Name of the span.
    pub name: String,
    /// What it does.
    pub about: String,
    /// Its change, of the whole.
    pub change: Change,
    /// Its part of the whole change; `None` where that is not sure.
    pub of_change: Option<f64>,
    /// Whether its change is sure and worth a name.
    pub named: bool,
    /// What else is known of it, a sentence each.
    pub evidence: Vec<String>,
}

/// What stamping cost, in both arms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stamps {
    /// Readings of the clock in one sample.
    pub n: f64,
    /// Nanoseconds of one.
    pub each_ns: f64,
    /// All of them, as a share of the base's sample.
    pub share: f64,
}

/// One matrix product by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// Workload name.
    pub name: String,
    /// Rows of the matrix.
    pub rows: u64,
    /// Its columns.
    pub cols: u64,
    /// Tokens that share it.
    pub tokens: u64,
    /// Its change, of its own time.
    pub change: Change,
}

/// One difference, with its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Kind, one word.
    pub kind: String,
    /// The sentence.
    pub text: String,
    /// Whether it is a difference of the builds; else a circumstance of the session.
    pub explains: bool,
}

/// Executed instructions of both builds, each of which ran twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Instructions {
    /// Of the base, both runs.
    pub base: [u64; 2],
    /// Of the head.
    pub head: [u64; 2],
    /// What counted them, and the command line that was counted.
    pub how: String,
    /// What the counts do not hold for.
    pub note: String,
    /// Functions that differ, the most changed first.
    pub functions: Vec<Function>,
    /// Functions that differ no more than two runs of one build.
    pub n_unsteady: usize,
    /// Functions that differ and are not listed.
    pub n_more: usize,
    /// The flame graph of both as inferno wrote it, SVG: read with suspicion.
    pub flame: Option<String>,
}

/// A function that executes more or less.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// File that it is in.
    pub file: String,
    /// `both`, `base` or `head`: which builds execute it.
    pub only: String,
    /// Instructions of the base's first run.
    pub base: u64,
    /// Of the head's.
    pub head: u64,
    /// Their difference.
    pub delta: i64,
    /// Of the difference of all instructions.
    pub share: Option<f64>,
    /// Calls, base then head.
    pub calls: [u64; 2],
    /// Lines that differ, a phrase each.
    pub lines: Vec<String>,
}

impl Compared {
    /// Of a bundle; `with`: what its base was asked for as.
    #[must_use]
    pub fn of(evidence: &Evidence, with: String) -> Self {
        let head = &evidence.head;
        let host = &head.host;
        Self {
            with,
            rows: facts(&evidence.base, head),
            machine: format!(
                "{}, {} CPUs, {} GiB, {}",
                host.cpu_model,
                host.cpus,
                host.memory_gib,
                host.fingerprint.short()
            ),
            measured: head.started_at.clone(),
        }
    }
}

impl Change {
    /// Whether the interval lies on one side of zero.
    #[must_use]
    pub fn is_sure(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}
