//! `cargo xtask check`: every step that CI runs, one after the other, with its wall time.
//! In: the workspace, the steps to skip. Out: true if every step that ran passed; a later step runs even if an earlier
//! one failed, so that one call shows everything there is to mend.

use std::time::{Duration, Instant};

use clap::builder::PossibleValuesParser;

use crate::workspace::{Workspace, succeeds};
use crate::{requirements, schemas, tidy};

/// One step.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn(&Workspace) -> anyhow::Result<bool>,
}

/// All steps, in the order they run: the cheap ones that fail most often come first.
const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        about: "every file is as `cargo fmt` leaves it",
        run: |workspace| cargo(workspace, &["fmt", "--all", "--check", "--", "-l"]),
    },
    Step {
        name: "tidy",
        about: "edges, unsafe, doors, registers, golden files, paths",
        run: tidy::run,
    },
    Step {
        name: "requirements",
        about: "what is promised is shown by a test that says so",
        run: requirements::run,
    },
    Step {
        name: "schemas",
        about: "the published JSON schemas are those of the wire types",
        run: |workspace| schemas::run(workspace, true),
    },
    Step {
        name: "clippy",
        about: "no warning in any target",
        run: |workspace| {
            let line = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
            cargo(workspace, &line)
        },
    },
    Step {
        name: "gpu",
        about: "no warning in the engine with its GPU, which needs nothing of CUDA to build",
        run: |workspace| {
            let features = ["--no-default-features", "--features", "cpu,gpu"];
            let line =
                [&["clippy", "--package", "tritgate-engine", "--all-targets"], &features[..]];
            cargo(workspace, &[&line.concat()[..], &["--", "-D", "warnings"]].concat())
        },
    },
    Step {
        name: "test",
        about: "unit, integration and doc tests: the README's test command",
        run: |workspace| cargo(workspace, &["test", "--workspace"]),
    },
    Step {
        name: "doc",
        about: "the documentation builds without a warning",
        run: |workspace| {
            let mut command = workspace.cargo();
            command.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
            succeeds(command)
        },
    },
];

fn cargo(workspace: &Workspace, args: &[&str]) -> anyhow::Result<bool> {
    let mut command = workspace.cargo();
    command.args(args);
    succeeds(command)
}

/// The names that `--skip` takes.
pub(crate) fn step_names() -> PossibleValuesParser {
    STEPS.iter().map(|step| step.name).collect::<Vec<_>>().into()
}

/// Runs all steps but the skipped ones and prints a table of results.
pub(crate) fn run(workspace: &Workspace, skip: &[String]) -> anyhow::Result<bool> {
    let rows = run_steps(STEPS, workspace, skip)?;
    println!("\n{}", table(&rows));
    Ok(rows.iter().all(|row| row.outcome != Outcome::Failed))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// What became of one step.
#[derive(Debug)]
struct Row {
    name: &'static str,
    outcome: Outcome,
    wall: Duration,
}

fn run_steps(steps: &[Step], workspace: &Workspace, skip: &[String]) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for step in steps {
        if skip.iter().any(|name| name == step.name) {
            rows.push(Row { name: step.name, outcome: Outcome::Skipped, wall: Duration::ZERO });
            continue;
        }
        println!("── {}: {}", step.name, step.about);
        #[expect(clippy::disallowed_methods, reason = "shown to a person; no record holds it")]
        let start = Instant::now();
        let outcome = if (step.run)(workspace)? { Outcome::Passed } else { Outcome::Failed };
        rows.push(Row { name: step.name, outcome, wall: start.elapsed() });
    }
    Ok(rows)
}

fn table(rows: &[Row]) -> String {
    let line = |row: &Row| match row.outcome {
        Outcome::Passed => format!("{:<12} passed   {:>7.1} s", row.name, row.wall.as_secs_f64()),
        Outcome::Failed => format!("{:<12} FAILED   {:>7.1} s", row.name, row.wall.as_secs_f64()),
        Outcome::Skipped => format!("{:<12} skipped", row.name),
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Workspace {
        Workspace::find(&std::env::current_dir().unwrap(), "cargo".into()).unwrap()
    }

    #[test]
    fn steps_are_named_once_and_described() {
        for (idx, step) in STEPS.iter().enumerate() {
            assert!(step.name.bytes().all(|byte| byte.is_ascii_lowercase()), "{}", step.name);
            assert!(!step.about.is_empty(), "{}", step.name);
            assert!(STEPS[..idx].iter().all(|other| other.name != step.name), "{}", step.name);
        }
    }

    #[test]
    fn a_failed_step_does_not_hide_the_next_and_a_skipped_one_does_not_run() {
        let steps = [
            Step { name: "red", about: "fails", run: |_| Ok(false) },
            Step { name: "gone", about: "must not run", run: |_| anyhow::bail!("it ran") },
            Step { name: "green", about: "passes", run: |_| Ok(true) },
        ];
        let rows = run_steps(&steps, &workspace(), &["gone".to_owned()]).unwrap();
        let outcomes: Vec<_> = rows.iter().map(|row| row.outcome).collect();
        assert_eq!(outcomes, [Outcome::Failed, Outcome::Skipped, Outcome::Passed]);
        let table = table(&rows);
        assert!(table.contains("red          FAILED"), "{table}");
        assert!(table.contains("gone         skipped"), "{table}");
    }
}
