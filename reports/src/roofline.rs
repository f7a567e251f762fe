//! How near the timed workloads come to what the machine can do, as the page shows it. Made by `harness` from what `gates` derives
//! of a record's counts and probes: this crate derives nothing.

/// One metric of one workload with its floors.
#[derive(Clone, Debug, PartialEq)]
pub struct Roofline {
    /// Workload name.
    pub workload: String,
    /// Metric name.
    pub metric: String,
    /// Median of the process medians, nanoseconds.
    pub median_ns: f64,
    /// Bytes that one sample reads at least.
    pub bytes: f64,
    /// Multiply-adds that one sample carries out at least.
    pub macs: f64,
    /// Nanoseconds that the bytes take at best; `None` without a probe.
    pub bytes_floor_ns: Option<f64>,
    /// Nanoseconds that the multiply-adds take at best; `None` without a probe.
    pub macs_floor_ns: Option<f64>,
    /// Of a decode step, its products, the largest floor first; empty of everything else.
    pub products: Vec<Product>,
}

/// All products of one kind in a decode step.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// Tensor name and storage format.
    pub name: String,
    /// Bytes, over all layers.
    pub bytes: f64,
    /// Multiply-adds, over all layers.
    pub macs: f64,
    /// The higher of its two floors, nanoseconds.
    pub floor_ns: Option<f64>,
}

impl Roofline {
    /// The higher floor: no sample can be shorter.
    #[must_use]
    pub fn floor_ns(&self) -> Option<f64> {
        match (self.bytes_floor_ns, self.macs_floor_ns) {
            (Some(bytes), Some(macs)) => Some(bytes.max(macs)),
            (bytes, macs) => bytes.or(macs),
        }
    }

    /// Floor ÷ measured.
    #[must_use]
    pub fn reached(&self) -> Option<f64> {
        self.floor_ns().filter(|_| self.median_ns > 0.0).map(|floor| floor / self.median_ns)
    }
}
