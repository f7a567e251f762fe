//! A session with a screened head, or with packed weights: its evidence holds, its rates are of the bytes that it can have read,
//! and what is multiplied as a whole is held to what it always was.

mod common;
#[path = "common/screened.rs"]
mod screened;

use baselines::{Evidence, RunRecord, record::ProbeKind};
use common::{arms, rewrite, session};
use gates::{Verdict, derive, roofline::rooflines};
use screened::{PACKED, head_counts, packed, screened};

fn refused(evidence: &Evidence) -> Vec<&'static str> {
    derive(evidence).expect("the policy is read").refusals.iter().map(|found| found.rule).collect()
}

#[test]
fn a_screened_head_holds_in_one_arm_and_in_both() {
    let mut evidence = session(42, 1.0);
    screened(&mut evidence.head, |_| {});
    // The base multiplies as a whole: a change of code, which is compared.
    evidence.head.subject.engine_mut().unwrap().settings.head = Some("screened".to_owned());
    evidence.head.subject.engine_mut().unwrap().settings.weights_copied_bytes = Some(6_500_000);
    let derived = derive(&evidence).expect("the policy is read");
    assert_eq!((derived.refusals, derived.verdict), (Vec::new(), Verdict::Pass));

    screened(&mut evidence.base, |_| {});
    let derived = derive(&evidence).expect("the policy is read");
    assert_eq!((derived.refusals, derived.verdict), (Vec::new(), Verdict::Pass));
    let mut bytes = derived.exact.iter().filter(|place| place.metric == "kernel_bytes");
    assert!(bytes.all(|place| !place.place.ends_with("4/output")), "no place of a screened head");
}

#[test]
fn packed_weights_hold_and_a_step_reads_them() {
    let mut evidence = session(42, 1.0);
    let (whole, of_file) = step(&evidence.head, "ffn_down");
    packed(&mut evidence.head, "ffn_down");
    let derived = derive(&evidence).expect("the policy is read");
    assert_eq!((derived.refusals, derived.verdict), (Vec::new(), Verdict::Pass));
    assert!(evidence.head.processes[0].counts.iter().any(|counts| counts.kernel == PACKED));
    let (less, of_packed) = step(&evidence.head, "ffn_down");
    // Eight layers of 384 rows of four lines; in the file another 32 bytes stand behind each tensor.
    assert!((of_packed - 8.0 * 384.0 * 256.0).abs() < 1e-6, "{of_packed}");
    assert!((of_file - of_packed - 8.0 * 32.0).abs() < 1e-6, "{of_file}");
    assert!((whole - less - 8.0 * 32.0).abs() < 1e-6, "{whole} {less}");
}

/// Bytes of a step, and of one of its products.
fn step(record: &RunRecord, linear: &str) -> (f64, f64) {
    let all = rooflines(record);
    let decode = all.iter().find(|found| found.metric == "decode_step_ns").expect("decode");
    let product = decode.products.iter().find(|product| product.linear == linear);
    (decode.bytes, product.expect("a product").bytes)
}

#[test]
fn a_step_reads_the_first_look_of_a_screened_head_and_a_prompt_the_whole_of_it() {
    let mut record = session(42, 1.0).head;
    let (whole, of_head) = step(&record, "output");
    assert!((of_head - 4096.0 * 384.0 * 2.0).abs() < 1e-6, "{of_head}");
    let prefill = |record: &RunRecord| {
        rooflines(record).iter().find(|found| found.metric == "prefill_ns").unwrap().bytes
    };
    let before = prefill(&record);
    screened(&mut record, |_| {});
    let (less, of_head) = step(&record, "output");
    assert!((of_head - 4096.0 * 336.0).abs() < 1e-6, "{of_head}");
    assert!((whole - less - 4096.0 * 432.0).abs() < 1e-6, "{whole} {less}");
    assert!((prefill(&record) - before).abs() < 1e-6);
}

/// A step so fast that the whole head cannot have been read, but what a screened one reads can.
#[test]
fn a_time_that_only_a_screened_head_can_have_is_refused_of_another() {
    let mut evidence = session(42, 1.0);
    let (whole, of_head) = step(&evidence.head, "output");
    let less = whole - of_head / 2.0;
    for record in arms(&mut evidence) {
        for probe in record.probes.iter_mut().filter(|probe| probe.kind != ProbeKind::Int8Peak) {
            // Half of the bytes between both, in the time of a typical step.
            probe.work = 10_000_000;
            probe.working_set_bytes = 10_000_000;
            let ns = 412_000.0 * 10_000_000.0 / f64::midpoint(whole, less) * 1.1;
            probe.samples_ns.fill(ns);
        }
        rewrite(record, "prefill_ns", |_, ns| ns * 4.0);
        rewrite(record, "quantize_ns", |_, ns| ns * 4.0);
    }
    assert!(refused(&evidence).contains(&"physics-bandwidth"));
    for record in arms(&mut evidence) {
        screened(record, |_| {});
    }
    assert!(!refused(&evidence).contains(&"physics-bandwidth"), "{:?}", refused(&evidence));
}

#[test]
fn the_fewest_bytes_of_a_screened_head_are_its_first_look_and_those_of_another_what_they_were() {
    for (share_of_whole, screens, holds) in
        [(0.95, false, true), (0.85, false, false), (0.45, true, true), (0.43, true, false)]
    {
        let mut evidence = session(42, 1.0);
        if screens {
            screened(&mut evidence.head, |_| {});
        }
        for counts in head_counts(&mut evidence.head, "decode-64") {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes")]
            let bytes = (share_of_whole * 3_145_728.0) as u64;
            counts.bytes = counts.products * bytes;
        }
        // Other bytes than those of the looks, which another rule says.
        assert_eq!(!refused(&evidence).contains(&"counts"), holds, "{share_of_whole} {screens}");
    }
}
