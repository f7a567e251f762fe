//! The folder of check records, `OUT/checks/NAME.json`: written whole or not at all, read back without trust.
//! In: a record, or the folder. Out: its file, or all records in the order of their names.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use baselines::{CheckRecord, check::MAX_CHECKS};

use crate::{failure::Failure, files};

/// Below the folder of the gate's files.
const FOLDER: &str = "checks";
/// Bytes of all records of a folder: they share the 64 MiB of a bundle with the samples.
const BYTES_MAX: usize = 32 << 20;

/// Where the record of `gate` is kept.
fn path(out: &Path, gate: &str) -> PathBuf {
    out.join(FOLDER).join(format!("{gate}.json"))
}

/// Removes the record of an earlier run of `gate`: one that cannot be finished must leave no green one behind.
pub(crate) fn forget(out: &Path, gate: &str) -> Result<()> {
    let path = path(out, gate);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("failed to remove the old `{}`", path.display()))
        }
        _ => Ok(()),
    }
}

/// Writes `record`, and where.
pub(crate) fn keep(out: &Path, record: &CheckRecord) -> Result<PathBuf> {
    let path = path(out, &record.gate);
    files::check_writable(&path)?;
    // A record is no change of the tree that the next check is of.
    let ignore = out.join(FOLDER).join(".gitignore");
    let written = baselines::write_atomic(&ignore, b"*\n", files::READABLE)
        .and_then(|()| baselines::write_atomic(&path, &record.to_json(), files::READABLE));
    written.context("failed to write the check record")?;
    Ok(path)
}

/// All check records of `out`, by name. One that cannot be read is an error: what it was to show may be required.
pub(crate) fn read(out: &Path) -> Result<Vec<CheckRecord>> {
    let folder = out.join(FOLDER);
    let failed = || format!("failed to read the checks in `{}`", folder.display());
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(failed)?,
    };
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.with_context(failed)?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    if paths.len() > MAX_CHECKS {
        let text = format!("{}: expected at most {MAX_CHECKS}, found {}", failed(), paths.len());
        return Err(Failure::invalid(text).into());
    }
    let mut n_bytes = 0;
    let mut records = Vec::new();
    for path in &paths {
        let bytes = files::read(path)?;
        n_bytes += bytes.len();
        if n_bytes > BYTES_MAX {
            let way_out = "make the commands quieter";
            let text =
                format!("{}: expected at most {BYTES_MAX} bytes, found more; {way_out}", failed());
            return Err(Failure::invalid(text).into());
        }
        let at_fault = || format!("failed to read the check `{}`", path.display());
        let record = CheckRecord::from_json(&bytes).with_context(at_fault)?;
        if path.file_stem().is_none_or(|stem| stem != record.gate.as_str()) {
            let found = format!("that of the gate `{}`", record.gate);
            let text = format!("{}: expected the check of that name, found {found}", at_fault());
            return Err(Failure::invalid(text).into());
        }
        records.push(record);
    }
    Ok(records)
}

/// Refuses before anything is measured what the rule `check-commit` would refuse after it: checks of a tree with changes, or
/// of another commit than the head's, where that is known by now.
pub(crate) fn refuse_stale(records: &[CheckRecord], head: Option<&str>) -> Result<()> {
    for record in records {
        let commit = record.commit.as_deref();
        let found = if record.dirty != Some(false) {
            "a working tree with changes".to_owned()
        } else if head.is_some() && commit != head {
            format!("commit {}", commit.unwrap_or("unknown"))
        } else {
            continue;
        };
        let gate = &record.gate;
        return Err(Failure::incomparable(format!(
            "failed to gate: check `{gate}`: expected one of the clean commit {}, found one of {found}; commit, run \
             `bench check --gate {gate} -- …` again, or remove its record",
            head.unwrap_or("under test")
        ))
        .into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use baselines::testing;

    use super::*;
    use crate::failure::exit_code;

    #[test]
    fn records_are_read_back_by_name_and_nothing_else_is() {
        let out = tempfile::tempdir().unwrap();
        assert_eq!(read(out.path()).unwrap(), []);
        let (tests, clippy) = (testing::check("tests"), testing::check("clippy"));
        keep(out.path(), &tests).unwrap();
        keep(out.path(), &clippy).unwrap();
        fs::write(out.path().join("checks/notes.txt"), "x").unwrap();
        assert_eq!(read(out.path()).unwrap(), [clippy.clone(), tests]);
        forget(out.path(), "tests").unwrap();
        forget(out.path(), "tests").unwrap();
        assert_eq!(read(out.path()).unwrap(), [clippy]);
    }

    #[test]
    fn a_broken_renamed_or_surplus_record_is_an_error_that_names_the_file() {
        let out = tempfile::tempdir().unwrap();
        let path = keep(out.path(), &testing::check("tests")).unwrap();
        let whole = fs::read(&path).unwrap();
        let renamed = out.path().join("checks/clippy.json");
        for (path, bytes) in [(&path, &whole[..99]), (&path, b""), (&renamed, &whole)] {
            fs::write(path, bytes).unwrap();
            let error = read(out.path()).unwrap_err();
            assert_eq!(exit_code(&error), 4, "{error:#}");
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(format!("{error:#}").contains(name), "{error:#}");
            fs::write(path, &whole).unwrap();
        }
        fs::remove_file(renamed).unwrap();
        for idx in 0..MAX_CHECKS {
            keep(out.path(), &testing::check(&format!("x{idx}"))).unwrap();
        }
        assert_eq!(exit_code(&read(out.path()).unwrap_err()), 4);
    }

    #[test]
    fn a_check_of_another_commit_or_of_changes_is_refused_before_measuring() {
        let good = testing::check("tests");
        let head = good.commit.clone();
        refuse_stale(std::slice::from_ref(&good), head.as_deref()).unwrap();
        refuse_stale(std::slice::from_ref(&good), None).unwrap();
        let other = CheckRecord { commit: Some("0".repeat(40)), ..good.clone() };
        let changed = CheckRecord { dirty: Some(true), ..good.clone() };
        let unknown = CheckRecord { commit: None, dirty: None, ..good.clone() };
        for bad in [other, changed, unknown] {
            let error = refuse_stale(&[good.clone(), bad], head.as_deref()).unwrap_err();
            assert_eq!(exit_code(&error), 5, "{error:#}");
            assert!(error.to_string().contains("check `tests`"), "{error:#}");
        }
    }
}
