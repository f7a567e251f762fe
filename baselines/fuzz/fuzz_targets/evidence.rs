//! Any bytes as an evidence bundle: an error or a bundle, never a panic; what is read is written, and reads back as it was.
#![no_main]

use baselines::Evidence;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(bundle) = Evidence::from_json(bytes) {
        let again = Evidence::from_json(&bundle.to_json()).expect("written by us");
        assert_eq!(again, bundle);
    }
});
