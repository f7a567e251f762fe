//! Any bytes as the payload of an event: a refusal or a run of our workflow, never a panic.
#![no_main]

use gates::github::event::{Expected, RULE, measured_run};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let expected = Expected {
        event_name: "workflow_run",
        repository: 300_029_405,
        workflow: ".github/workflows/test.yml",
    };
    match measured_run(bytes, &expected) {
        Ok(run) => assert!(run.id > 0 && run.attempt > 0 && run.head_sha.len() == 40),
        Err(refused) => assert_eq!(refused.rule, RULE),
    }
});
