//! Any bytes as an artifact: a refusal or the evidence in it within the limits, never a panic, and the same again.
#![no_main]

use gates::github::artifact::{MAX_EVIDENCE, RULE, evidence};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match evidence(bytes) {
        Ok(inside) => {
            assert!(inside.len() as u64 <= MAX_EVIDENCE);
            assert_eq!(evidence(bytes), Ok(inside));
        }
        Err(refused) => assert_eq!(refused.rule, RULE),
    }
});
