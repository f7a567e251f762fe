//! `bench verify`: derive everything from the evidence again, byte for byte, and say what does not hold.
//!
//! Exit 0 means that every file follows from the evidence and that the evidence holds, whatever the verdict is; the
//! verdict itself is `bench gate`'s exit code and is printed here.

use std::path::{Path, PathBuf};

use anyhow::Result;
use baselines::{Evidence, RunRecord, timestamp::parse_ms};
use gates::Verdict;
use time::OffsetDateTime;

use super::{Context, print};
use crate::{
    failure::{Failure, INVALID},
    files::{self, Document, EVIDENCE},
    measure::timestamp,
};

/// How far ahead of this machine's clock another's may be. Evidence travels between machines that set theirs by themselves.
const CLOCKS_APART_MS: i64 = 60_000;

/// Options of `bench verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A folder with the files of a gate, its evidence.json, or a run record.
    #[arg(value_name = "PATH", default_value = "ci")]
    path: PathBuf,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let path = files::evidence_path(&args.path);
    let document = Document::read(&path)?;
    let (field, stamp) = match &document {
        Document::Evidence(evidence) => ("created_at", &evidence.created_at),
        Document::Record(record) => ("ended_at", &record.ended_at),
    };
    if let Some(refusal) = ahead_of(context.clock.utc(), field, stamp) {
        return Err(
            Failure::invalid(format!("failed to verify `{}`: {refusal}", path.display())).into()
        );
    }
    match document {
        Document::Evidence(evidence) => verify_bundle(&path, &evidence),
        Document::Record(record) => verify_record(&record),
    }
}

/// Why a stamp cannot be: it is of a time that has not come. The one rule of evidence that needs a clock.
fn ahead_of(now: OffsetDateTime, field: &str, stamp: &str) -> Option<String> {
    let now = timestamp(now);
    // A stamp of no known form never got past the reader.
    let (stamped_ms, now_ms) = (parse_ms(stamp)?, parse_ms(&now)?);
    (stamped_ms > now_ms + CLOCKS_APART_MS).then(|| {
        format!(
            "{field}: expected a time that has been, at most {now} by this machine's clock, found {stamp}; set the clock \
             that is wrong, and measure again if it was the measuring machine's"
        )
    })
}

fn verify_record(record: &RunRecord) -> Result<u8> {
    let refusals = gates::check_record(record);
    if refusals.is_empty() {
        let (processes, n_samples) = (record.processes.len(), n_samples(record));
        print(&format!(
            "holds: run record of {processes} processes, {n_samples} samples, every rule\n"
        ))?;
        return Ok(0);
    }
    for refusal in &refusals {
        print(&format!("✘ {}\n", files::paragraph(refusal)))?;
    }
    Ok(INVALID)
}

fn verify_bundle(path: &Path, evidence: &Evidence) -> Result<u8> {
    let (derived, mut expected) = files::derive(evidence)?;
    expected.insert(0, (EVIDENCE, evidence.to_json()));
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut n_different = 0;
    for (name, bytes) in &expected {
        // The bundle itself may go by any name.
        let file = if *name == EVIDENCE { path.to_owned() } else { folder.join(name) };
        match difference(&file, bytes)? {
            None => print(&format!("✔ {name}\n"))?,
            Some(difference) => {
                n_different += 1;
                print(&format!("✘ {name}: {difference}\n"))?;
            }
        }
    }
    for refusal in &derived.refusals {
        print(&format!("✘ {}\n", files::paragraph(refusal)))?;
    }
    let verdict = derived.verdict;
    print(&format!(
        "verdict: {} (exit {}), {}\n",
        verdict.name(),
        verdict.exit_code(),
        derived.counts.text()
    ))?;
    if n_different > 0 {
        return Err(Failure::invalid(format!(
            "failed to verify `{}`: {n_different} of {} files are not what the evidence gives; a gate file is derived, \
             never edited: run `bench gate` again",
            folder.display(),
            expected.len()
        ))
        .into());
    }
    match verdict {
        Verdict::Invalid | Verdict::Incomparable => Ok(verdict.exit_code()),
        Verdict::Pass | Verdict::Fail | Verdict::Inconclusive => Ok(0),
    }
}

/// Where the file differs from what it should be, if it does.
fn difference(file: &Path, expected: &[u8]) -> Result<Option<String>> {
    let found = match std::fs::read(file) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Some("missing".to_owned()));
        }
        Err(error) => {
            return Err(
                anyhow::Error::new(error).context(format!("failed to read `{}`", file.display()))
            );
        }
    };
    Ok((found != expected).then(|| first_difference(expected, &found)))
}

/// The first line that differs, cut around the first byte that does.
fn first_difference(expected: &[u8], found: &[u8]) -> String {
    let lines = |bytes: &[u8]| -> Vec<Vec<u8>> {
        bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
    };
    let (expected, found) = (lines(expected), lines(found));
    let idx = expected.iter().zip(&found).take_while(|(a, b)| a == b).count();
    let empty = Vec::new();
    let (want, got) = (expected.get(idx).unwrap_or(&empty), found.get(idx).unwrap_or(&empty));
    let column = want.iter().zip(got).take_while(|(a, b)| a == b).count();
    let shown = |line: &[u8]| {
        let from = column.saturating_sub(24);
        let text = String::from_utf8_lossy(
            line.get(from..line.len().min(column + 40)).unwrap_or_default(),
        );
        text.trim().to_owned()
    };
    format!(
        "line {}, byte {}: expected {:?}, found {:?}",
        idx + 1,
        column + 1,
        shown(want),
        shown(got)
    )
}

fn n_samples(record: &RunRecord) -> usize {
    record
        .processes
        .iter()
        .flat_map(|process| &process.series)
        .map(|series| series.samples.len())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_differing_line_is_named() {
        let text =
            first_difference(b"{\n \"a\": 1,\n \"b\": 2\n}\n", b"{\n \"a\": 1,\n \"b\": 3\n}\n");
        assert_eq!(text, "line 3, byte 7: expected \"\\\"b\\\": 2\", found \"\\\"b\\\": 3\"");
    }

    #[test]
    fn a_stamp_of_the_future_is_refused_and_clocks_may_be_a_little_apart() {
        let now = time::macros::datetime!(2026-03-02 09:00:00 UTC);
        assert_eq!(ahead_of(now, "created_at", "2026-03-02T09:00:59.999Z"), None);
        assert_eq!(ahead_of(now, "created_at", "2025-09-24T04:52:00.000Z"), None);
        let refusal = ahead_of(now, "created_at", "2026-03-02T09:01:00.001Z").unwrap();
        assert!(refusal.starts_with("created_at: expected a time that has been"), "{refusal}");
        assert!(refusal.contains("2026-03-02T09:00:00.000Z"), "{refusal}");
    }

    #[test]
    fn a_file_cut_short_differs_where_it_ends() {
        let text = first_difference(b"one\ntwo\n", b"one\n");
        assert!(text.starts_with("line 2, byte 1: expected \"two\", found \"\""), "{text}");
    }
}
