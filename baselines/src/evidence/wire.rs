//! The bundle as JSON: wire forms of `evidence/mod.rs`, in the manner of `record/wire`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Error, ErrorKind, Result, evidence as domain,
    record::wire::{
        self, Document, Hex, Limits, MetricName, Mirror, Number, RunRecord, Timestamp, Version,
        known, mirror, present,
    },
};

const DOCUMENT: Document = Document { what: "evidence bundle", schema: "tritgate.evidence" };

/// Everything a gate decision is a function of. Fields: docs/run-record.md.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Evidence {
    schema: SchemaName,
    version: Version,
    created_at: Timestamp,
    #[serde(deserialize_with = "present")]
    head_sha: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-since" = "1.1"))]
    baseline: Option<BaselineRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-since" = "1.1"))]
    given: Option<Given>,
    base: RunRecord,
    head: RunRecord,
    history: Vec<HistoryPoint>,
    policy: String,
}

/// Says that this is an evidence bundle.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
enum SchemaName {
    #[serde(rename = "tritgate.evidence")]
    Evidence,
}

impl Mirror<domain::Evidence> for Evidence {
    fn of(evidence: &domain::Evidence) -> Self {
        Self {
            schema: SchemaName::Evidence,
            version: Mirror::of(&evidence.version),
            created_at: Mirror::of(&evidence.created_at),
            head_sha: Mirror::of(&evidence.head_sha),
            baseline: Mirror::of(&evidence.baseline),
            given: Mirror::of(&evidence.given),
            base: Mirror::of(&evidence.base),
            head: Mirror::of(&evidence.head),
            history: Mirror::of(&evidence.history),
            policy: Mirror::of(&evidence.policy),
        }
    }

    fn into_domain(self) -> domain::Evidence {
        domain::Evidence {
            version: self.version.into_domain(),
            created_at: self.created_at.into_domain(),
            head_sha: self.head_sha.into_domain(),
            baseline: self.baseline.into_domain(),
            given: self.given.into_domain(),
            base: self.base.into_domain(),
            head: self.head.into_domain(),
            history: self.history.into_domain(),
            policy: self.policy.into_domain(),
        }
    }
}

/// A base that was given on the command line.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Given {
    asked: String,
    #[serde(deserialize_with = "present")]
    commit: Option<String>,
}

mirror!(Given for domain::Given { asked, commit });

/// A pointer to a stored record, as resolved when the session began.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BaselineRef {
    name: String,
    record: Hex,
    binary: Hex,
    model: Hex,
    fingerprint: Hex,
    recorded_at: Timestamp,
    bootstrap: bool,
    outputs: Vec<BaselineOutput>,
}

mirror!(BaselineRef for domain::BaselineRef {
    name, record, binary, model, fingerprint, recorded_at, bootstrap, outputs,
});

/// The output of one workload in the stored record.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BaselineOutput {
    workload: String,
    prompt_ids_digest: Hex,
    output_ids_digest: Hex,
    logits_digest: Hex,
}

mirror!(BaselineOutput for domain::BaselineOutput {
    workload, prompt_ids_digest, output_ids_digest, logits_digest,
});

/// One metric of one earlier record: the median over processes of the process medians, with the extremes.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HistoryPoint {
    record: Hex,
    started_at: Timestamp,
    #[serde(deserialize_with = "present")]
    commit: Option<String>,
    workload: String,
    metric: MetricName,
    median: Number,
    min: Number,
    max: Number,
}

mirror!(HistoryPoint for domain::HistoryPoint {
    record, started_at, commit, workload, metric, median, min, max,
});

impl domain::Evidence {
    /// The canonical bytes of this bundle.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        wire::write(&Evidence::of(self))
    }

    /// Reads a bundle that this version or an older one of the same major version wrote.
    ///
    /// # Errors
    ///
    /// `Version` for a schema that this build does not read, looked at before anything else is; `Malformed` for
    /// everything else, naming the JSON path, what was expected and what was found.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let bundle = DOCUMENT.read::<Evidence>(bytes)?.into_domain();
        let mut limits = Limits::new(DOCUMENT.what);
        for (prefix, record) in [("base.", &bundle.base), ("head.", &bundle.head)] {
            if record.version != bundle.version {
                let (expected, found) = (bundle.version, record.version);
                let text = format!(
                    "{} `{prefix}version`: expected {expected}, that of the bundle, found {found}",
                    DOCUMENT.what
                );
                return Err(Error::new(ErrorKind::Malformed, text));
            }
            limits.add(prefix, record)?;
            known::check(DOCUMENT.what, prefix, record)?;
        }
        for (idx, point) in bundle.history.iter().enumerate() {
            let field = format!("history[{idx}].metric");
            known::check_name(DOCUMENT.what, &field, &point.metric, &bundle.head.suite)?;
        }
        Ok(bundle)
    }
}

/// The JSON schema of an evidence bundle (draft 2020-12).
#[must_use]
pub fn schema() -> serde_json::Value {
    wire::schema_of::<Evidence>("evidence.v1.json")
}
