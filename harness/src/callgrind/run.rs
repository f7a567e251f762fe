//! One run of a program under callgrind: started, waited for, its profile taken; stopped if it takes too long.
//!
//! In: a program with all that it is given, so that two runs of it are given the same. Out: the profile and what the program
//! said on stdout. All files of the run are in a folder that goes with it.

use std::{
    ffi::OsString,
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, ExitStatus},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};

use super::{parse::parse, profile::Profile, tool::Valgrind};
use crate::{command::exit_code, halt::Halt, measure::Clock, runner};

/// Largest profile that is read: hundreds of times that of a program of 100 MB.
const PROFILE_BYTES_MAX: u64 = 256 << 20;
/// Most bytes of stdout that are read.
const STDOUT_BYTES_MAX: u64 = 64 << 20;
/// How much of a program's stderr an error quotes.
const STDERR_BYTES_MAX: u64 = 4096;
/// How often the end, the time and a reason to halt are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What is run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job<'a> {
    /// An absolute path.
    pub(crate) program: &'a Path,
    pub(crate) args: &'a [OsString],
    /// All that it reads, written before it starts: nobody answers it.
    pub(crate) stdin: &'a [u8],
    /// Its whole environment: that of `bench` would be part of the counts.
    pub(crate) variables: &'a [(OsString, OsString)],
    pub(crate) folder: &'a Path,
    /// Counts only within functions of this name; it may hold `*` and `?`. Everything is counted without it. Each entry and
    /// exit turns counting over, so that one matching function must not call another; and only its own thread is counted.
    /// How often functions are called is counted everywhere all the same.
    pub(crate) toggle_collect: Option<&'a str>,
    pub(crate) timeout: Duration,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) profile: Profile,
    pub(crate) stdout: Vec<u8>,
}

/// Runs `job` to its end and reads its profile. A program that fails is an error with the end of its stderr.
pub(crate) fn count(
    valgrind: &Valgrind,
    job: &Job<'_>,
    halt: &Halt,
    clock: &dyn Clock,
) -> Result<Counted> {
    let failed = || format!("failed to count the instructions of `{}`", job.program.display());
    let (bytes, stdout) = run(valgrind, job, halt, clock).with_context(failed)?;
    let profile = parse(&bytes).with_context(failed)?;
    if let Some(pattern) = job.toggle_collect {
        ensure!(
            profile.total_ir > 0,
            "{}: expected a function called {pattern:?} to run, found none; a pattern of `*` and `?` must match the \
             whole name as valgrind shows it, and the function must not be inlined everywhere",
            failed()
        );
    }
    Ok(Counted { profile, stdout })
}

/// The bytes of the profile and of stdout.
fn run(
    valgrind: &Valgrind,
    job: &Job<'_>,
    halt: &Halt,
    clock: &dyn Clock,
) -> Result<(Vec<u8>, Vec<u8>)> {
    halt.check()?;
    // Dropped, and so removed, on every way out of here.
    let folder = tempfile::tempdir().context("failed to make a folder for the profile")?;
    let file = || tempfile::tempfile_in(&folder).context("failed to make a file for a stream");
    let (mut stdin, mut stdout, mut stderr) = (file()?, file()?, file()?);
    stdin
        .write_all(job.stdin)
        .and_then(|()| stdin.rewind())
        .context("failed to write its stdin")?;

    let mut command = Command::new(&valgrind.path);
    // `%p`: a child that it forks writes a profile of its own and not over this one.
    let mut out = OsString::from("--callgrind-out-file=");
    out.push(folder.path().join("profile.%p"));
    command
        // No settings of the user's, no files of a debugger in the system's folder for temporary ones.
        .args(["--command-line-only=yes", "--vgdb=no", "--quiet", "--tool=callgrind"])
        .args(["--cache-sim=no", "--branch-sim=no", "--compress-strings=yes", "--compress-pos=yes"])
        .arg(out)
        .args(job.toggle_collect.map(|pattern| format!("--toggle-collect={pattern}")))
        .arg("--")
        .arg(job.program)
        .args(job.args)
        .env_clear()
        .envs(job.variables.iter().map(|(name, value)| (name, value)))
        .current_dir(job.folder)
        .stdin(stdin)
        .stdout(stdout.try_clone().context("failed to share a stream")?)
        .stderr(stderr.try_clone().context("failed to share a stream")?)
        // A group of its own, so that it is stopped with its children.
        .process_group(0);
    let child = runner::unshare(&mut command).spawn().with_context(|| {
        format!("failed to start `{}` in `{}`", valgrind.path.display(), job.folder.display())
    })?;
    let mut group = Group { pid: Pid::from_child(&child), child, is_over: false };
    let status = group.wait(job.timeout, halt, clock)?;

    ensure!(
        status.success(),
        "expected exit code 0, found {}; the end of its stderr: {:?}",
        exit_code(status),
        tail(&mut stderr)?
    );
    let path = folder.path().join(format!("profile.{}", group.child.id()));
    let mut profile = File::open(&path).with_context(|| {
        let said = tail(&mut stderr).unwrap_or_default();
        format!(
            "expected a profile by valgrind {}, found none; the end of its stderr: {said:?}",
            valgrind.version
        )
    })?;
    stdout.rewind()?;
    Ok((
        read(&mut profile, PROFILE_BYTES_MAX).context("its profile")?,
        read(&mut stdout, STDOUT_BYTES_MAX).context("its stdout")?,
    ))
}

/// A process and its children. Dropped before its end, they are stopped.
struct Group {
    pid: Pid,
    child: Child,
    /// Once it is waited for, its id may be another's.
    is_over: bool,
}

impl Group {
    fn wait(&mut self, timeout: Duration, halt: &Halt, clock: &dyn Clock) -> Result<ExitStatus> {
        let start_ns = clock.now_ns();
        loop {
            if let Some(status) = self.child.try_wait().context("failed to wait for it")? {
                self.is_over = true;
                return Ok(status);
            }
            halt.check()?;
            if u128::from(clock.now_ns().saturating_sub(start_ns)) > timeout.as_nanos() {
                bail!(
                    "it did not end within {} s and was stopped (under valgrind a program takes about 50 times as long); \
                     give it longer with `--timeout SECONDS`, or less to do",
                    timeout.as_secs_f64()
                );
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.is_over {
            let _ = kill_process_group(self.pid, Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

fn read(file: &mut File, bytes_max: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    ensure!(bytes.len() as u64 <= bytes_max, "expected at most {bytes_max} bytes, found more");
    Ok(bytes)
}

/// The end of what a stream says, as text.
fn tail(file: &mut File) -> Result<String> {
    let len = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(len.saturating_sub(STDERR_BYTES_MAX)))?;
    let mut bytes = Vec::new();
    file.take(STDERR_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;
    use crate::measure::SystemClock;

    const SOON: Duration = Duration::from_secs(20);
    /// Finds the name of the profile as callgrind would.
    const OUT: &str = r#"for a; do case $a in --callgrind-out-file=*) out=${a#*=};; esac; done; out=${out%\%p}$$"#;

    /// Runs a shell script in the place of valgrind; `DIR` in it is a folder that stays until the end.
    fn ran(script: &str, timeout: Duration, halt: &Halt) -> (Result<Counted>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("valgrind");
        let script = script.replace("DIR", &folder.path().display().to_string());
        fs::write(&path, format!("#!/bin/sh\n{OUT}\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let job = Job {
            program: Path::new("/bin/true"),
            args: &["one two".into()],
            stdin: b"asked\n",
            variables: &[("GIVEN".into(), "yes".into()), ("PATH".into(), "/usr/bin:/bin".into())],
            folder: folder.path(),
            toggle_collect: Some("main"),
            timeout,
        };
        let valgrind = Valgrind { path, version: "0".to_owned() };
        (count(&valgrind, &job, halt, &SystemClock::new()), folder)
    }

    fn error_of(script: &str, timeout: Duration) -> String {
        format!("{:#}", ran(script, timeout, &Halt::default()).0.unwrap_err())
    }

    #[test]
    fn the_program_gets_what_it_is_given_and_nothing_else() {
        let script = r#"printf 'events: Ir\nfn=main\n1 7\ntotals: 7\n' >"$out"; echo "$out" >DIR/out; pwd; cat; env; echo "$@""#;
        let (counted, folder) = ran(script, SOON, &Halt::default());
        let counted = counted.unwrap();
        assert_eq!(counted.profile.total_ir, 7);
        let said = String::from_utf8(counted.stdout).unwrap();
        for part in ["asked\n", "GIVEN=yes\n", "--toggle-collect=main -- /bin/true one two\n"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains("CARGO") && !said.contains("HOME="), "{said}");
        let out = fs::read_to_string(folder.path().join("out")).unwrap();
        assert!(!Path::new(out.trim()).parent().unwrap().exists(), "{out} is gone with its folder");
    }

    #[test]
    fn a_failure_carries_the_end_of_stderr() {
        let error = error_of("echo 'out of cheese' >&2; exit 3", SOON);
        assert!(error.contains("found 3") && error.contains("out of cheese"), "{error}");
        let error = error_of("echo nothing written >&2", SOON);
        assert!(error.contains("found none") && error.contains("nothing written"), "{error}");
        let error = error_of("echo garbage >$out", SOON);
        assert!(error.contains("line 1;"), "{error}");
    }

    #[test]
    fn a_pattern_that_matches_no_function_is_an_error() {
        let error = error_of(r#"printf 'events: Ir\ntotals: 0\n' >"$out""#, SOON);
        assert!(error.contains("\"main\" to run"), "{error}");
    }

    #[test]
    fn one_that_does_not_end_is_stopped_with_its_children_and_leaves_nothing() {
        let script = r#"echo "$out" >DIR/out; sleep 600 & echo $! >DIR/pid; sleep 600"#;
        let soon = Duration::from_secs(1);
        for (timeout, said) in
            [(soon, "did not end within 1 s"), (SOON, "the time limit was reached")]
        {
            let halt = Halt::default();
            if timeout == SOON {
                halt.after(soon);
            }
            let (counted, folder) = ran(script, timeout, &halt);
            let error = format!("{:#}", counted.unwrap_err());
            assert!(error.contains(said), "{error}");
            let read =
                |name| fs::read_to_string(folder.path().join(name)).unwrap().trim().to_owned();
            assert!(!Path::new(&read("out")).parent().unwrap().exists());
            // Whoever adopts it may not have reaped it yet; and a signal takes its time.
            let stat = format!("/proc/{}/stat", read("pid"));
            let runs = || fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
            let ends = (0..500).any(|_| {
                thread::sleep(LOOK_EVERY / 2);
                !runs()
            });
            assert!(ends, "{stat}");
        }
    }
}
