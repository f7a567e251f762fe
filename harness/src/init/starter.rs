//! A first bench target, where a repository has none: two Criterion benchmarks to be replaced.
//! In: the package. Out: its file, its entry in Cargo.toml, and Criterion as a dependency; or nothing of it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

use super::{Outcome, State, manifest, place, target::Target};
use crate::{build, progress::Progress};

/// Its name.
pub(super) const NAME: &str = "speed";
/// Its source.
const SOURCE: &str = include_str!("speed.rs");
/// Its benchmarks, in the order in which they are defined.
pub(super) const BENCHMARKS: [&str; 2] = ["sum", "sort"];

/// So that it compiles with the library that it is for.
#[cfg(test)]
#[path = "speed.rs"]
mod speed;

/// The files, planned.
#[derive(Debug)]
pub(super) struct Starter {
    package: String,
    has_criterion: bool,
    top: PathBuf,
    /// Of the package, from the top.
    manifest: String,
    source: String,
}

impl Starter {
    /// Checks that each step can be done.
    pub(super) fn plan(top: &Path, target: &Target) -> Result<Self> {
        let canonical = |path: &Path| {
            path.canonicalize().with_context(|| format!("failed to find `{}`", path.display()))
        };
        let (root, folder) = (canonical(top)?, canonical(&target.folder)?);
        let below = folder.strip_prefix(&root).ok().with_context(|| {
            format!(
                "failed to set up package `{}`: expected it below `{}`, found it in `{}`",
                target.package,
                root.display(),
                folder.display()
            )
        })?;
        let path = |name: &str| below.join(name).to_string_lossy().replace('\\', "/");
        let (manifest, source) = (path("Cargo.toml"), path(&format!("benches/{NAME}.rs")));
        for path in [&manifest, &source] {
            place::check(top, path)?;
        }
        ensure!(
            !top.join(&source).exists(),
            "failed to write a first bench target: `{source}` is there already, and no target of package `{}`; give it a \
             `[[bench]]` in Cargo.toml, or move it away",
            target.package
        );
        place::check_writable(top, [manifest.as_str(), source.as_str()].into_iter())?;
        let starter = Self {
            package: target.package.clone(),
            has_criterion: target.has_criterion,
            top: top.to_owned(),
            manifest,
            source,
        };
        starter.with_bench()?;
        Ok(starter)
    }

    /// The files that are written, from the top.
    pub(super) fn paths(&self) -> [&str; 2] {
        [&self.source, &self.manifest]
    }

    /// The manifest as it is now, with the target.
    fn with_bench(&self) -> Result<String> {
        let text = fs::read_to_string(self.top.join(&self.manifest))
            .with_context(|| format!("failed to read `{}`", self.manifest))?;
        manifest::with_bench(&text, NAME)
    }

    /// Cargo's part first: it needs a network, and may fail.
    pub(super) fn write(&self, folder: &Path, progress: &Progress) -> Result<Vec<Outcome>> {
        if !self.has_criterion {
            progress.note(&format!("running `{}`", build::add_criterion_line(&self.package)));
            build::add_criterion(folder, &self.package)?;
        }
        let manifest = self.with_bench()?;
        place::write(&self.top, &self.source, SOURCE.as_bytes())?;
        place::write(&self.top, &self.manifest, manifest.as_bytes())?;
        let wrote = |path: &str, note: &str| Outcome {
            path: path.to_owned(),
            state: State::Wrote,
            note: note.to_owned(),
        };
        let outcomes = vec![
            wrote(&self.source, "two benchmarks to replace by yours"),
            wrote(
                &self.manifest,
                if self.has_criterion {
                    "`[[bench]]` at its end"
                } else {
                    "Criterion, and `[[bench]]` at its end"
                },
            ),
        ];
        Ok(outcomes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_defines_the_benchmarks_that_the_policy_gates() {
        let defined: Vec<&str> = SOURCE
            .split("bench_function(\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert_eq!(defined, BENCHMARKS);
        let _: fn() = speed::benches;
    }
}
