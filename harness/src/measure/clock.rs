//! Time as an argument: the `Clock` that measuring code is given, and the one real clock.

use std::time::Instant;

use time::{OffsetDateTime, macros::format_description};

/// The engine's monotonic clock for durations, and a calendar clock for timestamps.
pub trait Clock: engine::Clock {
    /// Coordinated universal time.
    fn utc(&self) -> OffsetDateTime;
}

/// The machine's own clock.
#[derive(Debug)]
pub(crate) struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one real clock")]
    pub(crate) fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl engine::Clock for SystemClock {
    #[expect(clippy::cast_possible_truncation, reason = "2^64 ns are 584 years")]
    fn now_ns(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }
}

impl Clock for SystemClock {
    fn utc(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// RFC 3339 with milliseconds and `Z`, the one form of a timestamp in a record.
pub(crate) fn timestamp(utc: OffsetDateTime) -> String {
    let form =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    utc.format(&form).expect("the form asks for a date and a time only")
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use engine::Clock as _;
    use time::macros::datetime;

    use super::*;

    /// Each reading is `tick_ns` after the one before.
    #[derive(Debug)]
    pub(crate) struct ScriptedClock {
        pub(crate) now_ns: Cell<u64>,
        pub(crate) tick_ns: u64,
    }

    impl engine::Clock for ScriptedClock {
        fn now_ns(&self) -> u64 {
            self.now_ns.set(self.now_ns.get() + self.tick_ns);
            self.now_ns.get()
        }
    }

    impl Clock for ScriptedClock {
        fn utc(&self) -> OffsetDateTime {
            datetime!(2026-03-02 09:00:00 UTC)
        }
    }

    #[test]
    fn a_timestamp_has_milliseconds_and_ends_in_z() {
        let utc = datetime!(2026-03-02 09:08:07.065_9 UTC);
        assert_eq!(timestamp(utc), "2026-03-02T09:08:07.065Z");
    }

    #[test]
    fn the_real_clock_moves_forward() {
        let clock = SystemClock::new();
        let first = clock.now_ns();
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(clock.now_ns() >= first + 2_000_000);
    }
}
