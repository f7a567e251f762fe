//! Loading from a file: as `load`, of one that is in the page cache as a whole, or not at all.
//!
//! Before each iteration the file is dropped from the cache or read, and the system is asked how much of it is there; if that
//! is not what the kind says, there is no sample. Pages that a process has read through a mapping can't be dropped, so the
//! file is a copy of the model's that is opened here alone, in `/var/tmp` where there is one: a folder in memory has no disk
//! to be read from. Timed: as in `load`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use baselines::record::WorkloadDef;
use engine::gguf::{Mapping, evict};
use tempfile::TempDir;

use super::{Asked, Bench, Finished, ITERATIONS, Param, Prepared, Sampled, WARMUP, Workload, load};
use crate::subject::engine::Source;

/// A folder for temporary files that outlive a restart, hence on a disk.
const ON_DISK: &str = "/var/tmp";

/// Where the file is before each load.
#[derive(Clone, Copy, Debug)]
pub(super) enum LoadFile {
    /// On the disk alone.
    Cold,
    /// In the page cache.
    Warm,
}

impl Workload for LoadFile {
    fn kind(&self) -> &'static str {
        match self {
            Self::Cold => "load-cold",
            Self::Warm => "load-warm",
        }
    }

    fn about(&self) -> &'static str {
        match self {
            Self::Cold => {
                "a model file that is not in the page cache to a session ready for its first token"
            }
            Self::Warm => {
                "a model file that is in the page cache to a session ready for its first token"
            }
        }
    }

    fn metrics(&self) -> &'static [&'static str] {
        &["load_ns"]
    }

    fn params(&self) -> &'static [Param] {
        &[ITERATIONS, WARMUP]
    }

    fn prepare<'a>(&self, bench: Bench<'a>, _: &WorkloadDef) -> Result<Box<dyn Prepared + 'a>> {
        let folder = if Path::new(ON_DISK).is_dir() {
            tempfile::tempdir_in(ON_DISK)
        } else {
            tempfile::tempdir()
        };
        let folder = folder.context("failed to make a folder for a copy of the model")?;
        let path = folder.path().join("model.gguf");
        std::fs::write(&path, bench.model.bytes()).with_context(|| {
            format!("failed to write a copy of the model to `{}`", path.display())
        })?;
        Ok(Box::new(LoadingFile { bench, from: *self, path, _folder: folder }))
    }
}

/// The copy, which goes with its folder.
#[derive(Debug)]
struct LoadingFile<'a> {
    bench: Bench<'a>,
    from: LoadFile,
    path: PathBuf,
    _folder: TempDir,
}

impl Prepared for LoadingFile<'_> {
    fn once(&mut self, _: Asked) -> Result<Vec<Sampled>> {
        self.from.place(&self.path)?;
        let load_ns = load::timed(&self.bench, &Source::File(self.path.clone()))?;
        let (size, after) = (self.bench.model.bytes().len(), cached(&self.path)?);
        let (least, most) = match self.from {
            LoadFile::Cold => (1, size),
            LoadFile::Warm => (size, size),
        };
        ensure!(
            (least..=most).contains(&after),
            "after the load: expected {least} to {most} bytes of the file in the page cache, found {after}; the system may be \
             short of memory"
        );
        Ok(vec![("load_ns", vec![load_ns])])
    }

    fn finish(self: Box<Self>, _: &WorkloadDef) -> Finished {
        Finished::default()
    }
}

impl LoadFile {
    /// Drops the file from the page cache or reads it, and asks the system whether that is so.
    fn place(self, path: &Path) -> Result<()> {
        match self {
            Self::Cold => {
                evict(path)?;
                let cached = cached(path)?;
                ensure!(
                    cached == 0,
                    "`{}`: expected a file that is not in the page cache, found {cached} bytes of it there after it was dropped; \
                     its folder may be in memory",
                    path.display()
                );
            }
            Self::Warm => {
                let read = std::fs::read(path)
                    .with_context(|| format!("failed to read `{}`", path.display()))?;
                let (size, cached) = (read.len(), cached(path)?);
                ensure!(
                    cached == size,
                    "`{}`: expected all {size} bytes in the page cache after they were read, found {cached}; the system may be \
                     short of memory",
                    path.display()
                );
            }
        }
        Ok(())
    }
}

/// Bytes of the file that are in the page cache.
fn cached(path: &Path) -> Result<usize> {
    let mapping = Mapping::open(path)?;
    mapping.cached_size().context("this system does not say what its page cache holds")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: L1.
    #[test]
    fn the_system_says_where_the_file_is_and_one_in_memory_is_never_cold() {
        let file = |folder: &str| {
            let file = tempfile::NamedTempFile::new_in(folder).unwrap();
            std::fs::write(file.path(), vec![1; 300_001]).unwrap();
            file.as_file().sync_all().unwrap();
            file
        };
        let on_disk = file(ON_DISK);
        LoadFile::Warm.place(on_disk.path()).unwrap();
        assert_eq!(cached(on_disk.path()).unwrap(), 300_001);
        LoadFile::Cold.place(on_disk.path()).unwrap();
        assert_eq!(cached(on_disk.path()).unwrap(), 0);
        LoadFile::Warm.place(on_disk.path()).unwrap();
        assert_eq!(cached(on_disk.path()).unwrap(), 300_001);

        let in_memory = file("/dev/shm");
        LoadFile::Warm.place(in_memory.path()).unwrap();
        let error = LoadFile::Cold.place(in_memory.path()).unwrap_err().to_string();
        assert!(error.contains("found 300001 bytes") && error.contains("in memory"), "{error}");
    }
}
