//! Record → wire → record: nothing is lost, and equal records have equal bytes.

mod common;

use baselines::{
    Digest, Evidence, METRICS, RunRecord,
    evidence::{Given, Hop},
    record::{DeviceUse, ProbeKind, Purpose, Screening, StopReason},
    testing, timestamp,
};
use proptest::prelude::*;

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        Just(f64::MIN_POSITIVE),
        Just(f64::from_bits(1)),
        Just(f64::MAX),
        Just(9_007_199_254_740_991.0),
        Just(9_007_199_254_740_992.0),
        (0_u64..1 << 53).prop_map(|whole| whole as f64),
        any::<u64>()
            .prop_map(f64::from_bits)
            .prop_filter("finite", |value| value.is_finite())
            .prop_map(f64::abs),
    ]
}

fn time() -> impl Strategy<Value = String> {
    (-62_167_219_200_000_i64..253_402_300_800_000)
        .prop_map(|ms| timestamp::format_ms(ms).expect("years 0 to 9999"))
}

prop_compose! {
    /// A record with any text, numbers and options in place of the scripted ones.
    fn any_record()(
        (seed, flag, purpose) in (any::<u64>(), any::<bool>(), 0..4_usize),
        texts in prop::collection::vec(any::<String>(), 4),
        whole in prop::collection::vec(any::<u64>(), 6),
        times in prop::collection::vec(time(), 3),
        samples in prop::collection::vec(prop::collection::vec(number(), 0..9), METRICS.len()),
        nll in (number(), number()),
        digest in any::<[u8; 32]>().prop_map(Digest::from),
    ) -> RunRecord {
        let mut record = common::small_record();
        record.seed = seed;
        record.deterministic = flag;
        record.purpose = [Purpose::Run, Purpose::Baseline, Purpose::Paired, Purpose::Calibration][purpose];
        record.started_at.clone_from(&times[0]);
        record.ended_at.clone_from(&times[1]);
        record.tool.version.clone_from(&texts[0]);
        record.tool.commit = flag.then(|| texts[1].clone());
        record.tool.dirty = (whole[0] % 2 == 0).then_some(flag);
        record.subject.binary = digest;
        record.subject.engine_mut().expect("one of the engine").settings.fallback = (whole[1] % 2 == 0).then(|| texts[2].clone());
        let settings = &mut record.subject.engine_mut().expect("one of the engine").settings;
        settings.head = (whole[2] % 2 == 0).then(|| texts[3].clone());
        settings.weights_copied_bytes = flag.then_some(whole[5]);
        record.suite.workloads[0].params.insert(texts[3].clone(), whole[2]);
        record.probes[0].samples_ns.clone_from(&samples[0]);
        record.probes[1].kind = if flag { ProbeKind::Int8Peak } else { ProbeKind::BandwidthPages4k };
        let process = &mut record.processes[0];
        process.started_at.clone_from(&times[2]);
        process.peak_rss_bytes = flag.then_some(whole[3]);
        process.weights_huge_bytes = (whole[3] % 2 == 0).then_some(whole[4]);
        process.screenings = (0..whole[4] % 3).map(|_| Screening {
            workload: texts[1].clone(),
            screened_rows: whole[0],
            refined_rows: whole[1],
            rescored_rows: whole[2],
        }).collect();
        process.device = flag.then(|| DeviceUse {
            id: texts[0].clone(),
            name: texts[1].clone(),
            capability: texts[2].clone(),
            driver: (whole[0] % 2 == 0).then(|| texts[3].clone()),
            total_bytes: (whole[1] % 2 == 0).then_some(whole[0]),
            peak_bytes: (whole[2] % 2 == 0).then_some(whole[1]),
            clock_before_mhz: (whole[3] % 2 == 0).then_some(whole[2]),
            clock_after_mhz: (whole[4] % 2 == 0).then_some(whole[3]),
            launches: whole[4],
            graphs: whole[5],
            to_device_bytes: whole[0],
            to_host_bytes: whole[1],
            lost: (whole[5] % 2 == 0).then(|| texts[1].clone()),
        });
        process.wall_ns = whole[4];
        process.outputs[0].stop = if flag { StopReason::EndOfGeneration } else { StopReason::Length };
        process.counts[0].macs = whole[5];
        for ((series, samples), metric) in process.series.iter_mut().zip(&samples).zip(METRICS) {
            series.metric = metric.name.to_owned();
            series.samples.clone_from(samples);
        }
        record.accuracy = record.accuracy.filter(|_| !flag).map(|mut accuracy| {
            (accuracy.nll_int8, accuracy.nll_float) = nll;
            accuracy
        });
        record
    }
}

proptest! {
    #[test]
    fn a_record_reads_back_as_it_was_and_is_written_the_same(record in any_record()) {
        let bytes = record.to_json();
        let back = RunRecord::from_json(&bytes).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&back, &record);
        prop_assert_eq!(back.to_json(), bytes);
    }

    #[test]
    fn a_bundle_reads_back_as_it_was_and_is_written_the_same(
        base in any_record(), head in any_record(), policy in any::<String>(), known in any::<bool>(), median in number(),
    ) {
        let mut bundle = testing::evidence(1, 1.0);
        (bundle.base, bundle.head, bundle.policy) = (base, head, policy);
        bundle.head_sha = bundle.head_sha.filter(|_| known);
        if known {
            bundle.baseline.as_mut().expect("scripted").bootstrap = true;
        } else {
            bundle.baseline = None;
            bundle.given = Some(Given { asked: "HEAD~1".to_owned(), commit: bundle.head_sha.clone() });
        }
        bundle.history[0].median = median;
        let bytes = bundle.to_json();
        let back = Evidence::from_json(&bytes).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&back, &bundle);
        prop_assert_eq!(back.to_json(), bytes);
    }
}

#[test]
fn a_whole_session_fits_a_bundle_and_reads_back() {
    let bundle = testing::evidence(42, 1.2);
    let bytes = bundle.to_json();
    assert!(bytes.len() < 1 << 20, "{} bytes", bytes.len());
    assert_eq!(Evidence::from_json(&bytes).unwrap(), bundle);
}

/// Requirement: T3.
#[test]
fn earlier_hops_read_back_and_a_bundle_without_one_has_no_such_key() {
    let mut bundle = testing::evidence(42, 1.2);
    assert!(!String::from_utf8(bundle.to_json()).unwrap().contains("\"hops\""));
    let hop = |head_sha: Option<&str>| Hop {
        at: "2026-03-01T09:00:00.000Z".to_owned(),
        from: "performance-baseline".to_owned(),
        to: "perf-fixer".to_owned(),
        rule: "a rule".to_owned(),
        verdict: "fail".to_owned(),
        head_sha: head_sha.map(str::to_owned),
        evidence: Digest::of(b"an earlier bundle"),
    };
    bundle.hops = vec![hop(Some("abc")), hop(None)];
    let bytes = bundle.to_json();
    assert_eq!(Evidence::from_json(&bytes).unwrap(), bundle);
    let text = String::from_utf8(bytes).unwrap();
    for (good, bad, named) in [
        ("\"head_sha\":null,\"evidence\"", "\"evidence\"", "hops[1]"),
        ("\"verdict\":\"fail\"", "\"verdict\":\"fail\",\"note\":1", "unknown field `note`"),
        ("\"at\":\"2026-03-01T", "\"at\":\"2026-03-01 ", "hops[0].at"),
        ("\"to\":\"perf-fixer\"", "\"to\":\"perf\\nfixer\"", "hops[0].to"),
    ] {
        assert!(text.contains(good), "{good}");
        let error = Evidence::from_json(text.replacen(good, bad, 1).as_bytes()).unwrap_err();
        assert!(error.to_string().contains(named), "{bad}: {error}");
    }
}

#[test]
fn a_session_of_commands_reads_back_and_says_nothing_of_a_model() {
    let bundle = testing::commands(42, 1.2);
    let bytes = bundle.to_json();
    assert_eq!(Evidence::from_json(&bytes).unwrap(), bundle);
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains(r#""model":null,"settings":null,"command":{"line":"work --old""#));
    assert!(
        !text.contains("\"bench\"") && !text.contains("\"iterations\":["),
        "of a bench target only"
    );
    let benchmarks = testing::benchmarks(42, 1.2);
    assert_eq!(Evidence::from_json(&benchmarks.to_json()).unwrap(), benchmarks);
    let engine = String::from_utf8(testing::evidence(42, 1.2).to_json()).unwrap();
    for since in ["\"command\"", "\"runs\"", "\"metrics\""] {
        assert!(!engine.contains(since), "{since} is left out where it says nothing");
    }
}

#[test]
fn integral_samples_are_written_as_integers_and_others_in_full() {
    let mut record = common::small_record();
    record.processes[0].series[0].samples = vec![12.0, 0.1, 9_007_199_254_740_993.0, 1e300];
    let text = String::from_utf8(record.to_json()).unwrap();
    let (_, samples) = text.split_once(r#""samples":["#).unwrap();
    let (samples, _) = samples.split_once(']').unwrap();
    assert_eq!(samples, "12,0.1,9007199254740992.0,1e+300");
    assert!(text.ends_with("}\n") && !text.trim_end().contains('\n') && !text.contains(": "));
}

#[test]
fn the_schema_and_its_version_come_first() {
    let bytes = common::small_record().to_json();
    assert!(bytes.starts_with(br#"{"schema":"tritgate.run-record","version":"1.6","session":""#));
    let bytes = testing::evidence(1, 1.0).to_json();
    assert!(bytes.starts_with(br#"{"schema":"tritgate.evidence","version":"1.6","created_at":""#));
}
