//! Linkers of other kinds: what they cannot do is said, not hidden.

use super::toy::{Toy, links_with_lld, run};

#[test]
fn a_linker_without_an_order_of_sections_gives_one_layout_and_a_note() {
    if !links_with_lld() {
        return;
    }
    let mut toy = Toy::new();
    // Back to what `cc` takes by itself, GNU ld here and nearly everywhere.
    toy.set_variable("RUSTFLAGS", "-Clinker-features=-lld");
    let built = toy.build("main", 4).unwrap();
    assert_eq!((built.binaries.len(), built.seeds.len()), (1, 0));
    assert!(built.notes[0].contains("one code layout only"), "{:?}", built.notes);
    assert!(built.notes[0].contains("shuffle-sections"), "{:?}", built.notes);
    assert_eq!(run(&built.binaries[0]).number, "1");
    let cached = toy.build("main", 4).unwrap();
    assert!(cached.cached && cached.notes == built.notes, "the note is kept with the build");
}

#[test]
fn a_configured_linker_is_not_passed_over() {
    if !links_with_lld() {
        return;
    }
    let mut toy = Toy::new();
    toy.set_variable("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", "cc");
    let built = toy.build("main", 3).unwrap();
    assert_eq!((built.binaries.len(), toy.n_calls()), (3, 3));
    assert!(built.notes[0].contains("a call of cargo of its own"), "{:?}", built.notes);
}

#[test]
fn a_linker_among_rustcs_flags_is_not_passed_over() {
    if !links_with_lld() {
        return;
    }
    let mut toy = Toy::new();
    toy.set_variable("RUSTFLAGS", "-Clinker=cc");
    let built = toy.build("main", 2).unwrap();
    assert_eq!(built.binaries.len(), 2);
    assert!(built.notes[0].contains("a call of cargo of its own"), "{:?}", built.notes);
    assert_eq!(run(&built.binaries[1]).number, "1");
}

#[test]
fn a_link_that_fails_for_another_reason_is_an_error_and_not_one_layout() {
    let mut toy = Toy::new();
    toy.set_variable("RUSTFLAGS", "-Clink-arg=-lnonesuch");
    let error = format!("{:#}", toy.build("main", 2).unwrap_err());
    assert!(error.contains("nonesuch") && error.contains("linking with"), "{error}");
}
