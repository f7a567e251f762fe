//! Why a device is not taken: a kind for programs, a text for people.

use std::fmt;

/// Stable kinds: their names stand in records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasonKind {
    /// This build can't reach such devices.
    NoBackend,
    /// The driver is not installed, or misses a part.
    DriverMissing,
    /// There is no such device.
    NoDevice,
    /// The driver is there and does not tell its devices.
    EnumerationFailed,
    /// It can't run this model with these options.
    Unsupported,
    /// The run does not fit into its free memory.
    OutOfMemory,
    /// It computed something wrongly.
    SelfTestFailed,
    /// It failed in use, or could not be used at all: a kernel, the memory, the device itself.
    DeviceFailed,
}

impl ReasonKind {
    /// Its name in records and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoBackend => "no_backend",
            Self::DriverMissing => "driver_missing",
            Self::NoDevice => "no_device",
            Self::EnumerationFailed => "enumeration_failed",
            Self::Unsupported => "unsupported",
            Self::OutOfMemory => "out_of_memory",
            Self::SelfTestFailed => "self_test_failed",
            Self::DeviceFailed => "device_failed",
        }
    }

    /// Whether a device was there that might have been used: a machine without one is no machine with a fault.
    #[must_use]
    pub const fn is_fault(self) -> bool {
        !matches!(self, Self::NoBackend | Self::DriverMissing | Self::NoDevice)
    }
}

impl fmt::Display for ReasonKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why one device, or all of a backend, were not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// For programs.
    pub kind: ReasonKind,
    /// For people: expected, found.
    pub text: String,
}

impl Reason {
    /// A reason of `kind`.
    #[must_use]
    pub fn new(kind: ReasonKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text, self.kind)
    }
}
