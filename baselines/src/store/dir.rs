//! A store in a folder: `records/SHA256.json`, `binaries/SHA256`, `baselines/NAME.json`.
//! Every read checks the content against the digest that names it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    atomic::{self, EXECUTABLE, READABLE},
    pointer::{Pointer, check_name},
};
use crate::{Digest, Error, ErrorKind, Result, RunRecord};

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
    /// `Malformed` for a record that could not be read back; `Io` if the folder cannot be written.
    pub fn put_record(&self, record: &RunRecord) -> Result<Digest> {
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

    /// The record called `digest`.
    ///
    /// # Errors
    ///
    /// `NotFound`; `Digest` if the file was changed since it was written; else as [`RunRecord::from_json`].
    pub fn get_record(&self, digest: Digest) -> Result<RunRecord> {
        let bytes = verified(&self.record_path(digest), digest, "run record")?;
        RunRecord::from_json(&bytes)
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
        verified(&path, digest, "kept binary")?;
        Ok(path)
    }

    /// Makes `pointer.name` point where `pointer` says.
    ///
    /// # Errors
    ///
    /// `Malformed` for a bad name or a pointer that disagrees with its record; `NotFound` or `Digest` if the record
    /// or the binary is not in the store as it was written; `Io` if the folder cannot be written.
    pub fn set_pointer(&self, pointer: &Pointer) -> Result<()> {
        check_name(&pointer.name)?;
        let record = self.get_record(pointer.record)?;
        let subject = &record.subject;
        for (field, expected, found) in [
            ("binary", subject.binary, pointer.binary),
            ("model", subject.model.digest, pointer.model),
            ("fingerprint", record.host.fingerprint, pointer.fingerprint),
        ] {
            if expected != found {
                let text = format!(
                    "baseline pointer `{}`: `{field}`: expected {expected}, that of its record, found {found}",
                    pointer.name
                );
                return Err(Error::new(ErrorKind::Malformed, text));
            }
        }
        self.binary_path(pointer.binary)?;
        let bytes = pointer.to_json();
        Pointer::from_json(&bytes)?;
        self.put(&self.pointer_path(&pointer.name), &bytes, READABLE)
    }

    /// The pointer called `name`, if there is one.
    ///
    /// # Errors
    ///
    /// `Malformed` for a bad name or file; `Version` for a newer one; `Io` if it cannot be read.
    pub fn pointer(&self, name: &str) -> Result<Option<Pointer>> {
        check_name(name)?;
        let path = self.pointer_path(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(&path, &error)),
        };
        let pointer = Pointer::from_json(&bytes).map_err(|error| {
            let text = format!("read `{}`: {error}; record the baseline again", path.display());
            Error::new(error.kind(), text)
        })?;
        if pointer.name != name {
            let (path, found) = (path.display(), &pointer.name);
            let text = format!(
                "read `{path}`: `name`: expected {name:?}, that of the file, found {found:?}"
            );
            return Err(Error::new(ErrorKind::Malformed, text));
        }
        Ok(Some(pointer))
    }

    /// All pointers, sorted by name.
    ///
    /// # Errors
    ///
    /// As [`Self::pointer`].
    pub fn pointers(&self) -> Result<Vec<Pointer>> {
        let stems = stems(&self.root.join("baselines"), |stem| check_name(stem).is_ok())?;
        // A pointer removed since the folder was listed is no error.
        stems.iter().filter_map(|name| self.pointer(name).transpose()).collect()
    }

    /// The names of all records, sorted.
    ///
    /// # Errors
    ///
    /// `Io` if the folder cannot be read.
    pub fn records(&self) -> Result<Vec<Digest>> {
        let stems = stems(&self.root.join("records"), |stem| stem.parse::<Digest>().is_ok())?;
        stems.iter().map(|stem| stem.parse()).collect()
    }

    fn record_path(&self, digest: Digest) -> PathBuf {
        self.root.join("records").join(format!("{digest}.json"))
    }

    fn kept_binary(&self, digest: Digest) -> PathBuf {
        self.root.join("binaries").join(digest.to_string())
    }

    fn pointer_path(&self, name: &str) -> PathBuf {
        self.root.join("baselines").join(format!("{name}.json"))
    }

    /// Writes unless the very same bytes are there: a file that was changed is put right, none is touched in vain.
    fn put(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
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

/// The content of `path`, which must hash to `digest`.
fn verified(path: &Path, digest: Digest, what: &str) -> Result<Vec<u8>> {
    let shown = path.display();
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = format!(
                "read {what} {}: no such file `{shown}`; record the baseline again",
                digest.short()
            );
            return Err(Error::new(ErrorKind::NotFound, text));
        }
        Err(error) => return Err(unreadable(path, &error)),
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

/// Sorted file names in `folder`, without `.json`, that `keep` accepts; temporary and foreign files are passed over.
fn stems(folder: &Path, keep: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(folder, &error)),
    };
    let mut stems = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| unreadable(folder, &error))?.file_name();
        if let Some(stem) = name.to_str().and_then(|name| name.strip_suffix(".json"))
            && keep(stem)
        {
            stems.push(stem.to_owned());
        }
    }
    stems.sort();
    Ok(stems)
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    let text = format!(
        "read `{}`: expected a path that this user can read, found: {error}",
        path.display()
    );
    Error::new(ErrorKind::Io, text)
}
