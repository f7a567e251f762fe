//! A bare repository as the remote, clones of it, and processes that push: for the tests of the store in a branch.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use baselines::{
    Digest, RunRecord,
    store::{
        DirStore,
        branch::{Branch, Push, Pushed, Skipped},
    },
};

use crate::common::small_record;

/// The name of the branch in all tests.
pub(crate) const BRANCH: &str = "tritgate";
/// The time of a push that says no other.
pub(crate) const NOW: &str = "2026-03-20T04:00:00.000Z";
/// Set in a child that is to push; what it is to do stands in it.
pub(crate) const TASK: &str = "TRITGATE_TEST_PUSHER";

/// A bare repository and what is around it.
pub(crate) struct World {
    folder: tempfile::TempDir,
}

/// A clone with a store.
pub(crate) struct Runner {
    pub(crate) clone: PathBuf,
    pub(crate) store: DirStore,
    pub(crate) branch: Branch,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let world = Self { folder };
        git(world.folder.path(), &["init", "--quiet", "--bare", "remote.git"]);
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn remote(&self) -> PathBuf {
        self.path("remote.git")
    }

    /// A new clone called `name`, with one commit and an empty store.
    pub(crate) fn runner(&self, name: &str) -> Runner {
        let clone = self.path(name);
        fs::create_dir(&clone).expect("a folder");
        git(&clone, &["init", "--quiet"]);
        git(&clone, &["remote", "add", "origin", self.remote().to_str().expect("UTF-8")]);
        fs::write(clone.join("code.txt"), "code\n").expect("a file");
        git(&clone, &["add", "code.txt"]);
        git(&clone, &["commit", "--quiet", "-m", "code"]);
        Runner::at(&clone, &self.path(&format!("{name}-store")))
    }

    /// What is in the branch, path by path.
    pub(crate) fn paths(&self) -> Vec<String> {
        let listed = git(&self.remote(), &["ls-tree", "-r", "--name-only", BRANCH]);
        listed.lines().map(str::to_owned).collect()
    }

    /// The content of a file of the branch.
    pub(crate) fn file(&self, path: &str) -> Vec<u8> {
        let object = format!("{BRANCH}:{path}");
        let output = raw(&self.remote(), &["cat-file", "blob", &object]).output().expect("git");
        assert!(output.status.success(), "{path}");
        output.stdout
    }

    /// The refs that wait to be folded, by their last word.
    pub(crate) fn incoming(&self) -> Vec<String> {
        let args = ["for-each-ref", "--format=%(refname:lstrip=3)", "refs/tritgate/incoming"];
        git(&self.remote(), &args).lines().map(str::to_owned).collect()
    }

    /// The same, without starting git: at any moment, for who waits for one.
    pub(crate) fn put_down(&self) -> BTreeSet<OsString> {
        let refs = self.remote().join("refs/tritgate/incoming").join(BRANCH);
        let Ok(refs) = fs::read_dir(refs) else { return BTreeSet::new() };
        // A lock is no ref yet.
        let names = refs.filter_map(Result::ok).map(|file| file.file_name());
        names.filter(|name| !name.to_string_lossy().ends_with(".lock")).collect()
    }

    /// All records that a fresh store gets from the branch.
    pub(crate) fn pulled(&self, name: &str) -> (Vec<Digest>, Vec<Skipped>) {
        let runner = self.runner(name);
        let pulled = runner.branch.pull(&runner.store).expect("a pull");
        (runner.store.records().expect("a store"), pulled.skipped)
    }

    /// An executable hook of the bare repository.
    #[cfg(unix)]
    pub(crate) fn hook(&self, name: &str, script: &str) {
        executable(&self.remote().join("hooks").join(name), script);
    }
}

impl Runner {
    pub(crate) fn at(clone: &Path, store: &Path) -> Self {
        Self {
            clone: clone.to_owned(),
            store: DirStore::open(store).expect("a store"),
            branch: Branch::new(clone, "origin", BRANCH).expect("a branch"),
        }
    }

    pub(crate) fn keep(&self, record: &RunRecord) -> Digest {
        self.store.put_record(record).expect("a record")
    }

    pub(crate) fn try_push(&self, unique: &str, now: &str) -> baselines::Result<Pushed> {
        self.branch.push(&self.store, Push { now, unique, page: None })
    }

    pub(crate) fn push(&self, unique: &str) -> Pushed {
        self.try_push(unique, NOW).expect("a push")
    }
}

/// A record of about 8 KB, another for each `seed`, that ended in `month`.
pub(crate) fn record(seed: u64, month: &str) -> RunRecord {
    let mut record = small_record();
    record.seed = seed;
    record.ended_at = format!("{month}-02T09:10:00.000Z");
    record.sealed()
}

/// `git` apart from the settings of whoever runs the tests.
pub(crate) fn raw(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    baselines::git::isolate(&mut command);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "someone");
        command.env(format!("GIT_{role}_EMAIL"), "someone@localhost");
    }
    command.arg("-C").arg(folder).args(args);
    command
}

pub(crate) fn git(folder: &Path, args: &[&str]) -> String {
    git_with(folder, args, b"")
}

/// The same with standard input.
pub(crate) fn git_with(folder: &Path, args: &[&str], input: &[u8]) -> String {
    let mut command = raw(folder, args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("git");
    child.stdin.take().expect("piped").write_all(input).expect("it reads");
    let output = child.wait_with_output().expect("git");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {said}");
    String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
}

#[cfg(unix)]
pub(crate) fn executable(path: &Path, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, script).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
}

/// This test program again, as a process of its own that pushes `n` records of `first` and up, one push at a time.
/// It writes `DIGEST RETRIES` to `acks` after each.
pub(crate) fn pusher(runner: &Path, store: &Path, acks: &Path, first: u64, n: u64) -> Command {
    let shown = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let task = [shown(runner), shown(store), shown(acks), first.to_string(), n.to_string()];
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "the_process_that_pushes", "--nocapture"]).env(TASK, task.join("\n"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// What such a process does.
pub(crate) fn run_pusher(task: &str) {
    let words: Vec<&str> = task.lines().collect();
    let [clone, store, acks, first, n] = words[..] else { panic!("{task}") };
    let runner = Runner::at(Path::new(clone), Path::new(store));
    let (first, n): (u64, u64) = (first.parse().expect("a number"), n.parse().expect("a number"));
    let mut acks = fs::File::options().append(true).create(true).open(acks).expect("a file");
    for seed in first..first + n {
        let digest = runner.keep(&record(seed, "2026-03"));
        let pushed = runner.push(&format!("{:08x}{seed:016x}", std::process::id()));
        acks.write_all(format!("{digest} {}\n", pushed.retries).as_bytes()).expect("it is written");
    }
}

/// What pushers said they did: digests and lost races. A line that was not written to its end says nothing.
pub(crate) fn acks(path: &Path) -> Vec<(Digest, u32)> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    let read = |line: &str| {
        let (digest, retries) = line.split_once(' ').expect("two words");
        (digest.parse().expect("a digest"), retries.parse().expect("a number"))
    };
    lines.map(read).collect()
}

pub(crate) fn finish(child: Child) {
    let output = child.wait_with_output().expect("a process");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
}
