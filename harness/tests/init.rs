//! `bench init` in repositories of somebody else: what it writes, what it leaves alone, what it refuses; and that the measure step
//! of what it wrote comes to a verdict of the benchmarks that the policy names.

mod common;
#[path = "common/runner.rs"]
mod runner;
#[path = "common/toy.rs"]
mod toy;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use common::Run;
use gates::Policy;
use runner::{Runner, ci, commands};
use serde_json::Value;
use toy::BENCH;

const WORKFLOWS: [&str; 3] = ["perf-measure.yml", "perf-gate.yml", "perf-nightly.yml"];
const PLACEHOLDER: &str = "OWNER/tritgate/ci@0123456789abcdef0123456789abcdef01234567";
const ACTION: &str = "octo-org/tritgate/ci@fedcba9876543210fedcba9876543210fedcba98";
/// What `bench init` leaves in a repository that has a bench target.
const WRITTEN: [&str; 6] = [
    "bench.toml",
    "ci/policy.toml",
    ".gitignore",
    ".github/workflows/perf-measure.yml",
    ".github/workflows/perf-gate.yml",
    ".github/workflows/perf-nightly.yml",
];
const PACKAGE: &str =
    "[package]\nname = \"empty\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n";
/// A fake cargo that only adds dependencies, and passes all else on.
const ADDS: &str = "if [ \"$1\" != add ]; then exec \"$REAL_CARGO\" \"$@\"; fi\n\
                    cp \"$0.args\" \"$0.add\"; ls -A >\"$0.before\"\n\
                    printf '\\n[dev-dependencies]\\ncriterion = \"0.8\"\\n' >>Cargo.toml\n\
                    echo '# locked' >Cargo.lock\n";

impl Runner {
    /// A toy without a gate, in one commit.
    fn without_gate(event: &str) -> Self {
        let mut runner = Self::new(event);
        fs::remove_file(runner.toy.here.path("bench.toml")).expect("the toy has one");
        fs::remove_dir_all(runner.toy.here.path("ci")).expect("the toy has one");
        runner.toy.commit();
        let cargo = runner.says(&["sh", "-c", "command -v cargo"]);
        runner.set("REAL_CARGO", &cargo);
        runner
    }

    /// A library of one commit without any bench target.
    fn of_empty() -> Self {
        let runner = Self::without_gate("push");
        for path in ["benches", "Cargo.lock"] {
            let path = runner.toy.here.path(path);
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
                .expect("the toy has one");
        }
        runner.toy.write("Cargo.toml", PACKAGE);
        runner.toy.write(".gitignore", "/target");
        runner.toy.commit();
        runner
    }

    fn init(&self, options: &[&str]) -> Run {
        self.bench(&[&["init"], options].concat())
    }

    fn bench(&self, args: &[&str]) -> Run {
        let vars: Vec<(&str, &str)> =
            self.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.toy.here.bench_with(args, &vars)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.toy.here.path(name))
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// All files but those of git and cargo, and empty folders as well.
    fn tree(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut tree = BTreeMap::new();
        let mut folders = vec![self.toy.here.path("")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let entry = entry.expect("an entry");
                let name = entry.file_name();
                if [".git", "target", "cache"].iter().any(|skipped| name == *skipped) {
                    continue;
                }
                let is_folder = entry.file_type().expect("a type").is_dir();
                let bytes =
                    if is_folder { Vec::new() } else { fs::read(entry.path()).expect("a file") };
                if is_folder {
                    folders.push(entry.path());
                }
                tree.insert(entry.path(), bytes);
            }
        }
        tree
    }

    /// Runs it, and asserts that it ends in an error with these parts and has written nothing.
    #[track_caller]
    fn refuses(&self, options: &[&str], parts: &[&str]) {
        let before = self.tree();
        let run = self.init(options).expect(1, parts);
        assert_eq!(run.stdout, "");
        assert_eq!(self.tree(), before, "{}", run.stderr);
    }

    fn gated(&self) -> Vec<String> {
        let policy = Policy::parse(&self.read("ci/policy.toml")).expect("a policy");
        policy.gated.into_iter().map(|gated| gated.workload).collect()
    }
}

/// What the step of mode `measure` in a workflow is given as `args`.
fn args_of(workflow: &str) -> &str {
    let mut lines = workflow.lines().filter_map(|line| line.trim_start().strip_prefix("args: "));
    let args = lines.next().expect("a step with args");
    assert_eq!(lines.next(), None);
    args
}

#[test]
fn all_files_are_written_once_and_a_second_run_changes_nothing() {
    let mut runner = Runner::without_gate("push");
    runner.set("GITHUB_TOKEN", "ghs_x");
    runner.fake("cargo", "exec \"$REAL_CARGO\" \"$@\"\n");
    let run = runner.init(&[]).expect(0, &["cargo bench --package toy --bench speed -- --list"]);
    for path in WRITTEN {
        assert!(run.stdout.contains(&format!("wrote          {path}")), "{path}: {}", run.stdout);
    }
    assert_eq!(runner.gated(), ["first", "group/second"]);
    assert_eq!(runner.args_of("cargo").unwrap()[0], "bench");
    assert!(!runner.env_of("cargo").contains_key("GITHUB_TOKEN"), "benchmarks see no token");
    let add = "git add bench.toml ci/policy.toml .gitignore .github/workflows/perf-*.yml";
    let measure = "bench gate --bench speed --base HEAD~1 --head HEAD --policy ci/policy.toml";
    let checks = "review:gate:benchmarks, review:gate:perf";
    for line in [add, measure, checks] {
        assert!(run.stdout.contains(&format!("\n  {line}\n")), "{line}: {}", run.stdout);
    }

    let before = runner.tree();
    let again = runner.init(&[]).expect(0, &[]);
    assert_eq!(again.stdout.matches("there already").count(), 6, "{}", again.stdout);
    assert!(!again.stdout.contains("wrote"), "{}", again.stdout);
    assert_eq!(runner.tree(), before);
    // As it is printed.
    runner.says(&["sh", "-c", add]);
    let staged = runner.says(&["git", "diff", "--cached", "--name-only"]);
    assert_eq!(staged.lines().count(), 6, "{staged}");
}

#[test]
fn the_workflows_are_the_templates_but_for_the_target_and_the_action() {
    let runner = Runner::without_gate("push");
    let run = runner.init(&["--bench", "speed"]).expect(0, &[]);
    let mut places = String::new();
    for name in WORKFLOWS {
        let template = fs::read_to_string(ci("workflows").join(name)).unwrap();
        let expected =
            template.replace("          args: --bench TARGET\n", "          args: --bench speed\n");
        assert_eq!(expected == template, name == "perf-gate.yml", "{name}");
        let written = runner.read(&format!(".github/workflows/{name}"));
        assert_eq!(written, expected);
        for (line, _) in (1..).zip(written.lines()).filter(|(_, line)| line.contains(PLACEHOLDER)) {
            places += &format!("  .github/workflows/{name}:{line}\n");
        }
    }
    assert_eq!(places.lines().count(), 4);
    assert!(run.stdout.ends_with(&places), "the last lines: {}", run.stdout);
    assert!(run.stdout.contains(PLACEHOLDER));

    // As the output says; a comment may name the version.
    for name in WORKFLOWS {
        let path = format!(".github/workflows/{name}");
        let filled_in = runner.read(&path).replace(PLACEHOLDER, ACTION);
        runner.toy.write(&path, &filled_in);
    }
    let filled_in = runner.init(&[]).expect(0, &[]);
    assert_eq!(filled_in.stdout.matches("there already").count(), 6, "{}", filled_in.stdout);
    assert!(!filled_in.stdout.contains("replace"), "{}", filled_in.stdout);

    fs::remove_dir_all(runner.toy.here.path(".github")).unwrap();
    let run = runner.init(&["--action", ACTION]).expect(0, &[]);
    assert!(!run.stdout.contains("replace"), "{}", run.stdout);
    for name in WORKFLOWS {
        let template = fs::read_to_string(ci("workflows").join(name)).unwrap();
        let written = runner.read(&format!(".github/workflows/{name}"));
        let mut replaced = 0;
        for (line, was) in written.split('\n').zip(template.split('\n')) {
            match was.split_once(PLACEHOLDER) {
                Some((before, _)) => {
                    assert_eq!(line, format!("{before}{ACTION}"));
                    replaced += 1;
                }
                None => assert_eq!(line, was.replace("--bench TARGET", "--bench speed")),
            }
        }
        assert_eq!(written.split('\n').count(), template.split('\n').count());
        assert_eq!(replaced, if name == "perf-nightly.yml" { 2 } else { 1 });
    }
}

#[test]
fn the_measure_step_of_what_was_written_comes_to_a_verdict_of_the_policys_benchmarks() {
    let mut runner = Runner::without_gate("pull_request");
    runner.init(&["--action", ACTION]).expect(0, &[]);
    runner.toy.commit();
    runner.toy.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    runner
        .toy
        .write("benches/speed.rs", &BENCH.replace("SLEEP_US: u64 = 300", "SLEEP_US: u64 = 900"));
    runner.toy.commit();
    runner.set("GITHUB_BASE_REF", "main");
    runner.link("bench", Path::new(env!("CARGO_BIN_EXE_bench")));
    let measure = runner.read(".github/workflows/perf-measure.yml");
    assert_eq!(args_of(&measure), args_of(&runner.read(".github/workflows/perf-nightly.yml")));
    runner.set("INPUT_ARGS", args_of(&measure));
    let run = runner.step("measure.sh").expect(0, &[]);
    assert_eq!(commands(&run.stdout), [""; 0], "{}", run.stdout);
    assert!(!run.stdout.contains("the policy that ships"), "{}", run.stdout);

    let outputs = runner.outputs();
    assert_eq!(outputs["verdict"], "fail", "{}", run.stdout);
    let evidence: Value =
        serde_json::from_str(&fs::read_to_string(&outputs["evidence-path"]).unwrap()).unwrap();
    assert_eq!(evidence["policy"], runner.read("ci/policy.toml"));
    let verify = ["verify", &outputs["evidence-path"], "--policy", "ci/policy.toml"];
    runner.toy.here.bench(&verify).expect(0, &[]);
    let measured = evidence["head"]["suite"]["workloads"].as_array().unwrap();
    let measured: Vec<&str> =
        measured.iter().map(|workload| workload["name"].as_str().unwrap()).collect();
    assert_eq!(measured, runner.gated());
    // What a gate leaves in `ci/` is none of git's business.
    runner.bench(&["gate", "--bench", "speed", "--base", "HEAD", "--layouts", "1", "--pairs", "2"]);
    assert!(runner.toy.here.path("ci/evidence.json").exists());
    assert_eq!(runner.says(&["git", "status", "--porcelain"]), "");
    assert!(
        runner.says(&["sh", "-c", "git check-ignore ci/* | wc -l"]).parse::<u32>().unwrap() >= 9
    );
}

#[test]
fn a_file_that_differs_is_kept_and_named_and_the_others_are_written() {
    let runner = Runner::without_gate("push");
    let own = "[defaults]\nseed = 7\n";
    runner.toy.write("bench.toml", own);
    fs::create_dir_all(runner.toy.here.path(".github/workflows")).unwrap();
    runner.toy.write(".github/workflows/perf-gate.yml", "name: mine\n");
    let run = runner.init(&["--action", ACTION]).expect(1, &[]);
    for path in ["bench.toml", ".github/workflows/perf-gate.yml"] {
        let line =
            format!("kept           {path}: yours differs: move it away, run `bench init` again");
        assert!(run.stdout.contains(&line), "{}", run.stdout);
    }
    assert_eq!(run.stdout.matches("wrote  ").count(), 4, "{}", run.stdout);
    assert_eq!(runner.read("bench.toml"), own);
    assert_eq!(runner.read(".github/workflows/perf-gate.yml"), "name: mine\n");
    let before = runner.tree();
    runner.init(&["--action", ACTION]).expect(1, &[]);
    assert_eq!(runner.tree(), before);
    // Another action than the one that is asked for is another file.
    let other = ACTION.replace("fedc", "0000");
    let run = runner.init(&["--action", &other]).expect(1, &[]);
    assert!(
        run.stdout.contains("kept           .github/workflows/perf-nightly.yml"),
        "{}",
        run.stdout
    );
}

#[test]
fn lines_for_git_are_added_at_the_end_as_the_file_is_written() {
    let runner = Runner::without_gate("push");
    let old = "target\r\n!keep\r\n/ci/route.json\r\ncache\r\nstore";
    runner.toy.write(".gitignore", old);
    runner.init(&[]).expect(0, &[]);
    let new = runner.read(".gitignore");
    let added = new.strip_prefix(&format!("{old}\r\n")).expect("what was there is as it was");
    assert_eq!(added.matches("\r\n").count(), added.matches('\n').count());
    assert!(!added.contains("/ci/route.json"), "{added}");
    for name in ["evidence.json", "route.json", "perf_gate.json", "report.html", "checks/x.json"] {
        assert_eq!(
            runner.says(&["git", "check-ignore", &format!("ci/{name}")]),
            format!("ci/{name}")
        );
    }
    let status = runner.says(&["git", "status", "--porcelain", "--untracked-files=all"]);
    assert!(status.contains("ci/policy.toml"), "{status}");
}

#[test]
fn where_no_gate_can_be_nothing_is_written() {
    let runner = Runner::without_gate("push");
    let here = &runner.toy.here;
    let move_away = |name: &str| fs::rename(here.path(name), here.path("moved")).unwrap();
    let move_back = |name: &str| fs::rename(here.path("moved"), here.path(name)).unwrap();

    move_away(".git");
    runner.refuses(&[], &["expected a git working tree", "git init"]);
    move_back(".git");
    move_away("Cargo.toml");
    runner.refuses(&[], &["expected a Cargo.toml", "cargo init"]);
    move_back("Cargo.toml");
    let top = here.path("").canonicalize().unwrap();
    let bench = env!("CARGO_BIN_EXE_bench");
    let script = format!("cd benches && '{bench}' init 2>&1; test $? = 1");
    let said = runner.says(&["sh", "-c", &script]);
    assert!(
        said.contains("`benches/`; run in `") && said.contains(top.to_str().unwrap()),
        "{said}"
    );

    runner.toy.write("Cargo.toml", "[package\n");
    runner.refuses(&[], &["cargo metadata", "Cargo.toml"]);
    runner.toy.git(&["checkout", "--quiet", "Cargo.toml"]);
    runner.refuses(&["--bench", "load"], &["`load`", "speed (toy)"]);
    runner.refuses(&["--package", "other"], &["`other`", "toy"]);
    for action in
        ["tritgate/ci", "OWNER/tritgate/ci@v1", "a/b@0123456789abcdef0123456789abcdef0123456g"]
    {
        runner.refuses(&["--action", action], &["40 hex digits", action]);
    }
    runner.toy.write("benches/speed.rs", "fn main() { let broken }");
    runner.refuses(&[], &["failed to list the benchmarks", "exit status: 101", "broken"]);
    runner.toy.write("benches/speed.rs", "fn main() { println!(\"1 test, 0 benchmarks\"); }");
    runner.refuses(&[], &["expected lines `NAME: benchmark`", "harness = false"]);
    runner.toy.write("benches/speed.rs", "fn main() { println!(\"\\u{1b}[2J: benchmark\"); }");
    runner.refuses(&[], &["without control characters", "\\u{1b}[2J"]);
}

#[test]
fn a_link_or_a_file_in_the_way_and_a_folder_that_cannot_be_written_to_are_named_first() {
    let runner = Runner::without_gate("push");
    let here = &runner.toy.here;
    let outside = runner.path("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, here.path(".github")).unwrap();
    let run =
        runner.init(&[]).expect(1, &["a folder at `.github`", "a symbolic link", "move it away"]);
    assert!(!run.stderr.contains("cargo bench"), "said before anything is built: {}", run.stderr);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    fs::remove_file(here.path(".github")).unwrap();
    symlink(outside.join("bench.toml"), here.path("bench.toml")).unwrap();
    runner.init(&[]).expect(1, &["a file at `bench.toml`", "a symbolic link"]);
    assert!(!here.path("ci").exists());
    fs::remove_file(here.path("bench.toml")).unwrap();

    runner.toy.write("ci", "a file");
    runner.refuses(&[], &["a folder at `ci`", "what is no folder"]);
    fs::remove_file(here.path("ci")).unwrap();
    fs::create_dir_all(here.path("ci/policy.toml")).unwrap();
    runner.refuses(&[], &["a file at `ci/policy.toml`", "found a folder"]);
    fs::remove_dir_all(here.path("ci")).unwrap();

    fs::create_dir_all(here.path(".github/workflows")).unwrap();
    let locked = |mode| {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(here.path(".github/workflows"), mode).unwrap();
    };
    locked(0o555);
    if fs::write(here.path(".github/workflows/x"), "").is_ok() {
        eprintln!("skipped: this user can write to a folder that nobody may write to");
        fs::remove_file(here.path(".github/workflows/x")).unwrap();
    } else {
        let parts =
            ["perf-measure.yml", ".github/workflows", "can write to", "nothing was written"];
        runner.refuses(&[], &parts);
    }
    locked(0o755);
}

#[test]
fn of_several_targets_one_is_chosen_and_a_package_named_where_there_are_more() {
    let runner = Runner::without_gate("push");
    let here = &runner.toy.here;
    // A workspace without a package of its own.
    runner.toy.write("Cargo.toml", "[workspace]\nmembers = [\"a\", \"b\"]\nresolver = \"2\"\n");
    fs::remove_file(here.path("Cargo.lock")).unwrap();
    for (name, benches) in [("a", &["speed"][..]), ("b", &["speed", "size"])] {
        fs::create_dir_all(here.path(&format!("{name}/benches"))).unwrap();
        fs::create_dir(here.path(&format!("{name}/src"))).unwrap();
        let mut manifest =
            format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
        for bench in benches {
            manifest += &format!("[[bench]]\nname = \"{bench}\"\nharness = false\n");
            runner.toy.write(&format!("{name}/benches/{bench}.rs"), &BENCH.replace("first", name));
        }
        runner.toy.write(&format!("{name}/Cargo.toml"), &manifest);
        runner.toy.write(&format!("{name}/src/lib.rs"), "");
    }
    runner.refuses(&[], &["expected one", "speed (a), size (b), speed (b)", "--bench TARGET"]);
    runner.refuses(&["--package", "b"], &["size (b), speed (b)"]);
    runner.refuses(&["--bench", "speed"], &["found it in a, b", "--package NAME"]);
    let run =
        runner.init(&["--bench", "speed", "--package", "b", "--action", ACTION]).expect(0, &[]);
    assert_eq!(runner.gated(), ["b", "group/second"]);
    let args = "--bench speed --package b";
    assert_eq!(args_of(&runner.read(".github/workflows/perf-measure.yml")), args);
    let measure = format!("bench gate {args} --base HEAD~1 --head HEAD --policy ci/policy.toml");
    assert!(run.stdout.contains(&measure), "{}", run.stdout);
    for path in WRITTEN {
        fs::remove_file(here.path(path)).unwrap();
    }
    runner.init(&["--package", "a", "--action", ACTION]).expect(0, &[]);
    assert_eq!(
        args_of(&runner.read(".github/workflows/perf-nightly.yml")),
        "--bench speed --package a"
    );
}

#[test]
fn a_name_that_could_break_a_workflow_is_refused() {
    let runner = Runner::without_gate("push");
    let manifest = runner.read("Cargo.toml");
    for name in ["a: b", "x #y", "x\\n        env: y", "${{ github.token }}", "x y"] {
        let odd =
            manifest.replace("\"speed\"", &format!("\"{name}\"\npath = \"benches/speed.rs\""));
        runner.toy.write("Cargo.toml", &odd);
        // Whichever of the two hears of it first.
        let run = runner.init(&[]);
        assert_eq!(run.code, 1, "{name}: {}", run.stdout);
        let refused = run.stderr.contains("expected letters, digits, `_` and `-`");
        assert!(refused || run.stderr.contains("cargo metadata"), "{name}: {}", run.stderr);
        assert!(!runner.toy.here.path(".github").exists(), "{name}");
    }
}

#[test]
fn more_benchmarks_than_are_gated_together_are_named_in_file_and_output() {
    let runner = Runner::without_gate("push");
    let list = "for n in 0..10 { println!(\"n \\\"{n}\\\" |`x`: benchmark\"); }";
    let source = BENCH.replace("println!(\"first: benchmark\\n{SECOND}: benchmark\");", list);
    assert_ne!(source, BENCH);
    runner.toy.write("benches/speed.rs", &source);
    let run = runner.init(&[]).expect(0, &[]);
    let names: Vec<String> = (0..10).map(|n| format!("n \"{n}\" |`x`")).collect();
    assert_eq!(runner.gated(), names[..8]);
    let text = runner.read("ci/policy.toml");
    assert!(text.starts_with("# What `bench gate` demands of a change, read at the base's commit"));
    for name in &names[8..] {
        let why = "as at most 8 benchmarks are gated together";
        assert!(text.contains(&format!("# Not gated, {why}: {name}\n")), "{text}");
        assert!(run.stdout.contains(&format!("not gated, {why}: {name}\n")), "{}", run.stdout);
    }
    let json = runner.init(&["--format", "json"]).expect(0, &[]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["gated"], serde_json::to_value(&names[..8]).unwrap());
    assert_eq!(json["not_gated"][1]["name"], names[9].as_str());
    assert_eq!(json["files"].as_array().map(Vec::len), Some(6));
    assert_eq!(json["files"][0]["path"], "bench.toml");
    assert_eq!(json["files"][0]["state"], "there already");
    assert_eq!(json["required_checks"][1], "review:gate:perf");
    assert_eq!(json["replace"]["text"], PLACEHOLDER);
    assert_eq!(json["replace"]["places"].as_array().map(Vec::len), Some(4));
    let markdown = runner.init(&["--format", "md"]).expect(0, &[]).stdout;
    assert!(markdown.contains("| `bench.toml` | there already |  |\n"), "{markdown}");
    assert!(markdown.contains("| n \"9\" \\|\\`x\\` | no: at most 8"), "{markdown}");
}

#[test]
fn an_empty_repository_gets_a_first_bench_target_after_cargo_has_added_criterion() {
    let runner = Runner::of_empty();
    runner.toy.write("Cargo.toml", &format!("{PACKAGE}[profile.bench]\ndebug = true"));
    runner.fake("cargo", ADDS);
    let run = runner.init(&["--action", ACTION]).expect(0, &["running `cargo add --package empty"]);
    let add = fs::read_to_string(runner.path("bin/cargo.add")).unwrap();
    let add: Vec<&str> = add.split_terminator('\0').collect();
    let expected =
        "add --package empty --dev criterion --no-default-features --features cargo_bench_support";
    assert_eq!(add.join(" "), expected);
    let before = fs::read_to_string(runner.path("bin/cargo.before")).unwrap();
    assert_eq!(
        before, ".git\n.gitignore\nCargo.toml\nsrc\n",
        "cargo comes before any file of ours"
    );

    let manifest = runner.read("Cargo.toml");
    let end = "criterion = \"0.8\"\n\n[[bench]]\nname = \"speed\"\nharness = false\n";
    assert!(manifest.ends_with(end), "{manifest}");
    let metadata = runner.says(&["cargo", "metadata", "--no-deps", "--format-version=1"]);
    assert!(metadata.contains("\"kind\":[\"bench\"]"), "{metadata}");
    let source = runner.read("benches/speed.rs");
    assert!(source.contains("std::hint::black_box") && source.contains("replace them"), "{source}");
    for name in runner.gated() {
        assert!(source.contains(&format!("bench_function(\"{name}\"")), "{name}");
    }
    assert_eq!(runner.gated(), ["sum", "sort"]);
    let add = "git add benches/speed.rs Cargo.toml Cargo.lock bench.toml ci/policy.toml .gitignore \
               .github/workflows/perf-*.yml";
    assert!(run.stdout.contains(&format!("\n  {add}\n")), "{}", run.stdout);
    runner.says(&["sh", "-c", add]);
    let status = runner.says(&["git", "status", "--porcelain"]);
    assert!(status.lines().all(|line| !line.starts_with("??")), "{status}");
}

#[test]
fn what_cargo_cannot_add_leaves_the_repository_as_it_was_and_says_what_to_run() {
    let mut runner = Runner::of_empty();
    runner.set("GITHUB_TOKEN", "ghs_x");
    let fails = ADDS.replace("echo '# locked'", "mkdir -p benches; echo '# half'");
    runner.fake("cargo", &format!("{fails}echo 'error: no route to the registry' >&2\nexit 101\n"));
    let by_hand = "`cargo add --package empty --dev criterion --no-default-features --features cargo_bench_support`";
    let before = runner.tree();
    let run = runner
        .init(&[])
        .expect(1, &["nothing was written", by_hand, "no route", "`bench init` again"]);
    assert_eq!(run.stdout, "");
    fs::remove_dir(runner.toy.here.path("benches")).unwrap_or_default();
    assert_eq!(runner.tree(), before);
    let env = runner.env_of("cargo");
    assert!(env.contains_key("PATH") && !env.contains_key("GITHUB_TOKEN"), "no token is cargo's");

    // By hand, then again: it is not added twice.
    runner
        .toy
        .write("Cargo.toml", &format!("{PACKAGE}\n[dev-dependencies]\ncriterion = \"0.8\"\n"));
    let run = runner.init(&[]).expect(0, &[]);
    assert!(
        run.stdout.contains("wrote          Cargo.toml: `[[bench]]` at its end"),
        "{}",
        run.stdout
    );
    assert_eq!(runner.args_of("cargo").unwrap()[0], "metadata");
}

#[test]
fn a_write_that_fails_after_others_takes_all_of_them_back() {
    let runner = Runner::of_empty();
    let before = runner.tree();
    // Something takes the place of a folder after it was checked.
    runner.fake("cargo", &format!("{ADDS}echo 'in the way' >.github\n"));
    let run = runner.init(&[]).expect(1, &["nothing was written", "a folder at `.github`"]);
    assert_eq!(run.stdout, "");
    fs::remove_file(runner.toy.here.path(".github")).unwrap();
    assert_eq!(runner.tree(), before);
}

#[test]
fn a_first_bench_target_that_has_no_place_is_an_error_before_cargo_is_asked() {
    let runner = Runner::of_empty();
    runner.fake("cargo", ADDS);
    runner
        .toy
        .write("Cargo.toml", "bench = []\n[package]\nname = \"empty\"\nversion = \"0.1.0\"\n");
    runner.refuses(&[], &["cannot", "`name = \"speed\"`, `harness = false`", "by hand"]);
    fs::create_dir(runner.toy.here.path("benches")).unwrap();
    runner.toy.write("benches/speed.rs", "fn main() {}");
    let without = PACKAGE.replace("edition", "autobenches = false\nedition");
    runner.toy.write("Cargo.toml", &without);
    runner.refuses(&[], &["`benches/speed.rs` is there already", "`[[bench]]`"]);
    assert!(!runner.path("bin/cargo.add").exists());
}

#[test]
fn a_repository_without_a_commit_gets_its_files_too() {
    let runner = Runner::without_gate("push");
    fs::remove_dir_all(runner.toy.here.path(".git")).unwrap();
    runner.toy.git(&["init", "--quiet"]);
    let run = runner.init(&[]).expect(0, &[]);
    assert_eq!(run.stdout.matches("wrote  ").count(), 6, "{}", run.stdout);
    assert!(run.stdout.contains("once two commits have these benchmarks"), "{}", run.stdout);
}
