//! The toy: a program and a library of one workspace, under git. It prints the library's number, the commit it was built
//! from and the order in which its functions lie in memory.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;
use tempfile::TempDir;

use crate::{
    build::{BuildVariables, Kind, Layouts, Request, Revision, git, layouts, seeds},
    progress::Progress,
    subject::Binary,
};

const MANIFEST: &str = r#"[workspace]
members = ["part"]
[package]
name = "toy"
version = "0.1.0"
edition = "2021"
[dependencies]
part = { path = "part" }
[profile.release]
opt-level = 0
debug = false
"#;
const PART_MANIFEST: &str = r#"[package]
name = "part"
version = "0.1.0"
edition = "2021"
"#;
/// Part of the source, so that a worktree stays clean when it is built in.
const LOCK_FILE: &str = r#"version = 4

[[package]]
name = "part"
version = "0.1.0"

[[package]]
name = "toy"
version = "0.1.0"
dependencies = [
 "part",
]
"#;
/// As `harness/build.rs` does, in short.
const BUILD_SCRIPT: &str = r#"use std::process::Command;
fn main() {
    println!("cargo::rerun-if-changed=src");
    let said = Command::new("git").args(["rev-parse", "HEAD"]).output().unwrap().stdout;
    println!("cargo::rustc-env=TOY_COMMIT={}", String::from_utf8(said).unwrap().trim());
}
"#;
const MAIN: &str = r#"#[inline(never)]
fn one() -> u32 { std::hint::black_box(1) }
#[inline(never)]
fn two() -> u32 { std::hint::black_box(2) }
#[inline(never)]
fn three() -> u32 { std::hint::black_box(3) }
#[inline(never)]
fn four() -> u32 { std::hint::black_box(4) }
fn main() {
    let mut places: [(fn() -> u32, &str); 5] =
        [(one, "1"), (two, "2"), (three, "3"), (four, "4"), (part::number, "p")];
    places.sort_by_key(|(function, _)| *function as usize);
    let order: String = places.iter().map(|(_, name)| *name).collect();
    println!("{} {} {order}", part::number(), env!("TOY_COMMIT"));
}
"#;

/// A repository with the toy, and a cache.
pub(super) struct Toy {
    folder: TempDir,
    /// The folder of the workspace below the top.
    pub(super) below: &'static str,
    pub(super) variables: BuildVariables,
}

/// What one run of the toy prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) number: String,
    pub(super) commit: String,
    pub(super) order: String,
}

impl Toy {
    /// One commit, whose number is 1.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let toy = Self { folder, below: "", variables: BuildVariables::default() };
        for folder in ["repo/src", "repo/part/src"] {
            fs::create_dir_all(toy.folder.path().join(folder)).unwrap();
        }
        for (name, text) in [
            ("Cargo.toml", MANIFEST),
            ("Cargo.lock", LOCK_FILE),
            ("part/Cargo.toml", PART_MANIFEST),
            ("build.rs", BUILD_SCRIPT),
            ("src/main.rs", MAIN),
        ] {
            fs::write(toy.repo().join(name), text).unwrap();
        }
        toy.git(&["init", "--quiet", "--initial-branch=main"]);
        toy.set_number("1");
        toy.git(&["add", "."]);
        toy.commit();
        // Counts the calls of cargo that build, and passes them on.
        let script =
            format!("#!/bin/sh\necho call >>'{}'\nexec cargo \"$@\"\n", toy.log().display());
        fs::write(toy.cargo(), script).unwrap();
        fs::set_permissions(toy.cargo(), fs::Permissions::from_mode(0o755)).unwrap();
        toy
    }

    pub(super) fn repo(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    pub(super) fn cache(&self) -> PathBuf {
        // Quoting is the shell's and rustc's to get wrong.
        self.folder.path().join("it's a cache")
    }

    /// Has the library return `number`, which need not compile.
    pub(super) fn set_number(&self, number: &str) {
        let text = format!("#[inline(never)]\npub fn number() -> u32 {{ {number} }}\n");
        fs::write(self.repo().join("part/src/lib.rs"), text).unwrap();
    }

    /// Commits what changed; git needs no settings of the user's for it.
    pub(super) fn commit(&self) -> String {
        let user = ["-c", "user.name=toy", "-c", "user.email=toy@example.org"];
        let commit = ["commit", "--quiet", "--all", "--no-gpg-sign", "--message=toy"];
        self.git(&[&user[..], &commit[..]].concat());
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    pub(super) fn git(&self, args: &[&str]) -> String {
        let mut command = git::git(&self.repo());
        git::stdout(command.env("GIT_CONFIG_GLOBAL", "/dev/null").args(args)).unwrap()
    }

    pub(super) fn set_variable(&mut self, name: &str, value: &str) {
        self.variables.take(OsStr::new(name), OsStr::new(value));
    }

    /// A request for `n` layouts.
    pub(super) fn build(&self, revision: &str, n: usize) -> Result<Layouts> {
        self.build_with(Revision::Commit(revision.to_owned()), n, &self.cargo())
    }

    /// The same for what lies in the repository's folder.
    pub(super) fn build_here(&self, n: usize) -> Result<Layouts> {
        self.build_with(Revision::WorkingTree, n, &self.cargo())
    }

    pub(super) fn build_with(&self, revision: Revision, n: usize, cargo: &Path) -> Result<Layouts> {
        let request = Request {
            repo: &self.repo().join(self.below),
            revision,
            cache: &self.cache(),
            seeds: seeds(42, n),
            package: "toy",
            kind: Kind::Bin,
            name: "toy",
            profile: "release",
            features: &[],
            default_features: true,
            cargo,
            variables: &self.variables,
        };
        layouts(&request, &Progress::on_stderr())
    }

    /// How often cargo was called.
    pub(super) fn n_calls(&self) -> usize {
        fs::read_to_string(self.log()).unwrap_or_default().lines().count()
    }

    fn cargo(&self) -> PathBuf {
        self.folder.path().join("cargo")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("calls")
    }
}

/// Runs one layout.
pub(super) fn run(binary: &Binary) -> Said {
    let output = Command::new(&binary.path).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let [number, commit, order] = text.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("expected three words, found {text:?}");
    };
    Said { number: number.into(), commit: commit.into(), order: order.into() }
}

/// Whether rustc links with lld here unless told otherwise: since 1.90 on this one target.
pub(super) fn links_with_lld() -> bool {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let release = text.lines().find_map(|line| line.strip_prefix("release: 1.")).unwrap();
    let minor: u32 = release.split('.').next().unwrap().parse().unwrap();
    let lld = minor >= 90 && text.contains("host: x86_64-unknown-linux-gnu");
    if !lld {
        println!("skipped: rustc does not link with lld here");
    }
    lld
}
