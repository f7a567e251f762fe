//! What can go wrong with a GPU, to be tried out on one that is well: each fault is the device's or the driver's own where it can be.
//!
//! In: a name, as a test build's `BENCH_FAULT` has it. Out: a fault that a backend carries out. Nothing else makes one.

use std::{fmt, str::FromStr};

use crate::{Error, ErrorKind};

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The driver is not found.
    NoDriver,
    /// The driver is there, the compiler of kernels is not.
    NoCompiler,
    /// The driver has no device.
    NoDevice,
    /// Next to nothing of the device's memory is free.
    TooSmall,
    /// A kernel of the self-test leaves what was there: numbers that are none.
    SelfTest,
    /// No memory is left while the weights of this layer (0-based) are loaded.
    OutOfMemoryAtLayer(usize),
    /// No memory is left at this pass (0-based) of a session.
    OutOfMemoryAtPass(usize),
    /// A kernel of this pass can't be launched.
    KernelAtPass(usize),
    /// A kernel of this pass ends the device's context: every later call fails too.
    LostAtPass(usize),
}

impl Fault {
    /// One of each kind.
    pub const ALL: &[Self] = &[
        Self::NoDriver,
        Self::NoCompiler,
        Self::NoDevice,
        Self::TooSmall,
        Self::SelfTest,
        Self::OutOfMemoryAtLayer(2),
        Self::OutOfMemoryAtPass(3),
        Self::KernelAtPass(3),
        Self::LostAtPass(3),
    ];
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDriver => f.write_str("cuda-no-driver"),
            Self::NoCompiler => f.write_str("cuda-no-nvrtc"),
            Self::NoDevice => f.write_str("cuda-no-device"),
            Self::TooSmall => f.write_str("cuda-too-small"),
            Self::SelfTest => f.write_str("cuda-nan@self-test"),
            Self::OutOfMemoryAtLayer(layer) => write!(f, "cuda-oom@layer{layer}"),
            Self::OutOfMemoryAtPass(pass) => write!(f, "cuda-oom@pass{pass}"),
            Self::KernelAtPass(pass) => write!(f, "cuda-kernel@pass{pass}"),
            Self::LostAtPass(pass) => write!(f, "cuda-lost@pass{pass}"),
        }
    }
}

impl FromStr for Fault {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let known = match text {
            "cuda-no-driver" => Some(Self::NoDriver),
            "cuda-no-nvrtc" => Some(Self::NoCompiler),
            "cuda-no-device" => Some(Self::NoDevice),
            "cuda-too-small" => Some(Self::TooSmall),
            "cuda-nan@self-test" => Some(Self::SelfTest),
            text => {
                // A place of each, with its number behind it.
                let at = |name| text.strip_prefix(name)?.parse().ok();
                let layer = at("cuda-oom@layer").map(Self::OutOfMemoryAtLayer);
                layer
                    .or_else(|| at("cuda-oom@pass").map(Self::OutOfMemoryAtPass))
                    .or_else(|| at("cuda-kernel@pass").map(Self::KernelAtPass))
                    .or_else(|| at("cuda-lost@pass").map(Self::LostAtPass))
            }
        };
        known.ok_or_else(|| {
            let names: Vec<String> = Self::ALL.iter().map(|fault| format!("`{fault}`")).collect();
            let text = format!("fault {text:?}: expected one of {}", names.join(", "));
            Error::new(ErrorKind::InvalidArgument, text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Fault;

    #[test]
    fn every_fault_parses_and_prints_back() {
        for fault in Fault::ALL {
            assert_eq!(fault.to_string().parse::<Fault>().unwrap(), *fault);
        }
        assert_eq!("cuda-oom@layer7".parse::<Fault>().unwrap(), Fault::OutOfMemoryAtLayer(7));
        for none in ["", "cuda", "cuda-oom@layer", "cuda-oom@layer-1", "cuda-lost@pass1x"] {
            let error = none.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains("`cuda-oom@layer2`"), "{error}");
        }
    }
}
