//! Running git plumbing in the user's repository, apart from the user's hooks, index, settings and secrets.
//! In: arguments and standard input. Out: what git wrote; of a failure, git's own last line without passwords.

use std::{
    ffi::OsStr,
    io::{self, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use crate::{Error, ErrorKind, Result, git::isolate};

/// Who the commits are by: nobody's own settings, so that a runner needs none.
const NAME: &str = "tritgate";
const EMAIL: &str = "tritgate@localhost";

/// Settings of a user's that would change what plumbing does.
const SETTINGS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.splitIndex=false",
    "gc.auto=0",
    "maintenance.auto=false",
    // A hostile ref is ours to judge: were git to refuse it, the good ones beside it would not come either.
    "fetch.fsckObjects=false",
    "transfer.fsckObjects=false",
];

/// What a git process said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) good: bool,
    pub(super) stdout: Vec<u8>,
    /// The last line that says something of a failure.
    pub(super) reason: String,
}

/// `git` in `repository`, before its subcommand.
pub(super) fn git(repository: &Path) -> Command {
    let mut command = Command::new("git");
    isolate(&mut command);
    // No question to a terminal: a job has nobody to answer. No replaced object in place of the one that was asked for.
    command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").env("GIT_NO_REPLACE_OBJECTS", "1");
    for (role, value) in [("NAME", NAME), ("EMAIL", EMAIL)] {
        command.env(format!("GIT_AUTHOR_{role}"), value);
        command.env(format!("GIT_COMMITTER_{role}"), value);
    }
    command.arg("--no-optional-locks");
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    command.arg("-C").arg(repository);
    command
}

/// Runs `command` with `input` to its end.
pub(super) fn run(command: &mut Command, input: &[u8]) -> Result<Said> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = spawn(command)?;
    let mut stdin = child.stdin.take().expect("it was piped");
    let output = thread::scope(|scope| {
        // Both ways at once: a child that waits for its reader would let us wait for it.
        scope.spawn(move || {
            // One that ended early says why on stderr.
            let _ = stdin.write_all(input);
        });
        child.wait_with_output()
    });
    let output = output.map_err(|error| broken(&error))?;
    let reason = reason(&output.stderr);
    Ok(Said { good: output.status.success(), stdout: output.stdout, reason })
}

/// Starts `command`, or says what is missing.
pub(super) fn spawn(command: &mut Command) -> Result<Child> {
    command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::new(
            ErrorKind::Io,
            "run `git`: expected a program of that name on the PATH, found none; install git",
        ),
        _ => broken(&error),
    })
}

/// The stdout of a local step that fails only if the repository itself does.
pub(super) fn must(command: &mut Command, input: &[u8]) -> Result<Vec<u8>> {
    let said = run(command, input)?;
    if said.good {
        return Ok(said.stdout);
    }
    // The subcommand is the first argument after the folder.
    let args = command.get_args().skip_while(|arg| *arg != OsStr::new("-C")).nth(2);
    let step = args.unwrap_or_default().to_string_lossy().into_owned();
    Err(Error::new(
        ErrorKind::Io,
        format!(
            "run `git {step}`: expected it to succeed, found: {}; `git fsck` says whether the repository is whole",
            said.reason
        ),
    ))
}

/// The one line that a command writes, without its newline.
pub(super) fn line(stdout: Vec<u8>) -> Result<String> {
    let text = String::from_utf8(stdout).map_err(|_| {
        Error::new(ErrorKind::Io, "run `git`: expected UTF-8, found something else")
    })?;
    Ok(text.trim_end().to_owned())
}

pub(super) fn broken(error: &io::Error) -> Error {
    let text = format!("run `git`: expected to start and to hear it, found: {error}; try again");
    Error::new(ErrorKind::Io, text)
}

/// The last line that says what is wrong: advice, and that something is, say less.
fn reason(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let says = |line: &&str| {
        let line = line.trim_start_matches("remote:").trim();
        !line.is_empty()
            && !line.starts_with("hint:")
            && !line.starts_with("error: failed to push some refs")
            && !line.starts_with("fatal: Could not read from remote repository")
            && !line.starts_with("and the repository exists")
            && !line.starts_with("Please make sure you have the correct access rights")
    };
    let last = text.lines().rfind(says).unwrap_or("git says nothing").trim();
    without_secrets(last)
}

/// `text` without what stands before the `@` of a URL.
pub(super) fn without_secrets(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let end = after.find(|c: char| c == '/' || c.is_whitespace()).unwrap_or(after.len());
        let host = after[..end].rfind('@').map_or(0, |at| at + 1);
        if host > 0 {
            shown.push_str("***@");
        }
        shown.push_str(&after[host..end]);
        rest = &after[end..];
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_never_shown() {
        for (text, shown) in [
            (
                "fatal: unable to access 'https://me:pa@ss@host/x.git/': 403",
                "fatal: unable to access 'https://***@host/x.git/': 403",
            ),
            ("a https://t@h and ssh://git@host:22/y", "a https://***@h and ssh://***@host:22/y"),
            ("https://host/a@b", "https://host/a@b"),
            ("no url: me@host", "no url: me@host"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }

    #[test]
    fn the_reason_is_the_last_line_that_has_one() {
        let stderr = b"remote: no, said the hook\nremote: \nTo x\n";
        assert_eq!(reason(stderr), "To x");
        let stderr = b"remote: no, said the hook\nremote: \nerror: failed to push some refs to 'x'\nhint: try\n";
        assert_eq!(reason(stderr), "remote: no, said the hook");
        assert_eq!(reason(b""), "git says nothing");
    }
}
