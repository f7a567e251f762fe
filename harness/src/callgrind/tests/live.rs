//! A program compiled here and now, run under valgrind before and after an edit. Skipped aloud without valgrind or `cc`.

use std::{ffi::OsStr, fs, path::Path, process::Command, time::Duration};

use crate::{
    callgrind::{Counted, Diff, Job, Valgrind, count},
    command::find_program,
    halt::Halt,
    measure::SystemClock,
};

const FOLDERS: &str = "/usr/local/bin:/usr/bin:/bin";
const SOURCE: &str = include_str!("data/toy.c");

/// The tools, or a line that says which is missing.
fn valgrind() -> Option<Valgrind> {
    let valgrind = Valgrind::find(OsStr::new(FOLDERS));
    let cc = find_program("cc", OsStr::new(FOLDERS));
    match (valgrind, cc) {
        (Ok(valgrind), Some(_)) => Some(valgrind),
        (Err(error), _) => {
            println!("skipped: {error:#}");
            None
        }
        _ => {
            println!("skipped: no `cc` here");
            None
        }
    }
}

/// Compiles `source` in `folder` and counts it.
fn counted(valgrind: &Valgrind, folder: &Path, source: &str, toggle: Option<&str>) -> Counted {
    fs::write(folder.join("toy.h"), include_str!("data/toy.h")).unwrap();
    fs::write(folder.join("toy.c"), source).unwrap();
    let cc = Command::new("cc")
        .args(["-g", "-O1", "-o", "toy", "toy.c"])
        .current_dir(folder)
        .env("PATH", FOLDERS)
        .output()
        .unwrap();
    assert!(cc.status.success(), "{cc:?}");
    let job = Job {
        program: &folder.join("toy"),
        args: &[],
        stdin: b"",
        variables: &[],
        folder,
        toggle_collect: toggle,
        timeout: Duration::from_secs(120),
    };
    count(valgrind, &job, &Halt::default(), &SystemClock::new()).unwrap()
}

#[test]
fn an_edit_is_found_by_function_and_line() {
    let Some(valgrind) = valgrind() else { return };
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    // One call more, and a line above all others that moves them.
    let edited =
        SOURCE.replacen("long total = work(100)", "long total = work(100)\n    + work(70)", 1);
    let edited = format!("// Edited.\n{edited}");
    assert!(edited.contains("work(70)"));
    let [base, head] =
        [(&folders[0], SOURCE), (&folders[1], edited.as_str())].map(|(folder, source)| {
            let counted = counted(&valgrind, folder.path(), source, Some("main"));
            counted.profile.comparable(folder.path())
        });
    let diff = Diff::of(&base, &head);
    let row = &diff.rows[0];
    assert_eq!((&*row.name, &*row.file), ("work", "toy.c"), "{diff:#?}");
    assert_eq!((row.base_calls, row.head_calls), (1, 2), "{row:#?}");
    // Each round costs a few instructions; all within the loop's lines.
    assert!(row.delta_ir >= 70 * 3, "{row:#?}");
    let named = |line: u64| {
        row.lines
            .iter()
            .any(|row| row.head_line == Some(line) && &*row.file == "toy.c" && row.delta_ir > 0)
    };
    let at = |text: &str| {
        u64::try_from(edited.lines().position(|line| line.contains(text)).unwrap()).unwrap() + 1
    };
    assert!(named(at("for (int round")), "{row:#?}");
    let main = diff.rows.iter().find(|row| &*row.name == "main").expect("one call more");
    let call = at("work(70)");
    let near = |line: &u64| line.abs_diff(call) <= 1;
    assert!(main.lines.iter().any(|row| row.head_line.as_ref().is_some_and(near)), "{main:#?}");
    let deltas: i64 = diff.rows.iter().map(|row| row.delta_ir).sum();
    assert_eq!(deltas, diff.delta_ir);
}

#[test]
fn the_same_program_twice_executes_the_same_to_the_instruction() {
    let Some(valgrind) = valgrind() else { return };
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = [0, 1].map(|_| counted(&valgrind, folder.path(), SOURCE, None));
    assert!(first.profile.total_ir > 10_000, "the loader is counted too");
    let diff = Diff::of(
        &first.profile.comparable(folder.path()),
        &second.profile.comparable(folder.path()),
    );
    assert!(diff.is_identical(), "{diff:#?}");
}
