//! What cannot be built ends in a sentence that says why and what to do, and is never a verdict.

use std::{fs, path::Path};

use anyhow::Error;

use super::toy::Toy;
use crate::{
    build::{Revision, git},
    failure,
};

/// The error's text; its exit code must be that of a tool error.
fn text(error: &Error) -> String {
    assert_eq!(failure::exit_code(error), failure::TOOL_ERROR);
    format!("{error:#}")
}

#[test]
fn a_revision_that_does_not_compile_shows_the_end_of_the_build() {
    let toy = Toy::new();
    toy.set_number("\"not a number\"");
    let broken = toy.commit();
    let error = text(&toy.build("main", 2).unwrap_err());
    for part in ["`main`", &broken[..12], "mismatched types", "--baseline", "exit status: 101"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(error.lines().count() <= 22, "{error}");
    // The revision before it is none the worse.
    assert!(toy.build("HEAD~1", 1).is_ok());
}

#[test]
fn a_revision_that_is_none_is_never_taken_for_an_option() {
    let toy = Toy::new();
    for name in ["nonesuch", "--all", "--git-dir", "-h", "", "HEAD^{tree}", "a b", "a\0b"] {
        let error = text(&toy.build(name, 1).unwrap_err());
        assert!(error.contains("failed to"), "{name:?}: {error}");
        if !name.contains('\0') {
            assert!(error.contains(&format!("`{name}`")) && error.contains("git fetch"), "{error}");
        }
    }
    assert_eq!(toy.n_calls(), 0);
}

#[test]
fn a_shallow_clone_says_how_to_get_the_commit() {
    let toy = Toy::new();
    toy.set_number("2");
    toy.commit();
    let (whole, shallow) = (toy.repo(), toy.cache().with_file_name("shallow"));
    let from = format!("file://{}", whole.display());
    git::stdout(git::git(&whole).args(["clone", "--quiet", "--depth=1", &from]).arg(&shallow))
        .unwrap();
    fs::remove_dir_all(&whole).unwrap();
    fs::rename(&shallow, &whole).unwrap();
    let error = text(&toy.build("HEAD~1", 1).unwrap_err());
    assert!(error.contains("fetch-depth: 0") && error.contains("shallow"), "{error}");
}

#[test]
fn a_folder_outside_of_git_and_a_missing_cargo_each_have_their_sentence() {
    let toy = Toy::new();
    let head = || Revision::Commit("HEAD".to_owned());
    let error = toy.build_with(head(), 1, Path::new("no-such-cargo")).unwrap_err();
    let error = text(&error);
    assert!(error.contains("`no-such-cargo`") && error.contains("install Rust"), "{error}");

    fs::remove_dir_all(toy.repo().join(".git")).unwrap();
    let error = text(&toy.build("HEAD", 1).unwrap_err());
    assert!(error.contains("in no git working tree"), "{error}");
}

#[test]
fn a_cache_that_cannot_be_made_is_named() {
    let toy = Toy::new();
    fs::write(toy.cache(), "a file").unwrap();
    let error = text(&toy.build("HEAD", 1).unwrap_err());
    assert!(error.contains("build cache") && error.contains("cache`"), "{error}");
}

#[test]
fn no_layouts_are_no_build() {
    let error = text(&Toy::new().build("HEAD", 0).unwrap_err());
    assert!(error.contains("at least one code layout"), "{error}");
}
