//! One call of cargo: compile a program's crates, hand some flags to its last one, and hear what was done.
//! In: what to build and where. Out: the program and which crates were compiled for it; or the end of what cargo said.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::{Kind, Request};
use crate::runner;

/// How many lines of a failed build an error quotes.
const LINES_QUOTED: usize = 20;

/// Where a build happens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// Where cargo runs.
    pub(super) folder: &'a Path,
    /// The top of the source; packages from elsewhere do not change with the revision.
    pub(super) top: &'a Path,
    /// Where cargo keeps what it made.
    pub(super) target: &'a Path,
    /// Whether the lock file must do as it is.
    pub(super) locked: bool,
}

/// How a call ended.
#[derive(Debug)]
pub(super) enum Built {
    /// With a program.
    Program(Program),
    /// With an error; the end of what cargo and rustc said.
    Failed(String),
}

/// A program that cargo answers for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// Whether it was there already.
    pub(super) fresh: bool,
    /// Packages of the source that were there already.
    pub(super) fresh_packages: Vec<PathBuf>,
}

/// What `cargo --message-format=json` says about one artifact; other messages have none of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message {
    manifest_path: PathBuf,
    target: Target,
    executable: Option<PathBuf>,
    fresh: bool,
}

/// What an artifact was made for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Target {
    kind: Vec<String>,
    name: String,
}

/// The compiler in use in `folder`: `rustc -vV`, which names its host as well.
pub(super) fn toolchain(request: &Request<'_>, folder: &Path) -> Result<String> {
    let rustc = request.variables.value("RUSTC").unwrap_or("rustc".as_ref());
    let output = run(Command::new(rustc).arg("-vV").current_dir(folder))?;
    if !output.status.success() {
        bail!("failed to ask `rustc -vV`: {}", tail(&output.stderr));
    }
    String::from_utf8(output.stdout).context("failed to read `rustc -vV`: expected UTF-8")
}

/// `cargo rustc … -- flags`.
pub(super) fn rustc(request: &Request<'_>, place: Place<'_>, flags: &[String]) -> Result<Built> {
    let mut command = Command::new(request.cargo);
    runner::unshare(baselines::git::isolate(&mut command))
        .current_dir(place.folder)
        .envs(request.variables.shaping().iter().map(|(name, value)| (name, value)))
        .args(["rustc", "--message-format=json-render-diagnostics"])
        .arg(format!("--profile={}", request.profile))
        .arg(format!("--package={}", request.package))
        .arg(format!("--{}={}", request.kind.word(), request.name))
        .arg("--target-dir")
        .arg(place.target);
    if place.locked {
        command.arg("--locked");
    }
    if !request.default_features {
        command.arg("--no-default-features");
    }
    if !request.features.is_empty() {
        command.arg(format!("--features={}", request.features.join(",")));
    }
    let output = run(command.arg("--").args(flags))?;
    if !output.status.success() {
        return Ok(Built::Failed(format!("{}:\n{}", output.status, tail(&output.stderr))));
    }
    let program = program(&output.stdout, place.top, (request.kind, request.name));
    Ok(Built::Program(
        program.with_context(|| {
            format!("failed to build: cargo made no program `{}`", request.name)
        })?,
    ))
}

/// A bench target may need programs of its package as well: only the one asked for is taken.
fn program(messages: &[u8], top: &Path, (kind, name): (Kind, &str)) -> Option<Program> {
    let mut fresh_packages = Vec::new();
    let mut program = None;
    for line in messages.split(|byte| *byte == b'\n') {
        // Cargo passes on what others print; that is no message.
        let Ok(message) = serde_json::from_slice::<Message>(line) else { continue };
        if message.fresh && message.manifest_path.starts_with(top) {
            fresh_packages.push(message.manifest_path);
        }
        let Target { kind: kinds, name: found } = &message.target;
        let asked_for = found == name && kinds.iter().any(|found| found == kind.word());
        if let Some(path) = message.executable.filter(|_| asked_for) {
            program = Some((path, message.fresh));
        }
    }
    program.map(|(path, fresh)| Program { path, fresh, fresh_packages })
}

pub(super) fn run(command: &mut Command) -> Result<Output> {
    command.stdin(Stdio::null()).output().map_err(|error| {
        let program = command.get_program().to_string_lossy().into_owned();
        match error.kind() {
            io::ErrorKind::NotFound => anyhow::anyhow!(
                "failed to build: there is no program `{program}`; a revision is built from \
                 source: install Rust, or compare with a stored baseline (`--baseline NAME`)"
            ),
            _ => anyhow::Error::new(error).context(format!("failed to run `{program}`")),
        }
    })
}

/// The last lines.
pub(super) fn tail(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(LINES_QUOTED)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_quotes_the_last_lines() {
        let said: String = (1..=30).map(|n| format!("line {n}\n")).collect();
        let tail = tail(said.as_bytes());
        assert!(tail.starts_with("line 11\n") && tail.ends_with("\nline 30"), "{tail}");
        assert_eq!(super::tail(b""), "");
    }

    #[test]
    fn messages_name_the_program_and_the_packages_that_were_there_already() {
        // Shortened from what cargo 1.95 writes.
        let messages = br#"{"reason":"compiler-artifact","manifest_path":"/registry/x/Cargo.toml","executable":null,"fresh":true}
hello from a build script
{"reason":"compiler-artifact","manifest_path":"/tree/lib/Cargo.toml","executable":null,"fresh":true}
{"reason":"compiler-artifact","manifest_path":"/tree/Cargo.toml","target":{"kind":["bench"],"name":"toy"},"executable":"/target/release/deps/toy-1","fresh":false}
{"reason":"compiler-artifact","manifest_path":"/tree/Cargo.toml","target":{"kind":["bin"],"name":"toy"},"executable":"/target/release/toy","fresh":false}
{"reason":"compiler-artifact","manifest_path":"/tree/Cargo.toml","target":{"kind":["bin"],"name":"other"},"executable":"/target/release/other","fresh":false}
{"reason":"build-finished","success":true}"#;
        let expected = Program {
            path: "/target/release/toy".into(),
            fresh: false,
            fresh_packages: vec!["/tree/lib/Cargo.toml".into()],
        };
        let top = Path::new("/tree");
        let bench = Program { path: "/target/release/deps/toy-1".into(), ..expected.clone() };
        assert_eq!(program(messages, top, (Kind::Bin, "toy")), Some(expected));
        assert_eq!(program(messages, top, (Kind::Bench, "toy")), Some(bench));
        assert_eq!(program(messages, top, (Kind::Bench, "other")), None);
        assert_eq!(program(b"{\"reason\":\"build-finished\"}", top, (Kind::Bin, "toy")), None);
    }
}
