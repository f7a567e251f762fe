//! Executed instructions of both builds, one generation each, or of both commands, counted by callgrind: no noise of a machine is in
//! them.
//!
//! In: two binaries and the model, or two commands. Out: which functions execute more, and on which lines. Each build runs twice: what differs between
//! two runs of one build (seeds of hash maps, mostly) is no difference of the builds, and a function is only named where its
//! difference is larger than that.

use std::{collections::BTreeMap, ffi::OsString, fmt, io::Read as _, path::Path, time::Duration};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::{
    callgrind::{self, Diff, Function, ISA_NOTE, Job, Presence, Profile, Row, Valgrind},
    command::{self, Program, Spec},
    measure::{Arm, Clock},
    progress::Progress,
    subject::Binary,
};

/// What is generated: long enough that every function of a step is there many times, short enough for an emulator.
const TOKENS: u64 = 16;
const PROMPT: &str = "Once upon a time";
/// Functions that are kept: the most changed ones.
const ROWS_MOST: usize = 40;
/// A model of billions of weights takes minutes.
const TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// The root of a source that is not known.
const NOWHERE: &str = "/nowhere";
/// A difference must be so many times what two runs of one build differ by.
const TIMES_NOISE: u64 = 2;

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

/// What kind of document it is.
const SCHEMA: &str = "tritgate.triage-exact";

/// The document: counts of all four runs, so that every row follows from it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Document {
    schema: String,
    version: String,
    pub(super) valgrind: String,
    pub(super) isa: String,
    pub(super) arguments: Vec<String>,
    pub(super) base_binary: String,
    pub(super) head_binary: String,
    /// The lines of commands; left out of builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) base_command: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) head_command: Option<String>,
    /// What a reader must know about the counts of commands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
    /// Instructions of both runs.
    pub(crate) base_ir: [u64; 2],
    pub(crate) head_ir: [u64; 2],
    /// Functions that differ between the builds and not, as much, between two runs of one.
    pub(crate) functions: Vec<FunctionRow>,
    /// Functions that differ, but no more than between two runs of one build.
    pub(crate) n_unsteady: usize,
    /// Functions that differ beyond those that are listed.
    pub(crate) n_more: usize,
}

/// One function.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FunctionRow {
    pub(crate) function: String,
    pub(crate) file: String,
    /// `both`, `base` or `head`: which builds execute it.
    pub(crate) only: String,
    pub(crate) base_ir: [u64; 2],
    pub(crate) head_ir: [u64; 2],
    pub(crate) delta_ir: i64,
    pub(crate) base_calls: u64,
    pub(crate) head_calls: u64,
    /// Of the difference of all instructions.
    pub(crate) share: Option<f64>,
    pub(crate) lines: Vec<LineRow>,
}

/// One line of a function.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LineRow {
    pub(crate) file: String,
    pub(crate) base_line: Option<u64>,
    pub(crate) head_line: Option<u64>,
    pub(crate) delta_ir: i64,
}

impl fmt::Display for LineRow {
    /// `engine/src/x.rs: line 7 → 9: +120`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |line: Option<u64>| line.map_or("none".to_owned(), |n| n.to_string());
        let (base, head) = (number(self.base_line), number(self.head_line));
        write!(f, "{}: line {base} → {head}: {:+}", self.file, self.delta_ir)
    }
}

impl Document {
    /// Reads what was written; `None` of anything else.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|document: &Self| document.schema == SCHEMA)
    }

    /// Whether no function differs.
    pub(crate) const fn is_silent(&self) -> bool {
        self.functions.is_empty()
    }
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

/// What a document says beside the counts.
#[derive(Debug, Default)]
struct Told {
    arguments: Vec<String>,
    binaries: [String; 2],
    lines: Option<[String; 2]>,
    notes: Vec<String>,
}

/// The document of both runs of base and head, and their flame graph.
fn compared(
    valgrind: &Valgrind,
    [base_runs, head_runs]: [[Profile; 2]; 2],
    told: Told,
) -> Result<Exact> {
    let diff = Diff::of(&base_runs[0], &head_runs[0]);
    let noise = [unsteady(&base_runs), unsteady(&head_runs)];
    let (named, n_unsteady) = steady(diff.rows, &noise);
    let n_more = named.len().saturating_sub(ROWS_MOST);
    let functions = named
        .into_iter()
        .take(ROWS_MOST)
        .map(|row| function_row(&row, &base_runs, &head_runs))
        .collect();
    let title = "executed instructions, head against base (red: more)";
    let flame = callgrind::flame_graph(&base_runs[0], &head_runs[0], title)
        .context("failed to draw the flame graph")?;
    let [base_binary, head_binary] = told.binaries;
    let (base_command, head_command) = told.lines.map(|[base, head]| (base, head)).unzip();
    let document = Document {
        schema: SCHEMA.to_owned(),
        version: "1.0".to_owned(),
        valgrind: valgrind.version.clone(),
        isa: ISA_NOTE.to_owned(),
        arguments: told.arguments,
        base_binary,
        head_binary,
        base_command,
        head_command,
        notes: told.notes,
        base_ir: base_runs.each_ref().map(|run| run.total_ir),
        head_ir: head_runs.each_ref().map(|run| run.total_ir),
        functions,
        n_unsteady,
        n_more,
    };
    Ok(Exact { document, flame })
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

/// By function, how much two runs of one build differ.
fn unsteady([one, two]: &[Profile; 2]) -> BTreeMap<Function, u64> {
    let rows = Diff::of(one, two).rows.into_iter();
    rows.map(|row| (Function { name: row.name, file: row.file }, row.delta_ir.unsigned_abs()))
        .collect()
}

/// The rows beyond what runs of one build differ by, and how many are not.
fn steady(rows: Vec<Row>, noise: &[BTreeMap<Function, u64>; 2]) -> (Vec<Row>, usize) {
    let n_all = rows.len();
    let beyond = |row: &Row| {
        let function = Function { name: row.name.clone(), file: row.file.clone() };
        let noise: u64 = noise.iter().filter_map(|noise| noise.get(&function)).sum();
        row.delta_ir.unsigned_abs() > TIMES_NOISE * noise
    };
    let kept: Vec<Row> = rows.into_iter().filter(beyond).collect();
    let n_unsteady = n_all - kept.len();
    (kept, n_unsteady)
}

fn function_row(row: &Row, base: &[Profile; 2], head: &[Profile; 2]) -> FunctionRow {
    let function = Function { name: row.name.clone(), file: row.file.clone() };
    let of = |runs: &[Profile; 2]| {
        runs.each_ref().map(|run| run.functions.get(&function).map_or(0, |costs| costs.self_ir))
    };
    let line = |line: &callgrind::LineRow| LineRow {
        file: line.file.to_string(),
        base_line: line.base_line,
        head_line: line.head_line,
        delta_ir: line.delta_ir,
    };
    FunctionRow {
        function: row.name.to_string(),
        file: row.file.to_string(),
        only: match row.presence {
            Presence::Both => "both",
            Presence::BaseOnly => "base",
            Presence::HeadOnly => "head",
        }
        .to_owned(),
        base_ir: of(base),
        head_ir: of(head),
        delta_ir: row.delta_ir,
        base_calls: row.base_calls,
        head_calls: row.head_calls,
        share: row.share,
        lines: row.lines.iter().map(line).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn row(name: &str, delta_ir: i64) -> Row {
        Row {
            name: Arc::from(name),
            file: Arc::from("f.rs"),
            presence: Presence::Both,
            base_ir: 1000,
            head_ir: 1000_u64.saturating_add_signed(delta_ir),
            delta_ir,
            base_calls: 1,
            head_calls: 1,
            share: None,
            lines: Vec::new(),
        }
    }

    #[test]
    fn a_function_is_named_where_it_differs_by_more_than_two_runs_of_one_build() {
        let function = |name: &str| Function { name: Arc::from(name), file: Arc::from("f.rs") };
        let noise = [
            BTreeMap::from([(function("hash"), 30), (function("alloc"), 5)]),
            BTreeMap::from([(function("hash"), 40)]),
        ];
        let rows = vec![row("pack", 500), row("hash", -140), row("alloc", 11), row("one", 1)];
        let (kept, n_unsteady) = steady(rows, &noise);
        let names: Vec<&str> = kept.iter().map(|row| &*row.name).collect();
        assert_eq!(names, ["pack", "alloc", "one"]);
        assert_eq!(n_unsteady, 1);
    }
}
