//! A gate's files against its evidence: everything is derived again and compared byte for byte.
//! In: the bundle's bytes, and the files beside it. Out: where each differs, what is refused, the verdict, the exit code.

use std::path::Path;

use anyhow::Result;
use baselines::{Digest, ErrorKind, Evidence, record::wire::MAX_BYTES};
use gates::{Derived, Verdict};

use crate::{
    failure::{Failure, INVALID},
    files::{self, EVIDENCE},
};

/// What is beside the bundle under the name of a file of the gate.
#[derive(Debug)]
pub(crate) enum Found {
    /// A file with this content.
    Bytes(Vec<u8>),
    /// No file that can be compared, and why.
    None(String),
}

impl Found {
    /// What is at `path`; nothing larger than a bundle can be is read into memory.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        match baselines::read_bounded(path, MAX_BYTES) {
            Ok(bytes) => Ok(Self::Bytes(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Ok(Self::None("missing".to_owned()))
            }
            Err(error) if error.kind() == ErrorKind::Malformed => Ok(Self::None(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }
}

/// What follows from the evidence, and what of the files does not.
#[derive(Debug)]
pub(crate) struct Verified {
    /// Every file of the gate, and where it differs from what the evidence gives, if it does.
    pub(crate) files: Vec<(String, Option<String>)>,
    /// SHA-256 of what each of them must be.
    pub(crate) digests: Vec<(String, Digest)>,
    /// What the evidence gives.
    pub(crate) derived: Derived,
}

impl Verified {
    /// Files that are not what the evidence gives.
    pub(crate) fn n_different(&self) -> usize {
        self.files.iter().filter(|(_, difference)| difference.is_some()).count()
    }

    /// 0 where every file follows and the evidence holds, whatever the verdict is.
    pub(crate) fn exit_code(&self) -> u8 {
        if self.n_different() > 0 {
            return INVALID;
        }
        match self.derived.verdict {
            Verdict::Invalid | Verdict::Incomparable => self.derived.verdict.exit_code(),
            Verdict::Pass | Verdict::Fail | Verdict::Inconclusive => 0,
        }
    }
}

/// Verifies a bundle that was read from `bytes`; `beside` says what is under the name of each other file, `surplus` which gates of
/// checks are there.
pub(crate) fn of_bundle(
    bytes: &[u8],
    evidence: &Evidence,
    surplus: Vec<String>,
    mut beside: impl FnMut(&str) -> Result<Found>,
) -> Result<Verified> {
    // A policy that cannot be read, for one: the bundle was not written by this program.
    let (derived, expected) =
        files::derive(evidence).map_err(|error| Failure::invalid(format!("{error:#}")))?;
    // The bundle itself may go by any name.
    let bundle = evidence.to_json();
    let mut files = vec![(EVIDENCE.to_owned(), difference(&bundle, bytes))];
    let mut digests = vec![(EVIDENCE.to_owned(), Digest::of(&bundle))];
    for (name, expected) in expected {
        let found = match beside(&name)? {
            Found::Bytes(found) => difference(&expected, &found),
            Found::None(why) => Some(why),
        };
        digests.push((name.clone(), Digest::of(&expected)));
        files.push((name, found));
    }
    for name in surplus {
        if !files.iter().any(|(known, _)| *known == name) {
            let why = "expected no such gate: the evidence has no check of that name".to_owned();
            files.push((name, Some(why)));
        }
    }
    Ok(Verified { files, digests, derived })
}

/// Bytes shown before and after the first that differs.
const SHOWN_BYTES: (usize, usize) = (24, 40);

/// The first byte that differs, in its line, if one does.
fn difference(expected: &[u8], found: &[u8]) -> Option<String> {
    if expected == found {
        return None;
    }
    let at = expected.iter().zip(found).take_while(|(a, b)| a == b).count();
    let before = &expected[..at];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let from = line_start.max(at.saturating_sub(SHOWN_BYTES.0));
    let shown = |bytes: &[u8]| {
        let end = bytes[at..].iter().take(SHOWN_BYTES.1).take_while(|byte| **byte != b'\n').count();
        String::from_utf8_lossy(&bytes[from..at + end]).trim().to_owned()
    };
    let (column, expected, found) = (at - line_start + 1, shown(expected), shown(found));
    Some(format!("line {line}, byte {column}: expected {expected:?}, found {found:?}"))
}

#[cfg(test)]
mod tests;
