//! A finding: where, why it is a fault, and what mends it.

use std::fmt;

/// One fault that a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    line: Option<usize>,
    reason: String,
    fix: String,
}

impl Finding {
    /// A fault of a whole file.
    pub(crate) fn of_file(path: &str, reason: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, reason: reason.into(), fix: fix.into() }
    }

    /// The same fault, at a line (1-based).
    pub(crate) fn at(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    /// The file it is about.
    #[cfg(test)]
    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}\n    fix: {}", self.reason, self.fix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_prints_path_line_reason_and_fix() {
        let finding = Finding::of_file("a/b.rs", "it is so", "make it not so").at(7);
        assert_eq!(finding.to_string(), "a/b.rs:7: it is so\n    fix: make it not so");
    }
}
