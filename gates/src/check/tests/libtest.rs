//! The summaries of Rust's own test harness, one for each test binary, and of documentation tests.
//! In: both streams of `cargo test`. Out: counts over all runs; a doubt for each run whose lines do not fit each other.
//! Source: library/test/src/formatters of the Rust repository (pretty and terse).

use super::Counts;

/// One run of tests: from `running N tests` to the line before the next.
#[derive(Default)]
struct Run {
    announced: u64,
    summary: Option<Summary>,
    n_summaries: u64,
    failed_names: Vec<String>,
}

/// `test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`
struct Summary {
    ok: bool,
    passed: u64,
    failed: u64,
    ignored: u64,
    measured: u64,
    filtered: u64,
}

pub(super) fn read(stdout: &str, stderr: &str) -> Counts {
    let mut counts = Counts { n_targets: targets(stderr), ..Counts::default() };
    let mut run: Option<Run> = None;
    let mut names = false;
    for line in stdout.lines() {
        if let Some(announced) = announced(line) {
            close(run.replace(Run { announced, ..Run::default() }), &mut counts);
            names = false;
        } else if let Some(summary) = summary(line) {
            match &mut run {
                Some(run) => {
                    run.n_summaries += 1;
                    run.summary = Some(summary);
                }
                None => counts.doubts.push("a summary stands before any run of tests".to_owned()),
            }
        } else if line == "failures:" {
            // There are two such blocks; names stand in the second, right below this line.
            names = true;
        } else if let Some(name) = line.strip_prefix("    ").filter(|_| names) {
            if let Some(run) = &mut run {
                run.failed_names.push(name.to_owned());
            }
        } else {
            names = false;
        }
    }
    close(run, &mut counts);
    counts
}

/// Adds a run that is over.
fn close(run: Option<Run>, counts: &mut Counts) {
    let Some(run) = run else { return };
    let of = super::n_of(run.announced, "test");
    counts.failed_names.extend(run.failed_names);
    let Some(summary) = run.summary else {
        return counts.doubts.push(format!("a run of {of} ended without a summary"));
    };
    // The harness writes its own last, so that one counts; but what wrote the other may have written this.
    if run.n_summaries > 1 {
        counts.doubts.push(format!("a run of {of} has {} summaries", run.n_summaries));
    }
    let Summary { ok, passed, failed, ignored, measured, filtered } = summary;
    let all = [passed, failed, ignored, measured].iter().fold(0_u64, |a, b| a.saturating_add(*b));
    if all != run.announced {
        counts.doubts.push(format!("a run of {of} has a summary of {all}"));
    }
    if ok != (failed == 0) {
        counts
            .doubts
            .push(format!("a summary calls {failed} failed {}", if ok { "ok" } else { "FAILED" }));
    }
    counts.n_summaries += 1;
    counts.passed = counts.passed.saturating_add(passed);
    // A failure that the numbers leave out is one all the same.
    counts.failed = counts.failed.saturating_add(if ok { failed } else { failed.max(1) });
    counts.ignored = counts.ignored.saturating_add(ignored);
    counts.filtered = counts.filtered.saturating_add(filtered);
}

/// Test binaries and crates with documentation tests that cargo says it ran.
fn targets(stderr: &str) -> u64 {
    let is_target = |line: &&str| {
        let line = line.trim_start();
        (line.starts_with("Running ") && line.ends_with(')')) || line.starts_with("Doc-tests ")
    };
    stderr.lines().filter(is_target).count() as u64
}

/// `running 3 tests`
fn announced(line: &str) -> Option<u64> {
    let rest = line.strip_prefix("running ")?;
    number(rest.strip_suffix(" tests").or_else(|| rest.strip_suffix(" test"))?)
}

fn summary(line: &str) -> Option<Summary> {
    let (word, rest) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut parts = rest.split("; ");
    let mut count = |what: &str| number(parts.next()?.strip_suffix(what)?);
    Some(Summary {
        ok: match word {
            "ok" => true,
            "FAILED" => false,
            _ => return None,
        },
        passed: count(" passed")?,
        failed: count(" failed")?,
        ignored: count(" ignored")?,
        measured: count(" measured")?,
        filtered: count(" filtered out")?,
    })
}

fn number(digits: &str) -> Option<u64> {
    digits.parse::<u32>().ok().map(u64::from)
}
