//! Why a session is to end before its time: Ctrl-C, or its time is up. Looked at between the lines of a worker.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};

use crate::failure::{Failure, INTERRUPTED};

const CANCELLED: u8 = 1;
const TIME_LIMIT: u8 = 2;

/// A switch that is used once. All clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Halt {
    reason: Arc<AtomicU8>,
}

impl Halt {
    /// An error once there is a reason to end.
    pub(crate) fn check(&self) -> Result<()> {
        match self.reason.load(Relaxed) {
            0 => Ok(()),
            TIME_LIMIT => Err(Failure::time_limit(
                "failed to measure: the time limit was reached before the session's end; raise `--time-limit`, or ask for \
                 fewer processes or a smaller suite",
            )
            .into()),
            _ => Err(Failure::cancelled("failed to measure: interrupted before the session's end").into()),
        }
    }

    /// Ends it at Ctrl-C.
    pub(crate) fn at_interrupt(&self) -> Result<()> {
        let halt = self.clone();
        at_interrupt(move || halt.set(CANCELLED))
    }

    /// Ends it after `limit`.
    pub(crate) fn after(&self, limit: Duration) {
        let halt = self.clone();
        thread::spawn(move || {
            thread::sleep(limit);
            halt.set(TIME_LIMIT);
        });
    }

    /// Whether this is the first reason.
    fn set(&self, reason: u8) -> bool {
        self.reason.compare_exchange(0, reason, Relaxed, Relaxed).is_ok()
    }
}

/// Calls `asked` at Ctrl-C. Where that says that it had been asked before, the program ends where it stands: the first Ctrl-C is
/// waited for, the second asks not to wait.
pub(crate) fn at_interrupt(asked: impl Fn() -> bool + Send + 'static) -> Result<()> {
    ctrlc::set_handler(move || {
        if !asked() {
            #[expect(clippy::exit, reason = "the second asks not to wait")]
            std::process::exit(INTERRUPTED.into());
        }
    })
    .context("failed to set up a handler of Ctrl-C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{exit_code, kind};

    #[test]
    fn the_first_reason_stays() {
        let halt = Halt::default();
        halt.check().unwrap();
        halt.after(Duration::ZERO);
        while halt.check().is_ok() {
            thread::yield_now();
        }
        assert!(!halt.set(CANCELLED));
        let error = halt.check().unwrap_err();
        assert_eq!((exit_code(&error), kind(&error)), (1, "time_limit"));
        let halt = Halt::default();
        assert!(halt.set(CANCELLED));
        let error = halt.check().unwrap_err();
        assert_eq!((exit_code(&error), kind(&error)), (130, "cancelled"));
    }
}
