//! Instructions of two commands, counted in what surrounds their runs.
//! In: the commands as a gate takes them. Out: as of builds, with what a reader must know about the counts.

use std::{ffi::OsString, io::Read as _, path::Path};

use anyhow::{Context as _, Result};

use super::{
    Exact, NOWHERE, TIMEOUT,
    compared::{Told, compared},
};
use crate::{
    callgrind::{self, Job, Profile, Valgrind},
    command::{self, Program, Spec},
    measure::{Arm, Clock},
    progress::Progress,
};

/// Counts both commands, in what surrounds their runs.
pub(crate) fn exact_commands(
    spec: &Spec,
    valgrind: &Valgrind,
    environment: &[(OsString, OsString)],
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<Exact> {
    let here = std::env::current_dir().context("failed to find the current folder")?;
    let mut profiles: [Vec<Profile>; 2] = [Vec::new(), Vec::new()];
    let mut run = |arm: Arm, nth: usize, option: &str, program: &Program| -> Result<()> {
        progress.note(&format!("counting instructions of `--{option}`, run {nth} of 2"));
        let path = std::path::absolute(&program.path).context("failed to find the program")?;
        let args: Vec<OsString> = program.args.iter().map(OsString::from).collect();
        let job = Job {
            program: &path,
            args: &args,
            stdin: b"",
            variables: environment,
            folder: &here,
            toggle_collect: None,
            timeout: spec.timeout.max(TIMEOUT),
        };
        let counted =
            callgrind::count(valgrind, &job, progress.halt(), clock).with_context(|| {
                format!(
                    "`--{option}` {:?} under valgrind: it must end with exit code 0, and not execute another program in its place; \
                     without `--exact` its time is measured alone",
                    program.line
                )
            })?;
        let profile = counted.profile.comparable(Path::new(NOWHERE)).of_program(&program.path);
        profiles[usize::from(arm == Arm::Head)].push(profile);
        Ok(())
    };
    let programs = command::each_twice(spec, clock, progress, &mut run)?;
    let runs = |runs: Vec<Profile>| {
        <[Profile; 2]>::try_from(runs).ok().context("each command is counted twice")
    };
    let [base, head] = profiles;
    let both = [runs(base)?, runs(head)?];
    let mut notes =
        vec!["counted is the process that is started: children that it starts are not".to_owned()];
    for ((name, runs), binary) in ["base", "head"].into_iter().zip(&both).zip(&programs) {
        if is_script(&binary.path) {
            notes.push(format!(
                "the program of the {name} is a script: counted is its interpreter, function by function of that"
            ));
        }
        let unnamed = unnamed(&runs[0]);
        if 2 * unnamed > runs[0].total_ir {
            notes.push(format!(
                "no symbols: {unnamed} of {} instructions of the {name} are in code whose functions have no name; build it with \
                 symbols, and don't strip it",
                runs[0].total_ir
            ));
        }
    }
    let binaries = programs.map(|binary| binary.digest.to_string());
    let lines = Some([spec.base.clone(), spec.head.clone()]);
    compared(valgrind, both, Told { arguments: Vec::new(), binaries, lines, notes })
}

/// Whether the system starts another program to read this one.
fn is_script(path: &Path) -> bool {
    let mut start = [0_u8; 2];
    std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok()
        && start == *b"#!"
}

/// Instructions in functions that nobody gave a name.
fn unnamed(profile: &Profile) -> u64 {
    let all = profile.functions.iter();
    all.filter(|(function, _)| function.name.starts_with(callgrind::UNNAMED))
        .map(|(_, costs)| costs.self_ir)
        .sum()
}
