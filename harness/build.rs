//! What the build knows about itself: commit, dirty tree, toolchain, target, profile, features.
//! Every fact is optional but the last four: the build must work without git and without a network.

#![expect(clippy::disallowed_methods, reason = "a build script is told everything by variables")]

use std::{env, path::Path, process::Command};

fn main() {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("..");
    // A path that does not exist would make cargo run this script each time. Not the index: a mere `git status` may
    // write it, and the next build would be another one of the same tree.
    for watched in
        [".git/HEAD", ".git/logs/HEAD", "engine", "baselines", "gates", "reports", "Cargo.lock"]
    {
        let path = root.join(watched);
        if path.exists() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    for watched in ["build.rs", "src", "workloads", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={watched}");
    }

    let git = |args: &[&str]| output(Command::new("git").arg("-C").arg(&root).args(args));
    let commit = git(&["rev-parse", "--verify", "--quiet", "HEAD"]).unwrap_or_default();
    let dirty = match git(&["--no-optional-locks", "status", "--porcelain", "--untracked-files=no"])
    {
        _ if commit.is_empty() => "unknown",
        None => "unknown",
        Some(changes) if changes.is_empty() => "clean",
        Some(_) => "dirty",
    };
    let tree = match dirty {
        "clean" => git(&["rev-parse", "--verify", "--quiet", "HEAD^{tree}"]),
        "dirty" => working_tree(&root),
        _ => None,
    };
    let rustc = env::var("RUSTC").expect("cargo sets it");
    let toolchain =
        output(Command::new(rustc).arg("--version")).unwrap_or_else(|| "unknown".into());
    let mut features: Vec<String> = env::vars()
        .filter_map(|(name, _)| name.strip_prefix("CARGO_FEATURE_").map(str::to_lowercase))
        .filter(|feature| feature != "default")
        .collect();
    features.sort();

    set("COMMIT", &commit);
    set("DIRTY", dirty);
    set("TREE", &tree.unwrap_or_default());
    set("TOOLCHAIN", &toolchain);
    set("TARGET", &env::var("TARGET").expect("cargo sets it"));
    set("PROFILE", &env::var("PROFILE").expect("cargo sets it"));
    set("FEATURES", &features.join(","));
}

fn set(name: &str, value: &str) {
    println!("cargo::rustc-env=TRITGATE_{name}={value}");
}

/// Git's name of the tracked files as they are now, by an index and an object store of its own: nothing is added to the
/// repository's.
fn working_tree(root: &Path) -> Option<String> {
    let place = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("source-tree");
    let objects = place.join("objects");
    std::fs::create_dir_all(&objects).ok()?;
    let git = || {
        let mut git = Command::new("git");
        git.arg("-C").arg(root);
        git
    };
    let path_of = |name: &str| {
        output(git().args(["rev-parse", "--path-format=absolute", "--git-path", name]))
    };
    std::fs::copy(path_of("index")?, place.join("index")).ok()?;
    let alternates = path_of("objects")?;
    let apart = |args: &[&str]| {
        let mut git = git();
        git.args(args)
            .env("GIT_INDEX_FILE", place.join("index"))
            .env("GIT_OBJECT_DIRECTORY", &objects)
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &alternates);
        output(&mut git)
    };
    apart(&["add", "--update", "."])?;
    apart(&["write-tree"])
}

/// The trimmed standard output of a command that succeeded.
fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
