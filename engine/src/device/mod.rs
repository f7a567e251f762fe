//! The device manager: which devices there are, which of them a run fits on, whether it computes rightly, and which is taken.
//!
//! In: what is asked for ([`DeviceRequest`]), what a run needs ([`Needs`]), what the caller knows of the machine ([`Host`]).
//! Out: a [`Selection`] that says of every device why it was taken or not; falling back to the CPU is part of it, never silent.
//!
//! ```text
//! BACKENDS ─► devices ─► memory check ─► self-test ─► taken ─► Selection
//!             each step may refuse a device, with a Reason; then the next is looked at, the CPU last
//! ```

mod cpu;
#[cfg(feature = "gpu")]
mod cuda;
mod executor;
mod fault;
mod info;
mod limits;
mod manager;
mod needs;
mod reason;
mod request;
mod selection;
mod self_test;
#[cfg(test)]
mod tests;

use std::fmt::Debug;

use crate::{Model, SessionOptions};

pub use cpu::Cpu;
#[cfg(feature = "gpu")]
pub use cuda::Cuda;
pub use executor::{DeviceMemory, Executor, Probe, Room, Row, Traffic};
pub use fault::Fault;
pub use info::{DeviceId, DeviceInfo, Host};
pub use limits::{Gauges, Limit, LimitKind};
pub use manager::{DeviceManager, Selected};
pub use needs::Needs;
pub use reason::{Reason, ReasonKind};
pub use request::DeviceRequest;
pub use selection::{Considered, Fallback, Outcome, Selection};
pub use self_test::self_test;

/// A way to reach devices of one kind. Nothing here computes a model: what is selected is handed to whoever does.
pub trait Backend: Debug {
    /// The first part of its devices' ids.
    fn name(&self) -> &'static str;

    /// Whether its devices are GPUs. What is not is what others fall back to.
    fn is_gpu(&self) -> bool;

    /// The devices that are there now, best first.
    ///
    /// # Errors
    /// Why none can be told: no driver, a driver that says no.
    fn devices(&self) -> Result<Vec<DeviceInfo>, Reason>;

    /// Bytes of the device's own memory that a run takes.
    fn bytes_needed(&self, needs: &Needs) -> u64 {
        needs.total_bytes()
    }

    /// Computes something small with a known result on `device`, with every kernel that a model's products use.
    ///
    /// # Errors
    /// What was computed wrongly: expected and found; or what kept it from being computed.
    fn self_test(&self, device: &DeviceInfo) -> Result<(), Reason>;

    /// What computes the passes of a session of `options` on `device`, with the model's weights on it. The CPU has none: a session is it.
    ///
    /// # Errors
    /// Why it can't run there.
    fn open(
        &self,
        device: &DeviceInfo,
        model: &Model,
        options: &SessionOptions,
    ) -> Result<Box<dyn Executor>, Reason> {
        let (_, _) = (model, options);
        let text = format!("{}: this backend computes nothing", device.id);
        Err(Reason::new(ReasonKind::Unsupported, text))
    }

    /// What `device` can reach at most, `repeat` times each; nothing where the backend can't tell.
    ///
    /// # Errors
    /// What failed.
    fn limits(&self, device: &DeviceInfo, repeat: usize) -> Result<Vec<Limit>, Reason> {
        let (_, _) = (device, repeat);
        Ok(Vec::new())
    }

    /// What `device` says of itself now; nothing where the backend can't tell.
    ///
    /// # Errors
    /// What failed.
    fn gauges(&self, device: &DeviceInfo) -> Result<Gauges, Reason> {
        let _ = device;
        Ok(Gauges::default())
    }
}

/// Makes a backend. It may look at the machine only when it is asked for its devices.
pub type NewBackend = fn(&Host) -> Box<dyn Backend>;

/// The register: one entry per backend of this build, GPUs first, the CPU last.
pub const BACKENDS: &[NewBackend] = &[
    #[cfg(feature = "gpu")]
    |host| Box::new(Cuda::new(host)),
    |host| Box::new(Cpu::new(host)),
];
