//! The run record as JSON: serde types that mirror the domain types, and the conversions both ways.
//!
//! In: a `RunRecord`, or bytes that claim to be one. Out: canonical bytes, or a record that obeys the schema.
//! Compact JSON, one key order (that of the structs here), integral samples as integers, one newline at the end:
//! equal records have equal bytes, so the SHA-256 of the bytes names the record.

mod budget;
mod document;
mod environment;
pub(crate) mod known;
mod limits;
mod mirror;
mod process;
mod scalar;
mod subject;
mod suite;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Result, record as domain};

pub use budget::{MAX_PARSED_BYTES, MAX_TEXT_BYTES};
pub(crate) use document::{Document, schema_of, write};
pub(crate) use limits::Limits;
pub use limits::{
    MAX_BYTES, MAX_ENTRIES, MAX_HISTORY, MAX_ITERATIONS, MAX_NAME_BYTES, MAX_PLACES, MAX_PROCESSES,
    MAX_SAMPLES, MAX_SERIES,
};
pub(crate) use mirror::{Mirror, mirror};
pub(crate) use scalar::{GateName, Hex, MetricName, Number, Timestamp, Version, present};
pub(crate) use subject::Tool;

use environment::{Host, Mark, Probe};
use process::{Ids, Process};
use scalar::{Nonce, SessionId};
use subject::Subject;
use suite::{Accuracy, Suite};

const DOCUMENT: Document = Document { what: "run record", schema: "tritgate.run-record" };

/// One arm of one session: what ran, on what, on which code, and every raw sample. Fields: docs/run-record.md.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunRecord {
    schema: SchemaName,
    version: Version,
    session: SessionId,
    purpose: Purpose,
    started_at: Timestamp,
    ended_at: Timestamp,
    seed: u64,
    deterministic: bool,
    tool: Tool,
    subject: Subject,
    suite: Suite,
    host: Host,
    marks: Vec<Mark>,
    probes: Vec<Probe>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-since" = "1.2"))]
    nonce: Option<Nonce>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-since" = "1.2"))]
    ids: Vec<Ids>,
    processes: Vec<Process>,
    #[serde(deserialize_with = "present")]
    accuracy: Option<Accuracy>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-since" = "1.3"))]
    format_accuracy: Vec<Accuracy>,
}

/// Says that this is a run record.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
enum SchemaName {
    #[serde(rename = "tritgate.run-record")]
    RunRecord,
}

impl Mirror<domain::RunRecord> for RunRecord {
    fn of(record: &domain::RunRecord) -> Self {
        Self {
            schema: SchemaName::RunRecord,
            version: Mirror::of(&record.version),
            session: Mirror::of(&record.session),
            purpose: Mirror::of(&record.purpose),
            started_at: Mirror::of(&record.started_at),
            ended_at: Mirror::of(&record.ended_at),
            seed: record.seed,
            deterministic: record.deterministic,
            tool: Mirror::of(&record.tool),
            subject: Mirror::of(&record.subject),
            suite: Mirror::of(&record.suite),
            host: Mirror::of(&record.host),
            marks: Mirror::of(&record.marks),
            probes: Mirror::of(&record.probes),
            nonce: Mirror::of(&record.nonce),
            ids: Mirror::of(&record.ids),
            processes: Mirror::of(&record.processes),
            accuracy: Mirror::of(&record.accuracy),
            format_accuracy: Mirror::of(&record.format_accuracy),
        }
    }

    fn into_domain(self) -> domain::RunRecord {
        domain::RunRecord {
            version: self.version.into_domain(),
            session: self.session.into_domain(),
            purpose: self.purpose.into_domain(),
            started_at: self.started_at.into_domain(),
            ended_at: self.ended_at.into_domain(),
            seed: self.seed,
            deterministic: self.deterministic,
            tool: self.tool.into_domain(),
            subject: self.subject.into_domain(),
            suite: self.suite.into_domain(),
            host: self.host.into_domain(),
            marks: self.marks.into_domain(),
            probes: self.probes.into_domain(),
            nonce: self.nonce.into_domain(),
            ids: self.ids.into_domain(),
            processes: self.processes.into_domain(),
            accuracy: self.accuracy.into_domain(),
            format_accuracy: self.format_accuracy.into_domain(),
        }
    }
}

mirror::names! {
    /// Why the session was run.
    enum Purpose for domain::Purpose {
        Run = "run", Baseline = "baseline", Paired = "paired", Calibration = "calibration",
        Triage = "triage",
    }
}

impl domain::RunRecord {
    /// The canonical bytes of this record.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        write(&RunRecord::of(self))
    }

    /// Reads a record that this version or an older one of the same major version wrote.
    ///
    /// # Errors
    ///
    /// `Version` for a schema that this build does not read, looked at before anything else is; `Malformed` for
    /// everything else, naming the JSON path, what was expected and what was found.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let record = DOCUMENT.read::<RunRecord>(bytes)?.into_domain();
        let mut limits = Limits::new(DOCUMENT.what);
        limits.add("", &record)?;
        known::check(DOCUMENT.what, "", &record)?;
        Ok(record)
    }
}

/// The JSON schema of a run record (draft 2020-12).
#[must_use]
pub fn schema() -> serde_json::Value {
    schema_of::<RunRecord>("run-record.v1.json")
}
