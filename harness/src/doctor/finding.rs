//! A finding: what one check saw, what that does to a time, and what mends it.

use serde_json::{Map, Value};

/// How good or bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing to mend.
    Ok,
    /// Makes intervals wider, or hides something.
    Warn,
    /// Can move a time by as much as the slow-down that a gate must not miss, or makes it mean something else.
    Bad,
    /// The system does not say.
    Unknown,
    /// Worth knowing; neither good nor bad.
    Info,
}

impl State {
    /// Worst first.
    pub(crate) const ALL: [Self; 5] = [Self::Bad, Self::Warn, Self::Unknown, Self::Info, Self::Ok];

    /// The word for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Unknown => "unknown",
            Self::Info => "info",
        }
    }

    /// The sign before the word.
    pub(crate) const fn glyph(self) -> &'static str {
        match self {
            Self::Ok => "✔",
            Self::Warn => "!",
            Self::Bad => "✘",
            Self::Unknown => "?",
            Self::Info => "·",
        }
    }
}

/// What one check found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    pub(crate) state: State,
    /// What was seen, with its numbers.
    pub(crate) found: String,
    /// What to expect of a measurement.
    pub(crate) effect: String,
    /// What would help, in words.
    pub(crate) mend: Option<String>,
    /// The command that does it.
    pub(crate) command: Option<String>,
    /// The numbers and names behind `found`, for programs.
    pub(crate) values: Map<String, Value>,
}

impl Finding {
    /// A finding without effect, remedy or values; the methods below add them.
    pub(crate) fn new(state: State, found: impl Into<String>) -> Self {
        Self {
            state,
            found: found.into(),
            effect: "none expected".to_owned(),
            mend: None,
            command: None,
            values: Map::new(),
        }
    }

    /// The system does not say `what`.
    pub(crate) fn unknown(what: impl Into<String>) -> Self {
        Self::new(State::Unknown, what).effect("unknown")
    }

    pub(crate) fn effect(mut self, effect: impl Into<String>) -> Self {
        self.effect = effect.into();
        self
    }

    pub(crate) fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }

    pub(crate) fn command(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }

    pub(crate) fn value(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.values.insert(name.to_owned(), value.into());
        self
    }
}

/// What all findings together say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fitness {
    /// Nothing bad, nothing to warn of.
    Fit,
    /// Something widens the intervals.
    Noisy,
    /// Something is bad.
    Unfit,
    /// The system says less than it leaves open.
    Unknown,
}

impl Fitness {
    /// Of `states`.
    pub(crate) fn of(states: &[State]) -> Self {
        let n = |state| states.iter().filter(|found| **found == state).count();
        if n(State::Bad) > 0 {
            Self::Unfit
        } else if n(State::Warn) > 0 {
            Self::Noisy
        } else if n(State::Unknown) > n(State::Ok) {
            Self::Unknown
        } else {
            Self::Fit
        }
    }

    /// The word for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Fit => "fit",
            Self::Noisy => "noisy",
            Self::Unfit => "unfit",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_finding_outweighs_all_good_ones_and_silence_is_not_fitness() {
        use State::{Bad, Info, Ok, Unknown, Warn};
        assert_eq!(Fitness::of(&[Ok, Ok, Info, Unknown]), Fitness::Fit);
        assert_eq!(Fitness::of(&[Ok, Warn, Ok]), Fitness::Noisy);
        assert_eq!(Fitness::of(&[Ok, Warn, Bad, Ok]), Fitness::Unfit);
        assert_eq!(Fitness::of(&[Ok, Unknown, Unknown]), Fitness::Unknown);
        assert_eq!(Fitness::of(&[]), Fitness::Fit);
    }
}
