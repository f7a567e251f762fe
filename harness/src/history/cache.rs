//! Summaries of a store's records, kept in the user's cache folder so that a record is parsed once.
//!
//! In: the folder, the store's path. Out: summaries by record. One file for each store, named by the SHA-256 of its path:
//!
//! ```text
//! tritgate-history VERSION SCHEMA                 another first line: the whole file is nothing
//! form SHA256 JSON                                what many records share; the digest is that of the JSON
//! record SHA256 CHECK JSON                        [started_at, commit, form, medians]; CHECK is of the rest of the line
//! ```
//!
//! A line that is damaged, foreign or cut is ignored, and its record read again. The file is written whole and put in place at once:
//! of two runs at a time the last one's stands, and each is complete. That it can't be written is a note and no error.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use baselines::{Digest, record::SCHEMA_VERSION};
use rayon::prelude::*;

use super::{
    read::Forms,
    summary::{FORM_VERSION, Form, Summary},
};
use crate::progress::Progress;

/// A larger file is ignored: some fifty thousand records of twenty series.
const MAX_BYTES: usize = 256 << 20;
/// Fewer new or lost records are not worth a write.
const WORTH: usize = 8;
/// For the user alone, like the cache folder's other files.
const MODE: u32 = 0o600;

/// Where the summaries of one store are kept.
#[derive(Debug)]
pub(super) struct Cache {
    path: PathBuf,
}

type Body = (String, Option<String>, String, Vec<Vec<f64>>);

impl Cache {
    /// The cache in `folder` of the store at `root`.
    pub(super) fn at(folder: &Path, root: &Path) -> Self {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let name = Digest::of(root.as_os_str().as_encoded_bytes());
        Self { path: folder.join(format!("{name}.txt")) }
    }

    /// What it has; nothing where there is no such file, or another build's.
    pub(super) fn load(&self, forms: &Forms) -> BTreeMap<Digest, Summary> {
        let bytes = baselines::read_bounded(&self.path, MAX_BYTES).unwrap_or_default();
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        let Some((first, lines)) = lines.split_first() else { return BTreeMap::new() };
        if *first != header().as_bytes() {
            return BTreeMap::new();
        }
        let known: BTreeMap<&str, Arc<Form>> = lines
            .iter()
            .filter_map(|line| form_of(line))
            .map(|(digest, form)| (digest, forms.shared(form)))
            .collect();
        let read: Vec<_> = lines.par_iter().filter_map(|line| record_of(line, &known)).collect();
        read.into_iter().collect()
    }

    /// Keeps `summaries`, of which so many are new or were lost since it was written.
    pub(super) fn keep(
        &self,
        summaries: &BTreeMap<Digest, Summary>,
        n_changed: usize,
        progress: &Progress,
    ) {
        if n_changed < WORTH {
            return;
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let written =
            fs::create_dir_all(folder).map_err(|error| error.to_string()).and_then(|()| {
                let bytes = bytes(summaries);
                baselines::write_atomic(&self.path, &bytes, MODE).map_err(|error| error.to_string())
            });
        if let Err(error) = written {
            progress.note(&format!(
                "note: summaries of the records are not kept, and the next reading will take as long: {error}"
            ));
        }
    }
}

fn header() -> String {
    format!("tritgate-history {FORM_VERSION} {SCHEMA_VERSION}")
}

fn bytes(summaries: &BTreeMap<Digest, Summary>) -> Vec<u8> {
    let forms: BTreeMap<&Form, (String, String)> = summaries
        .values()
        .map(|summary| &*summary.form)
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .filter_map(|form| {
            let json = serde_json::to_string(form).ok()?;
            Some((form, (Digest::of(json.as_bytes()).to_string(), json)))
        })
        .collect();
    let mut text = header() + "\n";
    for (digest, json) in forms.values() {
        text += &format!("form {digest} {json}\n");
    }
    for (record, summary) in summaries {
        let Some((form, _)) = forms.get(&*summary.form) else { continue };
        let body = (&summary.started_at, &summary.commit, form, &summary.medians);
        let Ok(json) = serde_json::to_string(&body) else { continue };
        let record = record.to_string();
        text += &format!("record {record} {} {json}\n", check(&record, &json));
    }
    text.into_bytes()
}

/// First digits of the SHA-256 of what a line holds.
fn check(record: &str, json: &str) -> String {
    let mut check = Digest::of(format!("{record} {json}").as_bytes()).to_string();
    check.truncate(16);
    check
}

fn form_of(line: &[u8]) -> Option<(&str, Form)> {
    let line = std::str::from_utf8(line.strip_prefix(b"form ")?).ok()?;
    let (digest, json) = line.split_once(' ')?;
    let holds = Digest::of(json.as_bytes()).to_string() == digest;
    holds.then(|| serde_json::from_str(json).ok()).flatten().map(|form| (digest, form))
}

fn record_of(line: &[u8], forms: &BTreeMap<&str, Arc<Form>>) -> Option<(Digest, Summary)> {
    let line = std::str::from_utf8(line.strip_prefix(b"record ")?).ok()?;
    let (record, rest) = line.split_once(' ')?;
    let (found, json) = rest.split_once(' ')?;
    if found != check(record, json) {
        return None;
    }
    let (started_at, commit, form, medians): Body = serde_json::from_str(json).ok()?;
    let form = Arc::clone(forms.get(form.as_str())?);
    let whole = medians.len() == form.series.len();
    let summary = Summary { started_at, commit, form, medians };
    whole.then_some((record.parse().ok()?, summary))
}

#[cfg(test)]
mod tests {
    use baselines::testing;

    use super::*;

    fn filled() -> (tempfile::TempDir, Cache, BTreeMap<Digest, Summary>) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(&folder.path().join("histories"), Path::new("store"));
        let forms = Forms::default();
        let summaries: BTreeMap<Digest, Summary> = (0..3)
            .map(|seed| testing::session(seed, 1.0))
            .map(|record| (Digest::of(&record.to_json()), forms.summary(&record)))
            .collect();
        cache.keep(&summaries, WORTH, &Progress::silent());
        (folder, cache, summaries)
    }

    #[test]
    fn what_is_kept_is_read_back_to_the_bit() {
        let (_folder, cache, summaries) = filled();
        assert_eq!(cache.load(&Forms::default()), summaries);
    }

    #[test]
    fn a_few_changes_are_not_worth_a_write() {
        let (_folder, cache, summaries) = filled();
        fs::remove_file(&cache.path).unwrap();
        cache.keep(&summaries, WORTH - 1, &Progress::silent());
        assert!(!cache.path.exists());
    }

    #[test]
    fn no_byte_of_a_line_can_change_unseen() {
        let (_folder, cache, summaries) = filled();
        let whole = fs::read(&cache.path).unwrap();
        for at in (0..whole.len()).step_by(7) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x04;
            fs::write(&cache.path, &bytes).unwrap();
            let found = cache.load(&Forms::default());
            assert!(found.len() < summaries.len(), "byte {at} of {}", whole.len());
            for (record, summary) in &found {
                assert_eq!(summaries.get(record), Some(summary), "byte {at}");
            }
        }
    }

    #[test]
    fn a_file_that_was_not_written_to_its_end_has_its_whole_lines() {
        let (_folder, cache, summaries) = filled();
        let whole = fs::read(&cache.path).unwrap();
        fs::write(&cache.path, &whole[..whole.len() - 9]).unwrap();
        assert_eq!(cache.load(&Forms::default()).len(), summaries.len() - 1);
    }

    #[test]
    fn another_builds_file_is_nothing() {
        let (_folder, cache, _) = filled();
        let text = fs::read_to_string(&cache.path).unwrap();
        let other = text.replacen(&header(), "tritgate-history 0 1.3", 1);
        fs::write(&cache.path, other).unwrap();
        assert!(cache.load(&Forms::default()).is_empty());
    }
}
