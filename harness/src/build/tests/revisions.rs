//! Each revision gets its own program, whatever was built before it in the same cache.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use super::toy::{Said, Toy, links_with_lld, run};
use crate::build::{Layouts, git::Repository};

fn numbers_and_commits(built: &Layouts) -> BTreeSet<(String, String)> {
    built.binaries.iter().map(run).map(|Said { number, commit, .. }| (number, commit)).collect()
}

fn digests(built: &Layouts) -> Vec<String> {
    built.binaries.iter().map(|binary| binary.digest.to_string()).collect()
}

#[test]
fn revisions_that_share_a_target_folder_do_not_share_programs() {
    let toy = Toy::new();
    let old = toy.git(&["rev-parse", "HEAD"]).trim().to_owned();
    toy.set_number("2");
    let new = toy.commit();
    // The old one is compiled again after the new one, in the worktree that was left: its files are older than what was
    // compiled last, and cargo alone would take the new library for the old one (seen with cargo 1.95).
    let first = toy.build("HEAD~1", 2).unwrap();
    let second = toy.build("main", 2).unwrap();
    fs::remove_dir_all(first.binaries[0].path.parent().unwrap()).unwrap();
    let again = toy.build(&old, 2).unwrap();

    assert_eq!(numbers_and_commits(&first), BTreeSet::from([("1".into(), old.clone())]));
    assert_eq!(numbers_and_commits(&second), BTreeSet::from([("2".into(), new.clone())]));
    assert_eq!((first.commit.as_str(), second.commit.as_str()), (old.as_str(), new.as_str()));
    assert_ne!(digests(&first), digests(&second));
    // The same commit, compiler and seeds: the same bytes.
    assert_eq!(digests(&again), digests(&first));
    // Cargo keeps one program, not one of each build.
    let target = toy.cache().join(Repository::open(&toy.repo()).unwrap().id()).join("target");
    let programs = fs::read_dir(target.join("release/deps")).unwrap().filter(|file| {
        let name = file.as_ref().unwrap().file_name().into_string().unwrap();
        name.starts_with("toy-") && !name.ends_with(".d")
    });
    assert_eq!(programs.count(), 1);
    assert!(!again.cached && !first.dirty && first.toolchain.starts_with("rustc 1."));
    assert!(first.worktree.ends_with(&old) && first.worktree.join("src/main.rs").exists());
}

#[test]
fn layouts_have_functions_in_different_orders_and_all_run() {
    if !links_with_lld() {
        return;
    }
    let toy = Toy::new();
    let built = toy.build("main", 8).unwrap();
    assert_eq!(built.notes, Vec::<String>::new());
    assert_eq!((built.binaries.len(), built.seeds.len()), (8, 8));
    assert_eq!(digests(&built).into_iter().collect::<BTreeSet<_>>().len(), 8);
    let said: Vec<Said> = built.binaries.iter().map(run).collect();
    let orders: BTreeSet<&str> = said.iter().map(|said| said.order.as_str()).collect();
    // Of the 120 orders of 5 functions, 8 draws hit fewer than 4 with a chance below 1e-5 (birthday count); and the seeds
    // are fixed, so this cannot come and go.
    assert!(orders.len() >= 4, "{orders:?}");
    assert_eq!(toy.n_calls(), 1, "one compilation serves all layouts");
}

#[test]
fn uncommitted_changes_are_built_where_they_are_and_cargo_is_asked_each_time() {
    let toy = Toy::new();
    let clean = toy.build_here(2).unwrap();
    assert!(!clean.dirty && clean.worktree.starts_with(toy.cache().canonicalize().unwrap()));

    toy.set_number("7");
    let changed = toy.build_here(2).unwrap();
    assert!(changed.dirty && !changed.cached, "{changed:?}");
    assert_eq!(changed.worktree, toy.repo().canonicalize().unwrap());
    assert_eq!(run(&changed.binaries[0]).number, "7");
    assert_eq!(changed.commit, clean.commit);

    let n_calls = toy.n_calls();
    let same = toy.build_here(2).unwrap();
    assert!(same.cached && toy.n_calls() == n_calls + 1);
    assert_eq!(same.binaries, changed.binaries);

    toy.set_number("8");
    let other = toy.build_here(2).unwrap();
    assert!(!other.cached);
    assert_eq!(run(&other.binaries[0]).number, "8");
    assert_eq!(run(other.binaries.last().unwrap()).number, "8");
}

#[test]
fn a_lost_layout_of_uncommitted_changes_is_linked_again() {
    let toy = Toy::new();
    toy.set_number("7");
    let built = toy.build_here(2).unwrap();
    fs::write(&built.binaries[0].path, "torn").unwrap();
    let again = toy.build_here(2).unwrap();
    assert!(!again.cached);
    assert_eq!(again.binaries, built.binaries);
}

#[test]
fn layouts_of_another_program_than_cargos_are_linked_again() {
    let toy = Toy::new();
    toy.set_number("7");
    let built = toy.build_here(2).unwrap();
    let manifest = built.binaries[0].path.with_file_name("manifest.json");
    let mut value: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    value["plain"] = "0".repeat(64).into();
    fs::write(&manifest, value.to_string()).unwrap();
    let again = toy.build_here(2).unwrap();
    assert!(!again.cached);
    assert_eq!(again.binaries, built.binaries);
}

#[test]
fn a_new_file_that_git_does_not_know_counts_as_a_change() {
    let toy = Toy::new();
    fs::write(toy.repo().join("src/more.rs"), "").unwrap();
    assert!(toy.build_here(1).unwrap().dirty);
}

#[test]
fn a_workspace_below_the_top_is_built_from_its_own_folder() {
    let mut toy = Toy::new();
    fs::create_dir(toy.repo().join("below")).unwrap();
    toy.git(&["mv", "Cargo.toml", "Cargo.lock", "build.rs", "src", "part", "below"]);
    let commit = toy.commit();
    toy.below = "below";
    let built = toy.build("main", 1).unwrap();
    assert_eq!(run(&built.binaries[0]).commit, commit);
    // Before the move there was no such folder.
    let error = format!("{:#}", toy.build("HEAD~1", 1).unwrap_err());
    assert!(error.contains("has no folder `below/`"), "{error}");
}
