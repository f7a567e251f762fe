//! The CPU: always there, what every other device falls back to.

use super::{Backend, DeviceId, DeviceInfo, Host, Needs, Reason, self_test};

/// The processors of this machine as one device.
#[derive(Clone, Debug)]
pub struct Cpu {
    host: Host,
}

impl Cpu {
    /// Of this host.
    #[must_use]
    pub fn new(host: &Host) -> Self {
        Self { host: host.clone() }
    }
}

impl Backend for Cpu {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn is_gpu(&self) -> bool {
        false
    }

    fn devices(&self) -> Result<Vec<DeviceInfo>, Reason> {
        let Host { kernels, name, total_bytes, free_bytes, .. } = &self.host;
        Ok(vec![DeviceInfo {
            id: DeviceId { backend: self.name(), idx: None },
            name: name.clone(),
            total_bytes: *total_bytes,
            free_bytes: *free_bytes,
            capability: kernels.isa.name().to_owned(),
            driver: None,
        }])
    }

    /// Weights are read where they lie: in the mapped file, which the system may drop and read again, or in the program.
    fn bytes_needed(&self, needs: &Needs) -> u64 {
        needs.kv_bytes.saturating_add(needs.activations_bytes)
    }

    fn self_test(&self, _: &DeviceInfo) -> Result<(), Reason> {
        self_test(&self.host.kernels)
    }
}
