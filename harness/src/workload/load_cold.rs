//! Loading from the disk: as `load`, of a file that is not in the page cache.
//!
//! Before each iteration the file is dropped from the cache, and the system is asked whether it is gone; if it is not, there is
//! no sample. Pages that a process has read through a mapping can't be dropped, so the file is a copy of the model's that is
//! opened here alone, in `/var/tmp` where there is one: a folder in memory has no disk to be read from. Timed: as in `load`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use baselines::record::WorkloadDef;
use engine::gguf::{Mapping, evict};
use tempfile::TempDir;

use super::{Asked, Bench, Finished, ITERATIONS, Param, Prepared, Sampled, WARMUP, Workload, load};
use crate::subject::engine::Source;

/// A folder for temporary files that outlive a restart, hence on a disk.
const ON_DISK: &str = "/var/tmp";

/// See the file's door.
#[derive(Debug)]
pub(super) struct LoadCold;

impl Workload for LoadCold {
    fn kind(&self) -> &'static str {
        "load-cold"
    }

    fn about(&self) -> &'static str {
        "a model file that is not in the page cache to a session ready for its first token"
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
        Ok(Box::new(LoadingCold { bench, path, _folder: folder }))
    }
}

/// The copy, which goes with its folder.
#[derive(Debug)]
struct LoadingCold<'a> {
    bench: Bench<'a>,
    path: PathBuf,
    _folder: TempDir,
}

impl LoadingCold<'_> {
    /// Bytes of the copy that are in the page cache.
    fn cached(&self) -> Result<usize> {
        let mapping = Mapping::open(&self.path)?;
        mapping.cached_size().context("this system does not say what its page cache holds")
    }
}

impl Prepared for LoadingCold<'_> {
    fn once(&mut self, _: Asked) -> Result<Vec<Sampled>> {
        evict(&self.path)?;
        let cached = self.cached()?;
        ensure!(
            cached == 0,
            "`{}`: expected a file that is not in the page cache, found {cached} bytes of it there after it was dropped; \
             its folder may be in memory",
            self.path.display()
        );
        let load_ns = load::timed(&self.bench, &Source::File(self.path.clone()))?;
        ensure!(self.cached()? > 0, "expected the load to read the file, found nothing read");
        Ok(vec![("load_ns", vec![load_ns])])
    }

    fn finish(self: Box<Self>, _: &WorkloadDef) -> Finished {
        Finished::default()
    }
}
