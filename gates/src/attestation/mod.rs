//! The attestation: an in-toto statement about the files of a gate, for somebody with a key to sign.
//!
//! In: a bundle, what was derived of it, the bytes of every file. Out: the statement, the same bytes for the same bundle; or,
//! from a signed one, the subjects that it names. Signing and its check are others' business: this crate holds no key.
//!
//! Source: in-toto Statement v1 (<https://in-toto.io/Statement/v1>); the predicate has the two halves of SLSA provenance v1,
//! what was asked for and who ran it (<https://slsa.dev/spec/v1.0/provenance>), and the verdict.

mod read;

use baselines::{Digest, Evidence, RunRecord};
use serde_json::{Value, json};

use crate::{
    derive::Derived,
    gate::{Sorted, to_json},
};
pub use read::{Statement, Subject, statements};

/// Type of the statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// Type of the predicate.
pub const PREDICATE_TYPE: &str = "urn:tritgate:paired-session:v1";
/// Name of the file.
pub const FILE: &str = "attestation.json";

/// The statement about `files`: names and bytes.
#[must_use]
pub fn statement(evidence: &Evidence, derived: &Derived, files: &[(&str, &[u8])]) -> Vec<u8> {
    let subject = |(name, bytes): &(&str, &[u8])| json!({ "name": name, "digest": { "sha256": Digest::of(bytes).to_string() } });
    let statement = json!({
        "_type": STATEMENT_TYPE,
        "subject": files.iter().map(subject).collect::<Vec<Value>>(),
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate(evidence, derived),
    });
    to_json(&Sorted(&statement))
}

/// What the statement says about the files.
#[must_use]
pub fn predicate(evidence: &Evidence, derived: &Derived) -> Value {
    let head = &evidence.head;
    let base = match (&evidence.baseline, &evidence.given) {
        (Some(baseline), _) => json!({ "baseline": baseline.name }),
        (None, given) => json!({ "given": given.as_ref().map(|given| &given.asked) }),
    };
    let mut inputs = vec![
        dependency("policy", "sha256", &Digest::of(evidence.policy.as_bytes()).to_string()),
        dependency("suite", "sha256", &head.suite.digest.to_string()),
    ];
    if let Some(engine) = head.subject.engine() {
        inputs.push(dependency("model", "sha256", &engine.model.digest.to_string()));
    }
    for (arm, record) in [("base", &evidence.base), ("head", head)] {
        inputs.extend(arm_inputs(arm, record));
    }
    json!({
        "buildDefinition": {
            "buildType": PREDICATE_TYPE,
            "externalParameters": {
                "base": base,
                "head_sha": evidence.head_sha,
                "suite": head.suite.name,
                "seed": head.seed,
                "nonce": head.nonce,
            },
            "resolvedDependencies": inputs,
        },
        "runDetails": {
            "builder": {
                "id": "urn:tritgate:bench",
                "version": { "bench": head.tool.version, "toolchain": head.tool.toolchain },
            },
            "metadata": {
                "invocationId": head.session,
                "startedOn": head.started_at,
                "finishedOn": evidence.created_at,
                "host": head.host.fingerprint.to_string(),
            },
        },
        "result": {
            "verdict": derived.verdict.name(),
            "exit_code": derived.verdict.exit_code(),
            "route": derived.route.to,
            "counts": derived.counts.text(),
        },
    })
}

/// The program of an arm, and the source it was built from. Of a command, what the tool was built from is not what ran.
fn arm_inputs(arm: &str, record: &RunRecord) -> Vec<Value> {
    let binary = record.subject.binary.to_string();
    let mut inputs = vec![dependency(&format!("{arm} binary"), "sha256", &binary)];
    if record.subject.engine().is_none() {
        return inputs;
    }
    let clean = record.tool.dirty == Some(false);
    if let Some(commit) = record.tool.commit.as_ref().filter(|_| clean) {
        inputs.push(dependency(&format!("{arm} commit"), "gitCommit", commit));
    }
    if let Some(tree) = &record.tool.tree {
        inputs.push(dependency(&format!("{arm} source"), "gitTree", tree));
    }
    inputs
}

/// A resource descriptor: name and digest.
fn dependency(name: &str, algorithm: &str, digest: &str) -> Value {
    json!({ "name": name, "digest": { algorithm: digest } })
}
