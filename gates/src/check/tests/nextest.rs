//! The summary of cargo-nextest. In: stderr of `cargo nextest run`. Out: counts, or none where nextest did not write it.
//! Source: nextest-runner/src/reporter (0.9.143).

use super::Counts;

/// `None` where neither the start nor the summary of a run is found.
pub(super) fn read(stderr: &str) -> Option<Counts> {
    let lines = || stderr.lines().map(str::trim_start);
    let started: Vec<(u64, u64)> = lines().filter_map(starting).collect();
    let last = lines().collect::<Vec<_>>().iter().rposition(|line| line.starts_with("Summary ["));
    if started.is_empty() && last.is_none() {
        return None;
    }
    let mut counts = Counts::default();
    for summary in lines().filter_map(summary) {
        counts = Counts { n_summaries: counts.n_summaries + 1, ..summary };
    }
    // The run itself is the first; a test that shows its output may write such lines, too.
    if let [(announced, n_targets), others @ ..] = started.as_slice() {
        counts.n_targets = *n_targets;
        let n_run = counts.passed.saturating_add(counts.failed);
        if n_run != *announced {
            counts.doubts.push(format!("{n_run} of {announced} tests were run"));
        }
        if !others.is_empty() {
            counts.doubts.push(format!("{} runs of tests start", started.len()));
        }
    } else {
        counts.doubts.push("the start of the run was not seen".to_owned());
    }
    if counts.n_summaries > 1 {
        counts.doubts.push(format!("a run has {} summaries", counts.n_summaries));
    }
    let below = lines().skip(last.map_or(usize::MAX, |at| at + 1));
    counts.failed_names = below.map_while(failed_name).collect();
    Some(counts)
}

/// `Starting 3 tests across 2 binaries (1 test skipped)`
fn starting(line: &str) -> Option<(u64, u64)> {
    let (tests, rest) = line.strip_prefix("Starting ")?.split_once(" across ")?;
    let tests = tests.strip_suffix(" tests").or_else(|| tests.strip_suffix(" test"))?;
    let binaries = rest.split(' ').next()?;
    rest.contains(" binar").then_some((number(tests)?, number(binaries)?))
}

/// `Summary [   0.440s] 3 tests run: 2 passed (1 slow), 1 failed, 1 skipped`; `2/3 tests run: …` where it was cut short.
fn summary(line: &str) -> Option<Counts> {
    let (_, rest) = line.strip_prefix("Summary [")?.split_once("] ")?;
    let (run, results) =
        rest.split_once(" tests run: ").or_else(|| rest.split_once(" test run: "))?;
    let mut counts = Counts::default();
    for result in without_brackets(results).split(", ") {
        let (n, what) = result.trim().split_once(' ')?;
        let n = number(n)?;
        let place = match what.trim() {
            "passed" => &mut counts.passed,
            "skipped" => &mut counts.filtered,
            // Timed out, could not be executed, left a process behind that counts as one: all are failures.
            _ => &mut counts.failed,
        };
        *place = place.saturating_add(n);
    }
    let n_run = counts.passed.saturating_add(counts.failed);
    let finished = run.split('/').next().and_then(number)?;
    if n_run != finished {
        counts.doubts.push(format!("the summary of {finished} tests counts {n_run}"));
    }
    Some(counts)
}

/// `2 passed (1 slow, 1 flaky), 1 failed` → `2 passed , 1 failed`
fn without_brackets(text: &str) -> String {
    let mut depth = 0_u32;
    let outside = |character: &char| {
        let was = depth;
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        was == 0 && depth == 0
    };
    text.chars().filter(outside).collect()
}

/// `FAIL [   0.435s] (3/3) toy tests::lies`
fn failed_name(line: &str) -> Option<String> {
    let (_, rest) = line.split_once(" [")?.1.split_once("] ")?;
    let name = rest
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(") "))
        .map_or(rest, |(_, name)| name);
    Some(name.trim().to_owned())
}

fn number(digits: &str) -> Option<u64> {
    digits.parse::<u32>().ok().map(u64::from)
}
