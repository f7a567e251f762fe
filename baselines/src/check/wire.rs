//! The check record as JSON: wire forms of `check/mod.rs`, in the manner of `record/wire`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Error, ErrorKind, Result, check as domain,
    record::{
        SchemaVersion,
        wire::{self, Document, GateName, Hex, Mirror, Timestamp, Tool, Version, mirror, present},
    },
};

const DOCUMENT: Document = Document { what: "check record", schema: "tritgate.check" };
/// The first schema that has check records.
const FIRST: SchemaVersion = SchemaVersion { major: 1, minor: 2 };
/// Bytes of all words of a command.
const MAX_COMMAND_BYTES: usize = 128 << 10;
/// Bytes of kept text: one that is no UTF-8 is written in three.
const MAX_TEXT_BYTES: usize = 3 * domain::KEPT_BYTES;

/// One command on one commit, how it ended, and what it wrote. Fields: docs/run-record.md.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckRecord {
    schema: SchemaName,
    version: Version,
    gate: GateName,
    command: Vec<String>,
    #[serde(deserialize_with = "present")]
    commit: Option<String>,
    #[serde(deserialize_with = "present")]
    dirty: Option<bool>,
    folder: String,
    started_at: Timestamp,
    ended_at: Timestamp,
    wall_ns: u64,
    exit_code: u64,
    stdout: Captured,
    stderr: Captured,
    tool: Tool,
}

/// Says that this is a check record.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
enum SchemaName {
    #[serde(rename = "tritgate.check")]
    Check,
}

/// What a command wrote to one stream.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Captured {
    text: String,
    tail: String,
    left_out_bytes: u64,
    total_bytes: u64,
    replaced: String,
    digest: Hex,
}

mirror!(Captured for domain::Captured { text, tail, left_out_bytes, total_bytes, replaced, digest });

impl Mirror<domain::CheckRecord> for CheckRecord {
    fn of(check: &domain::CheckRecord) -> Self {
        Self {
            schema: SchemaName::Check,
            version: Mirror::of(&check.version),
            gate: Mirror::of(&check.gate),
            command: Mirror::of(&check.command),
            commit: Mirror::of(&check.commit),
            dirty: Mirror::of(&check.dirty),
            folder: Mirror::of(&check.folder),
            started_at: Mirror::of(&check.started_at),
            ended_at: Mirror::of(&check.ended_at),
            wall_ns: check.wall_ns,
            exit_code: check.exit_code,
            stdout: Mirror::of(&check.stdout),
            stderr: Mirror::of(&check.stderr),
            tool: Mirror::of(&check.tool),
        }
    }

    fn into_domain(self) -> domain::CheckRecord {
        domain::CheckRecord {
            version: self.version.into_domain(),
            gate: self.gate.into_domain(),
            command: self.command.into_domain(),
            commit: self.commit.into_domain(),
            dirty: self.dirty.into_domain(),
            folder: self.folder.into_domain(),
            started_at: self.started_at.into_domain(),
            ended_at: self.ended_at.into_domain(),
            wall_ns: self.wall_ns,
            exit_code: self.exit_code,
            stdout: self.stdout.into_domain(),
            stderr: self.stderr.into_domain(),
            tool: self.tool.into_domain(),
        }
    }
}

impl domain::CheckRecord {
    /// The canonical bytes of this record.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        wire::write(&CheckRecord::of(self))
    }

    /// Reads a record that this version or an older one of the same major version wrote.
    ///
    /// # Errors
    ///
    /// `Version` for a schema that this build does not read, looked at before anything else is; `Malformed` for
    /// everything else, naming the JSON path, what was expected and what was found.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let check = DOCUMENT.read::<CheckRecord>(bytes)?.into_domain();
        limit(DOCUMENT.what, "", &check)?;
        Ok(check)
    }
}

/// Checks the sizes of a check found at `prefix` (`checks[0].` in a bundle) of a document called `what`.
pub(crate) fn limit(what: &str, prefix: &str, check: &domain::CheckRecord) -> Result<()> {
    let demand = |holds: bool, field: &str, expected: &str, found: String| {
        if holds {
            return Ok(());
        }
        let text = format!("{what} `{prefix}{field}`: expected {expected}, found {found}");
        Err(Error::new(ErrorKind::Malformed, text))
    };
    let version = check.version;
    demand(version >= FIRST, "version", &format!("{FIRST} or later"), version.to_string())?;
    let n_bytes: usize = check.command.iter().map(String::len).sum();
    let words = (1..=MAX_COMMAND_BYTES).contains(&n_bytes)
        && check.command.len() <= MAX_COMMAND_BYTES
        && check.command.first().is_some_and(|program| !program.is_empty());
    let expected = format!("a program and its arguments, at most {MAX_COMMAND_BYTES} bytes");
    demand(words, "command", &expected, format!("{n_bytes} bytes"))?;
    for (name, stream) in [("stdout", &check.stdout), ("stderr", &check.stderr)] {
        for (part, text) in [("text", &stream.text), ("tail", &stream.tail)] {
            let (expected, found) = (format!("at most {MAX_TEXT_BYTES} bytes"), text.len());
            let field = format!("{name}.{part}");
            demand(found <= MAX_TEXT_BYTES, &field, &expected, format!("{found} bytes"))?;
        }
    }
    Ok(())
}

/// The JSON schema of a check record (draft 2020-12).
#[must_use]
pub(crate) fn schema() -> serde_json::Value {
    wire::schema_of::<CheckRecord>("check-record.v1.json")
}

#[cfg(test)]
mod tests {
    use crate::{CheckRecord, ErrorKind, testing};

    fn edited(from: &str, to: &str) -> Vec<u8> {
        let text = String::from_utf8(testing::check("tests").to_json()).expect("JSON is UTF-8");
        assert!(text.contains(from), "{from} is not in {text}");
        text.replacen(from, to, 1).into_bytes()
    }

    #[test]
    fn a_check_reads_back_as_written_with_every_kind_of_byte_in_it() {
        let mut check = testing::check("tests");
        check.stdout = super::domain::Captured::whole(b"\x1b[32mok\x1b[0m\r\n\0\xff\xfe");
        assert_eq!(CheckRecord::from_json(&check.to_json()).unwrap(), check);
        assert_eq!(CheckRecord::from_json(&check.to_json()).unwrap().to_json(), check.to_json());
    }

    #[test]
    fn what_is_no_check_is_refused_by_the_name_of_its_field() {
        for (from, to, named) in [
            ("tritgate.check", "tritgate.run-record", "`schema`"),
            ("\"version\":\"1.6\"", "\"version\":\"1.1\"", "`version`: expected 1.2"),
            ("\"gate\":\"tests\"", "\"gate\":\"perf\"", "`gate`"),
            ("\"gate\":\"tests\"", "\"gate\":\"../tests\"", "`gate`"),
            ("\"command\":[\"cargo\",\"test\"]", "\"command\":[]", "`command`"),
            ("\"command\":[\"cargo\",\"test\"]", "\"command\":[\"\",\"x\"]", "`command`"),
            ("\"wall_ns\":", "\"wall_ns\":-", "`wall_ns`"),
            ("\"exit_code\":0", "\"exit_code\":0.5", "`exit_code`"),
            ("\"exit_code\":0", "\"passed\":9,\"exit_code\":0", "passed"),
            ("\"folder\":\"\",", "", "folder"),
        ] {
            let error = CheckRecord::from_json(&edited(from, to)).expect_err(to);
            assert_eq!(error.kind(), ErrorKind::Malformed, "{to}");
            assert!(error.to_string().contains(named), "{to}: {error}");
        }
        let error = CheckRecord::from_json(&edited("\"version\":\"1.6\"", "\"version\":\"2.0\""));
        assert_eq!(error.expect_err("newer").kind(), ErrorKind::Version);
    }
}
