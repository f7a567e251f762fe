//! What a history doesn't show, counted by reason: nothing is dropped in silence.
//! In: a reason, what it is about, what was said. Out: one line a reason, with a few examples.

use std::collections::BTreeMap;

use baselines::ErrorKind;
use reports::history::LeftOut;

/// Examples of each reason.
const EXAMPLES: usize = 5;
/// Characters of what was said.
const SAID_CHARS: usize = 200;

/// Why something isn't shown, in the order of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    Version,
    Digest,
    Malformed,
    Unreadable,
    NoSeries,
    Undefined,
    Journal,
    Calibration,
    NotAskedFor,
}

impl Reason {
    /// Of a record that the store could not give.
    pub(super) const fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Version => Self::Version,
            ErrorKind::Digest => Self::Digest,
            ErrorKind::Malformed => Self::Malformed,
            ErrorKind::Io | ErrorKind::NotFound | ErrorKind::Conflict => Self::Unreadable,
        }
    }

    const fn phrase(self) -> &'static str {
        match self {
            Self::Version => "records of a schema version that this build does not read",
            Self::Digest => "records that were changed after they were written",
            Self::Malformed => "records that are none by the schema",
            Self::Unreadable => "records whose file could not be read",
            Self::NoSeries => "records without any series",
            Self::Undefined => "series that the suite of their record does not define",
            Self::Journal => "journals of baselines that could not be read",
            Self::Calibration => "calibrations that could not be read",
            Self::NotAskedFor => "tracks that `--workload` does not ask for",
        }
    }
}

/// What is left out so far.
#[derive(Debug, Default)]
pub(super) struct LeftOuts(BTreeMap<Reason, (usize, Vec<String>)>);

impl LeftOuts {
    /// One more: `name` is what it is about.
    pub(super) fn add(&mut self, reason: Reason, name: &str, said: &str) {
        let (n, examples) = self.0.entry(reason).or_default();
        *n += 1;
        if examples.len() < EXAMPLES {
            let text = if said.is_empty() { name.to_owned() } else { format!("{name}: {said}") };
            examples.push(cut(&text));
        }
    }

    pub(super) fn into_list(self) -> Vec<LeftOut> {
        let line = |(reason, (n, examples)): (Reason, (usize, Vec<String>))| LeftOut {
            reason: reason.phrase().to_owned(),
            n,
            examples,
        };
        self.0.into_iter().map(line).collect()
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SAID_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{LeftOuts, Reason, SAID_CHARS};

    #[test]
    fn all_are_counted_and_some_are_named() {
        let mut left_out = LeftOuts::default();
        for nth in 0..7 {
            left_out.add(Reason::Malformed, &nth.to_string(), &"é".repeat(1_000));
        }
        left_out.add(Reason::Version, "x", "newer");
        let list = left_out.into_list();
        assert_eq!(list[0].examples, ["x: newer"]);
        assert_eq!((list[1].n, list[1].examples.len()), (7, 5));
        assert_eq!(list[1].examples[0].chars().count(), SAID_CHARS + 1);
    }
}
