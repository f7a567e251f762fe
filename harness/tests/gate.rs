//! One gate from bootstrap to verification, with a suite of one short workload; then every way to tamper with it.

mod common;

use std::fs;

use common::Folder;

const FILES: [&str; 9] = [
    "evidence.json",
    "inference.json",
    "inference_gpu.json",
    "benchmarks_gate.json",
    "perf_gate.json",
    "route.json",
    "report.md",
    "report.html",
    "attestation.json",
];

/// A gate on a machine without a baseline, the verification of its files, and what edits do to it.
///
/// One test, since each step needs the files of the one before and measuring takes most of the time.
/// Requirement: E0.
#[test]
fn a_gate_is_bootstrapped_verified_and_every_edit_is_found() {
    let here = Folder::new();
    let gate = here.bench(&["gate"]);
    assert!(gate.stderr.contains("bootstrap baseline: same build, an A/A run"), "{}", gate.stderr);
    // A machine that is busy with other tests may be too noisy for a decision; the evidence must hold all the same.
    assert!([0, 2, 3].contains(&gate.code), "{}\n{}\n{}", gate.code, gate.stdout, gate.stderr);
    for count in ["compared", "regressed", "inconclusive", "missing"] {
        assert!(gate.stdout.contains(count), "{}", gate.stdout);
    }
    for name in FILES {
        assert!(here.path("ci").join(name).exists(), "{name}");
    }
    assert!(here.bench(&["baseline", "list"]).expect(0, &[]).stdout.contains("bootstrap"));
    here.bench(&["baseline", "show"]).expect(0, &[]);
    here.bench(&["baseline", "show", "other"]).expect(5, &["no", "other"]);

    let verify = here.bench(&["verify", "ci"]).expect(0, &[]);
    for name in FILES {
        assert!(
            verify.stdout.contains(&format!("✔ {name}")),
            "{}\n{}",
            verify.stdout,
            verify.stderr
        );
    }
    let evidence = here.path("ci/evidence.json");
    here.bench(&["verify", evidence.to_str().unwrap()]).expect(0, &[]);

    // The model is asked again; the statement is about these files, and about no others.
    let replayed = here.bench(&["verify", "ci", "--replay"]).expect(0, &[]);
    assert!(replayed.stdout.contains("✔ replayed: "), "{}", replayed.stdout);
    let statement = fs::read_to_string(here.path("ci/attestation.json")).unwrap();
    let attested = here.bench(&["verify", "ci", "--attestation", "ci/attestation.json"]);
    assert!(attested.expect(0, &[]).stdout.contains("✔ attested: 8 files"));
    let key = "\"sha256\": \"";
    for (at, named) in [(statement.find(key), "predicate"), (statement.rfind(key), "subject `")] {
        let at = at.unwrap() + key.len();
        let other = format!("{}{}{}", &statement[..at], "0".repeat(64), &statement[at + 64..]);
        fs::write(here.path("other.json"), other).unwrap();
        let found = here.bench(&["verify", "ci", "--attestation", "other.json"]).expect(4, &[]);
        let named = format!("rule `attestation`: {named}");
        assert!(found.stdout.contains(&named), "{named}: {}", found.stdout);
    }
    fs::write(here.path("other.json"), "{}").unwrap();
    here.bench(&["verify", "ci", "--attestation", "other.json"]).expect(4, &["_type"]);

    // The policy that judged is this folder's; under another one the verdict is another's.
    let policy = fs::read_to_string(here.path("ci/policy.toml")).unwrap();
    let looser = policy.replace("margin_unacceptable = 1.05", "margin_unacceptable = 1.50");
    fs::write(here.path("ci/policy.toml"), &looser).unwrap();
    let found = here.bench(&["verify", "ci"]).expect(4, &[]);
    assert!(found.stdout.contains("rule `policy`: policy, line "), "{}", found.stdout);
    assert!(found.stdout.contains("1.50") && found.stdout.contains("1.05"), "{}", found.stdout);
    fs::write(here.path("was.toml"), &policy).unwrap();
    here.bench(&["verify", "ci", "--policy", "was.toml"]).expect(0, &[]);
    fs::write(here.path("ci/policy.toml"), &policy).unwrap();

    // The page is a pure function of the evidence.
    let page = fs::read_to_string(here.path("ci/report.html")).unwrap();
    here.bench(&["report", "ci", "--out", "again.html"]).expect(0, &[]);
    assert_eq!(page, fs::read_to_string(here.path("again.html")).unwrap());

    // One digit of a derived file.
    let route = fs::read_to_string(here.path("ci/route.json")).unwrap();
    fs::write(here.path("ci/route.json"), route.replacen("\"to\": \"", "\"to\": \"x", 1)).unwrap();
    let verify = here.bench(&["verify", "ci"]).expect(4, &["1 of 9 files"]);
    assert!(verify.stdout.contains("✘ route.json: line "), "{}", verify.stdout);
    fs::remove_file(here.path("ci/perf_gate.json")).unwrap();
    let verify = here.bench(&["verify", "ci"]).expect(4, &["2 of 9 files"]);
    assert!(verify.stdout.contains("✘ perf_gate.json: missing"), "{}", verify.stdout);

    // One digit of the evidence: every file that follows from it is another.
    let evidence = fs::read_to_string(here.path("ci/evidence.json")).unwrap();
    let edited = edit_first_sample(&evidence);
    fs::write(here.path("ci/evidence.json"), &edited).unwrap();
    here.bench(&["verify", "ci"]).expect(4, &["files"]);
    // A field too many is no evidence at all.
    fs::write(here.path("ci/evidence.json"), evidence.replacen('{', "{\"note\":1,", 1)).unwrap();
    here.bench(&["verify", "ci"]).expect(4, &["note"]);
    // A measured time without its unit of replication: an empty bundle.
    fs::write(here.path("ci/evidence.json"), &evidence[..evidence.len() / 2]).unwrap();
    here.bench(&["verify", "ci"]).expect(4, &[]);

    // A record of the store edited by hand: the gate refuses it before it measures.
    for file in fs::read_dir(here.path("store/records")).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, edit_first_sample(&text)).unwrap();
    }
    here.bench(&["gate"]).expect(4, &["baseline `main`"]);

    // A kept binary that was replaced is not run.
    let kept = fs::read_dir(here.path("store/binaries")).unwrap().next().unwrap().unwrap().path();
    fs::write(&kept, "#!/bin/sh\n").unwrap();
    here.bench(&["gate"]).expect(4, &[]);
}

/// Adds one nanosecond to the first sample.
fn edit_first_sample(json: &str) -> String {
    let from = json.find("\"samples\":[").expect("a record has samples") + "\"samples\":[".len();
    let end = from + json[from..].find([',', ']']).expect("a sample ends");
    let sample: f64 = json[from..end].parse().expect("a sample is a number");
    format!("{}{}{}", &json[..from], sample + 1.0, &json[end..])
}
