//! The words of a command: which program, and which of its subcommands. In: the words. Out: the same without what stands before.

use std::path::Path;

/// A command taken apart.
pub(super) struct Words<'a> {
    /// File name of the program.
    pub(super) program: &'a str,
    /// The words from the subcommand on; none where there is no subcommand.
    pub(super) rest: Vec<&'a str>,
}

/// Options before the subcommand of `cargo` and `git` that take the next word with them.
const WITH_VALUE: &[&str] = &["--color", "--config", "--git-dir", "--work-tree", "-C", "-Z", "-c"];

impl<'a> Words<'a> {
    pub(super) fn of(command: &'a [String]) -> Self {
        let name = command.first().map(|program| Path::new(program).file_stem());
        let program = name.flatten().and_then(|name| name.to_str()).unwrap_or_default();
        let mut words = command.iter().skip(1).map(String::as_str).peekable();
        while let Some(word) = words.next_if(|word| word.starts_with(['-', '+'])) {
            if WITH_VALUE.contains(&word) {
                words.next();
            }
        }
        Self { program, rest: words.collect() }
    }

    /// Whether this is `cargo` with one of these subcommands.
    pub(super) fn is_cargo(&self, subcommands: &[&str]) -> bool {
        self.program == "cargo" && self.rest.first().is_some_and(|word| subcommands.contains(word))
    }
}
