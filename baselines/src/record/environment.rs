//! The machine, its state, and what it could do in this session.

use crate::Digest;

/// The machine. `fingerprint` covers the fields that change what a time means, but for the caches, which the CPU model says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// SHA-256 over the fields below, in this order, one `name=value` a line.
    pub fingerprint: Digest,
    /// CPU model as the system names it.
    pub cpu_model: String,
    /// CPU family, model and stepping, `6/106/6`.
    pub cpu_signature: String,
    /// Microcode revision, or `unknown`.
    pub microcode: String,
    /// Feature flags of interest, sorted.
    pub cpu_flags: Vec<String>,
    /// CPUs that this process may use.
    pub cpus: u64,
    /// Memory in GiB, rounded to the nearest.
    pub memory_gib: u64,
    /// Operating system and kernel release.
    pub os: String,
    /// Frequency governor, or `unknown`.
    pub governor: String,
    /// Hypervisor vendor, or `none`.
    pub virtualization: String,
    /// Bytes of the largest cache that one core has to itself.
    pub core_cache_bytes: Option<u64>,
    /// Bytes of the last cache before memory, where several cores share it.
    pub shared_cache_bytes: Option<u64>,
}

/// A fact about the environment, taken before any timing was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Kebab-case name: `governor-unknown`, `other-work`, `steal-time`, …
    pub name: String,
    /// The number or text behind it, and what would help.
    pub detail: String,
}

/// What a probe measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeKind {
    /// Bytes read per second, working set within the private caches.
    BandwidthCache,
    /// Bytes read per second from memory in 4 KiB pages.
    BandwidthPages4k,
    /// Bytes read per second from memory in huge pages (as far as the system gave them).
    BandwidthHugePages,
    /// int8 multiply-adds per second of the best instruction set, registers only.
    Int8Peak,
    /// Bytes per second that a copy in the GPU's memory reads and writes, by the GPU's clock.
    DeviceBandwidth,
    /// Bytes per second that the GPU reads again and again from its second-level cache.
    DeviceCacheBandwidth,
    /// int8 multiply-adds per second of the GPU's tensor cores, registers only.
    DeviceInt8Peak,
}

impl ProbeKind {
    /// Whether multiply-adds are counted, and not bytes.
    #[must_use]
    pub const fn counts_macs(self) -> bool {
        matches!(self, Self::Int8Peak | Self::DeviceInt8Peak)
    }

    /// Whether it is of the GPU that ran the session.
    #[must_use]
    pub const fn is_of_device(self) -> bool {
        matches!(self, Self::DeviceBandwidth | Self::DeviceCacheBandwidth | Self::DeviceInt8Peak)
    }
}

/// When a probe ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeWhen {
    /// Before the first worker process.
    Before,
    /// After the last.
    After,
}

/// One probe: work done and the time it took, so that the rate is recomputed, never read.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// What was measured.
    pub kind: ProbeKind,
    /// When.
    pub when: ProbeWhen,
    /// Threads used.
    pub threads: u64,
    /// Bytes touched, or multiply-adds carried out, per repetition.
    pub work: u64,
    /// Size of the working set in bytes (0 where multiply-adds are counted).
    pub working_set_bytes: u64,
    /// Nanoseconds of each repetition.
    pub samples_ns: Vec<f64>,
}

impl Probe {
    /// The best rate seen, in work units per second: work ÷ the shortest repetition. `None` without a positive sample.
    #[must_use]
    pub fn best_rate(&self) -> Option<f64> {
        let shortest =
            self.samples_ns.iter().copied().filter(|ns| *ns > 0.0).min_by(f64::total_cmp)?;
        #[expect(clippy::cast_precision_loss, reason = "work is far below 2^53")]
        let work = self.work as f64;
        Some(work / shortest * 1e9)
    }
}
