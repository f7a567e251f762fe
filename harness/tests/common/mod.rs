//! A `bench` in a folder of its own: its own store, its own settings, none of the caller's environment.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Settings with the smallest suite that can be gated: a few short iterations of prefill and decode.
pub(crate) const BENCH_TOML: &str = r#"
[defaults]
suite = "small"
threads = 1

[accuracy]
positions = 500

[suites]
small = ["prefill-8", "decode-16"]

[[workload]]
name = "prefill-8"
kind = "prefill"
warmup = 1
iterations = 4
prompt_tokens = 8

[[workload]]
name = "decode-16"
kind = "decode"
warmup = 1
iterations = 10
prompt_tokens = 4
tokens = 16
"#;

/// A folder with `bench.toml` and `ci/policy.toml`, removed at the end.
pub(crate) struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    /// A folder with the small suite and a policy that gates it.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        fs::write(folder.path().join("bench.toml"), BENCH_TOML).expect("the folder is writable");
        fs::create_dir(folder.path().join("ci")).expect("the folder is writable");
        fs::write(folder.path().join("ci/policy.toml"), policy()).expect("the folder is writable");
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `bench` here.
    pub(crate) fn bench(&self, args: &[&str]) -> Run {
        self.bench_with(args, &[])
    }

    /// Runs `bench` here with these variables.
    pub(crate) fn bench_with(&self, args: &[&str], vars: &[(&str, &str)]) -> Run {
        self.run(Path::new(env!("CARGO_BIN_EXE_bench")), args, vars)
    }

    /// Runs any program here, in an environment of its own.
    pub(crate) fn run(&self, program: &Path, args: &[&str], vars: &[(&str, &str)]) -> Run {
        let output = Command::new(program)
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("BENCH_STORE", self.path("store"))
            .envs(vars.iter().copied())
            .output()
            .expect("the program is built");
        Run::new(args, &output)
    }
}

/// How a command ended.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    args: String,
}

impl Run {
    fn new(args: &[&str], output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            args: args.join(" "),
        }
    }

    /// Asserts the exit code and that stderr has each of `parts`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32, parts: &[&str]) -> Self {
        let Self { code: found, stdout, stderr, args } = &self;
        assert_eq!(*found, code, "bench {args}\nstdout:\n{stdout}\nstderr:\n{stderr}");
        for part in parts {
            assert!(stderr.contains(part), "bench {args}: expected {part:?} in\n{stderr}");
        }
        self
    }
}

/// The policy that ships, with decode-16 as the one gated metric.
fn policy() -> String {
    let shipped = gates::DEFAULT_POLICY;
    let start = shipped.find("[[gated]]").expect("the policy gates something");
    let end = shipped.find("[budgets.accuracy]").expect("the policy has budgets");
    let gated = "[[gated]]\nworkload = \"decode-16\"\nmetric = \"decode_step_ns\"\nmargin_negligible = 1.01\n\
                 margin_unacceptable = 1.05\n\n";
    let mut rest = shipped[end..].to_owned();
    for (is, becomes) in [
        ("positions = 7000", "positions = 500"),
        ("minimum = 0.99", "minimum = 0.90"),
        ("prefill = \"prefill-128\"", "prefill = \"prefill-8\""),
        ("decode = \"decode-64\"", "decode = \"decode-16\""),
        ("tokens = 64", "tokens = 16"),
        // The small suite loads nothing.
        ("model = \"stories\"", "model = \"another\""),
    ] {
        assert!(rest.contains(is), "the policy that ships has another budget than {is:?}");
        rest = rest.replace(is, becomes);
    }
    format!("{}{gated}{rest}", &shipped[..start])
}
