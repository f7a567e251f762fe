//! Exact metrics: counts and sizes without noise, judged by an absolute rule before any time is looked at.
//!
//! In: both arms of a session, the policy's `[[exact]]` rules. Out: an [`Exact`] for each place that a rule looks at. One more
//! byte than allowed is a fail, less is said and never held against anybody. Peak memory is not among them: it varies.

mod amount;
mod judge;
mod read;
mod summary;
mod total;

pub use amount::Amount;
pub use judge::{Exact, State, check, differences};
pub use summary::{Summary, summaries};
pub use total::total;

use read::Source;

/// One metric that has no noise.
#[derive(Clone, Copy, Debug)]
pub struct ExactMetric {
    /// Snake-case name, unit last.
    pub name: &'static str,
    /// What is counted, in the plural.
    pub unit: &'static str,
    /// What one value is.
    pub meaning: &'static str,
    source: Source,
}

/// All exact metrics, sorted by name.
pub const METRICS: &[ExactMetric] = &[
    ExactMetric {
        name: "allocated_bytes",
        unit: "bytes",
        meaning: "bytes that the timed stretches of one iteration ask of the allocator, for each workload",
        source: Source::Process(read::allocated_bytes),
    },
    ExactMetric {
        name: "binary_bytes",
        unit: "bytes",
        meaning: "size of the measured binary",
        source: Source::Subject(read::binary_bytes),
    },
    ExactMetric {
        name: "generated_tokens",
        unit: "tokens",
        meaning: "tokens sampled in one iteration, for each workload that samples",
        source: Source::Process(read::generated_tokens),
    },
    ExactMetric {
        name: "kernel_bytes",
        unit: "bytes",
        meaning: "weight bytes that the kernels read in one iteration, for each workload and linear but a screened head",
        source: Source::Process(read::kernel_bytes),
    },
    ExactMetric {
        name: "kernel_macs",
        unit: "macs",
        meaning: "multiply-adds of one iteration, for each workload and linear",
        source: Source::Process(read::kernel_macs),
    },
    ExactMetric {
        name: "kernel_products",
        unit: "products",
        meaning: "logical matrix–vector products of one iteration, for each workload and linear",
        source: Source::Process(read::kernel_products),
    },
    ExactMetric {
        name: "model_bytes",
        unit: "bytes",
        meaning: "size of the model file",
        source: Source::Subject(read::model_bytes),
    },
    ExactMetric {
        name: "timed_allocations",
        unit: "allocations",
        meaning: "requests that the timed stretches of one iteration make to the allocator, for each workload",
        source: Source::Process(read::timed_allocations),
    },
];

/// The metric called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static ExactMetric> {
    METRICS.iter().find(|metric| metric.name == name)
}

#[cfg(test)]
mod tests {
    use super::{METRICS, find};

    #[test]
    fn metrics_are_sorted_snake_case_with_the_unit_last_and_the_page_lists_each() {
        let page = include_str!("../../docs/statistics.md");
        assert!(METRICS.is_sorted_by(|a, b| a.name < b.name));
        for metric in METRICS {
            let good = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
            assert!(metric.name.bytes().all(good), "{}", metric.name);
            assert!(metric.name.ends_with(&format!("_{}", metric.unit)), "{}", metric.name);
            assert_eq!(find(metric.name).map(|found| found.name), Some(metric.name));
            // A metric with noise is judged by a test, never by an absolute rule as well.
            assert!(baselines::metric::find(metric.name).is_none(), "{}", metric.name);
            let row = format!("| `{}` | {} |", metric.name, metric.meaning);
            assert!(page.contains(&row), "docs/statistics.md lacks the row {row:?}");
        }
        assert!(find("peak_rss_bytes").is_none(), "it varies from process to process");
    }
}
