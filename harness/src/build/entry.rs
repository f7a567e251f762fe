//! A cache entry: the layouts of one build, under a key that holds all that shaped them.
//! In: a key. Out: the manifest, if every file is still the one that was written; else why not.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use baselines::Digest;
use serde::{Deserialize, Serialize};

use super::{Kind, stage};
use crate::{files::READABLE, subject::Binary};

/// The form of an entry; another form has another key.
pub(super) const VERSION: u32 = 2;
const MANIFEST: &str = "manifest.json";

/// All that shapes a build, as far as it can be known before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) version: u32,
    /// The commit; of a working tree, its folder, because cargo is asked each time.
    pub(super) source: String,
    pub(super) toolchain: String,
    pub(super) package: String,
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) profile: String,
    pub(super) features: Vec<String>,
    pub(super) default_features: bool,
    pub(super) variables: Vec<(String, String)>,
    pub(super) cargo_config: String,
    /// The folder of the package below the top.
    pub(super) prefix: PathBuf,
    pub(super) seeds: Vec<u32>,
}

/// One layout of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Layout {
    /// The linker's seed; none where the linker placed everything as it always does.
    pub(super) seed: Option<u32>,
    /// SHA-256 of its bytes.
    pub(super) digest: String,
    pub(super) size: u64,
}

/// What an entry holds, written after everything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) key: Key,
    /// The stage that linked them.
    pub(super) stage: String,
    /// The program as cargo linked it for itself, by which it is known again.
    pub(super) plain: String,
    pub(super) layouts: Vec<Layout>,
    pub(super) note: Option<String>,
}

/// What a look into an entry finds.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing was built yet.
    Nothing,
    /// Something that cannot be used, and why.
    Broken(String),
    /// All that was written.
    Whole(Box<Manifest>, Vec<Binary>),
}

/// A folder of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) folder: PathBuf,
    name: String,
}

/// How many builds stay when others are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// So many in any case, those that were used last.
    pub(super) builds: usize,
    /// More of them as long as all together take no more than this.
    pub(super) bytes: u64,
}

/// Removes the entries that were not used for the longest time and have no `room`; returns the sources of those that stay.
pub(super) fn prune(entries: &Path, room: Room) -> Result<BTreeSet<String>> {
    let failed = || format!("failed to tidy `{}`", entries.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(entries).with_context(failed)? {
        let folder = entry.with_context(failed)?.path();
        let manifest = folder.join(MANIFEST);
        let used = fs::metadata(&manifest).and_then(|metadata| metadata.modified()).ok();
        let source = fs::read(&manifest)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Manifest>(&bytes).ok())
            .map(|manifest| manifest.key.source);
        found.push((used, folder, source));
    }
    // What was never finished has no time, and goes first.
    found.sort();
    let (mut kept, mut bytes) = (BTreeSet::new(), 0);
    for (idx, (_, folder, source)) in found.into_iter().rev().enumerate() {
        bytes += size(&folder).with_context(failed)?;
        if idx < room.builds || bytes <= room.bytes {
            kept.extend(source);
        } else {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("failed to remove `{}`", folder.display()))?;
        }
    }
    Ok(kept)
}

/// Bytes of the files in `folder`.
fn size(folder: &Path) -> io::Result<u64> {
    let files = fs::read_dir(folder)?;
    files.map(|file| Ok(file?.metadata()?.len())).sum()
}

impl Entry {
    /// The entry of `key` below `entries`.
    pub(super) fn open(entries: &Path, key: &Key) -> Result<Self> {
        let name = Digest::of(&serde_json::to_vec(key)?).to_string();
        let folder = entries.join(&name[..24]);
        fs::create_dir_all(&folder)
            .with_context(|| format!("failed to make `{}`", folder.display()))?;
        Ok(Self { folder, name: key.name.clone() })
    }

    /// What it holds, every byte checked.
    pub(super) fn look(&self, key: &Key) -> Found {
        let path = self.folder.join(MANIFEST);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Found::Nothing,
            Err(error) => return Found::Broken(format!("`{}`: {error}", path.display())),
        };
        let manifest: Manifest = match serde_json::from_slice(&bytes) {
            Ok(manifest) => manifest,
            Err(error) => return Found::Broken(format!("`{}`: {error}", path.display())),
        };
        if manifest.key != *key || manifest.layouts.is_empty() {
            return Found::Broken(format!("`{}` is of another build", path.display()));
        }
        match self.binaries(&manifest.layouts) {
            Ok(binaries) => Found::Whole(Box::new(manifest), binaries),
            Err(error) => Found::Broken(format!("{error:#}")),
        }
    }

    /// Takes over `files`, one per layout, and then says so.
    pub(super) fn keep(&self, manifest: &Manifest, files: &[PathBuf]) -> Result<Vec<Binary>> {
        for (idx, file) in files.iter().enumerate() {
            let path = self.path(idx);
            fs::rename(file, &path)
                .with_context(|| format!("failed to keep `{}`", path.display()))?;
        }
        let bytes = serde_json::to_vec_pretty(manifest)?;
        baselines::write_atomic(&self.folder.join(MANIFEST), &bytes, READABLE)
            .context("failed to keep a build")?;
        self.binaries(&manifest.layouts)
    }

    /// Removes every stage but `kept`, and with it what an interrupted build left.
    pub(super) fn sweep(&self, kept: Option<&str>) {
        let Ok(found) = fs::read_dir(&self.folder) else { return };
        for name in found.flatten().map(|found| found.file_name().to_string_lossy().into_owned()) {
            if name.starts_with(stage::PREFIX) && Some(name.as_str()) != kept {
                // What stays behind costs space and nothing else.
                let _ = fs::remove_dir_all(self.folder.join(name));
            }
        }
    }

    /// Marks it as used just now.
    pub(super) fn touch(&self) -> Result<()> {
        let path = self.folder.join(MANIFEST);
        let bytes =
            fs::read(&path).with_context(|| format!("failed to read `{}`", path.display()))?;
        // Written anew, it has the file system's own present as its time.
        baselines::write_atomic(&path, &bytes, READABLE).context("failed to mark a build as used")
    }

    fn binaries(&self, layouts: &[Layout]) -> Result<Vec<Binary>> {
        let of = |(idx, layout): (usize, &Layout)| {
            let binary = Binary::at(&self.path(idx))?;
            anyhow::ensure!(
                binary.digest.to_string() == layout.digest && binary.size == layout.size,
                "`{}`: expected {} bytes with SHA-256 {}, found {} with {}",
                binary.path.display(),
                layout.size,
                layout.digest,
                binary.size,
                binary.digest
            );
            Ok(binary)
        };
        layouts.iter().enumerate().map(of).collect()
    }

    fn path(&self, idx: usize) -> PathBuf {
        self.folder.join(format!("{}-{idx}", self.name))
    }
}
