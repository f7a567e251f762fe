//! What was selected, and why nothing else was.

use std::fmt::{self, Write as _};

use super::{DeviceInfo, DeviceRequest, Reason, ReasonKind};

/// The device of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// What was asked for.
    pub requested: DeviceRequest,
    /// What runs.
    pub selected: DeviceInfo,
    /// Why the CPU runs although a GPU was asked for or is there; `None` otherwise.
    pub fallback: Option<Fallback>,
    /// Every device that was looked at, in order.
    pub considered: Vec<Considered>,
}

/// Why the CPU runs in place of a GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// Of the first device that was refused.
    pub kind: ReasonKind,
    /// Of all that were refused.
    pub reason: String,
}

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.reason, self.kind)
    }
}

/// One device, or a backend that told none, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Considered {
    /// The device's id; the name of the backend or the kind where there is no device.
    pub device: String,
    /// What is known of it.
    pub info: Option<DeviceInfo>,
    /// Taken or not.
    pub outcome: Outcome,
}

/// Whether a device was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It fits, computes rightly, and runs.
    Taken,
    /// One before it was taken: it was not tried.
    PassedOver,
    /// It can't run this.
    Refused(Reason),
}

impl Considered {
    /// Why it was refused, if it was.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Reason> {
        match &self.outcome {
            Outcome::Refused(reason) => Some(reason),
            Outcome::Taken | Outcome::PassedOver => None,
        }
    }
}

impl fmt::Display for Considered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.device)?;
        if let Some(info) = &self.info {
            write!(f, " ({}, {})", info.name, info.capability)?;
        }
        match &self.outcome {
            Outcome::Taken => f.write_str(": taken"),
            Outcome::PassedOver => f.write_str(": not tried, another was taken"),
            Outcome::Refused(reason) => write!(f, ": {reason}"),
        }
    }
}

impl Selection {
    /// One line for each device that was looked at.
    #[must_use]
    pub fn explain(&self) -> String {
        self.considered.iter().fold(String::new(), |mut lines, considered| {
            let _ = writeln!(lines, "{considered}");
            lines
        })
    }
}
