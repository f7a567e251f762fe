//! One device: its id, its name, its memory, what it can do; and the host, as far as the caller knows it.

use std::{fmt, path::PathBuf};

use super::Fault;
use crate::kernels::Kernels;

/// `cpu`, or a GPU of a backend: `cuda:0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceId {
    /// The backend's name.
    pub backend: &'static str,
    /// Which of its devices (0-based); `None` where there is only one by nature.
    pub idx: Option<usize>,
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.idx {
            Some(idx) => write!(f, "{}:{idx}", self.backend),
            None => f.write_str(self.backend),
        }
    }
}

/// A device as its backend describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Which one.
    pub id: DeviceId,
    /// What its maker calls it.
    pub name: String,
    /// All of its memory, in bytes; `None` if it does not say.
    pub total_bytes: Option<u64>,
    /// What of it is free now, in bytes; `None` if it does not say, and then no run is refused for memory.
    pub free_bytes: Option<u64>,
    /// What it can compute with: an instruction set, a compute capability.
    pub capability: String,
    /// The driver that it is reached through, where there is one.
    pub driver: Option<String>,
}

/// The machine itself, as far as the caller knows it: this crate does not look.
#[derive(Clone, Debug)]
pub struct Host {
    /// The kernels that the CPU would compute with, and that it is tested with.
    pub kernels: Kernels,
    /// What its maker calls the CPU.
    pub name: String,
    /// All memory, in bytes.
    pub total_bytes: Option<u64>,
    /// Memory that a new program may take, in bytes.
    pub free_bytes: Option<u64>,
    /// Where kernels that were compiled for a device may be kept.
    pub kernels_folder: Option<PathBuf>,
    /// What is to go wrong with a GPU, where it is tried out.
    pub fault: Option<Fault>,
}
