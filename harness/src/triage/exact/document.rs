//! `triage_exact.json`: counts of all four runs, so that every row follows from it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of document it is.
pub(super) const SCHEMA: &str = "tritgate.triage-exact";

/// The document: counts of all four runs, so that every row follows from it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Document {
    pub(super) schema: String,
    pub(super) version: String,
    pub(crate) valgrind: String,
    pub(crate) isa: String,
    pub(crate) arguments: Vec<String>,
    pub(crate) base_binary: String,
    pub(crate) head_binary: String,
    /// The lines of commands; left out of builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base_command: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) head_command: Option<String>,
    /// What a reader must know about the counts of commands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
    /// Instructions of both runs.
    pub(crate) base_ir: [u64; 2],
    pub(crate) head_ir: [u64; 2],
    /// Functions that differ between the builds and not, as much, between two runs of one.
    pub(crate) functions: Vec<FunctionRow>,
    /// Functions that differ, but no more than between two runs of one build.
    pub(crate) n_unsteady: usize,
    /// Functions that differ beyond those that are listed.
    pub(crate) n_more: usize,
}

/// One function.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FunctionRow {
    pub(crate) function: String,
    pub(crate) file: String,
    /// `both`, `base` or `head`: which builds execute it.
    pub(crate) only: String,
    pub(crate) base_ir: [u64; 2],
    pub(crate) head_ir: [u64; 2],
    pub(crate) delta_ir: i64,
    pub(crate) base_calls: u64,
    pub(crate) head_calls: u64,
    /// Of the difference of all instructions.
    pub(crate) share: Option<f64>,
    pub(crate) lines: Vec<LineRow>,
}

/// One line of a function.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LineRow {
    pub(crate) file: String,
    pub(crate) base_line: Option<u64>,
    pub(crate) head_line: Option<u64>,
    pub(crate) delta_ir: i64,
}

impl fmt::Display for LineRow {
    /// `engine/src/x.rs: line 7 → 9: +120`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |line: Option<u64>| line.map_or("none".to_owned(), |n| n.to_string());
        let (base, head) = (number(self.base_line), number(self.head_line));
        write!(f, "{}: line {base} → {head}: {:+}", self.file, self.delta_ir)
    }
}

impl Document {
    /// Reads what was written; `None` of anything else.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|document: &Self| document.schema == SCHEMA)
    }

    /// Whether no function differs.
    pub(crate) const fn is_silent(&self) -> bool {
        self.functions.is_empty()
    }
}
