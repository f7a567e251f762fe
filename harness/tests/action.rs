//! The shell of the action (`ci/action/`) as a runner would start it: the base that an event stands for, what `bench` is given
//! and what it is not, what of a benchmark's output the runner obeys, which binary is trusted.

mod common;
#[path = "common/runner.rs"]
mod runner;
#[path = "common/toy.rs"]
mod toy;

use std::{env::consts::ARCH, fs, path::Path};

use baselines::Digest;
use runner::{Runner, SHELL, ci, commands};
use toy::BENCH;

/// Leaves evidence, as `bench gate` does where it comes to a verdict.
const LEAVES_EVIDENCE: &str = "echo '{}' >\"$RUNNER_TEMP/tritgate/evidence/evidence.json\"\n";

impl Runner {
    /// A branch of two commits that left `main` before its last one. A tag has the name that the remote's branch is known by.
    fn with_branch(event: &str, head: &str) -> Self {
        let mut runner = Self::new(event);
        runner.set("GITHUB_BASE_REF", "main");
        let toy = &runner.toy;
        toy.write("theirs", "");
        toy.commit();
        toy.git(&["checkout", "--quiet", "--detach"]);
        toy.git(&["branch", "--force", "main"]);
        toy.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
        toy.git(&["checkout", "--quiet", "--detach", "HEAD~1"]);
        toy.write("ours", "");
        toy.commit();
        toy.write("benches/speed.rs", head);
        toy.commit();
        toy.git(&["tag", "origin/main", "HEAD"]);
        runner
    }

    /// The same, with a fake `bench` that comes to a verdict.
    fn with_fake_bench(event: &str) -> Self {
        let runner = Self::with_branch(event, "fn main() {}");
        runner.fake("bench", LEAVES_EVIDENCE);
        runner
    }

    /// The value that `bench` was given for `option`.
    fn given(&self, option: &str) -> Option<String> {
        let args = self.args_of("bench")?;
        let at = args.iter().position(|arg| arg == option)?;
        args.get(at + 1).cloned()
    }

    fn commit_of(&self, revision: &str) -> String {
        self.says(&["git", "rev-parse", revision])
    }

    /// Points the action at a table of one row, and what `curl` would download at `served`.
    fn with_table(&mut self, row: &str, served: &str) {
        fs::create_dir_all(self.path("ci/action")).expect("the folder is writable");
        fs::write(self.path("ci/action/versions.tsv"), format!("the\theader\n{row}"))
            .expect("the folder is writable");
        let action = self.path("ci").display().to_string();
        self.set("GITHUB_ACTION_PATH", &action);
        self.set("INPUT_MODE", "install");
        fs::write(self.path("bin/served"), served).expect("the folder is writable");
        self.fake(
            "curl",
            "while [ \"$1\" != --output ]; do shift; done\ncp \"$(dirname \"$0\")/served\" \"$2\"\n",
        );
    }
}

#[test]
fn a_slower_benchmark_of_a_pull_request_ends_green_with_its_evidence_and_the_base_as_judge() {
    let loud = "println!(\"::add-mask::first\\n::error::out\"); eprint!(\"::error::err\");\n\
                benchmark(Path::new(&home), \"first\"";
    let head = BENCH
        .replace("SLEEP_US: u64 = 300", "SLEEP_US: u64 = 900")
        .replace("benchmark(Path::new(&home), \"first\"", loud);
    let gated = ["first", "group/second"].map(|name| (name, baselines::metric::BENCH_METRIC));
    let mut runner = Runner::new("pull_request");
    runner.set("GITHUB_BASE_REF", "main");
    runner.toy.write("ci/policy.toml", &gates::command_policy(&gated));
    runner.toy.commit();
    runner.toy.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    runner.toy.write("benches/speed.rs", &head);
    runner.toy.write("ci/policy.toml", "nothing is gated");
    runner.toy.commit();
    runner.link("bench", Path::new(env!("CARGO_BIN_EXE_bench")));
    runner.set("INPUT_ARGS", "--bench speed --layouts 2");
    let run = runner.step("measure.sh").expect(0, &[]);
    assert!(run.stdout.contains("first: +"), "{}", run.stdout);
    assert_eq!(commands(&run.stdout), [""; 0], "{}", run.stdout);
    assert_eq!(run.stderr, "");

    let outputs = runner.outputs();
    assert_eq!((outputs["verdict"].as_str(), outputs["conclusion"].as_str()), ("fail", "failure"));
    assert_eq!(outputs["exit-code"], "2");
    let evidence = &outputs["evidence-path"];
    let digest = runner.says(&["sha256sum", evidence]);
    assert_eq!(digest.split_once(' ').unwrap().0, outputs["evidence-digest"]);
    assert!(evidence.starts_with(&runner.path("temp").display().to_string()), "{evidence}");
    runner.toy.here.bench(&["verify", evidence]).expect(0, &[]);
    let text = fs::read_to_string(evidence).unwrap();
    for revision in ["HEAD", "HEAD~1"] {
        assert!(text.contains(&runner.commit_of(revision)), "{revision}");
    }
    assert!(fs::read_to_string(runner.path("summary")).unwrap().contains("first"));
}

#[test]
fn the_base_is_where_the_change_left_its_branch_or_the_commit_before() {
    let mut runner = Runner::with_fake_bench("pull_request");
    let fork_point = runner.commit_of("HEAD~2");
    runner.step("measure.sh").expect(0, &[]);
    assert_eq!(runner.given("--base"), Some(fork_point.clone()));
    assert_eq!(runner.given("--head"), Some(runner.commit_of("HEAD")));

    runner.set("GITHUB_EVENT_NAME", "merge_group");
    runner.set("GITHUB_BASE_REF", "");
    fs::write(runner.path("event.json"), r#"{"merge_group":{"base_ref":"refs/heads/main"}}"#)
        .unwrap();
    runner.step("measure.sh").expect(0, &[]);
    assert_eq!(runner.given("--base"), Some(fork_point));
    fs::write(runner.path("event.json"), r#"{"merge_group":{"base_ref":null}}"#).unwrap();
    runner.step("measure.sh").expect(1, &["::error", "merge_group.base_ref"]);

    runner.set("GITHUB_EVENT_NAME", "push");
    runner.step("measure.sh").expect(0, &[]);
    assert_eq!(runner.given("--base"), Some(runner.commit_of("HEAD~1")));
    runner.set("INPUT_BASE", "refs/remotes/origin/main");
    runner.step("measure.sh").expect(0, &[]);
    assert_eq!(runner.given("--base"), Some(runner.commit_of("refs/remotes/origin/main")));
    runner.set("INPUT_BASE", "--all");
    runner.step("measure.sh").expect(1, &["::error", "`--all` is not in this clone"]);
}

#[test]
fn a_job_with_the_rights_of_the_default_branch_measures_nothing() {
    for event in ["pull_request_target", "workflow_run"] {
        let runner = Runner::with_fake_bench(event);
        runner.step("measure.sh").expect(1, &["::error", event, "measure on pull_request"]);
        assert_eq!(runner.args_of("bench"), None);
    }
}

#[test]
fn a_shallow_clone_says_which_line_of_the_workflow_is_missing() {
    let mut runner = Runner::with_fake_bench("pull_request");
    let url = format!("file://{}", runner.toy.here.path("").display());
    runner.toy.git(&["clone", "--quiet", "--depth=1", "--no-single-branch", &url, "out/shallow"]);
    runner.set("INPUT_WORKING_DIRECTORY", "out/shallow");
    for event in ["pull_request", "push"] {
        runner.set("GITHUB_EVENT_NAME", event);
        runner.step("measure.sh").expect(1, &["::error", "`fetch-depth: 0`"]);
    }
    assert_eq!(runner.args_of("bench"), None);
    runner.set("INPUT_WORKING_DIRECTORY", "out/none");
    runner.step("measure.sh").expect(1, &["::error", "`out/none`"]);
}

#[test]
fn without_jq_a_merge_group_says_what_to_install() {
    let mut runner = Runner::with_fake_bench("merge_group");
    let few = "awk bash cat dirname env git mkdir od rm sha256sum sleep tr";
    for tool in few.split(' ') {
        let path = runner.says(&["sh", "-c", "command -v \"$1\"", "sh", tool]);
        runner.link(tool, Path::new(&path));
    }
    let bin = runner.path("bin").display().to_string();
    runner.set("PATH", &bin);
    runner.step("measure.sh").expect(1, &["::error", "no `jq` on the PATH"]);
    runner.set("GITHUB_EVENT_NAME", "push");
    runner.step("measure.sh").expect(0, &[]);
}

#[test]
fn args_are_split_at_white_space_and_reach_bench_as_they_stand() {
    let mut runner = Runner::with_fake_bench("push");
    runner.set("INPUT_ARGS", "  --filter *\t$(touch planted)\n\"a b\" `id` \\x ; ~ $HOME\n");
    runner.step("measure.sh").expect(0, &[]);
    let args = runner.args_of("bench").unwrap();
    assert_eq!(args[..2], ["gate", "--base"]);
    let expected =
        ["--filter", "*", "$(touch", "planted)", "\"a", "b\"", "`id`", "\\x", ";", "~", "$HOME"];
    assert_eq!(args[7..], expected);
    assert!(!runner.toy.here.path("planted").exists());
}

#[test]
fn the_policy_is_the_bases_and_of_the_engine_none_is_given() {
    let mut runner = Runner::with_fake_bench("push");
    runner.toy.write("ci/policy.toml", "the head's");
    runner.toy.write("own.toml", "an own one");
    runner.toy.commit();
    runner.step("measure.sh").expect(0, &[]);
    assert_eq!(runner.given("--policy"), None);
    for args in ["--bench speed", "--bench=speed"] {
        runner.set("INPUT_ARGS", args);
        runner.step("measure.sh").expect(0, &[]);
        let policy = fs::read_to_string(runner.given("--policy").unwrap()).unwrap();
        assert_eq!(policy.trim(), runner.says(&["git", "show", "HEAD~1:ci/policy.toml"]));
    }
    runner.set("INPUT_POLICY", "own.toml");
    let run = runner.step("measure.sh").expect(0, &[]);
    assert_eq!(runner.given("--policy"), None, "the base has none");
    assert!(run.stdout.contains("the base has no own.toml"), "{}", run.stdout);
    runner.set("INPUT_POLICY", "ci");
    runner.step("measure.sh").expect(1, &["::error", "`ci` of the base is no file"]);
}

#[test]
fn nothing_that_a_benchmark_prints_is_a_command_to_the_runner() {
    let runner = Runner::with_fake_bench("push");
    let prints = "echo '::error::out'; echo '::add-mask::a' >&2; echo '::stop-commands::x'; echo '::x::'\n\
                  echo '::set-output name=verdict::pass'; printf '::warning::open' >&2\n";
    runner.fake("bench", &format!("{LEAVES_EVIDENCE}{prints}exit 4\n"));
    let run = runner.step("measure.sh").expect(4, &[]);
    for part in ["::error::out", "::add-mask::a", "::warning::open"] {
        assert!(run.stdout.contains(part), "it is shown all the same: {}", run.stdout);
    }
    // Its own comes after the fence, which the open line before it must not swallow.
    let [own] = commands(&run.stdout)[..] else { panic!("{}", run.stdout) };
    assert!(own.starts_with("::error title=tritgate::bench gate: exit 4"), "{own}");
    assert_eq!(run.stderr, "", "the runner reads it apart from stdout");
    let token = |log: &str| log.split("::stop-commands::").nth(1).map(|rest| rest[..32].to_owned());
    let other = runner.step("measure.sh");
    assert_ne!(token(&run.stdout), token(&other.stdout), "a token that is known is no fence");
    assert!(!format!("{:?}", runner.env_of("bench")).contains(&token(&other.stdout).unwrap()));
}

#[test]
fn what_outlives_bench_says_nothing_after_the_fence() {
    let runner = Runner::with_fake_bench("push");
    let orphan = "(sleep 8; echo '::error::late') &\n";
    runner.fake("bench", &format!("{LEAVES_EVIDENCE}{orphan}"));
    let run = runner.step("measure.sh").expect(0, &[]);
    assert_eq!(commands(&run.stdout), [""; 0], "{}", run.stdout);
}

#[test]
fn bench_sees_no_token_no_input_and_no_file_by_which_a_step_changes_the_next() {
    let mut runner = Runner::with_fake_bench("push");
    let hidden = [
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        "ACTIONS_RUNTIME_TOKEN",
        "BASH_ENV",
        "GH_TOKEN",
        "GITHUB_ENV",
        "GITHUB_PATH",
        "GITHUB_STATE",
        "GITHUB_TOKEN",
        "INPUT_ARGS",
        "INPUT_GITHUB-TOKEN",
    ];
    for name in hidden {
        runner.set(name, "x");
    }
    runner.set("GITHUB_SHA", "kept");
    runner.step("measure.sh").expect(0, &[]);
    let env = runner.env_of("bench");
    for name in hidden {
        assert_eq!(env.get(name), None, "{name}");
    }
    for name in ["GITHUB_OUTPUT", "GITHUB_SHA", "GITHUB_STEP_SUMMARY", "PATH", "XDG_CACHE_HOME"] {
        assert!(env.contains_key(name), "{name}");
    }
}

#[test]
fn a_verdict_is_green_and_all_else_is_red() {
    let runner = Runner::with_fake_bench("push");
    for (exit, leaves, code) in [
        (0, LEAVES_EVIDENCE, 0),
        (2, LEAVES_EVIDENCE, 0),
        (3, LEAVES_EVIDENCE, 0),
        (1, "", 1),
        (4, LEAVES_EVIDENCE, 4),
        (5, LEAVES_EVIDENCE, 5),
        (137, "", 137),
    ] {
        runner.fake("bench", &format!("{leaves}exit {exit}\n"));
        let run = runner.step("measure.sh").expect(code, &[]);
        let outputs = runner.outputs();
        assert_eq!(outputs.contains_key("evidence-path"), !leaves.is_empty(), "exit {exit}");
        assert_eq!(outputs.contains_key("evidence-digest"), !leaves.is_empty(), "exit {exit}");
        assert_eq!(commands(&run.stdout).len(), usize::from(code != 0), "exit {exit}");
    }
    // The evidence of the run before is not this run's.
    runner.fake("bench", LEAVES_EVIDENCE);
    runner.step("measure.sh").expect(0, &[]);
    runner.fake("bench", "exit 2\n");
    runner.step("measure.sh").expect(1, &["::error", "left no evidence"]);
    assert_eq!(runner.outputs().get("evidence-path"), None);
    // An output that a benchmark left open swallows none of ours.
    runner.fake("bench", &format!("{LEAVES_EVIDENCE}printf 'x=1' >>\"$GITHUB_OUTPUT\"\n"));
    runner.step("measure.sh").expect(0, &[]);
    assert_eq!(runner.outputs()["x"], "1");
    assert!(runner.outputs().contains_key("evidence-path"));
}

#[test]
fn publish_is_given_the_inputs_and_the_token_and_no_other_name_of_them() {
    let mut runner = Runner::new("workflow_run");
    runner.fake("bench", "");
    runner.step("gate.sh").expect(1, &["::error", "`github-token` is empty"]);
    assert_eq!(runner.args_of("bench"), None);
    runner.set("INPUT_GITHUB_TOKEN", "ghs_x");
    runner.set("GITHUB_API_URL", "https://api.github.com");
    runner.step("gate.sh").expect(0, &[]);
    let defaults = [
        "publish",
        "--workflow=.github/workflows/perf-measure.yml",
        "--artifact=tritgate-evidence",
        "--policy=ci/policy.toml",
        "--annotations=10",
        "--comment=never",
    ];
    assert_eq!(runner.args_of("bench").unwrap(), defaults);
    assert_eq!(runner.env_of("bench")["GITHUB_API_URL"], "https://api.github.com");

    for (name, value) in [
        ("INPUT_WORKFLOW", "a b.yml"),
        ("INPUT_ARTIFACT_NAME", "$(id)"),
        ("INPUT_POLICY", "*"),
        ("INPUT_ANNOTATIONS", "50"),
        ("INPUT_COMMENT", "always"),
        ("INPUT_GITHUB_API_URL", "https://ghes.example/api/v3"),
    ] {
        runner.set(name, value);
    }
    runner.fake("bench", "exit 1\n");
    runner.step("gate.sh").expect(1, &[]);
    let given = [
        "publish",
        "--workflow=a b.yml",
        "--artifact=$(id)",
        "--policy=*",
        "--annotations=50",
        "--comment=always",
    ];
    assert_eq!(runner.args_of("bench").unwrap(), given);
    let env = runner.env_of("bench");
    assert_eq!(env["GITHUB_TOKEN"], "ghs_x");
    assert_eq!(env["GITHUB_API_URL"], "https://ghes.example/api/v3");
    assert_eq!(env.keys().filter(|name| name.starts_with("INPUT_")).count(), 0);
}

#[test]
fn a_mode_or_a_version_that_is_unknown_names_those_that_are() {
    let mut runner = Runner::new("push");
    runner
        .step("install.sh")
        .expect(1, &["::error", "expected install, measure or gate, found ``"]);
    runner.set("INPUT_MODE", "gates\n::add-mask::x");
    let run = runner.step("install.sh").expect(1, &["gates%0A::add-mask::x"]);
    assert_eq!(commands(&run.stderr).len(), 1);

    runner.set("INPUT_MODE", "install");
    runner.set("INPUT_VERSION", "v1");
    runner.step("install.sh").expect(1, &["expected X.Y.Z, found `v1`"]);
    let digest = Digest::of(b"x");
    let row = format!("1.2.3\tsparc-unknown-linux-gnu\t{digest}\tOWNER/x\n");
    runner.with_table(&row, "x");
    for version in ["1.2.4", "1.2.3"] {
        runner.set("INPUT_VERSION", version);
        let parts = [version, "-unknown-linux-musl", "has 1.2.3 for sparc-unknown-linux-gnu"];
        runner.step("install.sh").expect(1, &parts);
    }
    runner.with_table("", "x");
    runner.step("install.sh").expect(1, &["has no release yet"]);
    assert_eq!(runner.args_of("curl"), None);
}

#[test]
fn a_binary_runs_only_if_its_digest_stands_in_the_table() {
    let served = "#!/bin/sh\ntouch \"$RUNNER_TEMP/ran\"\necho \"bench 1.2.3\"\n";
    let row = |digest: Digest| {
        format!(
            "1.2.3\t{ARCH}-unknown-linux-musl\t{digest}\tOWNER/tritgate/releases/download/v1.2.3/bench\n"
        )
    };
    let mut runner = Runner::new("push");
    runner.with_table(&row(Digest::of(b"another")), served);
    runner.set("INPUT_VERSION", "1.2.3");
    let found = Digest::of(served.as_bytes()).to_string();
    runner.step("install.sh").expect(1, &["::error", "SHA-256", &found]);
    assert!(!runner.path("temp/ran").exists(), "it was run");
    assert!(!runner.path("temp/tritgate/bin/bench").exists());
    assert_eq!(fs::read_to_string(runner.path("path")).unwrap(), "");
    let curl = runner.args_of("curl").unwrap();
    assert_eq!(
        curl.last().unwrap(),
        "https://github.com/OWNER/tritgate/releases/download/v1.2.3/bench"
    );
    for option in ["=https", "--tlsv1.2", "--fail", "--retry"] {
        assert!(curl.contains(&option.to_owned()), "{option}: {curl:?}");
    }

    runner.with_table(&row(Digest::of(served.as_bytes())), served);
    let run = runner.step("install.sh").expect(0, &[]);
    assert_eq!(run.stdout, "bench 1.2.3\n");
    let path = fs::read_to_string(runner.path("path")).unwrap();
    assert_eq!(path, format!("{}\n", runner.path("temp/tritgate/bin").display()));

    runner.fake("curl", "exit 22\n");
    runner.step("install.sh").expect(1, &["::error", "no answer for https://github.com/OWNER"]);
}

#[test]
fn without_a_version_bench_is_built_from_the_actions_own_source() {
    let mut runner = Runner::new("push");
    runner.set("INPUT_MODE", "gate");
    runner.set("RUSTFLAGS", "-D warnings");
    let builds = "pwd >\"$0.pwd\"\nmkdir -p \"$RUNNER_TEMP/tritgate/bin\"\n\
                  ln -sf /bin/true \"$RUNNER_TEMP/tritgate/bin/bench\"\n";
    runner.fake("cargo", builds);
    runner.step("install.sh").expect(0, &[]);
    let args = runner.args_of("cargo").unwrap();
    assert_eq!(args[..3], ["install", "--locked", "--path"]);
    assert_eq!(
        fs::canonicalize(&args[3]).unwrap(),
        Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().unwrap()
    );
    assert_eq!(args[4..6], ["--root", runner.path("temp/tritgate").to_str().unwrap()]);
    let pwd = fs::read_to_string(runner.path("bin/cargo.pwd")).unwrap();
    assert_eq!(Path::new(pwd.trim_end()), ci("").parent().unwrap().canonicalize().unwrap());
    assert_eq!(runner.env_of("cargo").get("RUSTFLAGS"), None);
    runner.fake("cargo", "exit 101\n");
    runner.step("install.sh").expect(1, &["::error", "failed to build bench"]);
}

#[test]
fn the_action_starts_its_scripts_as_these_tests_do_and_gives_them_what_they_read() {
    let text = fs::read_to_string(ci("action.yml")).unwrap();
    let shell = SHELL.join(" ");
    for script in ["install.sh", "measure.sh", "gate.sh"] {
        let line = format!("run: {shell} \"$GITHUB_ACTION_PATH/action/{script}\"\n");
        assert_eq!(text.matches(&line).count(), 1, "{line}");
        let source = fs::read_to_string(ci("action").join(script)).unwrap();
        let read =
            source.split("${INPUT_").skip(1).map(|rest| rest.split([':', '}']).next().unwrap());
        for name in read {
            let input = name.to_lowercase().replace('_', "-");
            let line = format!("INPUT_{name}: ${{{{ inputs.{input} }}}}\n");
            assert!(text.contains(&line), "{script}: {line}");
        }
    }
    assert_eq!(text.matches("run: ").count(), 3);
}
