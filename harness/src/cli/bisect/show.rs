//! A bisection for people: one line a step, then the culprit, what it changed, and how likely a wrong step was.
//! In: a bisection and its trail. Out: text of at most 80 columns.

use super::super::table::{count, one_line, percent, wrapped};
use crate::bisect::{Bisection, Commit, Estimate, Next, Outcome, Seen, Trail};

/// Columns that a subject line gets in a step's line.
const SUBJECT: usize = 21;
/// Characters of the reason why a commit was skipped.
const REASON: usize = 200;

/// The last step, as it is said while the others are still to come.
pub(super) fn last_step(bisection: &Bisection) -> Option<String> {
    let trail = Trail::of(bisection).ok()?;
    let line = steps(bisection, &trail).pop()?;
    let (good, bad) = trail.between();
    let left = match trail.next {
        Next::Measure(_) => format!("; {} left", count((bad - good) as u64, "commit")),
        Next::End(_) => String::new(),
    };
    Some(line + &left)
}

/// The whole of it.
pub(super) fn human(bisection: &Bisection, trail: &Trail<'_>) -> String {
    let order = &bisection.order;
    let heading = format!(
        "{} of {}: {} from {} (good) to {} (bad)",
        order.metric,
        order.workload,
        count(bisection.n_commits() as u64, "commit"),
        bisection.range[0].short(),
        bisection.range[bisection.n_commits()].short(),
    );
    let mut lines = vec![wrapped(&heading, "  ")];
    let numbers = match order.exact {
        true => format!("{:>27}", "per iteration"),
        false => format!("{:>8}{:>15} {:>3}", "change", "interval", "n"),
    };
    lines.push(format!("   {:<10} {numbers} {:<9} subject", "commit", "verdict"));
    lines.extend(steps(bisection, trail));
    lines.push(String::new());
    lines.extend(closing(bisection, trail).iter().map(|said| match said.strip_prefix("  ") {
        Some(detail) => format!("  {}", wrapped(detail, "  ")),
        None => wrapped(said, "  "),
    }));
    lines.join("\n") + "\n"
}

/// The same as Markdown.
pub(super) fn markdown(bisection: &Bisection, trail: &Trail<'_>) -> String {
    // A subject line must not end the block.
    format!("```\n{}```\n", human(bisection, trail).replace("```", "···"))
}

/// A line for each step.
fn steps(bisection: &Bisection, trail: &Trail<'_>) -> Vec<String> {
    let line = |(nth, judged): (usize, &crate::bisect::Judged<'_>)| {
        let commit = &bisection.range[judged.step.idx];
        let numbers = match (&judged.step.seen, &judged.estimate) {
            (Seen::Count(counted), _) => format!("{:>27}", amount(*counted)),
            (_, Some(estimate)) => {
                let (low, high) = estimate.interval(judged.ask.miss(&bisection.order.looks));
                let interval = format!("{}…{} %", percent(low), percent(high));
                format!(
                    "{:>6} %{interval:>15} {:>3}",
                    percent(estimate.log_ratio),
                    estimate.n_pairs
                )
            }
            (Seen::Skipped(why), _) => format!("{:>27}", short(&one_line(reason(why)), 27)),
            (Seen::Pairs { .. }, None) => format!("{:>27}", "–"),
        };
        let subject = short(&one_line(&commit.subject), SUBJECT);
        let line = format!(
            "{:>2} {} {numbers} {:<9} {subject}",
            nth + 1,
            commit.short(),
            judged.verdict.name()
        );
        line.trim_end().to_owned()
    };
    trail.judged.iter().enumerate().map(line).collect()
}

/// How it ended.
fn closing(bisection: &Bisection, trail: &Trail<'_>) -> Vec<String> {
    let Next::End(outcome) = trail.next else { return Vec::new() };
    let order = &bisection.order;
    let mut said = match outcome {
        Outcome::Found(idx) => found(&bisection.range[idx], bisection, trail),
        Outcome::Same => vec![format!("✔ nothing to bisect: {}", same(trail, bisection))],
        Outcome::Unclear => vec![format!(
            "? whether the two differ cannot be said: {}{}; more pairs (`--pairs`, at most {}) or a quieter hour",
            change(trail, outcome).unwrap_or_default(),
            lost(bisection, trail),
            crate::bisect::PAIRS_RANGE.end(),
        )],
        Outcome::Suspects { good, bad } => {
            let mut said = vec![format!(
                "? one of {} made the change; those before the last of them cannot be measured:",
                count((bad - good) as u64, "commit")
            )];
            said.extend(listed(&bisection.range[good + 1..=bad]));
            said
        }
        Outcome::Undecided { good, bad, at } => undecided(bisection, trail, [good, bad, at]),
    };
    said.extend(skipped(trail, bisection));
    let other_output = trail.judged.iter().filter_map(|judged| match judged.step.seen {
        Seen::Pairs { same_output: false, .. } => Some(bisection.range[judged.step.idx].short()),
        _ => None,
    });
    let other_output: Vec<&str> = other_output.collect();
    if !other_output.is_empty() {
        said.push(format!("another output than the good commit's: {}", other_output.join(", ")));
    }
    let chance = match order.exact {
        true => "counts have no noise: no step can be a wrong one".to_owned(),
        false => format!("chance of a wrong step: at most {:.2} %", 100.0 * trail.spent),
    };
    let chance = match (order.exact, order.layouts) {
        (false, 1) => {
            format!(
                "{chance}, for commits in one code layout each: what another would do is not in it"
            )
        }
        _ => chance,
    };
    said.push(format!(
        "{chance}; {}, {}",
        count(bisection.builds, "build"),
        count(trail.judged.len() as u64, "step")
    ));
    said
}

/// The culprit.
fn found(culprit: &Commit, bisection: &Bisection, trail: &Trail<'_>) -> Vec<String> {
    let order = &bisection.order;
    let (good, bad) = trail.between();
    let (word, by) = match (trail.count(good), trail.count(bad)) {
        (Some(from), Some(to)) => {
            let word = if to > from { "raised" } else { "lowered" };
            (word, format!("from {} to {}", amount(from), amount(to)))
        }
        _ => {
            let worse = trail.estimate(bisection.n_commits()).is_none_or(|all| all.log_ratio > 0.0);
            let word = if worse { "worsened" } else { "improved" };
            (word, change(trail, Outcome::Found(bad)).unwrap_or_default())
        }
    };
    let merge = if culprit.merge { " (a merge: what it brought in)" } else { "" };
    let mut said = vec![
        format!("✔ {} {word} {} of {}{merge}", culprit.short(), order.metric, order.workload),
        format!("  {}", one_line(&culprit.subject)),
        format!("  {}, written {}", culprit.commit, culprit.authored_at),
        format!("  {by} against {}, its parent", bisection.range[good].short()),
    ];
    if let Some(all) = trail.estimate(bisection.n_commits()).filter(|_| bad < bisection.n_commits())
    {
        said.push(format!(
            "  of {} in all, from the good commit to the bad one",
            interval_95(&all)
        ));
    }
    said
}

fn same(trail: &Trail<'_>, bisection: &Bisection) -> String {
    match (trail.count(0), change(trail, Outcome::Same)) {
        (Some(both), _) => format!("both count {}", amount(both)),
        (None, change) => format!(
            "{} between {} and {} is within 1 %",
            change.unwrap_or_default(),
            bisection.range[0].short(),
            bisection.range[bisection.n_commits()].short()
        ),
    }
}

fn undecided(bisection: &Bisection, trail: &Trail<'_>, [good, bad, at]: [usize; 3]) -> Vec<String> {
    let names = [good, bad, at].map(|idx| bisection.range[idx].short());
    let [good_name, bad_name, at] = names;
    // An interval that holds both ends says nothing of the commit; a narrower one, that it lies between them.
    let noisy = trail.judged.last().is_some_and(|judged| {
        let interval =
            judged.estimate.map(|found| found.interval(judged.ask.miss(&bisection.order.looks)));
        let all = 2.0 * judged.ask.midpoint.unwrap_or(0.0);
        interval.is_some_and(|(low, high)| low < all.min(0.0) && all.max(0.0) < high)
    });
    let mut said = vec![format!(
        "? {at} cannot be told from both ends{}; one of {} made the change, or several did. {}: more pairs (`--pairs`) in a \
         quiet hour; or it shares the change: each half by itself, `--good {good_name} --bad {at}` and `--good {at} \
         --bad {bad_name}`",
        lost(bisection, trail),
        count((bad - good) as u64, "commit"),
        if noisy { "Noise is as large as the change" } else { "Noise hides on which side it is" },
    )];
    said.extend(listed(&bisection.range[good + 1..=bad]));
    said
}

/// How many pairs the last step was left with, where other work disturbed so many that it never came to its last look.
fn lost(bisection: &Bisection, trail: &Trail<'_>) -> String {
    let most = bisection.order.looks.last().copied().unwrap_or(0);
    let left = trail.judged.last().map_or(0, |judged| match &judged.step.seen {
        Seen::Pairs { log_ratios, .. } => log_ratios.len() as u64,
        _ => most,
    });
    if left < most {
        return format!(" (other work left {left} of {most} pairs undisturbed)");
    }
    String::new()
}

/// Commits, one a line; of many the first and the last.
fn listed(commits: &[Commit]) -> Vec<String> {
    const MOST: usize = 20;
    let line =
        |commit: &Commit| format!("  {} {}", commit.short(), short(&one_line(&commit.subject), 66));
    if commits.len() <= MOST {
        return commits.iter().map(line).collect();
    }
    let (first, last) = (&commits[..MOST / 2], &commits[commits.len() - MOST / 2..]);
    let between = format!("  … {} between …", commits.len() - MOST);
    first.iter().map(line).chain([between]).chain(last.iter().map(line)).collect()
}

/// Why commits were skipped, one a line.
fn skipped(trail: &Trail<'_>, bisection: &Bisection) -> Vec<String> {
    let skipped = trail.judged.iter().filter_map(|judged| match &judged.step.seen {
        Seen::Skipped(why) => {
            let name = bisection.range[judged.step.idx].short();
            Some(format!("skipped {name}: {}", short(&one_line(reason(why)), REASON)))
        }
        _ => None,
    });
    skipped.collect()
}

/// What says most: which protocol a worker speaks, the first error of a compiler, else the first line.
fn reason(why: &str) -> &str {
    if let Some(at) = why.find("expected protocol") {
        return &why[at..];
    }
    let mut lines = why.lines();
    let first = lines.next().unwrap_or_default();
    lines.find(|line| line.starts_with("error")).unwrap_or(first)
}

fn change(trail: &Trail<'_>, outcome: Outcome) -> Option<String> {
    trail.change(Some(outcome)).map(|change| interval_95(&change))
}

fn interval_95(estimate: &Estimate) -> String {
    let (low, high) = estimate.interval(0.05);
    let [mean, low, high] = [estimate.log_ratio, low, high].map(percent);
    format!("{mean} % [{low} %, {high} %]")
}

/// A count of one iteration, without digits that say nothing.
fn amount(count: f64) -> String {
    if count.fract() == 0.0 { format!("{count:.0}") } else { format!("{count:.2}") }
}

/// `text` in at most `most` characters.
fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests;
