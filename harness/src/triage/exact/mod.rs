//! Executed instructions of both builds, one generation each, or of both commands, counted by callgrind: no noise of a machine is in
//! them.
//!
//! In: two binaries and the model, or two commands. Out: which functions execute more, and on which lines. Each runs twice: what
//! differs between two runs of one (seeds of hash maps, mostly) is no difference of the two, and a function is only named where its
//! difference is larger than that.

mod commands;
mod compared;
mod document;

use std::{ffi::OsString, path::Path, time::Duration};

use anyhow::{Context as _, Result};

use self::compared::{Told, compared};
pub(crate) use self::{
    commands::exact_commands,
    document::{Document, FunctionRow},
};
use crate::{
    callgrind::{self, Job, Profile, Valgrind},
    measure::Clock,
    progress::Progress,
    subject::Binary,
};

/// What is generated: long enough that every function of a step is there many times, short enough for an emulator.
const TOKENS: u64 = 16;
const PROMPT: &str = "Once upon a time";
/// A model of billions of weights takes minutes.
const TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// The root of a source that is not known.
const NOWHERE: &str = "/nowhere";

/// One of the two builds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Build<'a> {
    pub(crate) binary: &'a Binary,
    /// Where its source lay; names below it are shown without it.
    pub(crate) root: Option<&'a Path>,
}

/// What both builds execute.
#[derive(Debug)]
pub(crate) struct Exact {
    pub(crate) document: Document,
    /// Differential flame graph, SVG.
    pub(crate) flame: String,
}

/// Counts both builds.
pub(crate) fn exact(
    [base, head]: [Build<'_>; 2],
    model: &str,
    valgrind: &Valgrind,
    environment: &[(OsString, OsString)],
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<Exact> {
    let arguments = arguments(model);
    let args: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    let here = std::env::current_dir().context("failed to find the current folder")?;
    let folder = tempfile::tempdir().context("failed to make a folder for the programs")?;
    let count = |name: &str, build: &Build<'_>| -> Result<[Profile; 2]> {
        // Under one name: callgrind calls functions without one by their file's.
        let place = folder.path().join(name);
        std::fs::create_dir_all(&place).context("failed to make a folder for a program")?;
        let program = place.join("bench");
        std::fs::copy(&build.binary.path, &program)
            .with_context(|| format!("failed to copy `{}`", build.binary.path.display()))?;
        let job = Job {
            program: &program,
            args: &args,
            stdin: b"",
            variables: environment,
            folder: &here,
            toggle_collect: None,
            timeout: TIMEOUT,
        };
        let once = |nth: usize| -> Result<Profile> {
            progress.note(&format!("counting instructions of the {name}, run {nth} of 2"));
            let counted = callgrind::count(valgrind, &job, progress.halt(), clock)?;
            Ok(counted.profile.comparable(build.root.unwrap_or(Path::new(NOWHERE))))
        };
        Ok([once(1)?, once(2)?])
    };
    let (base_runs, head_runs) = (count("base", &base)?, count("head", &head)?);
    let binaries = [base, head].map(|build| build.binary.digest.to_string());
    compared(valgrind, [base_runs, head_runs], Told { arguments, binaries, ..Told::default() })
}

/// One thread: others wait in loops, whose turns are counted too. Greedy: the same tokens.
fn arguments(model: &str) -> Vec<String> {
    let tokens = TOKENS.to_string();
    let options = [
        ("--model", model),
        ("--prompt", PROMPT),
        ("--tokens", &tokens),
        ("--temperature", "0"),
        ("--threads", "1"),
    ];
    let options = options.into_iter().flat_map(|(name, value)| [name.to_owned(), value.to_owned()]);
    ["model".to_owned(), "generate".to_owned()].into_iter().chain(options).collect()
}
