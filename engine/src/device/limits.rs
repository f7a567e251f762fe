//! What a device can reach at most, by its own clock: the bounds that no claimed rate may exceed; and what it says of itself.

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKind {
    /// Bytes that a copy in the device's memory reads and writes, far more than its caches hold.
    Bandwidth,
    /// Bytes read again and again from what the second-level cache holds.
    CacheBandwidth,
    /// int8 multiply-adds of the kernels' instruction, in registers only.
    Int8Peak,
}

/// One limit: work done, and how long each repetition took, so that the rate is recomputed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Which.
    pub kind: LimitKind,
    /// Bytes moved, or multiply-adds carried out, by a repetition.
    pub work: u64,
    /// Bytes that it comes back to; 0 in registers.
    pub working_set_bytes: u64,
    /// Each repetition, in ns.
    pub ns: Vec<u64>,
}

/// What a device says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// The clock of its processors in MHz, as a kernel counted it.
    pub clock_mhz: Option<u64>,
    /// The most bytes of its memory that this process had at once.
    pub peak_bytes: Option<u64>,
}
