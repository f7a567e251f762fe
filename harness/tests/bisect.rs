//! A bisection of a repository whose `bench` is a few lines that pass on what the real one says: built, measured, ended, resumed.

mod common;
#[path = "common/toy.rs"]
mod toy;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use common::{Folder, Run};
use serde_json::Value;
use toy::{BENCH, Toy as BenchToy, of_cargo};

/// Passes everything on to the program that a variable names, and adds to the allocations that it counted.
const MAIN: &str = r#"
use std::{env, io::{BufRead, BufReader}, process::{exit, Command, Stdio}};
const PROGRAM: &str = "TOY_BENCH";
const EXTRA: u64 = 0;
fn main() {
    let program = env::var_os(PROGRAM).expect("the test names it");
    let mut child = Command::new(program).arg("worker").stdout(Stdio::piped()).spawn().unwrap();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
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
struct Toy {
    here: Folder,
}

impl Toy {
    /// Commits 0 to `n`; `main` gives the source of each.
    fn new(n: usize, main: impl Fn(usize) -> String) -> Self {
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

    fn git(&self, args: &[&str]) -> String {
        let done = Command::new("git").args(args).current_dir(self.here.path("")).output();
        let done = done.expect("git is installed");
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    fn vars() -> Vec<(&'static str, String)> {
        let bench = PathBuf::from(env!("CARGO_BIN_EXE_bench"));
        // The examples are built beside the binary by every `cargo test` and `cargo nextest run`.
        let slow = bench.with_file_name("examples").join("slow_worker");
        let mut vars: Vec<_> = of_cargo().collect();
        vars.extend(
            [("TOY_BENCH", bench), ("TOY_SLOW", slow)]
                .map(|(name, path)| (name, path.display().to_string())),
        );
        vars
    }

    fn bisect(&self, options: &[&str]) -> Run {
        let cache = self.here.path("cache").display().to_string();
        let own = Self::vars();
        let mut vars: Vec<(&str, &str)> =
            own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        vars.push(("XDG_CACHE_HOME", &cache));
        self.here.bench_with(&[&["bisect"], options].concat(), &vars)
    }

    fn document(&self) -> Option<Value> {
        serde_json::from_slice(&fs::read(self.here.path("ci/bisect.json")).ok()?).ok()
    }

    /// Starts a bisection, ends it by Ctrl-C once it has taken `n_steps`, and gives its exit code.
    fn interrupted(&self, options: &[&str], n_steps: usize) -> Option<i32> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bench"))
            .arg("bisect")
            .args(options)
            .current_dir(self.here.path(""))
            .env_clear()
            .envs(Self::vars())
            .env("XDG_CACHE_HOME", self.here.path("cache"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program is built");
        let taken =
            || self.document().and_then(|document| Some(document["steps"].as_array()?.len()));
        while taken().unwrap_or(0) < n_steps {
            assert!(child.try_wait().expect("it runs").is_none(), "it ended by itself");
            sleep(Duration::from_millis(20));
        }
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
        child.wait().expect("it ends").code()
    }
}

/// Commit 11 of 16 allocates three times more, commit 8 does not compile, the `bench` of commit 9 speaks another protocol; the first
/// try is ended by Ctrl-C after two steps.
#[test]
fn the_commit_that_allocates_more_is_found_past_one_that_does_not_build_and_an_interruption() {
    let toy = Toy::new(16, |idx| {
        match idx {
        8 => "fn main() { let broken }".to_owned(),
        9 => MAIN.replace("    let program", "println!(\"{{\\\"hello\\\":{{\\\"protocol\\\":1,\\\"pid\\\":1}}}}\");\n    let program"),
        11.. => MAIN.replace("EXTRA: u64 = 0", "EXTRA: u64 = 3"),
        _ => MAIN.to_owned(),
    }
    });
    let options = ["--good=c0", "--bad=main", "--metric=timed_allocations"];
    assert_eq!(toy.interrupted(&options, 2), Some(130));
    let half = toy.document().expect("it was written");
    assert_eq!(half["outcome"], Value::Null);

    fs::write(toy.here.path("untracked.rs"), "").expect("writable");
    let run = toy.bisect(&options).expect(0, &["going on after", "the working tree has changes"]);
    let culprit = toy.git(&["rev-parse", "c11"]);
    for part in [
        &culprit,
        "change 11",
        "raised timed_allocations",
        "skipped",
        "error: ",
        "expected protocol",
    ] {
        assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
    }
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{}", run.stdout);
    let document = toy.document().expect("it was written");
    assert_eq!(
        (&document["outcome"], &document["culprit"]["commit"]),
        (&"found".into(), &culprit.into())
    );
    let builds = document["builds"].as_u64().expect("a number");
    // Six, and the one that fails, which takes two if it was cut short.
    assert!(builds <= 8, "{builds} builds");
    // Every worktree that git knows is one of the cache's, and none is left once that is removed.
    let cache = toy.here.path("cache").canonicalize().expect("it is there").display().to_string();
    let trees = toy.git(&["worktree", "list", "--porcelain"]);
    let trees: Vec<&str> =
        trees.lines().filter_map(|line| line.strip_prefix("worktree ")).collect();
    assert!(trees[1..].iter().all(|tree| tree.starts_with(&cache)), "{trees:?}");

    // What is finished is shown again, not measured again; another order replaces it.
    let again = toy.bisect(&options).expect(0, &["holds all of it"]);
    assert_eq!(again.stdout, run.stdout);
    let json = toy.bisect(&[&options[..], &["--format=json"]].concat()).expect(0, &[]);
    let printed: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(printed, document);
    let same = ["--good=c0", "--bad=c4", "--metric=timed_allocations"];
    let same = toy.bisect(&same).expect(0, &["of another order", "replaced"]);
    assert!(same.stdout.contains("nothing to bisect: both count"), "{}", same.stdout);
}

/// Commit 3 of 4 spins for a fifth of each decode step.
#[test]
fn the_commit_whose_steps_take_longer_is_found_by_time() {
    let toy = Toy::new(4, |idx| match idx {
        3.. => MAIN.replace("TOY_BENCH", "TOY_SLOW"),
        _ => MAIN.to_owned(),
    });
    let run = toy.bisect(&["--good=c0", "--bad=c4", "--layouts=2", "--workload=decode-16"]);
    // A machine that is busy with other tests may be too noisy for a decision. It is not for a wrong one.
    assert!([0, 3].contains(&run.code), "{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("chance of a wrong step: at most"), "{}", run.stdout);
    let document = toy.document().expect("it was written");
    if run.code == 0 {
        assert_eq!(document["culprit"]["subject"], "change 3", "{}", run.stdout);
        assert!(document["builds"].as_u64() <= Some(4), "{document}");
        assert!(run.stdout.contains("worsened decode_step_ns of decode-16"), "{}", run.stdout);
    }
}

/// Commit 2 of 3 has one of two benchmarks sleep three times as long; none of it has anything to do with `bench` itself.
#[test]
fn the_commit_whose_benchmark_takes_longer_is_found_in_any_rust_project() {
    let toy = BenchToy::new();
    for (idx, sleep_us) in [(1, 300), (2, 900), (3, 900)] {
        let sleep = format!("SLEEP_US: u64 = {sleep_us}");
        let bench = BENCH.replace("SLEEP_US: u64 = 300", &sleep);
        toy.write("benches/speed.rs", &format!("// {idx}\n{bench}"));
        toy.commit();
    }
    let cache = toy.here.path("cache").display().to_string();
    let own: Vec<_> = of_cargo().collect();
    let mut vars: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, &**value)).collect();
    vars.push(("XDG_CACHE_HOME", &cache));
    let args = ["bisect", "--good=HEAD~3", "--bad=HEAD", "--bench=speed", "--layouts=2"];
    let bisect = |id: &str| toy.here.bench_with(&[&args[..], &["--workload", id]].concat(), &vars);
    let run = bisect("first").expect(0, &[]);
    assert!(run.stdout.contains("worsened iteration_ns of first"), "{}", run.stdout);
    let document: Value =
        serde_json::from_slice(&fs::read(toy.here.path("ci/bisect.json")).expect("written"))
            .expect("JSON");
    let told = Command::new("git")
        .args(["rev-parse", "HEAD~1"])
        .current_dir(toy.here.path(""))
        .output()
        .expect("git is installed");
    let culprit = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    assert_eq!(document["culprit"]["commit"], culprit, "{}", run.stdout);
    assert_eq!(document["builds"], 4);
    bisect("fifth").expect(1, &["the bad commit", "cannot be measured", "`fifth`", "found first"]);
}

#[test]
fn what_cannot_be_bisected_is_refused_before_anything_is_built() {
    let toy = Toy::new(3, |_| MAIN.to_owned());
    toy.git(&["checkout", "--quiet", "-b", "side", "c1"]);
    let author = ["-c", "user.name=t", "-c", "user.email=t@t"];
    toy.git(&[&author[..], &["commit", "--quiet", "--allow-empty", "--message=aside"]].concat());
    let merge = ["merge", "--quiet", "--no-ff", "--message=back", "side"];
    toy.git(&["checkout", "--quiet", "main"]);
    toy.git(&[&author[..], &merge].concat());
    for (good, bad, option, parts) in [
        ("c0", "nonesuch", "--seed=1", &["`nonesuch`", "no such commit"][..]),
        ("c1", "c1", "--seed=1", &["are both", "older good one"]),
        ("c3", "c1", "--seed=1", &["other way round", "swap"]),
        ("side", "c3", "--seed=1", &["two branches", "merge-base"]),
        ("side", "main", "--seed=1", &["by a merge", "first-parent"]),
        ("c0", "c3", "--alpha=0.7", &["`--alpha`", "found 0.7"]),
        ("c0", "c3", "--pairs=3", &["`--pairs`", "4 to 256"]),
        ("c0", "c3", "--workload=decod", &["nearest: `decode-16`"]),
        ("c0", "c3", "--metric=kernel_mac", &["nearest: `kernel_macs`"]),
    ] {
        let (good, bad) = (format!("--good={good}"), format!("--bad={bad}"));
        toy.bisect(&[&good, &bad, option]).expect(1, parts);
        assert_eq!(toy.document(), None, "{good} {bad} {option}");
    }
    // A clone without what lies between.
    let from = format!("file://{}", toy.here.path("").display());
    toy.git(&["clone", "--quiet", "--depth=2", "--branch=c3", &from, "cache/shallow"]);
    toy.git(&["-C", "cache/shallow", "fetch", "--quiet", "--depth=1", "origin", "tag", "c0"]);
    let run = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["bisect", "--good=c0", "--bad=HEAD"])
        .current_dir(toy.here.path("cache/shallow"))
        .env_clear()
        .envs(of_cargo())
        .output()
        .expect("the program is built");
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.code() == Some(1) && said.contains("git fetch --unshallow"), "{said}");
    toy.here.bench(&["bisect"]).expect(1, &["--good <REV>", "--bad <REV>"]);
    assert!(!toy.here.path("cache/tritgate").exists(), "nothing was built");
}
