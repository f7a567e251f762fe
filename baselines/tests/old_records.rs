//! One committed record of every version ever written still reads.

use baselines::{Digest, RunRecord, record::SchemaVersion};

const V1_0: &[u8] = include_bytes!("data/run-record-1.0.json");

#[test]
fn the_first_version_still_reads() {
    // The file is never rewritten: a reader that no longer takes it is what has to change.
    assert_eq!(
        Digest::of(V1_0).to_string(),
        "0ab1cc16af42d40ed99ebdf26547b033658af47d172e7903bdc5f77dc60aed45"
    );
    let record = RunRecord::from_json(V1_0).unwrap();
    // Its name in a store is the digest of its bytes: read and written again, they are the same.
    assert_eq!(record.to_json(), V1_0);
    assert_eq!(record.version, SchemaVersion { major: 1, minor: 0 });
    assert_eq!(record.seed, 42);
    assert_eq!(record.subject.engine().unwrap().model.linears.len(), 8);
    assert_eq!(record.processes.len(), 2);
    let steps: Vec<_> =
        record.samples("decode-64", "decode_step_ns").map(|(_, samples)| samples.len()).collect();
    assert_eq!(steps, [512, 512]);
    assert_eq!(record.host.computed_fingerprint(), record.host.fingerprint);
    assert_eq!(
        record.accuracy.map(|accuracy| (accuracy.positions, accuracy.top1_equal)),
        Some((7_168, 7_159))
    );
}
