//! Scripted sessions with the policy that ships.

use baselines::{Evidence, RunRecord};

/// A paired session under the shipped policy; the head takes `head_factor` times as long.
pub(crate) fn session(seed: u64, head_factor: f64) -> Evidence {
    let mut evidence = baselines::testing::evidence(seed, head_factor);
    gates::DEFAULT_POLICY.clone_into(&mut evidence.policy);
    evidence
}

/// Both arms.
pub(crate) fn arms(evidence: &mut Evidence) -> [&mut RunRecord; 2] {
    [&mut evidence.base, &mut evidence.head]
}

/// Every sample of `metric` in `record` replaced by `change`: (process, sample) → value; with its digest, as a forger would.
pub(crate) fn rewrite(
    record: &mut RunRecord,
    metric: &str,
    mut change: impl FnMut(usize, f64) -> f64,
) {
    for (place, process) in record.processes.iter_mut().enumerate() {
        for series in process.series.iter_mut().filter(|series| series.metric == metric) {
            for sample in &mut series.samples {
                *sample = change(place, *sample);
            }
        }
    }
    *record = record.clone().sealed();
}
