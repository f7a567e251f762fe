//! The gate's files: which there are, how they are derived, written and read back.
//! All but `evidence.json` are pure functions of it; `bench verify` derives them again and compares the bytes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use baselines::{Evidence, RunRecord};
use gates::Derived;
use serde_json::Value;

use crate::{failure::Failure, findings};

/// The bundle that everything else is derived from.
pub(crate) const EVIDENCE: &str = "evidence.json";
/// The report for browsers.
pub(crate) const PAGE: &str = "report.html";
/// Every file of a gate, in the order they are written.
pub(crate) const NAMES: &[&str] = &[
    EVIDENCE,
    "inference.json",
    "benchmarks_gate.json",
    "perf_gate.json",
    "route.json",
    "report.md",
    PAGE,
];
/// A file of the gate: its name and its bytes.
pub(crate) type File = (&'static str, Vec<u8>);
/// Permission bits of a file that is read.
pub(crate) const READABLE: u32 = 0o644;
/// A bundle is at most this large; nothing larger is read into memory.
const BYTES_MAX: u64 = 64 << 20;

/// What follows from a bundle: the verdict, and the bytes of every file but the bundle's own.
pub(crate) fn derive(evidence: &Evidence) -> Result<(Derived, Vec<File>)> {
    let derived = gates::derive(evidence).context("failed to derive the gates")?;
    let mut files = derived.files();
    files.push((PAGE, page(evidence, &derived)?.into_bytes()));
    Ok((derived, files))
}

/// The HTML page.
pub(crate) fn page(evidence: &Evidence, derived: &Derived) -> Result<String> {
    let (summary, findings) = findings::of(derived);
    reports::page(evidence, &summary, &findings).context("failed to draw the report")
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

/// Removes what an earlier gate left in `folder`: a gate that does not end must leave no green files behind.
pub(crate) fn remove_stale(folder: &Path) -> Result<()> {
    for name in NAMES {
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

/// Writes the bundle and what follows from it.
pub(crate) fn write(folder: &Path, evidence: &Evidence, files: &[File]) -> Result<()> {
    let failed = "failed to write the gate's files";
    baselines::write_atomic(&folder.join(EVIDENCE), &evidence.to_json(), READABLE)
        .context(failed)?;
    for (name, bytes) in files {
        baselines::write_atomic(&folder.join(name), bytes, READABLE).context(failed)?;
    }
    Ok(())
}

/// A file of evidence, whole.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let size = fs::metadata(path).map(|metadata| metadata.len()).map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            let message = format!(
                "failed to read `{}`: there is no such file; nothing can be compared",
                path.display()
            );
            anyhow::Error::new(Failure::incomparable(message))
        } else {
            anyhow::Error::new(error).context(format!("failed to read `{}`", path.display()))
        }
    })?;
    ensure!(
        size <= BYTES_MAX,
        "failed to read `{}`: expected at most {BYTES_MAX} bytes, found {size}",
        path.display()
    );
    fs::read(path).with_context(|| format!("failed to read `{}`", path.display()))
}

/// What a JSON file of ours holds.
#[derive(Debug)]
pub(crate) enum Document {
    /// A bundle.
    Evidence(Box<Evidence>),
    /// A run record, by itself or within what `bench run --json` wrote.
    Record(Box<RunRecord>),
}

impl Document {
    /// Reads `path` by what it says it is.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = read(path)?;
        let at_fault = || format!("failed to read `{}`", path.display());
        let no_json = |error| Failure::invalid(format!("{}: no JSON: {error}", at_fault()));
        let value: Value = serde_json::from_slice(&bytes).map_err(no_json)?;
        if value.get("schema").and_then(Value::as_str) == Some("tritgate.evidence") {
            return Ok(Self::Evidence(Box::new(
                Evidence::from_json(&bytes).with_context(at_fault)?,
            )));
        }
        let record = match value.get("record") {
            // Written within another document, whose other keys are derived from it.
            Some(record) if record.is_object() => {
                RunRecord::from_json(&serde_json::to_vec(record)?)
            }
            _ => RunRecord::from_json(&bytes),
        };
        Ok(Self::Record(Box::new(record.with_context(at_fault)?)))
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
        for name in ["route.json", "evidence.json", "policy.toml"] {
            fs::write(folder.path().join(name), "{}").unwrap();
        }
        remove_stale(folder.path()).unwrap();
        let left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
        assert_eq!(left, ["policy.toml"]);
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
