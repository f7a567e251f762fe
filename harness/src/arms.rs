//! The two programs of a session: a stored baseline's kept binary with the running program, or what the command line gives.
//! In: which, and the store. Out: programs ready to run. What the evidence checks would refuse after a minute of measuring is
//! refused here.

use anyhow::{Context as _, Result, bail};
use baselines::{Digest, evidence::Given, record::Suite, store::DirStore};
use tempfile::TempDir;

use crate::{
    baseline::{self, Baseline},
    environment, evidence,
    failure::Failure,
    progress::Progress,
    subject::{Binary, Program, engine::Source},
};

/// What is compared.
#[derive(Clone, Debug)]
pub(crate) enum Arms<'a> {
    /// The binary that a stored baseline kept, with the running program.
    Stored {
        /// Name of the baseline.
        name: &'a str,
        /// Arguments of `bench baseline record` where there is no baseline yet; `None` where that is an error (`CI=true`).
        bootstrap: Option<&'a [String]>,
    },
    /// Two programs given on the command line.
    Given { base: Program, head: Program, given: Given },
}

/// Both programs, where the base comes from, and what the head's copy lives in.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) base: Program,
    pub(crate) head: Program,
    pub(crate) baseline: Option<Baseline>,
    pub(crate) given: Option<Given>,
    _copy: Option<TempDir>,
}

impl Ready {
    /// What a bundle says of the base, whose session measured `suite`.
    pub(crate) fn source(&self, suite: &Suite) -> Result<evidence::Source> {
        Ok(match (&self.baseline, &self.given) {
            (Some(baseline), _) => evidence::Source::Stored(baseline.reference_for(suite)),
            (None, Some(given)) => evidence::Source::Given(given.clone()),
            (None, None) => {
                bail!("failed to compare: expected a base that is stored or given, found none")
            }
        })
    }
}

/// The programs to run. What the evidence checks would refuse after a minute of measuring is refused here.
pub(crate) fn ready(
    arms: &Arms<'_>,
    store: &DirStore,
    model: &str,
    progress: &Progress,
) -> Result<Ready> {
    match arms {
        Arms::Stored { name, bootstrap } => {
            let baseline = baseline_of(store, name, *bootstrap, progress)?;
            check_comparable(model, &baseline)?;
            let (head, copy) = head_beside(store, &baseline.binary)?;
            Ok(Ready {
                base: Program::single(baseline.binary.clone()),
                head: Program::single(head),
                baseline: Some(baseline),
                given: None,
                _copy: copy,
            })
        }
        Arms::Given { base, head, given } => Ok(Ready {
            base: base.clone(),
            head: head.clone(),
            baseline: None,
            given: Some(given.clone()),
            _copy: None,
        }),
    }
}

/// The baseline, recorded first if there is none and that is allowed.
fn baseline_of(
    store: &DirStore,
    name: &str,
    bootstrap: Option<&[String]>,
    progress: &Progress,
) -> Result<Baseline> {
    if let Some(baseline) = baseline::find(store, name, false)? {
        return Ok(baseline);
    }
    let missing = || baseline::missing(store.root(), name);
    let args = bootstrap.ok_or_else(missing)?;
    progress.note(&format!("no baseline `{name}` yet: recording one first"));
    baseline::record_elsewhere(args)?;
    progress.note("bootstrap baseline: same build, an A/A run");
    baseline::find(store, name, true)?.ok_or_else(|| missing().into())
}

/// Refuses what the evidence checks would refuse after a minute of measuring: another machine, another model.
fn check_comparable(model: &str, baseline: &Baseline) -> Result<()> {
    let source = Source::named(model);
    let model = Digest::of(source.open()?.bytes());
    let here = environment::host().fingerprint;
    let reference = &baseline.reference;
    for (what, expected, found) in [
        ("the machine's fingerprint", reference.fingerprint, here),
        ("the model's SHA-256", reference.model, model),
    ] {
        if expected != found {
            return Err(Failure::incomparable(format!(
                "failed to gate: {what}: expected {} as in baseline `{}` (recorded {}), found {}; record a baseline of this \
                 machine and model with `bench baseline record --name {}`",
                expected.short(),
                reference.name,
                reference.recorded_at,
                found.short(),
                reference.name
            ))
            .into());
        }
    }
    Ok(())
}

/// The running program as the head: the kept binary itself if it is the same build, else a copy beside it.
///
/// Both arms then run files that were written in the same way to the same file system, so that neither owns larger pages
/// or a warmer cache; and a build during the session replaces neither.
fn head_beside(store: &DirStore, base: &Binary) -> Result<(Binary, Option<TempDir>)> {
    let current = Binary::current()?;
    if current.digest == base.digest {
        return Ok((base.clone(), None));
    }
    let failed =
        || format!("failed to copy the running program to store `{}`", store.root().display());
    let folder =
        tempfile::Builder::new().prefix(".head-").tempdir_in(store.root()).with_context(failed)?;
    let path = folder.path().join("bench");
    let bytes = std::fs::read(&current.path).with_context(failed)?;
    baselines::write_atomic(&path, &bytes, 0o755).with_context(failed)?;
    Ok((Binary::at(&path)?, Some(folder)))
}
