//! `bench model synth` and `--model synthetic:NAME`: the cache, damage to it, disks that are full or can't be written to.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use common::Folder;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Where the cache is, in a folder of the test's own.
const CACHE: &str = "XDG_CACHE_HOME";

fn sha256(path: &Path) -> String {
    let digest = Sha256::digest(fs::read(path).expect("the model is there"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs it with a cache in `here`; the JSON document that it prints.
#[track_caller]
fn synth(here: &Folder, args: &[&str]) -> Value {
    let cache = here.path("cache");
    let all = [&["--format", "json", "model", "synth"], args].concat();
    let run = here.bench_with(&all, &[(CACHE, cache.to_str().expect("a path in UTF-8"))]);
    serde_json::from_str(&run.expect(0, &[]).stdout).expect("bench prints JSON")
}

fn path(document: &Value) -> PathBuf {
    document["path"].as_str().expect("a path").into()
}

#[test]
fn a_model_is_made_once_and_used_by_its_name() {
    let here = Folder::new();
    let made = synth(&here, &["tiny"]);
    assert_eq!(made["state"], "written");
    assert_eq!(made["model"], "synthetic:tiny");
    assert_eq!(path(&made), here.path("cache/tritgate/models/tiny-42-v1.gguf"));
    assert_eq!(made["file_bytes"], fs::metadata(path(&made)).unwrap().len());
    assert_eq!(made["sha256"], sha256(&path(&made)));
    let again = synth(&here, &["tiny@42"]);
    assert_eq!((&again["state"], &again["sha256"]), (&"unchanged".into(), &made["sha256"]));
    assert_eq!(synth(&here, &["tiny", "--check"])["state"], "checked");
    let other = synth(&here, &["tiny", "--seed", "43"]);
    assert_eq!(other["model"], "synthetic:tiny@43");
    assert_ne!(other["sha256"], made["sha256"]);

    // Used where a model is named: made when it isn't there, said on stderr once.
    let cache = here.path("elsewhere");
    let vars = [(CACHE, cache.to_str().unwrap())];
    let generate = |model: &str| {
        let args = ["model", "generate", "--model", model, "--prompt", "the fox", "--tokens", "8"];
        here.bench_with(&args, &vars)
    };
    let said = "synthetic:tiny@7: writing";
    let first = generate("synthetic:tiny@7").expect(0, &[said]);
    let second = generate("synthetic:tiny@7").expect(0, &[]);
    assert_eq!(first.stdout, second.stdout);
    assert!(!second.stderr.contains("writing"), "{}", second.stderr);
    let args = ["--format", "json", "model", "inspect", "--model", "synthetic:tiny@7"];
    let shown: Value =
        serde_json::from_str(&here.bench_with(&args, &vars).expect(0, &[]).stdout).unwrap();
    assert_eq!(shown["runs"], true);
}

#[test]
fn two_processes_at_once_both_end_with_the_right_model() {
    let here = Folder::new();
    let want = {
        let other = Folder::new();
        synth(&other, &["tiny"])["sha256"].clone()
    };
    let start = || {
        Command::new(env!("CARGO_BIN_EXE_bench"))
            .args(["--format", "json", "model", "synth", "tiny"])
            .env_clear()
            .env(CACHE, here.path("cache"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..4).map(|_| start()).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["sha256"], want);
        assert_eq!(sha256(&path(&document)), want.as_str().unwrap());
    }
    // What they worked on is gone.
    let mut left: Vec<_> = fs::read_dir(here.path("cache/tritgate/models"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["tiny-42-v1.gguf", "tiny-42-v1.gguf.json"]);
    assert_eq!(synth(&here, &["tiny", "--check"])["state"], "checked");
}

#[test]
fn a_damaged_model_is_noticed_and_written_anew() {
    let here = Folder::new();
    let made = synth(&here, &["tiny"]);
    let whole = fs::read(path(&made)).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() - 5000] ^= 4;
    for damaged in [&whole[..whole.len() - 1], &flipped, b"no GGUF at all"] {
        fs::write(path(&made), damaged).unwrap();
        let cache = here.path("cache");
        let args =
            ["model", "generate", "--model", "synthetic:tiny", "--prompt", "a", "--tokens", "2"];
        here.bench_with(&args, &[(CACHE, cache.to_str().unwrap())])
            .expect(0, &["is damaged: expected SHA-256", "writing"]);
        assert!(fs::read(path(&made)).unwrap() == whole);
    }
}

#[test]
fn a_file_of_ones_own_with_sizes_of_ones_own() {
    let here = Folder::new();
    let sizes =
        ["--layers", "3", "--embd", "384", "--ff", "640", "--heads", "6", "--kv-heads", "3"];
    let more = ["--vocab", "1000", "--ctx", "64", "--out", "m.gguf"];
    let args = [&["tiny"], &sizes[..], &more].concat();
    let made = synth(&here, &args);
    assert_eq!(made["sha256"], sha256(&here.path("m.gguf")));
    assert_eq!(synth(&here, &[&args[..], &["--check"]].concat())["state"], "checked");
    let generate = ["model", "generate", "--model", "m.gguf", "--prompt", "abc", "--tokens", "9"];
    here.bench(&generate).expect(0, &["9 tokens"]);

    let mut bytes = fs::read(here.path("m.gguf")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(here.path("m.gguf"), &bytes).unwrap();
    let all = [&["model", "synth"], &args[..], &["--check"]].concat();
    here.bench(&all).expect(1, &["`m.gguf` is not synthetic model `tiny`", "expected SHA-256"]);
    assert!(fs::read(here.path("m.gguf")).unwrap() == bytes, "a check writes nothing");
}

#[test]
fn names_seeds_and_sizes_that_are_none_exit_1() {
    let here = Folder::new();
    for (args, said) in [
        (&["bitnet-2b-4"][..], "nearest: `bitnet-2b-4t`"),
        (&["zebra"], "known: `bitnet-2b-4t`, `bitnet-3b`"),
        (&["tiny@x"], "seed of `tiny@x`: expected a whole number"),
        (&["tiny@1", "--seed", "1"], "expected one seed"),
        (&["tiny", "--seed", "x"], "--seed"),
        (&["tiny", "--layers", "2"], "--out"),
        (&["tiny", "--layers", "0", "--out", "x"], "layers: expected 1 to 1024, found 0"),
        (&["tiny", "--embd", "100", "--out", "x"], "width: expected a row length"),
        (&["tiny", "--heads", "0", "--out", "x"], "heads: expected 1 to 1024, found 0"),
        (&["tiny", "--kv-heads", "3", "--out", "x"], "expected a divisor of 4 heads, found 3"),
        (&["tiny", "--vocab", "3", "--out", "x"], "vocabulary: expected 263 to"),
        (&["bitnet-3b", "--layers", "1", "--out", "x"], "expected sizes for `tiny` only"),
        (&[], "--list"),
        // No cache: this bench has neither variable.
        (&["tiny"], "neither `XDG_CACHE_HOME` nor `HOME` is set"),
    ] {
        here.bench(&[&["model", "synth"], args].concat()).expect(1, &[said]);
        assert!(!here.path("x").exists());
    }
    let args = ["model", "generate", "--prompt", "a", "--model", "synthetic:tinny"];
    here.bench(&args).expect(1, &["failed to open model `synthetic:tinny`", "nearest: `tiny`"]);
}

#[test]
fn all_shapes_are_listed() {
    let here = Folder::new();
    let shown = here.bench(&["model", "synth", "--list"]).expect(0, &[]).stdout;
    for shape in engine::synthetic::SHAPES {
        assert!(shown.contains(shape.name) && shown.contains(shape.about), "{shown}");
    }
}

/// Runs `script` as root of a mount namespace of its own, in which it may mount; skipped aloud where that is not permitted.
#[expect(clippy::print_stdout, reason = "a test that was not carried out says so")]
fn in_namespace(here: &Folder, script: &str) -> Option<(i32, String)> {
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
        .arg(format!("mount -t tmpfs -o size=64k none . && cd \"$PWD\" || exit 99; {script}"))
        .current_dir(here.path("ci"))
        .env("BENCH", env!("CARGO_BIN_EXE_bench"))
        .output();
    let output = output.ok().filter(|output| output.status.code() != Some(99));
    let Some(output) = output.filter(|output| output.status.code().is_some()) else {
        println!("skipped: this system lets nobody mount in a namespace of their own");
        return None;
    };
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.code()?, String::from_utf8_lossy(&said).into_owned()))
}

#[test]
fn a_full_disk_leaves_no_half_file_and_says_what_is_needed() {
    let here = Folder::new();
    for args in ["tiny", "tiny --out m.gguf"] {
        let script = format!(
            "export XDG_CACHE_HOME=\"$PWD/c\"; $BENCH model synth {args}; echo \"code $?\"; find ."
        );
        let Some((_, said)) = in_namespace(&here, &script) else { return };
        for part in ["code 1", "bytes free on the disk of", "found 6", "free some"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains(".gguf\n") && !said.contains("tmp-"), "{said}");
    }
}

#[test]
fn a_folder_that_is_read_only_is_an_error_unless_the_model_is_in_it() {
    let here = Folder::new();
    let script = "mount -o remount,ro . ; export XDG_CACHE_HOME=\"$PWD\"; $BENCH model synth tiny; echo \"code $?\"";
    let Some((_, said)) = in_namespace(&here, script) else { return };
    for part in ["code 1", "make folder", "Read-only", "XDG_CACHE_HOME", "--out FILE"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // There, and of another time than its note says: hashed each time, since nothing can be noted.
    let made = synth(&here, &["tiny"]);
    fs::File::open(path(&made)).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    let script = "cd ../cache && mount --bind . . && cd \"$PWD\" && mount -o remount,ro,bind . || exit 99\n\
                  export XDG_CACHE_HOME=\"$PWD\"; for i in 1 2; do $BENCH model synth tiny; done; touch x";
    let Some((_, said)) = in_namespace(&here, script) else { return };
    assert_eq!(said.matches("state   hashed").count(), 2, "{said}");
    assert!(said.contains("Read-only"), "it was: {said}");
}

#[test]
fn a_cache_that_is_no_folder_is_an_error() {
    let here = Folder::new();
    fs::write(here.path("file"), "").unwrap();
    let cache = here.path("file");
    here.bench_with(&["model", "synth", "tiny"], &[(CACHE, cache.to_str().unwrap())])
        .expect(1, &["make folder", "Not a directory", "--out FILE"]);
}
