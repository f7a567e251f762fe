//! A store in a folder: `records/SHA256.json`, `binaries/SHA256`, and the journals under `baselines/`.
//! Every read checks the content against the digest that names it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    atomic::{self, EXECUTABLE, READABLE},
    bounded,
};
use crate::{
    Digest, Error, ErrorKind, Result, RunRecord,
    record::{Purpose, wire::MAX_BYTES},
};

/// A kept binary is at most this large.
const MAX_BINARY_BYTES: usize = 1 << 30;

/// A store in a folder.
#[derive(Clone, Debug)]
pub struct DirStore {
    root: PathBuf,
}

impl DirStore {
    /// The store in the folder `root`, which need not exist: it is made by the first write.
    ///
    /// # Errors
    ///
    /// `Io` if `root` is something other than a folder.
    pub fn open(root: &Path) -> Result<Self> {
        match fs::metadata(root) {
            Ok(metadata) if !metadata.is_dir() => {
                let text = format!(
                    "open store `{}`: expected a folder, found a file; choose another",
                    root.display()
                );
                Err(Error::new(ErrorKind::Io, text))
            }
            Ok(_) => Ok(Self { root: root.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Self { root: root.to_owned() })
            }
            Err(error) => Err(unreadable(root, &error)),
        }
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Keeps `record` and returns its name. Keeping it again changes nothing.
    ///
    /// # Errors
    ///
    /// `Malformed` for a record that could not be read back, and for one of a calibration, whose head may be slowed on
    /// purpose; `Io` if the folder cannot be written.
    pub fn put_record(&self, record: &RunRecord) -> Result<Digest> {
        keepable(record)?;
        let bytes = record.to_json();
        if RunRecord::from_json(&bytes)? != *record {
            let text =
                "keep run record: expected a record that reads back as it was, found another"
                    .to_owned();
            return Err(Error::new(ErrorKind::Malformed, text));
        }
        let digest = Digest::of(&bytes);
        self.put(&self.record_path(digest), &bytes, READABLE)?;
        Ok(digest)
    }

    /// Keeps the bytes of a record that another store has under the name `digest`, as they are. Keeping them again changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// `Digest` if the bytes have another name; else as [`RunRecord::from_json`] and [`Self::put_record`].
    pub fn put_record_bytes(&self, digest: Digest, bytes: &[u8]) -> Result<()> {
        checked_record(digest, bytes)?;
        self.put(&self.record_path(digest), bytes, READABLE)
    }

    /// The record called `digest`.
    ///
    /// # Errors
    ///
    /// `NotFound`; `Digest` if the file was changed since it was written; else as [`RunRecord::from_json`].
    pub fn get_record(&self, digest: Digest) -> Result<RunRecord> {
        RunRecord::from_json(&self.record_bytes(digest)?)
    }

    /// The bytes of the record called `digest`.
    ///
    /// # Errors
    ///
    /// `NotFound`; `Digest` if the file was changed since it was written.
    pub fn record_bytes(&self, digest: Digest) -> Result<Vec<u8>> {
        verified(&self.record_path(digest), digest, "run record", MAX_BYTES)
    }

    /// Keeps a copy of the binary at `path`, executable, and returns its name. Keeping it again changes nothing.
    ///
    /// # Errors
    ///
    /// `Io` if `path` cannot be read or the folder cannot be written.
    pub fn put_binary(&self, path: &Path) -> Result<Digest> {
        let bytes = fs::read(path).map_err(|error| unreadable(path, &error))?;
        let digest = Digest::of(&bytes);
        self.put(&self.kept_binary(digest), &bytes, EXECUTABLE)?;
        Ok(digest)
    }

    /// Where the kept binary called `digest` is, after its content was checked.
    ///
    /// # Errors
    ///
    /// `NotFound`; `Digest` if the file was changed since it was written.
    pub fn binary_path(&self, digest: Digest) -> Result<PathBuf> {
        let path = self.kept_binary(digest);
        verified(&path, digest, "kept binary", MAX_BINARY_BYTES)?;
        Ok(path)
    }

    /// The names of all records, sorted.
    ///
    /// # Errors
    ///
    /// `Io` if the folder cannot be read.
    pub fn records(&self) -> Result<Vec<Digest>> {
        let names = file_names(&self.root.join("records"))?;
        Ok(names.iter().filter_map(|name| name.strip_suffix(".json")?.parse().ok()).collect())
    }

    /// The names of all kept binaries, sorted.
    ///
    /// # Errors
    ///
    /// `Io` if the folder cannot be read.
    pub fn binaries(&self) -> Result<Vec<Digest>> {
        let names = file_names(&self.root.join("binaries"))?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    pub(super) fn record_path(&self, digest: Digest) -> PathBuf {
        self.root.join("records").join(format!("{digest}.json"))
    }

    pub(super) fn kept_binary(&self, digest: Digest) -> PathBuf {
        self.root.join("binaries").join(digest.to_string())
    }

    /// Writes unless the very same bytes are there: a file that was changed is put right, none is touched in vain.
    pub(super) fn put(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
        let folder = path.parent().expect("every path of the store has a folder");
        fs::create_dir_all(folder).map_err(|error| {
            let (store, folder) = (self.root.display(), folder.display());
            let text = format!(
                "write store `{store}`: expected to make the folder `{folder}`, found: {error}; make it writable, or \
                 choose another store folder"
            );
            Error::new(ErrorKind::Io, text)
        })?;
        let same_len =
            fs::metadata(path).is_ok_and(|metadata| metadata.len() == bytes.len() as u64);
        if same_len && fs::read(path).is_ok_and(|found| found == bytes) {
            return Ok(());
        }
        atomic::write(path, bytes, mode)
    }
}

/// The record in `bytes`, if a store may keep it under the name `digest`.
pub(super) fn checked_record(digest: Digest, bytes: &[u8]) -> Result<RunRecord> {
    let found = Digest::of(bytes);
    if found != digest {
        let text =
            format!("run record {}: expected SHA-256 {digest}, found {found}", digest.short());
        return Err(Error::new(ErrorKind::Digest, text));
    }
    let record = RunRecord::from_json(bytes)?;
    keepable(&record)?;
    Ok(record)
}

/// Refuses a record whose times are others than those of a gate: slowed on purpose, or stamped.
fn keepable(record: &RunRecord) -> Result<()> {
    let (found, why) = match record.purpose {
        Purpose::Run | Purpose::Baseline | Purpose::Paired => return Ok(()),
        Purpose::Calibration => ("calibration", "its times may be slowed on purpose"),
        Purpose::Triage => ("triage", "its passes are stamped span by span"),
    };
    let text = format!(
        "keep run record: purpose: expected `run`, `baseline` or `paired`, found `{found}`; {why}"
    );
    Err(Error::new(ErrorKind::Malformed, text))
}

/// The content of `path`, which must hash to `digest`.
fn verified(path: &Path, digest: Digest, what: &str, most: usize) -> Result<Vec<u8>> {
    let shown = path.display();
    let bytes = match bounded::read(path, most) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let text = format!(
                "read {what} {}: expected the file `{shown}`, found none; record the baseline again",
                digest.short()
            );
            return Err(Error::new(ErrorKind::NotFound, text));
        }
        Err(error) => return Err(error),
    };
    let found = Digest::of(&bytes);
    if found == digest {
        return Ok(bytes);
    }
    Err(Error::new(
        ErrorKind::Digest,
        format!(
            "read {what} `{shown}`: expected SHA-256 {digest}, found {found}: it was changed after it was written; \
             delete it and record the baseline again"
        ),
    ))
}

/// Sorted names of the files in `folder`; temporary and foreign ones are among them.
pub(super) fn file_names(folder: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(folder, &error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| unreadable(folder, &error))?.file_name();
        names.extend(name.into_string());
    }
    names.sort();
    Ok(names)
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> Error {
    let text = format!(
        "read `{}`: expected a path that this user can read, found: {error}",
        path.display()
    );
    Error::new(ErrorKind::Io, text)
}
