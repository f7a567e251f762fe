//! Synthetic models on disk: written whole or not at all, and looked at before they are used.
//!
//! Beside a model `M.gguf` stands `M.gguf.json` with its SHA-256, and with the size and the time of change that the file had when
//! it was last hashed. A file that still has both is taken as it is, which costs nothing; one that has not is hashed again, and
//! written anew if it is not what it was. What this doesn't see: bytes changed under the same size and time, as a failing disk or
//! somebody who sets times back would. `bench model synth --check` does: it hashes the file and draws the model again.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    thread,
    time::UNIX_EPOCH,
};

use anyhow::{Context as _, Result};
use baselines::{Digest, ErrorKind};
use engine::synthetic::{Shape, Synthetic};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{files::READABLE, progress::Progress};

/// Bytes that are read at a time.
const READ_SIZE: usize = 1 << 20;

/// The place of a model.
#[derive(Debug)]
pub(crate) struct Entry {
    path: PathBuf,
    shape: &'static Shape,
    seed: u64,
}

/// A model that is there.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) file_bytes: u64,
    pub(crate) digest: Digest,
    /// What was done for it: `written`, `unchanged` (size and time are those of its last hash), `hashed` or `checked`.
    pub(crate) how: &'static str,
}

/// What is kept beside a model.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    sha256: String,
    file_bytes: u64,
    modified_ns: u64,
}

impl Entry {
    pub(super) fn new(folder: &Path, shape: &'static Shape, seed: u64) -> Self {
        Self { path: folder.join(super::file_name(shape, seed)), shape, seed }
    }

    /// Makes sure that the model is there. With `check` its file is hashed whatever its note says, and held against the model
    /// drawn again.
    pub(crate) fn ready(&self, check: bool) -> Result<Found> {
        let note = self.note();
        let now = self.size_and_time();
        if let (Some(note), Some(now), false) = (&note, now, check)
            && now == (note.file_bytes, note.modified_ns)
            && let Ok(digest) = note.sha256.parse()
        {
            return Ok(self.found(now.0, digest, "unchanged"));
        }
        if now.is_some() && (check || note.is_some()) {
            let expected = match note {
                Some(note) if !check => note.sha256,
                _ => drawn(&super::model(self.shape, self.seed)?)?.to_string(),
            };
            let (file_bytes, digest) = digest_of(&self.path)?;
            if digest.to_string() == expected {
                self.keep_note(digest);
                return Ok(self.found(
                    file_bytes,
                    digest,
                    if check { "checked" } else { "hashed" },
                ));
            }
            self.say(&format!(
                "`{}` is damaged: expected SHA-256 {expected}, found {digest}",
                self.path.display()
            ));
        }
        self.make()
    }

    fn make(&self) -> Result<Found> {
        let model = super::model(self.shape, self.seed)?;
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(|error| {
                let folder = folder.display();
                let text = format!(
                    "make folder `{folder}` for models: expected one that this user can make, found: {error}; choose \
                     another with `XDG_CACHE_HOME`, or write the model to a file of your own with `bench model synth {} \
                     --out FILE`",
                    self.shape.name
                );
                baselines::Error::new(ErrorKind::Io, text)
            })?;
        }
        self.say(&format!("writing {} bytes to `{}`", model.n_bytes(), self.path.display()));
        let digest = write(&self.path, &model)?;
        self.keep_note(digest);
        Ok(self.found(model.n_bytes(), digest, "written"))
    }

    fn found(&self, file_bytes: u64, digest: Digest, how: &'static str) -> Found {
        Found { path: self.path.clone(), file_bytes, digest, how }
    }

    fn note_path(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".json");
        path.into()
    }

    /// What stands beside the model; a note that can't be read is none.
    fn note(&self) -> Option<Note> {
        serde_json::from_slice(&baselines::read_bounded(&self.note_path(), 4096).ok()?).ok()
    }

    /// Writes the note where it can: a folder that can't be written to costs a hash each time.
    fn keep_note(&self, digest: Digest) {
        let Some((file_bytes, modified_ns)) = self.size_and_time() else { return };
        let note = Note { sha256: digest.to_string(), file_bytes, modified_ns };
        if self.note().as_ref() != Some(&note) {
            let text = serde_json::to_vec(&note).expect("three fields are JSON");
            let _ = baselines::write_atomic(&self.note_path(), &text, READABLE);
        }
    }

    fn size_and_time(&self) -> Option<(u64, u64)> {
        let file = fs::metadata(&self.path).ok().filter(fs::Metadata::is_file)?;
        let modified = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some((file.len(), u64::try_from(modified.as_nanos()).ok()?))
    }

    fn say(&self, what: &str) {
        let name = super::full_name(self.shape, self.seed);
        Progress::on_stderr().note(&format!("{name}: {what}"));
    }
}

/// Writes a model to `path`, whole or not at all; returns its SHA-256.
pub(crate) fn write(path: &Path, model: &Synthetic) -> Result<Digest> {
    let failed = || format!("failed to write a synthetic model of {} bytes", model.n_bytes());
    check_room(path, model.n_bytes()).with_context(failed)?;
    let written = baselines::write_atomic_with(path, READABLE, |file| model.write(threads(), file));
    Ok(written.with_context(failed)?.into())
}

/// The SHA-256 that a model's file has, of which nothing is written.
pub(crate) fn drawn(model: &Synthetic) -> Result<Digest> {
    let digest = model.write(threads(), &mut io::sink()).context("failed to draw the model")?;
    Ok(digest.into())
}

/// Size and SHA-256 of a file.
pub(crate) fn digest_of(path: &Path) -> Result<(u64, Digest)> {
    let failed = || format!("failed to read model `{}`", path.display());
    let mut file = File::open(path).with_context(failed)?;
    let (mut hash, mut size) = (Sha256::new(), 0);
    let mut bytes = vec![0; READ_SIZE];
    loop {
        let n = file.read(&mut bytes).with_context(failed)?;
        if n == 0 {
            let digest: [u8; 32] = hash.finalize().into();
            return Ok((size, digest.into()));
        }
        hash.update(&bytes[..n]);
        size += n as u64;
    }
}

/// Refuses at once what would end half-way. Where the system doesn't say what is free, the writing shows it.
fn check_room(path: &Path, n_bytes: u64) -> Result<(), baselines::Error> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let Ok(disk) = rustix::fs::statvfs(folder) else { return Ok(()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if n_bytes <= free {
        return Ok(());
    }
    let (path, folder) = (path.display(), folder.display());
    let text = format!(
        "write `{path}`: expected {n_bytes} bytes free on the disk of `{folder}`, found {free}; free some, or choose a \
         folder on another disk (`--out`, `XDG_CACHE_HOME`)"
    );
    Err(baselines::Error::new(ErrorKind::Io, text))
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::synthetic::SHAPES;

    fn entry(folder: &Path) -> Entry {
        let tiny = SHAPES.iter().find(|shape| shape.name == "tiny").unwrap();
        Entry::new(folder, tiny, 42)
    }

    fn ready(entry: &Entry, check: bool) -> (&'static str, Digest) {
        let found = entry.ready(check).unwrap();
        assert_eq!(digest_of(&found.path).unwrap(), (found.file_bytes, found.digest));
        (found.how, found.digest)
    }

    #[test]
    fn a_model_is_written_once_and_hashed_when_its_time_changed() {
        let folder = tempfile::tempdir().unwrap();
        let entry = entry(&folder.path().join("new/models"));
        let (how, digest) = ready(&entry, false);
        assert_eq!(how, "written");
        assert_eq!(ready(&entry, false), ("unchanged", digest));
        File::open(&entry.path).unwrap().set_modified(UNIX_EPOCH).unwrap();
        assert_eq!(ready(&entry, false), ("hashed", digest));
        assert_eq!(ready(&entry, false), ("unchanged", digest));
        assert_eq!(ready(&entry, true), ("checked", digest));
    }

    #[test]
    fn damage_is_noticed_and_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let entry = entry(folder.path());
        let (_, digest) = ready(&entry, false);
        let whole = fs::read(&entry.path).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        for damaged in [&whole[..whole.len() / 2], &flipped, b""] {
            fs::write(&entry.path, damaged).unwrap();
            assert_eq!(ready(&entry, false), ("written", digest));
        }
        // Under the same time only a check sees it.
        let note = entry.note().unwrap();
        fs::write(&entry.path, &flipped).unwrap();
        let time = UNIX_EPOCH + std::time::Duration::from_nanos(note.modified_ns);
        File::open(&entry.path).unwrap().set_modified(time).unwrap();
        assert_eq!(entry.ready(false).unwrap().how, "unchanged");
        assert_eq!(ready(&entry, true), ("written", digest));
    }

    #[test]
    fn a_model_without_a_note_or_with_a_broken_one_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let entry = entry(folder.path());
        let (_, digest) = ready(&entry, false);
        for note in ["", "{}", "{\"sha256\":\"x\",\"file_bytes\":1,\"modified_ns\":1}"] {
            fs::write(entry.note_path(), note).unwrap();
            assert_eq!(ready(&entry, false), ("written", digest), "{note}");
        }
        fs::remove_file(entry.note_path()).unwrap();
        assert_eq!(ready(&entry, false), ("written", digest));
    }
}
