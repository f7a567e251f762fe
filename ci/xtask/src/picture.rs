//! `cargo xtask picture`: the README's picture, of a real report.
//! In: how many sessions the history has; or a page that exists. Out: a PNG of the page's top; the measurements are thrown away.
//!
//! Like the seed's lines it starts `bench` through cargo instead of linking it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::workspace::{Workspace, succeeds};

/// Where the README looks for it.
const PICTURE: &str = "reports/docs/report.png";
/// Ten processes of the quick suite, and what is counted beside them; measured anew as soon as one session has ended.
const SESSION: Duration = Duration::from_secs(30);
/// A gate ends at a look of the policy: of 16 pairs at the earliest, of 40 at the latest.
const GATE: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(180)];

/// Options of `cargo xtask picture`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Sessions of the history.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=100))]
    sessions: u32,

    /// Measure nothing: take this page.
    #[arg(long, value_name = "PATH", conflicts_with = "sessions")]
    page: Option<PathBuf>,

    /// File to write [default: reports/docs/report.png of the workspace].
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,

    /// The most pixels from the page's top; the cut is made between two blocks.
    #[arg(long, value_name = "PX", default_value_t = 1400)]
    height: u32,
}

/// Makes the page if none is given, and its picture. True if both were made.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> anyhow::Result<bool> {
    let out = args.out.clone().unwrap_or_else(|| workspace.root.join(PICTURE));
    if let Some(folder) = out.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("failed to make {}", folder.display()))?;
    }
    let kept = tempfile::tempdir().context("failed to make a folder for the measurements")?;
    let page = match &args.page {
        Some(page) => page.clone(),
        None => measured(workspace, args.sessions, kept.path())?,
    };
    succeeds(screenshot(workspace, &page, &out, args.height))
}

/// The page of a gate against a history, both measured now; everything is written below `folder`.
fn measured(workspace: &Workspace, n_sessions: u32, folder: &Path) -> anyhow::Result<PathBuf> {
    let lines = Lines::below(folder);
    println!("{}", estimate(n_sessions));
    // The build is no part of a session.
    ensure!(
        succeeds(workspace.bench_here(&["--version"]))?,
        "failed to build `bench`; cargo says why"
    );
    let mut session = SESSION;
    for idx in 1..=n_sessions {
        let left = session * (n_sessions - idx + 1) + GATE[0];
        println!("session {idx} of {n_sessions}; about {} left", minutes(left));
        #[expect(clippy::disallowed_methods, reason = "shown to a person; no record holds it")]
        let start = Instant::now();
        ensure!(
            succeeds(workspace.bench_here(&lines.record))?,
            "failed to record session {idx}; bench says why"
        );
        session = start.elapsed();
    }
    println!("gate; about {} to {} left", minutes(GATE[0]), minutes(GATE[1]));
    let status =
        workspace.bench_here(&lines.gate).status().context("failed to start cargo for `bench`")?;
    match status.code() {
        // Pass, fail, inconclusive: a machine has its moods, and each of them is a report.
        Some(code @ (0 | 2 | 3)) => println!("the picture shows a gate of exit code {code}"),
        code => bail!("bench gate: expected a verdict (exit code 0, 2 or 3), found {code:?}"),
    }
    ensure!(
        succeeds(workspace.bench_here(&lines.report))?,
        "failed to write the report; bench says why"
    );
    Ok(lines.page)
}

/// The command lines of `bench` that make the page.
struct Lines {
    record: Vec<OsString>,
    gate: Vec<OsString>,
    report: Vec<OsString>,
    page: PathBuf,
}

impl Lines {
    fn below(folder: &Path) -> Self {
        let (store, ci, page) =
            (folder.join("store"), folder.join("ci"), folder.join("report.html"));
        // Sessions of one build on a busy machine may disagree; that is what a history is there to show.
        let reason = "history for the README's picture";
        let mut record = words(&["baseline", "record", "--accept", "--reason", reason, "--store"]);
        record.push(store.clone().into());
        let mut gate = words(&["gate", "--store"]);
        gate.extend([store.clone().into(), "--out".into(), ci.clone().into()]);
        let mut report = words(&["report"]);
        report.extend([ci.into(), "--store".into(), store.into()]);
        report.extend(["--out".into(), page.clone().into()]);
        Self { record, gate, report, page }
    }
}

fn words(line: &[&str]) -> Vec<OsString> {
    line.iter().map(OsString::from).collect()
}

/// What a person should know before it starts.
fn estimate(n_sessions: u32) -> String {
    let [least, most] = GATE.map(|gate| minutes(SESSION * n_sessions + gate));
    format!(
        "{n_sessions} sessions and a gate: about {least} to {most}, and the build of `bench` before; leave the machine alone meanwhile"
    )
}

fn minutes(time: Duration) -> String {
    format!("{} min", time.as_secs().div_ceil(60))
}

fn screenshot(workspace: &Workspace, page: &Path, out: &Path, height: u32) -> Command {
    let mut command = Command::new(workspace.root.join("ci/browser/node.sh"));
    command.arg("picture.mjs").arg("--page").arg(page).arg("--out").arg(out);
    command.args(["--height", &height.to_string()]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gate_and_the_report_read_the_store_that_the_history_is_recorded_in() {
        let lines = Lines::below(Path::new("kept"));
        let after = |line: &[OsString], flag: &str| {
            let at = line.iter().position(|word| word == flag).unwrap();
            PathBuf::from(&line[at + 1])
        };
        for line in [&lines.record, &lines.gate, &lines.report] {
            assert_eq!(after(line, "--store"), Path::new("kept/store"), "{line:?}");
        }
        assert_eq!(after(&lines.gate, "--out"), after(&lines.report, "report"));
        assert_eq!(after(&lines.report, "--out"), lines.page);
    }

    #[test]
    fn the_estimate_counts_sessions_and_gate() {
        assert!(estimate(12).starts_with("12 sessions and a gate: about 7 min to 9 min, "));
        assert!(estimate(2).contains("about 2 min to 4 min"), "{}", estimate(2));
    }

    #[test]
    fn the_screenshot_is_made_of_the_page_given_and_in_the_callers_folder() {
        let here = std::env::current_dir().unwrap();
        let workspace = Workspace::find(&here, "cargo".into()).unwrap();
        let command = screenshot(&workspace, Path::new("a b.html"), Path::new("o.png"), 900);
        let line: Vec<_> = command.get_args().collect();
        let wanted = ["picture.mjs", "--page", "a b.html", "--out", "o.png", "--height", "900"];
        assert_eq!(line, wanted);
        assert_eq!(command.get_current_dir(), None, "relative paths are the caller's");
        assert!(Path::new(command.get_program()).is_file());
    }
}
