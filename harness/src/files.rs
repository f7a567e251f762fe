//! The gate's files: which there are, how they are derived, written and read back.
//! All but `evidence.json` are pure functions of it; `bench verify` derives them again and compares the bytes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use baselines::{CheckRecord, ErrorKind, Evidence, RunRecord, record::wire::MAX_BYTES};
use gates::Derived;
use reports::Judged;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{failure::Failure, findings};

/// The bundle that everything else is derived from.
pub(crate) const EVIDENCE: &str = "evidence.json";
/// Where the work goes next, and the hop log.
pub(crate) const ROUTE: &str = "route.json";
/// The report for browsers.
pub(crate) const PAGE: &str = "report.html";
/// The statement about all of them.
pub(crate) const ATTESTATION: &str = gates::attestation::FILE;
/// Every file that each gate has, in the order they are written; those of checks, `NAME_gate.json`, stand beside them.
pub(crate) const NAMES: &[&str] = &[
    EVIDENCE,
    "inference.json",
    "inference_gpu.json",
    "benchmarks_gate.json",
    "perf_gate.json",
    ROUTE,
    "report.md",
    PAGE,
    ATTESTATION,
];
/// A file of the gate: its name and its bytes.
pub(crate) type File = (String, Vec<u8>);
/// Permission bits of a file that is read.
pub(crate) const READABLE: u32 = 0o644;

/// What follows from a bundle: the verdict, and the bytes of every file but the bundle's own.
pub(crate) fn derive(evidence: &Evidence) -> Result<(Derived, Vec<File>)> {
    let derived = gates::derive(evidence).context("failed to derive the gates")?;
    let mut files = derived.files();
    files.push((PAGE.to_owned(), page(evidence, &derived)?.into_bytes()));
    let bundle = evidence.to_json();
    let mut subjects = vec![(EVIDENCE, bundle.as_slice())];
    subjects.extend(files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
    let statement = gates::attestation::statement(evidence, &derived, &subjects);
    files.push((ATTESTATION.to_owned(), statement));
    Ok((derived, files))
}

/// The HTML page.
pub(crate) fn page(evidence: &Evidence, derived: &Derived) -> Result<String> {
    let (summary, findings) = findings::of(derived);
    let rooflines = findings::rooflines(evidence, derived);
    let judged = Judged { evidence, summary: &summary, findings: &findings, rooflines: &rooflines };
    reports::page(judged).context("failed to draw the report")
}

/// Makes `folder` if need be and shows that it can be written to, before anything is measured for it.
pub(crate) fn check_folder(folder: &Path) -> Result<()> {
    let tried = fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder));
    tried.map(drop).with_context(|| {
        format!(
            "failed to prepare the output folder `{}`: expected one that this user can write to; make it writable or \
             choose another",
            folder.display()
        )
    })
}

/// As [`check_folder`], for the folder of one file.
pub(crate) fn check_writable(path: &Path) -> Result<()> {
    ensure!(
        !path.is_dir(),
        "failed to prepare `{}`: expected a file, found a folder",
        path.display()
    );
    check_folder(match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    })
}

/// Removes what an earlier gate left in `folder`, but for a route document that is kept.
pub(crate) fn remove_stale(folder: &Path, keep_route: bool) -> Result<()> {
    let names = NAMES.iter().filter(|name| !(keep_route && **name == ROUTE));
    let names = names.map(|name| (*name).to_owned()).chain(check_gates(folder)?);
    for name in names {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error)
                    .with_context(|| format!("failed to remove the old `{}`", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Names of the gate files in `folder` that were made from checks: by what they say, not by their names alone. The check records
/// themselves are no files of a gate.
pub(crate) fn check_gates(folder: &Path) -> Result<Vec<String>> {
    let failed = || format!("failed to read the folder `{}`", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(failed)? {
        let name = entry.with_context(failed)?.file_name().to_string_lossy().into_owned();
        let gate = name.strip_suffix("_gate.json").filter(|gate| CheckRecord::is_gate(gate));
        if gate.is_some_and(|gate| says(&folder.join(&name), &gates::gate::full_name(gate))) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Whether the file is a gate document called `name`.
fn says(path: &Path, name: &str) -> bool {
    let document = read(path).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    document.is_some_and(|document| document["name"] == name)
}

/// Writes the bundle and what follows from it; last where the work goes next, which may be green only if all else is there.
pub(crate) fn write(folder: &Path, evidence: &Evidence, files: &[File]) -> Result<()> {
    let failed = "failed to write the gate's files";
    baselines::write_atomic(&folder.join(EVIDENCE), &evidence.to_json(), READABLE)
        .context(failed)?;
    let (route, others): (Vec<&File>, Vec<&File>) =
        files.iter().partition(|(name, _)| *name == ROUTE);
    for (name, bytes) in others.into_iter().chain(route) {
        baselines::write_atomic(&folder.join(name), bytes, READABLE).context(failed)?;
    }
    Ok(())
}

/// A file of evidence, whole: nothing larger than a bundle can be is read into memory.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    baselines::read_bounded(path, MAX_BYTES).map_err(|error| {
        if error.kind() == ErrorKind::NotFound {
            let message = format!(
                "failed to read `{}`: there is no such file; nothing can be compared",
                path.display()
            );
            return anyhow::Error::new(Failure::incomparable(message));
        }
        anyhow::Error::new(error).context("failed to read evidence")
    })
}

/// What a JSON file of ours holds.
#[derive(Debug)]
pub(crate) enum Document {
    /// A bundle.
    Evidence(Box<Evidence>),
    /// A run record, by itself or within what `bench run --json` wrote.
    Record(Box<RunRecord>),
}

/// What tells the kind of a document, as written: nothing is built of the rest before a reader has bounded it.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    schema: Option<&'a RawValue>,
    #[serde(borrow)]
    record: Option<&'a RawValue>,
}

impl Document {
    /// Reads `path` by what it says it is.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        Self::parse(&read(path)?).with_context(|| format!("failed to read `{}`", path.display()))
    }

    /// Reads `bytes` by what they say they are.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let kind: Kind<'_> = serde_json::from_slice(bytes)
            .map_err(|error| Failure::invalid(format!("no JSON: {error}")))?;
        if kind.schema.is_some_and(|schema| schema.get() == "\"tritgate.evidence\"") {
            return Ok(Self::Evidence(Box::new(Evidence::from_json(bytes)?)));
        }
        let record = match kind.record.map(|record| record.get().as_bytes()) {
            // Written within another document, whose other keys are derived from it.
            Some(record) if record.starts_with(b"{") => record,
            _ => bytes,
        };
        Ok(Self::Record(Box::new(RunRecord::from_json(record)?)))
    }
}

/// The record in `path`; of a bundle, the head's.
pub(crate) fn read_record(path: &Path) -> Result<RunRecord> {
    Ok(match Document::read(path)? {
        Document::Evidence(evidence) => evidence.head,
        Document::Record(record) => *record,
    })
}

/// A refusal as a sentence.
pub(crate) fn paragraph(refusal: &gates::Refusal) -> String {
    let gates::Refusal { rule, field, expected, found, way_out, .. } = refusal;
    format!(
        "the evidence does not hold: rule `{rule}`: {field}: expected {expected}, found {found}; {way_out}"
    )
}

/// The bundle's path, given it or its folder.
pub(crate) fn evidence_path(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(EVIDENCE) } else { path.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_files_of_a_gate_are_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["route.json", "evidence.json", "policy.toml", "other_gate.json"] {
            fs::write(folder.path().join(name), "{}").unwrap();
        }
        let gate = "{\"name\":\"review:gate:tests\"}";
        for name in ["tests_gate.json", "renamed_gate.json"] {
            fs::write(folder.path().join(name), gate).unwrap();
        }
        fs::create_dir(folder.path().join("checks")).unwrap();
        fs::write(folder.path().join("checks/tests.json"), "{}").unwrap();
        remove_stale(folder.path(), false).unwrap();
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["checks", "other_gate.json", "policy.toml", "renamed_gate.json"]);
        assert!(folder.path().join("checks/tests.json").exists(), "records are no files of a gate");
    }

    #[test]
    fn a_missing_file_is_incomparable_and_a_broken_one_invalid() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.json");
        assert_eq!(crate::failure::exit_code(&read_record(&path).unwrap_err()), 5);
        fs::write(&path, "{\"schema\":").unwrap();
        assert_eq!(crate::failure::exit_code(&read_record(&path).unwrap_err()), 4);
        fs::write(&path, "{\"schema\":\"tritgate.run-record\"}").unwrap();
        assert_eq!(crate::failure::exit_code(&read_record(&path).unwrap_err()), 4);
    }
}
