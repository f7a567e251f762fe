//! Any bytes as a run record: an error or a record, never a panic; what is read is written, and reads back as it was.
#![no_main]

use baselines::RunRecord;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(record) = RunRecord::from_json(bytes) {
        let again = RunRecord::from_json(&record.to_json()).expect("written by us");
        assert_eq!(again, record);
    }
});
