//! A bisection of a repository whose `bench` is a few lines that pass on what the real one says: built, measured, ended, resumed.

mod common;
#[path = "common/engine_toy.rs"]
mod engine_toy;
#[path = "common/toy.rs"]
mod toy;

use std::{fs, process::Command};

use common::Run;
use engine_toy::{MAIN, Toy};
use serde_json::Value;
use toy::{BENCH, Toy as BenchToy, of_cargo};

/// A bisection of the repository.
fn bisect(toy: &Toy, options: &[&str]) -> Run {
    toy.bench(&[&["bisect"], options].concat())
}

fn document(toy: &Toy) -> Option<Value> {
    serde_json::from_slice(&fs::read(toy.here.path("ci/bisect.json")).ok()?).ok()
}

/// Starts a bisection, ends it by Ctrl-C once it has taken `n_steps`, and gives its exit code.
fn interrupted(toy: &Toy, options: &[&str], n_steps: usize) -> Option<i32> {
    let taken = || document(toy).and_then(|document| Some(document["steps"].as_array()?.len()));
    toy.interrupted(&[&["bisect"], options].concat(), || taken().unwrap_or(0) >= n_steps)
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
    assert_eq!(interrupted(&toy, &options, 2), Some(130));
    let half = document(&toy).expect("it was written");
    assert_eq!(half["outcome"], Value::Null);

    fs::write(toy.here.path("untracked.rs"), "").expect("writable");
    let run = bisect(&toy, &options).expect(0, &["going on after", "the working tree has changes"]);
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
    let document = document(&toy).expect("it was written");
    assert_eq!(
        (&document["outcome"], &document["culprit"]["commit"]),
        (&"found".into(), &culprit.into())
    );
    let builds = document["builds"].as_u64().expect("a number");
    // Six, and the one that fails, which takes two if it was cut short.
    assert!(builds <= 8, "{builds} builds");
    // What was built is kept; of a commit that does not compile nothing is.
    let (trees, broken) = (toy.worktrees(), toy.git(&["rev-parse", "c8"]));
    assert!(trees.len() >= 4 && !trees.iter().any(|tree| tree.ends_with(&broken)), "{trees:?}");

    // What is finished is shown again, not measured again; another order replaces it.
    let again = bisect(&toy, &options).expect(0, &["holds all of it"]);
    assert_eq!(again.stdout, run.stdout);
    let json = bisect(&toy, &[&options[..], &["--format=json"]].concat()).expect(0, &[]);
    let printed: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(printed, document);
    let same = ["--good=c0", "--bad=c4", "--metric=timed_allocations"];
    let same = bisect(&toy, &same).expect(0, &["of another order", "replaced"]);
    assert!(same.stdout.contains("nothing to bisect: both count"), "{}", same.stdout);
}

/// Commit 3 of 4 spins for a fifth of each decode step.
#[test]
fn the_commit_whose_steps_take_longer_is_found_by_time() {
    let toy = Toy::new(4, |idx| match idx {
        3.. => MAIN.replace("TOY_BENCH", "TOY_SLOW"),
        _ => MAIN.to_owned(),
    });
    let run = bisect(&toy, &["--good=c0", "--bad=c4", "--layouts=2", "--workload=decode-16"]);
    // A machine that is busy with other tests may be too noisy for a decision. It is not for a wrong one.
    assert!([0, 3].contains(&run.code), "{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("chance of a wrong step: at most"), "{}", run.stdout);
    let document = document(&toy).expect("it was written");
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
        bisect(&toy, &[&good, &bad, option]).expect(1, parts);
        assert_eq!(document(&toy), None, "{good} {bad} {option}");
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
