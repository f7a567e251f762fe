//! Texts of the settings, the policy, and the lines for git.
//! In: the benchmarks of the target. Out: files that this program reads.

use anyhow::{Context as _, Result, ensure};
use baselines::metric::BENCH_METRIC;
use gates::Policy;

use crate::{files, policy};

/// Paths of the files, but for the workflows.
pub(super) const PATHS: [&str; 3] = ["bench.toml", policy::FILE, ".gitignore"];
/// `bench.toml`. Only what `bench gate --bench` reads; a key without `#` says what holds without the file.
pub(super) const SETTINGS: &str = "\
# Settings of `bench` here. An option of `bench gate` beats them. What is gated, and how: ci/policy.toml.

[defaults]
# What orders the turns of base and head, and the functions in each of their builds, is drawn from it.
seed = 42
# Pairs at the latest; without it, those of the policy's last look. Fewer take less time, and find larger slow-downs only.
# pairs = 24
";
/// The first lines of the policy.
const POLICY: &str = "\
# What `bench gate` demands of a change, read at the base's commit: a change is judged by what stood here before it.
# Every key: gates/docs/policy.md of tritgate. Written by `bench init`, to be edited.
";
/// Length of a name that `--list` prints whole; a longer one ends in `...` (criterion 0.8.2, `report.rs`).
const TITLE_MAX: usize = 100;

/// A policy and what it leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) text: String,
    pub(super) gated: Vec<String>,
    /// Benchmarks and why.
    pub(super) left_out: Vec<(String, String)>,
}

/// The policy that gates the first `gated_max` of `benchmarks`, whose sources are below `benches`.
pub(super) fn policy(benchmarks: &[String], gated_max: usize, benches: &str) -> Result<Chosen> {
    let is_whole = |name: &&String| !(name.ends_with("...") && name.len() + 6 > TITLE_MAX);
    let (whole, cut): (Vec<&String>, Vec<&String>) = benchmarks.iter().partition(is_whole);
    ensure!(
        !whole.is_empty(),
        "failed to write the policy: expected a benchmark whose name has at most {TITLE_MAX} bytes, found {}; `--list` prints no \
         more of them: shorten one",
        benchmarks.join(", ")
    );
    let (gated, rest) = whole.split_at(whole.len().min(gated_max));
    let entries: Vec<(&str, &str)> =
        gated.iter().map(|name| (name.as_str(), BENCH_METRIC)).collect();
    let shipped = gates::command_policy(&entries);
    // That text's own first lines say that it is what holds without a policy.
    let (_, shipped) = shipped.split_once("\n\n").context("the policy that ships has a head")?;
    let mut text = POLICY.to_owned();
    let mut left_out = Vec::new();
    let too_many = format!("at most {gated_max} benchmarks are gated together");
    let cut_short = "`cargo bench` lists only the start of its name".to_owned();
    for (names, why) in [(rest, too_many), (&cut[..], cut_short)] {
        for name in names {
            text.push_str(&format!("# Not gated, as {why}: {name}\n"));
            left_out.push(((*name).clone(), why.clone()));
        }
    }
    text.push('\n');
    // A folder's name may hold anything: TOML says how it is written.
    let folder = toml::Value::from(benches);
    let gates = format!(
        "[gates]\n# On GitHub a change that touches one of these is not green before somebody has looked at it.\nprotected = [\".github/workflows/\", \"bench.toml\", {folder}]\n"
    );
    text.push_str(shipped.trim_end().replacen("[gates]\n", &gates, 1).as_str());
    text.push('\n');
    Policy::parse(&text).context("failed to write a policy that this program reads")?;
    Ok(Chosen { text, gated: gated.iter().map(|name| (*name).clone()).collect(), left_out })
}

/// Lines of `.gitignore`: what `bench gate` and `bench check` write into `ci/`, by name, as `ci/` may hold JSON of others.
pub(super) fn ignored() -> Vec<String> {
    let title = "# Written by `bench gate`: evidence and what follows from it.".to_owned();
    let names = files::NAMES.iter().filter(|name| !name.ends_with("_gate.json"));
    let mut lines: Vec<String> = names.map(|name| format!("/ci/{name}")).collect();
    lines.extend(["/ci/*_gate.json", "/ci/checks/"].map(str::to_owned));
    lines.sort();
    lines.insert(0, title);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|idx| format!("group \"{idx}\"/x")).collect()
    }

    #[test]
    fn settings_are_read_by_this_program_with_and_without_the_comments_before_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bench.toml");
        let all = SETTINGS.replace("# pairs", "pairs");
        for (text, pairs) in [(SETTINGS, None), (all.as_str(), Some(24))] {
            std::fs::write(&path, text).unwrap();
            let config = Config::read(Some(&path)).unwrap();
            assert_eq!((config.seed, config.pairs), (Some(42), pairs));
        }
        assert_ne!(all, SETTINGS);
    }

    #[test]
    fn the_policy_is_the_one_of_commands_under_a_head_of_its_own() {
        let benches = "crates/a \"b\"/benches/";
        let chosen = policy(&names(2), 8, benches).unwrap();
        assert!(
            chosen.text.starts_with("# What `bench gate` demands of a change, read at the base's")
        );
        let entries = names(2);
        let entries: Vec<(&str, &str)> =
            entries.iter().map(|name| (name.as_str(), "iteration_ns")).collect();
        let mut expected = Policy::parse(&gates::command_policy(&entries)).unwrap();
        expected.gates.protected.push(benches.to_owned());
        assert_eq!(Policy::parse(&chosen.text).unwrap(), expected);
        assert_eq!(Policy::protected(&chosen.text), expected.gates.protected);
        assert!(!chosen.text.contains("two external commands"), "{}", chosen.text);
        assert_eq!((chosen.gated, chosen.left_out), (names(2), Vec::new()));
    }

    #[test]
    fn the_first_eight_are_gated_and_the_others_named_as_is_one_whose_name_is_cut() {
        let mut list = names(10);
        list.insert(0, format!("{}...", "n".repeat(100)));
        list.push("short...".to_owned());
        let chosen = policy(&list, 8, "benches/").unwrap();
        let gated: Vec<String> = Policy::parse(&chosen.text)
            .unwrap()
            .gated
            .into_iter()
            .map(|gated| gated.workload)
            .collect();
        assert_eq!(gated, names(10)[..8]);
        assert_eq!(chosen.gated, gated);
        let left_out: Vec<&str> = chosen.left_out.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(left_out, [&list[9], &list[10], &list[11], &list[0]]);
        for name in left_out {
            let line =
                chosen.text.lines().find(|line| line.ends_with(&format!(": {name}"))).unwrap();
            assert!(line.starts_with("# Not gated, as "), "{line}");
        }
        assert!(policy(&list[..1], 8, "benches/").unwrap_err().to_string().contains("shorten one"));
    }
}
