//! A repository whose `bench` is a few lines that pass on what the real one says, so that each of its commits is built in a second.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use crate::{
    common::{Folder, Run},
    toy::of_cargo,
};

/// Passes everything on to the program that a variable names, and adds to the allocations that it counted.
pub(crate) const MAIN: &str = r#"
use std::{env, io::{BufRead, BufReader}, process::{exit, Command, Stdio}};
const PROGRAM: &str = "TOY_BENCH";
const EXTRA: u64 = 0;
fn main() {
    let program = env::var_os(PROGRAM).expect("the test names it");
    let mut child = Command::new(program).arg("worker").stdout(Stdio::piped()).spawn().unwrap();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = own_commit(line.unwrap());
        let Some((before, after)) = line.split_once("\"requests\":") else {
            println!("{line}");
            continue;
        };
        let end = after.find([',', '}']).unwrap();
        let requests: u64 = after[..end].parse().unwrap();
        println!("{before}\"requests\":{}{}", requests + EXTRA, &after[end..]);
    }
    exit(child.wait().unwrap().code().unwrap_or(1));
}
/// A build of a commit lies in a worktree that is named for it.
fn own_commit(line: String) -> String {
    let commit = env!("CARGO_MANIFEST_DIR").rsplit('/').next().unwrap();
    match line.split_once("\"commit\":\"") {
        Some((before, after)) if line.starts_with("{\"tool\":") && commit.len() == 40 => {
            let line = format!("{before}\"commit\":\"{commit}{}", &after[40..]);
            line.replace("\"dirty\":true", "\"dirty\":false")
        }
        _ => line,
    }
}
"#;
const MANIFEST: &str = r#"[package]
name = "tritgate-harness"
version = "0.1.0"
edition = "2021"
[[bin]]
name = "bench"
path = "main.rs"
[workspace]
"#;
const LOCK_FILE: &str =
    "version = 4\n\n[[package]]\nname = \"tritgate-harness\"\nversion = \"0.1.0\"\n";

/// The repository.
pub(crate) struct Toy {
    pub(crate) here: Folder,
}

impl Toy {
    /// Commits 0 to `n`; `main` gives the source of each.
    pub(crate) fn new(n: usize, main: impl Fn(usize) -> String) -> Self {
        let toy = Self { here: Folder::new() };
        for (name, text) in [
            ("Cargo.toml", MANIFEST),
            ("Cargo.lock", LOCK_FILE),
            (".gitignore", "/cache\n/store\n/target\n/ci/bisect.json\n"),
        ] {
            fs::write(toy.here.path(name), text).expect("the folder is writable");
        }
        toy.git(&["init", "--quiet", "--initial-branch=main"]);
        for idx in 0..=n {
            fs::write(toy.here.path("main.rs"), format!("// {idx}\n{}", main(idx)))
                .expect("writable");
            toy.git(&["add", "."]);
            let author =
                ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"];
            let message = format!("--message=change {idx}");
            toy.git(&[&author[..], &["commit", "--quiet", &message]].concat());
            toy.git(&["tag", &format!("c{idx}")]);
        }
        toy
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        let done = Command::new("git").args(args).current_dir(self.here.path("")).output();
        let done = done.expect("git is installed");
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    fn vars(&self) -> Vec<(&'static str, String)> {
        let bench = PathBuf::from(env!("CARGO_BIN_EXE_bench"));
        // The examples are built beside the binary by every `cargo test` and `cargo nextest run`.
        let slow = bench.with_file_name("examples").join("slow_worker");
        let mut vars: Vec<_> = of_cargo().collect();
        vars.extend(
            [("TOY_BENCH", bench), ("TOY_SLOW", slow), ("XDG_CACHE_HOME", self.here.path("cache"))]
                .map(|(name, path)| (name, path.display().to_string())),
        );
        vars
    }

    /// Runs `bench` there.
    pub(crate) fn bench(&self, args: &[&str]) -> Run {
        let own = self.vars();
        let vars: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, &**value)).collect();
        self.here.bench_with(args, &vars)
    }

    /// Starts `bench`, ends it by Ctrl-C as soon as `is_time` says so, and gives its exit code.
    pub(crate) fn interrupted(&self, args: &[&str], is_time: impl Fn() -> bool) -> Option<i32> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bench"))
            .args(args)
            .current_dir(self.here.path(""))
            .env_clear()
            .envs(self.vars())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program is built");
        while !is_time() {
            assert!(child.try_wait().expect("it runs").is_none(), "it ended by itself");
            sleep(Duration::from_millis(20));
        }
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
        child.wait().expect("it ends").code()
    }

    /// The worktrees that git knows of beside the repository's own; all of them lie in the cache.
    pub(crate) fn worktrees(&self) -> Vec<String> {
        let cache = self.here.path("cache").canonicalize().expect("it is there");
        let told = self.git(&["worktree", "list", "--porcelain"]);
        let trees = told.lines().filter_map(|line| line.strip_prefix("worktree "));
        let trees: Vec<String> = trees.skip(1).map(str::to_owned).collect();
        let cache = cache.display().to_string();
        assert!(trees.iter().all(|tree| tree.starts_with(&cache)), "{trees:?}");
        trees
    }
}
