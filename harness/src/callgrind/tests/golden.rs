//! Profiles that callgrind wrote, of a toy and of the toy with a planted extra call (`data/README.md`).

use std::path::Path;

use crate::callgrind::{Diff, Function, Line, Presence, Profile, flame_graph, parse};

pub(super) const BASE: &[u8] = include_bytes!("data/base.callgrind");
pub(super) const HEAD: &[u8] = include_bytes!("data/head.callgrind");
pub(super) const FULL: &[u8] = include_bytes!("data/full.callgrind");

fn read(bytes: &[u8]) -> Profile {
    parse(bytes).unwrap().comparable(Path::new("/tmp/toy"))
}

fn function(name: &str) -> Function {
    Function { name: name.into(), file: "toy.c".into() }
}

#[test]
fn functions_lines_and_calls_are_those_of_the_source() {
    let base = read(BASE);
    assert_eq!(base.total_ir, 1598);
    let work = &base.functions[&function("work")];
    assert_eq!((work.self_ir, work.inclusive_ir, work.n_calls), (1006, 1006, 1));
    let line = |file: &str, number| Line { file: file.into(), number };
    assert_eq!(work.lines[&line("toy.h", 3)], 400, "inlined: 4 and 396 instructions");
    assert_eq!(work.lines[&line("toy.c", 14)], 305);
    let sum = &base.functions[&function("sum")];
    assert_eq!((sum.self_ir, sum.inclusive_ir, sum.n_calls), (62, 62, 6), "sum(5) to sum(0)");
    assert_eq!(base.calls[&(function("main"), function("sum"))].inclusive_ir, 62);
    let below =
        Function { name: "__libc_start_main@@GLIBC_2.34".into(), file: "csu/libc-start.c".into() };
    assert_eq!(base.functions[&below].inclusive_ir, 1598);
}

/// Other positions, jumps, nine events and names in full say the same.
#[test]
fn every_dress_of_the_format_is_one_profile() {
    assert_eq!(read(FULL), read(BASE));
}

#[test]
fn the_planted_call_is_found_with_its_lines() {
    let (base, head) = (read(BASE), read(HEAD));
    let diff = Diff::of(&base, &head);
    assert_eq!((diff.base_ir, diff.head_ir, diff.delta_ir), (1598, 2107, 509));
    let said: Vec<_> =
        diff.rows.iter().map(|row| (&*row.name, row.delta_ir, row.presence)).collect();
    assert_eq!(said, [("work", 506, Presence::Both), ("main", 3, Presence::Both)]);
    let work = &diff.rows[0];
    assert_eq!((work.base_calls, work.head_calls), (1, 2));
    assert_eq!((&*work.lines[0].file, work.lines[0].head_line), ("toy.h", Some(3)));
    let main = &diff.rows[1];
    assert!(main.lines.iter().any(|line| line.head_line == Some(23)), "{:?}", main.lines);
    let deltas: i64 = diff.rows.iter().map(|row| row.delta_ir).sum();
    assert_eq!(deltas, diff.delta_ir);
    assert!(Diff::of(&head, &head).is_identical());
}

#[test]
fn no_path_of_the_machine_is_left() {
    let text = format!("{:?}", read(HEAD));
    assert!(!text.contains("/tmp") && !text.contains("\"/"), "{text}");
}

#[test]
fn the_flame_graph_shows_the_planted_call() {
    let svg = flame_graph(&read(BASE), &read(HEAD), "toy").unwrap();
    assert!(svg.contains("<title>work (1,512 instructions"), "{svg}");
}
