//! The statement about a gate's files, and what is read from one that somebody signed.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use baselines::{Digest, Evidence, testing};
use gates::{DEFAULT_POLICY, ErrorKind, attestation, derive};
use serde_json::{Value, json};

/// A scripted session under the shipped policy.
fn session(head_factor: f64) -> Evidence {
    Evidence { policy: DEFAULT_POLICY.to_owned(), ..testing::evidence(3, head_factor) }
}

/// The statement about two files of a scripted session.
fn statement() -> Vec<u8> {
    let evidence = session(1.0);
    let derived = derive(&evidence).expect("the policy is read");
    attestation::statement(
        &evidence,
        &derived,
        &[("evidence.json", b"one"), ("route.json", b"two")],
    )
}

#[test]
fn the_statement_names_every_file_by_digest_and_what_the_session_was_made_of() {
    let statement: Value = serde_json::from_slice(&statement()).unwrap();
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["subject"][0]["name"], "evidence.json");
    assert_eq!(statement["subject"][1]["digest"]["sha256"], Digest::of(b"two").to_string());
    let predicate = &statement["predicate"];
    let evidence = session(1.0);
    let definition = &predicate["buildDefinition"];
    assert_eq!(definition["externalParameters"]["head_sha"], json!(evidence.head_sha));
    assert_eq!(definition["externalParameters"]["nonce"], json!(evidence.head.nonce));
    let inputs = definition["resolvedDependencies"].as_array().unwrap();
    let of = |name: &str| {
        inputs.iter().find(|input| input["name"] == name).map(|input| input["digest"].clone())
    };
    let head = &evidence.head;
    assert_eq!(of("head binary").unwrap()["sha256"], head.subject.binary.to_string());
    assert_eq!(of("head commit").unwrap()["gitCommit"], json!(head.tool.commit));
    assert_eq!(of("base source").unwrap()["gitTree"], json!(evidence.base.tool.tree));
    assert_eq!(of("policy").unwrap()["sha256"], Digest::of(evidence.policy.as_bytes()).to_string());
    assert_eq!(predicate["runDetails"]["metadata"]["invocationId"], json!(head.session));
    assert_eq!(predicate["result"]["verdict"], "pass");
}

#[test]
fn one_bundle_gives_one_statement_and_another_gives_another() {
    assert_eq!(statement(), statement());
    let slower = session(1.3);
    let derived = derive(&slower).expect("the policy is read");
    let other = attestation::statement(&slower, &derived, &[]);
    assert!(String::from_utf8(other).unwrap().contains("\"verdict\": \"fail\""));
}

#[test]
fn subjects_are_read_from_every_wrapping() {
    let bare = statement();
    let payload = STANDARD.encode(&bare);
    let envelope = json!({ "payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": [] });
    let bundle = json!({ "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": envelope });
    let lines = format!("{bundle}\n{bundle}\n");
    let expected = attestation::statements(&bare).unwrap();
    assert_eq!(expected[0].subjects[1].sha256, Digest::of(b"two"));
    assert_eq!(expected[0].predicate_type, attestation::PREDICATE_TYPE);
    assert_eq!(expected[0].predicate["result"]["verdict"], "pass");
    assert_eq!(attestation::statements(envelope.to_string().as_bytes()).unwrap(), expected);
    assert_eq!(attestation::statements(bundle.to_string().as_bytes()).unwrap(), expected);
    assert_eq!(attestation::statements(lines.as_bytes()).unwrap().len(), 2);
}

#[test]
fn what_is_no_attestation_is_named() {
    let digest = |text: &str| json!({ "_type": attestation::STATEMENT_TYPE, "subject": [{ "name": "a", "digest": { "sha256": text } }] });
    for (text, named) in [
        (String::new(), "found none"),
        ("{".to_owned(), "expected JSON"),
        ("{\"_type\":\"https://in-toto.io/Statement/v0.1\"}".to_owned(), "`_type`"),
        ("{\"payload\":\"%%\"}".to_owned(), "base64"),
        ("{\"payload\":7}".to_owned(), "base64 text"),
        (json!({ "payload": STANDARD.encode("{") }).to_string(), "`payload`: expected JSON"),
        (json!({ "_type": attestation::STATEMENT_TYPE }).to_string(), "`subject`"),
        (json!({ "_type": attestation::STATEMENT_TYPE, "subject": [] }).to_string(), "found none"),
        (digest("ABC").to_string(), "subject[0].digest.sha256"),
        (digest(&"A".repeat(64)).to_string(), "lowercase"),
    ] {
        let error = attestation::statements(text.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Attestation, "{text}");
        assert!(error.to_string().contains(named), "{text}: {error}");
    }
}
