//! A runner of GitHub Actions as far as a shell step can see: its variables, its files, the commands it reads from a log.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    common::Run,
    toy::{Toy, of_cargo},
};

/// How action.yml starts a script, and the options before its path.
pub(crate) const SHELL: [&str; 5] = ["bash", "--noprofile", "--norc", "-peuo", "pipefail"];

/// A repository that is checked out, and the step that runs in it.
pub(crate) struct Runner {
    pub(crate) toy: Toy,
    temp: tempfile::TempDir,
    pub(crate) vars: BTreeMap<String, String>,
}

impl Runner {
    /// A step of `event`, in a repository of one commit.
    pub(crate) fn new(event: &str) -> Self {
        let toy = Toy::new();
        let temp = tempfile::tempdir().expect("a folder for the runner");
        let of_cargo = of_cargo().map(|(name, value)| (name.to_owned(), value));
        let mut runner = Self { toy, temp, vars: of_cargo.collect() };
        for folder in ["bin", "temp"] {
            fs::create_dir(runner.path(folder)).expect("the folder is writable");
        }
        let path = format!("{}:{}", runner.path("bin").display(), runner.vars["PATH"]);
        runner.set("PATH", &path);
        for (name, file) in [
            ("GITHUB_ENV", "env"),
            ("GITHUB_EVENT_PATH", "event.json"),
            ("GITHUB_OUTPUT", "output"),
            ("GITHUB_PATH", "path"),
            ("GITHUB_STATE", "state"),
            ("GITHUB_STEP_SUMMARY", "summary"),
            ("RUNNER_TEMP", "temp"),
        ] {
            let path = runner.path(file).display().to_string();
            runner.set(name, &path);
        }
        let cache = runner.toy.here.path("cache").display().to_string();
        let action = ci("").display().to_string();
        for (name, value) in [
            ("CI", "true"),
            ("GITHUB_ACTION_PATH", &action),
            ("GITHUB_EVENT_NAME", event),
            ("XDG_CACHE_HOME", &cache),
        ] {
            runner.set(name, value);
        }
        runner
    }

    /// A path of the runner's own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.vars.insert(name.to_owned(), value.to_owned());
    }

    /// Puts a program on the PATH. It is a link: a program that is written may be busy when it is started.
    pub(crate) fn link(&self, name: &str, program: &Path) {
        symlink(program, self.path("bin").join(name)).expect("the folder is writable");
    }

    /// Puts a program on the PATH that only keeps what it was given, and runs `does`.
    pub(crate) fn fake(&self, name: &str, does: &str) {
        let fake = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/fake.sh");
        let link = self.path("bin").join(name);
        if !link.exists() {
            self.link(name, &fake);
        }
        fs::write(self.path("bin").join(format!("{name}.does")), does)
            .expect("the folder is writable");
    }

    /// The arguments that a fake was given; `None` if it never ran.
    pub(crate) fn args_of(&self, name: &str) -> Option<Vec<String>> {
        let text = fs::read_to_string(self.path("bin").join(format!("{name}.args"))).ok()?;
        Some(text.split_terminator('\0').map(str::to_owned).collect())
    }

    /// The environment that a fake was given.
    pub(crate) fn env_of(&self, name: &str) -> BTreeMap<String, String> {
        let text = fs::read_to_string(self.path("bin").join(format!("{name}.env")));
        let text = text.expect("the fake was started");
        let pairs = text.split_terminator('\0').filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Runs a script of the action as a step of a job that has not run one yet.
    pub(crate) fn step(&self, script: &str) -> Run {
        for file in ["output", "path", "summary"] {
            fs::write(self.path(file), "").expect("the folder is writable");
        }
        let script = ci("action").join(script).display().to_string();
        let args: Vec<&str> = SHELL[1..].iter().copied().chain([script.as_str()]).collect();
        let vars: Vec<(&str, &str)> =
            self.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.toy.here.run(Path::new(SHELL[0]), &args, &vars)
    }

    /// The outputs that the step has left.
    pub(crate) fn outputs(&self) -> BTreeMap<String, String> {
        let text = fs::read_to_string(self.path("output")).expect("the step may write outputs");
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// What a program prints, in the repository.
    pub(crate) fn says(&self, line: &[&str]) -> String {
        let mut program = Command::new(line[0]);
        let done = program.args(&line[1..]).current_dir(self.toy.here.path("")).output();
        let done = done.expect("the program is installed");
        assert!(done.status.success(), "{line:?}");
        String::from_utf8(done.stdout).expect("text").trim_end().to_owned()
    }
}

/// A path below `ci/` of this repository.
pub(crate) fn ci(name: &str) -> PathBuf {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the harness lies in a folder");
    top.join("ci").join(name)
}

/// The lines that the runner would carry out, as `ActionCommandManager` of actions/runner does: all that start with `::`, but for
/// those between a `stop-commands` and its token.
pub(crate) fn commands(log: &str) -> Vec<&str> {
    let mut carried_out = Vec::new();
    let mut stopped: Option<String> = None;
    for line in log.lines().map(str::trim_start).filter(|line| line.starts_with("::")) {
        match &stopped {
            Some(end) if line == end => stopped = None,
            Some(_) => {}
            None => match line.strip_prefix("::stop-commands::") {
                Some(token) => stopped = Some(format!("::{token}::")),
                None => carried_out.push(line),
            },
        }
    }
    assert_eq!(stopped, None, "the commands of the next lines would be lost: {log}");
    carried_out
}
