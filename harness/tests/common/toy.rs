//! A repository whose bench target has no dependency, so that a test of it needs no network: it times its own sleeps and writes
//! them where and as Criterion does (held against the library itself in `harness/src/command/criterion.rs`).

use std::{fs, process::Command};

use crate::common::Folder;

/// Two benchmarks of ten samples each; `SLEEP_US` is how long an iteration of the first takes, the second is named by `SECOND`.
pub(crate) const BENCH: &str = r#"
use std::{env, fs, path::Path, thread::sleep, time::{Duration, Instant}};
const SLEEP_US: u64 = 300;
const SECOND: &str = "group/second";
fn benchmark(home: &Path, id: &str, us: u64) {
    let folder = home.join(id).join("new");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("benchmark.json"), format!("{{\"full_id\":\"{id}\"}}")).unwrap();
    let times: Vec<String> = (0..10).map(|_| {
        let start = Instant::now();
        for _ in 0..2 { sleep(Duration::from_micros(us)); }
        format!("{}.0", start.elapsed().as_nanos())
    }).collect();
    let text = format!("{{\"sampling_mode\":\"Flat\",\"iters\":[{}],\"times\":[{}]}}", ["2.0"; 10].join(","), times.join(","));
    fs::write(folder.join("sample.json"), text).unwrap();
}
fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    assert!(args.contains(&"--bench".to_owned()), "cargo bench says so: {args:?}");
    // Cargo starts a bench target in the folder of its package.
    assert!(Path::new("benches/speed.rs").is_file());
    let home = env::var_os("CRITERION_HOME").expect("a folder of this run's own");
    benchmark(Path::new(&home), "first", SLEEP_US);
    if args[0].starts_with("--") {
        benchmark(Path::new(&home), SECOND, 300);
    }
}
"#;
const MANIFEST: &str = r#"[package]
name = "toy"
version = "0.1.0"
edition = "2021"
[[bench]]
name = "speed"
harness = false
[workspace]
"#;
/// So that the worktree stays clean.
const LOCK_FILE: &str = "version = 4\n\n[[package]]\nname = \"toy\"\nversion = \"0.1.0\"\n";

/// A repository with that bench target.
pub(crate) struct Toy {
    pub(crate) here: Folder,
}

impl Toy {
    /// One commit.
    pub(crate) fn new() -> Self {
        let toy = Self { here: Folder::new() };
        for folder in ["src", "benches"] {
            fs::create_dir_all(toy.here.path(folder)).expect("the folder is writable");
        }
        toy.write("Cargo.toml", MANIFEST);
        toy.write("Cargo.lock", LOCK_FILE);
        toy.write("src/lib.rs", "");
        toy.write(".gitignore", "cache\nout\nstore\n");
        toy.write("benches/speed.rs", BENCH);
        toy.git(&["init", "--quiet"]);
        toy.commit();
        toy
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.here.path(name), text).expect("the folder is writable");
    }

    pub(crate) fn commit(&self) {
        self.git(&["add", "."]);
        let author = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"];
        self.git(&[&author[..], &["commit", "--quiet", "--message=x"]].concat());
    }

    pub(crate) fn git(&self, args: &[&str]) {
        let done = Command::new("git").args(args).current_dir(self.here.path("")).status();
        assert!(done.expect("git is installed").success(), "{args:?}");
    }
}

/// The variables by which cargo is found, and finds what it needs.
#[expect(clippy::disallowed_methods, reason = "a test is its own main")]
pub(crate) fn of_cargo() -> impl Iterator<Item = (&'static str, String)> {
    let names = ["CARGO_HOME", "HOME", "PATH", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"];
    names.into_iter().filter_map(|name| Some((name, std::env::var(name).ok()?)))
}
