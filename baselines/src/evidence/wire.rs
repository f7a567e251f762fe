//! The bundle as JSON: wire forms of `evidence/mod.rs`, in the manner of `record/wire`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Error, ErrorKind, Result,
    check::{self, wire::CheckRecord},
    evidence as domain,
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-since" = "1.2"))]
    checks: Vec<CheckRecord>,
    policy: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-since" = "1.2"))]
    policy_commit: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-since" = "1.2"))]
    edits: Vec<Edit>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-since" = "1.2"))]
    hops: Vec<Hop>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-since" = "1.5"))]
    triage: Option<TriageSession>,
}

/// Both arms of a session of `bench triage` of the same two builds.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TriageSession {
    base: RunRecord,
    head: RunRecord,
}

mirror!(TriageSession for domain::TriageSession { base, head });

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
            checks: Mirror::of(&evidence.checks),
            policy: Mirror::of(&evidence.policy),
            policy_commit: Mirror::of(&evidence.policy_commit),
            edits: Mirror::of(&evidence.edits),
            hops: Mirror::of(&evidence.hops),
            triage: Mirror::of(&evidence.triage),
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
            checks: self.checks.into_domain(),
            policy: self.policy.into_domain(),
            policy_commit: self.policy_commit.into_domain(),
            edits: self.edits.into_domain(),
            hops: self.hops.into_domain(),
            triage: self.triage.into_domain(),
        }
    }
}

/// A file that says how a change is judged, and that the change itself edits.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Edit {
    path: String,
    #[serde(deserialize_with = "present")]
    base: Option<Hex>,
    #[serde(deserialize_with = "present")]
    head: Option<Hex>,
}

mirror!(Edit for domain::Edit { path, base, head });

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

/// What an earlier gate decided.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Hop {
    at: Timestamp,
    from: String,
    to: String,
    rule: String,
    verdict: String,
    #[serde(deserialize_with = "present")]
    head_sha: Option<String>,
    evidence: Hex,
}

mirror!(Hop for domain::Hop { at, from, to, rule, verdict, head_sha, evidence });

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
        let stamped = bundle.triage.as_ref();
        let stamped =
            stamped.map(|triage| [("triage.base.", &triage.base), ("triage.head.", &triage.head)]);
        let arms = [("base.", &bundle.base), ("head.", &bundle.head)];
        for (prefix, record) in arms.into_iter().chain(stamped.into_iter().flatten()) {
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
        let stored = bundle.baseline.as_ref().map_or(0, |baseline| baseline.outputs.len());
        limits.at_most("`baseline.outputs`", wire::MAX_ENTRIES, stored)?;
        limits.at_most("`edits`", wire::MAX_ENTRIES, bundle.edits.len())?;
        limits.at_most("`history`", wire::MAX_HISTORY, bundle.history.len())?;
        for (idx, point) in bundle.history.iter().enumerate() {
            let field = format!("history[{idx}].metric");
            known::check_name(DOCUMENT.what, &field, &point.metric, &bundle.head.suite)?;
        }
        domain::Hop::check_log(DOCUMENT.what, &bundle.hops)?;
        limit_checks(&bundle)?;
        Ok(bundle)
    }
}

/// Few checks, none newer than the bundle, each gate once.
fn limit_checks(bundle: &domain::Evidence) -> Result<()> {
    let malformed = |field: &str, expected: &str, found: &str| {
        let text = format!("{} `{field}`: expected {expected}, found {found}", DOCUMENT.what);
        Err(Error::new(ErrorKind::Malformed, text))
    };
    let (checks, most) = (&bundle.checks, check::MAX_CHECKS);
    if checks.len() > most {
        return malformed("checks", &format!("at most {most}"), &checks.len().to_string());
    }
    for (idx, one) in checks.iter().enumerate() {
        check::wire::limit(DOCUMENT.what, &format!("checks[{idx}]."), one)?;
        if one.version > bundle.version {
            let (expected, found) = (format!("at most {}", bundle.version), one.version);
            return malformed(&format!("checks[{idx}].version"), &expected, &found.to_string());
        }
        if checks[..idx].iter().any(|other| other.gate == one.gate) {
            let found = format!("{:?} twice", one.gate);
            return malformed(&format!("checks[{idx}].gate"), "each gate once", &found);
        }
    }
    Ok(())
}

/// The JSON schema of an evidence bundle (draft 2020-12).
#[must_use]
pub fn schema() -> serde_json::Value {
    wire::schema_of::<Evidence>("evidence.v1.json")
}
