//! A small record for the tests of this crate.

use baselines::{RunRecord, testing};

/// One process, two samples a series: about 8 KB, and still with every kind of field.
pub(crate) fn small_record() -> RunRecord {
    let mut record = testing::record(42);
    record.processes.truncate(1);
    for series in &mut record.processes[0].series {
        series.samples.truncate(2);
    }
    record
}
