//! What was built is used again only if it is whole, and by whoever asks.

use std::{fs, path::Path, thread};

use super::toy::{Toy, run};
use crate::{
    build::{Room, git::Repository, prune, remove},
    progress::Progress,
};

#[test]
fn a_commit_that_was_built_needs_no_cargo() {
    let toy = Toy::new();
    let built = toy.build("main", 2).unwrap();
    let n_calls = toy.n_calls();
    let cached = toy.build("HEAD", 2).unwrap();
    assert!(cached.cached && !built.cached);
    assert_eq!((toy.n_calls(), &cached.binaries), (n_calls, &built.binaries));
    // Another list of seeds is another set of layouts.
    assert!(!toy.build("main", 3).unwrap().cached);
}

#[test]
fn other_flags_are_another_build() {
    let mut toy = Toy::new();
    let plain = toy.build("main", 1).unwrap();
    toy.set_variable("RUSTFLAGS", "-Cdebug-assertions=on");
    let other = toy.build("main", 1).unwrap();
    assert!(!other.cached);
    assert_ne!(other.binaries[0].path, plain.binaries[0].path);
}

#[test]
fn a_cache_that_was_damaged_is_built_again() {
    let toy = Toy::new();
    let built = toy.build("main", 2).unwrap();
    let binary = &built.binaries.last().unwrap().path;
    let manifest = binary.with_file_name("manifest.json");
    type Damage<'a> = (&'a str, &'a dyn Fn());
    let damages: [Damage<'_>; 5] = [
        ("a byte", &|| {
            let mut bytes = fs::read(binary).unwrap();
            bytes[1000] ^= 1;
            fs::write(binary, bytes).unwrap();
        }),
        ("a truncated binary", &|| {
            let bytes = fs::read(binary).unwrap();
            fs::write(binary, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("no binary", &|| fs::remove_file(binary).unwrap()),
        ("a truncated manifest", &|| {
            let text = fs::read_to_string(&manifest).unwrap();
            fs::write(&manifest, &text[..text.len() / 2]).unwrap();
        }),
        ("a manifest of another build", &|| {
            let text = fs::read_to_string(&manifest).unwrap();
            fs::write(&manifest, text.replace(&built.commit, &"0".repeat(40))).unwrap();
        }),
    ];
    for (what, damage) in damages {
        damage();
        let again = toy.build("main", 2).unwrap();
        assert!(!again.cached, "{what}");
        assert_eq!(again.binaries, built.binaries, "{what}");
        assert_eq!(run(again.binaries.last().unwrap()).number, "1", "{what}");
    }
    assert!(toy.build("main", 2).unwrap().cached);
}

#[test]
fn a_worktree_that_was_changed_or_broken_is_made_anew() {
    let toy = Toy::new();
    let tree = toy.build("main", 1).unwrap().worktree;
    let damages: [&dyn Fn(); 3] = [
        &|| fs::write(tree.join("part/src/lib.rs"), "pub fn number() -> u32 { 9 }").unwrap(),
        &|| fs::remove_file(tree.join(".git")).unwrap(),
        &|| fs::remove_dir_all(&tree).unwrap(),
    ];
    // Each time another number of layouts, so that something is built.
    for (damage, n) in damages.into_iter().zip(2..) {
        damage();
        let built = toy.build("main", n).unwrap();
        assert_eq!(run(&built.binaries[0]).number, "1", "{n}");
    }
}

#[test]
fn two_at_once_build_once() {
    let toy = Toy::new();
    let both = thread::scope(|scope| {
        let other = scope.spawn(|| toy.build("main", 2).unwrap());
        [toy.build("main", 2).unwrap(), other.join().unwrap()]
    });
    assert_eq!(both[0].binaries, both[1].binaries);
    assert_eq!(both.iter().filter(|built| built.cached).count(), 1);
}

#[test]
fn builds_that_were_not_used_for_longest_make_room() {
    let toy = Toy::new();
    let old = toy.build("main", 1).unwrap();
    toy.set_number("2");
    toy.commit();
    let new = toy.build("main", 1).unwrap();
    // Used again, the older one is the last that was used.
    assert!(toy.build("HEAD~1", 1).unwrap().cached);
    let repository = Repository::open(&toy.repo()).unwrap();
    let room = toy.cache().join(repository.id());
    let keep = |builds, bytes| prune(&repository, &room, Room { builds, bytes }).unwrap();
    // Each of the two is enough.
    let [of_old, of_new] = [&old, &new].map(|built| built.binaries[0].path.parent().unwrap());
    let bytes = |folder: &Path| -> u64 {
        let files = fs::read_dir(folder).unwrap();
        files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
    };
    let both = bytes(of_old) + bytes(of_new);
    keep(2, 0);
    keep(0, both);
    assert!(old.binaries[0].path.exists() && new.binaries[0].path.exists());
    keep(1, both - 1);
    assert!(old.binaries[0].path.exists() && old.worktree.exists());
    assert!(!new.binaries[0].path.exists() && !new.worktree.exists());
    assert_eq!(toy.git(&["worktree", "list"]).lines().count(), 2);
    assert!(!toy.build("main", 1).unwrap().cached);
}

#[test]
fn remove_takes_away_worktrees_and_builds() {
    let toy = Toy::new();
    toy.build("main", 1).unwrap();
    assert_eq!(toy.git(&["worktree", "list"]).lines().count(), 2);
    remove(&toy.repo(), &toy.cache(), &Progress::on_stderr()).unwrap();
    assert_eq!(toy.git(&["worktree", "list"]).lines().count(), 1);
    // But for the lock, which others may be waiting for.
    let left = names(&toy.cache());
    assert!(left.len() == 1 && left[0].ends_with(".lock"), "{left:?}");
    // The repository itself is as it was.
    assert_eq!(toy.git(&["status", "--porcelain"]), "");
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
