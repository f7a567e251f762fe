//! Packs of a small bound, through a whole push and back.

use std::{fs, path::Path, process::Command};

use super::{Branch, Push, push::push_within};
use crate::{Digest, RunRecord, store::DirStore, testing};

fn git(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    let output = command.arg("-C").arg(folder).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A record of about 8 KB that ended in `month`.
fn record(seed: u64, month: &str) -> RunRecord {
    let mut record = testing::record(42);
    record.processes.truncate(1);
    for series in &mut record.processes[0].series {
        series.samples.truncate(2);
    }
    record.seed = seed;
    record.ended_at = format!("{month}-28T23:00:00.000Z");
    record.sealed()
}

#[test]
fn a_month_that_outgrows_a_pack_is_split_and_every_record_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("here")).unwrap();
    git(folder.path(), &["init", "--quiet", "--bare", "there.git"]);
    git(&path("here"), &["init", "--quiet"]);
    let there = path("there.git");
    let branch = Branch::new(&path("here"), there.to_str().unwrap(), "tritgate").unwrap();
    let store = DirStore::open(&path("store")).unwrap();
    let one = record(0, "2026-01").to_json().len();
    let push = |n: u64, most| {
        let unique = format!("{n:08x}");
        let push = Push { now: "2026-03-02T09:00:00.000Z", unique: &unique, page: None };
        push_within(&branch, &store, push, most).unwrap()
    };
    let listed = || git(&there, &["ls-tree", "-r", "--name-only", "tritgate"]);
    let back = |name: &str| {
        let copy = DirStore::open(&path(name)).unwrap();
        branch.pull(&copy).unwrap();
        copy.records().unwrap()
    };

    let mut kept: Vec<Digest> =
        (0..5).map(|seed| store.put_record(&record(seed, "2026-01")).unwrap()).collect();
    kept.sort();
    // Quotes are escaped, so two records take more than twice the bytes of one, and less than three times.
    assert_eq!(push(1, 3 * one).months, ["2026-01"]);
    assert_eq!(
        listed(),
        ".nojekyll\npacks/2026-01.2.jsonl\npacks/2026-01.3.jsonl\npacks/2026-01.jsonl"
    );
    for n in ["", ".2", ".3"] {
        let size = git(&there, &["cat-file", "-s", &format!("tritgate:packs/2026-01{n}.jsonl")]);
        assert!(size.parse::<usize>().unwrap() <= 3 * one, "{n}: {size}");
    }
    assert_eq!(back("first"), kept);

    // A late record, and room for all: the packs that are not needed go.
    kept.push(store.put_record(&record(5, "2026-01")).unwrap());
    kept.sort();
    assert_eq!(push(2, 30 * one).months, ["2026-01"]);
    assert_eq!(listed(), ".nojekyll\npacks/2026-01.jsonl");
    assert_eq!(back("second"), kept);
    assert_eq!(push(3, 30 * one).commit, None);
}
