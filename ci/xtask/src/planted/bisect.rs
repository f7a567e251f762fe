//! A chain of 16 commits, six of which cost something, and searches for each of them with `bench bisect`.

use anyhow::ensure;
use serde_json::Value;
use std::process::Command;

use super::{Scratch, word};

/// Commits of the chain, counted from 1; those without a plant change nothing.
const N_COMMITS: u32 = 16;

/// Code layouts of each commit whose time is measured; counts take one. With one of each, a layout moved decode by 6 %, and a search was
/// led astray by it.
const LAYOUTS: &str = "4";

/// What costs something: the commit, its patch, what it does.
const PLANTS: &[(u32, &str, &str)] = &[
    (4, "chain/pack", "activations of one token are packed six times more"),
    (6, "chain/prompt", "300 small allocations for a prompt"),
    (8, "chain/layer", "three small allocations for a layer on its own"),
    (9, "chain/token", "the residual stream of one token is cloned"),
    (11, "chain/head", "the head runs twice for a prompt"),
    (13, "chain/down", "two more products in each layer of a prompt"),
];

/// One search, and the commit that it has to name.
struct Search {
    good: u32,
    bad: u32,
    workload: &'static str,
    /// None: the time that the workload is named for.
    metric: Option<&'static str>,
    culprit: u32,
}

/// By exact counts; all of them have to be right.
const BY_COUNTS: &[Search] = &[
    counts(0, 16, "decode-64", "timed_allocations", 9),
    counts(0, 16, "decode-64", "allocated_bytes", 9),
    counts(1, 14, "decode-64", "timed_allocations", 9),
    counts(3, 16, "decode-64", "timed_allocations", 9),
    counts(5, 16, "decode-64", "allocated_bytes", 9),
    counts(0, 16, "prefill-128", "timed_allocations", 6),
    counts(0, 16, "prefill-128", "allocated_bytes", 6),
    counts(1, 12, "prefill-128", "timed_allocations", 6),
    counts(2, 15, "prefill-128", "allocated_bytes", 6),
    counts(0, 16, "prefill-128", "kernel_macs", 13),
    counts(0, 16, "prefill-128", "kernel_products", 13),
    counts(0, 12, "prefill-128", "kernel_macs", 11),
    counts(0, 12, "prefill-128", "kernel_products", 11),
    counts(0, 16, "matmul", "timed_allocations", 8),
    counts(0, 16, "matmul", "allocated_bytes", 8),
    counts(3, 16, "matmul", "allocated_bytes", 8),
    counts(0, 16, "end-to-end", "timed_allocations", 6),
    counts(0, 16, "end-to-end", "allocated_bytes", 9),
    counts(0, 16, "end-to-end", "kernel_macs", 13),
    counts(0, 16, "end-to-end", "kernel_products", 13),
];

/// By time; all of them have to be right.
const BY_TIME: &[Search] = &[
    times(0, 16, "prefill-128", 13),
    times(4, 16, "prefill-128", 13),
    times(6, 15, "prefill-128", 13),
    times(0, 16, "decode-64", 4),
    times(1, 12, "decode-64", 4),
];

const fn counts(
    good: u32,
    bad: u32,
    workload: &'static str,
    metric: &'static str,
    culprit: u32,
) -> Search {
    Search { good, bad, workload, metric: Some(metric), culprit }
}

const fn times(good: u32, bad: u32, workload: &'static str, culprit: u32) -> Search {
    Search { good, bad, workload, metric: None, culprit }
}

/// The chain, a branch for each commit: `chain-0` to `chain-16`.
pub(super) fn plant(scratch: &Scratch<'_>) -> anyhow::Result<()> {
    scratch.here(&["checkout", "--quiet", "-B", &branch(0), "base"])?;
    for at in 1..=N_COMMITS {
        scratch.here(&["checkout", "--quiet", "-B", &branch(at)])?;
        if let Some((_, patch, about)) = PLANTS.iter().find(|plant| plant.0 == at) {
            scratch.commit(patch, about)?;
        } else {
            let message = format!("nothing {at}");
            scratch.here(&["commit", "--quiet", "--allow-empty", "--message", &message])?;
        }
    }
    Ok(())
}

/// Searches and prints. True if every search names its commit.
pub(super) fn run(scratch: &Scratch<'_>) -> anyhow::Result<bool> {
    let (mut is_right, mut at) = (true, 0);
    for (name, searches) in [("by counts", BY_COUNTS), ("by time", BY_TIME)] {
        let mut n_right = 0;
        for search in searches {
            at += 1;
            n_right += usize::from(search.run(scratch, at)?);
        }
        println!("{name}: {n_right} of {} right; all are wanted", searches.len());
        is_right &= n_right == searches.len();
    }
    Ok(is_right)
}

impl Search {
    fn run(&self, scratch: &Scratch<'_>, at: u32) -> anyhow::Result<bool> {
        let document = scratch.folder.join(format!("bisect-{at}.json"));
        let (good, bad) = (branch(self.good), branch(self.bad));
        let out = document.to_string_lossy();
        let mut args = vec!["bisect", "--good", &good, "--bad", &bad, "--workload", self.workload];
        args.extend(["--layouts", LAYOUTS, "--restart", "--out", &out]);
        args.extend(self.metric.iter().flat_map(|metric| ["--metric", metric]));
        let found = scratch.bench(&args, &document)?;
        let is_right = names(&found, &commit(scratch, self.culprit)?);
        println!(
            "{good} to {bad}, {} of {}: {}, {} builds ({} is the one)",
            self.metric.unwrap_or("the time"),
            self.workload,
            word(is_right),
            found["builds"],
            branch(self.culprit),
        );
        Ok(is_right)
    }
}

/// Whether a document of `bench bisect` names this commit.
fn names(found: &Value, commit: &str) -> bool {
    found["outcome"] == "found" && found["culprit"]["commit"] == commit
}

fn branch(at: u32) -> String {
    format!("chain-{at}")
}

fn commit(scratch: &Scratch<'_>, at: u32) -> anyhow::Result<String> {
    let out = Command::new("git")
        .arg("-C")
        .arg(&scratch.clone)
        .args(["rev-parse", "--verify", &branch(at)])
        .output()?;
    ensure!(out.status.success(), "{}: no commit; remove the clone", branch(at));
    Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

/// The patches, in the order in which they are applied.
#[cfg(test)]
pub(super) fn patches() -> Vec<String> {
    PLANTS.iter().map(|plant| plant.1.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_plant_is_searched_and_every_search_has_its_plant_in_range() {
        for search in BY_COUNTS.iter().chain(BY_TIME) {
            assert!(search.good < search.culprit && search.culprit <= search.bad);
            assert!(search.bad <= N_COMMITS);
            assert!(PLANTS.iter().any(|plant| plant.0 == search.culprit));
        }
        for (at, patch, _) in PLANTS {
            let mut searches = BY_COUNTS.iter().chain(BY_TIME);
            assert!(searches.any(|search| search.culprit == *at), "{patch}");
        }
        assert_eq!((BY_COUNTS.len(), BY_TIME.len()), (20, 5));
    }

    #[test]
    fn another_commit_or_none_is_wrong() {
        let found = json!({ "outcome": "found", "culprit": { "commit": "abc" } });
        assert!(names(&found, "abc"));
        assert!(!names(&found, "abd") && !names(&json!({ "outcome": "nothing" }), "abc"));
    }
}
