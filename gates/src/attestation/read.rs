//! The subjects of an attestation, however it is wrapped: the bare statement, a DSSE envelope, a Sigstore bundle, or lines of
//! these, as `gh attestation download` writes them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use baselines::Digest;
use serde_json::Value;

use super::STATEMENT_TYPE;
use crate::{Error, ErrorKind, Result};

/// What one statement says.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// The files that it is about.
    pub subjects: Vec<Subject>,
    /// Type of the predicate.
    pub predicate_type: String,
    /// What it says about them.
    pub predicate: Value,
}

/// A file that an attestation is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// Its digest.
    pub sha256: Digest,
}

/// A part of a statement that is read before it is looked at; more is no attestation of a gate.
const MOST_SUBJECTS: usize = 1_024;

/// Every statement in `bytes`, in order.
///
/// # Errors
/// `ErrorKind::Attestation`: no JSON, no statement in it, a payload that is no base64, or a subject without a SHA-256.
pub fn statements(bytes: &[u8]) -> Result<Vec<Statement>> {
    let documents = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    let mut statements = Vec::new();
    let mut n_subjects = 0;
    for document in documents {
        let document = document.map_err(|error| fault(&format!("expected JSON: {error}")))?;
        let mut statement = statement(document)?;
        let list = statement.get("subject").and_then(Value::as_array);
        let list = list.ok_or_else(|| fault("`subject`: expected a list of files"))?;
        n_subjects += list.len();
        if n_subjects > MOST_SUBJECTS {
            return Err(fault(&format!("`subject`: expected at most {MOST_SUBJECTS} files")));
        }
        let subjects = list
            .iter()
            .enumerate()
            .map(|(place, subject)| one(subject, place))
            .collect::<Result<_>>()?;
        let predicate_type = statement.get("predicateType").and_then(Value::as_str);
        statements.push(Statement {
            subjects,
            predicate_type: predicate_type.unwrap_or_default().to_owned(),
            predicate: statement.get_mut("predicate").map(Value::take).unwrap_or_default(),
        });
    }
    if n_subjects == 0 {
        return Err(fault("expected a statement about at least one file, found none"));
    }
    Ok(statements)
}

/// The statement within `document`.
fn statement(mut document: Value) -> Result<Value> {
    if let Some(envelope) = document.get_mut("dsseEnvelope") {
        document = envelope.take();
    }
    if let Some(payload) = document.get("payload") {
        let payload = payload.as_str().ok_or_else(|| fault("`payload`: expected base64 text"))?;
        let bytes = STANDARD
            .decode(payload)
            .map_err(|error| fault(&format!("`payload`: expected base64: {error}")))?;
        document = serde_json::from_slice(&bytes)
            .map_err(|error| fault(&format!("`payload`: expected JSON: {error}")))?;
    }
    match document.get("_type").and_then(Value::as_str) {
        Some(STATEMENT_TYPE) => Ok(document),
        found => {
            let found = found.unwrap_or("nothing");
            Err(fault(&format!("`_type`: expected {STATEMENT_TYPE}, found {found:?}")))
        }
    }
}

fn one(subject: &Value, place: usize) -> Result<Subject> {
    let digest = subject.pointer("/digest/sha256").and_then(Value::as_str);
    let sha256 = digest.and_then(|digest| digest.parse().ok()).ok_or_else(|| {
        let found = digest.unwrap_or("nothing");
        fault(&format!(
            "`subject[{place}].digest.sha256`: expected 64 lowercase hex digits, found {found:?}"
        ))
    })?;
    let name = subject.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Subject { name, sha256 })
}

fn fault(what: &str) -> Error {
    Error::new(ErrorKind::Attestation, format!("attestation: {what}"))
}
