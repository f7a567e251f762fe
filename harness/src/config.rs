//! `bench.toml`: this repository's defaults, suites and workloads. A flag beats a variable beats the file.
//! In: the file's text. Out: typed settings; an unknown key is an error that suggests the nearest name.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use toml::Table;

use crate::{keys::Keys, suite::Catalogue};

/// The file looked for where none is named.
pub(crate) const FILE_NAME: &str = "bench.toml";

/// What the file says; `None` where it is silent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Config {
    pub(crate) model: Option<String>,
    pub(crate) suite: Option<String>,
    pub(crate) processes: Option<u64>,
    pub(crate) pairs: Option<u64>,
    pub(crate) seed: Option<u64>,
    pub(crate) threads: Option<u64>,
    pub(crate) isa: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) policy: Option<PathBuf>,
    pub(crate) store: Option<PathBuf>,
    pub(crate) baseline_name: Option<String>,
    pub(crate) baseline_processes: Option<u64>,
    /// Positions of held-out text that accuracy is counted over, at least.
    pub(crate) accuracy_positions: Option<u64>,
    /// Built-in workloads and suites, with those of the file.
    pub(crate) catalogue: Catalogue,
}

impl Config {
    /// Reads `path`, or `bench.toml` of the current folder if there is one.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self> {
        let found = path.unwrap_or(Path::new(FILE_NAME));
        match std::fs::read_to_string(found) {
            Ok(text) => {
                let place = found.display().to_string();
                // A path in the file is relative to the file.
                let folder = found.parent().unwrap_or(Path::new(""));
                Self::parse(&place, folder, &text, Catalogue::builtin()?)
                    .context("failed to read the settings")
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && path.is_none() => {
                Self::parse(FILE_NAME, Path::new(""), "", Catalogue::builtin()?)
            }
            Err(error) => Err(error)
                .with_context(|| format!("failed to read settings from `{}`", found.display())),
        }
    }

    /// The settings in the source of another revision: its workloads and suites are the ones that ship with it, and those of
    /// its own `bench.toml`.
    pub(crate) fn of_tree(tree: &Path) -> Result<Self> {
        let catalogue = Catalogue::of_tree(tree)?;
        let text = std::fs::read_to_string(tree.join(FILE_NAME)).unwrap_or_default();
        Self::parse(FILE_NAME, tree, &text, catalogue)
            .context("failed to read the settings of the base revision")
    }

    /// The policy's path in the text of a `bench.toml`, as it stands there.
    pub(crate) fn policy_of(text: &str) -> Result<Option<PathBuf>> {
        let table: Table = text.parse().with_context(|| FILE_NAME.to_owned())?;
        let policy = table.get("defaults").and_then(|defaults| defaults.get("policy"));
        Ok(policy.and_then(toml::Value::as_str).map(PathBuf::from))
    }

    fn parse(place: &str, folder: &Path, text: &str, mut catalogue: Catalogue) -> Result<Self> {
        let table: Table = text.parse().with_context(|| place.to_owned())?;
        let top =
            Keys::new(place, &table, &["defaults", "baseline", "accuracy", "suites", "workload"])?;
        let empty = Table::new();
        let defaults = Keys::new(
            format!("{place} [defaults]"),
            top.table("defaults")?.unwrap_or(&empty),
            &["model", "suite", "processes", "pairs", "seed", "threads", "isa", "device", "policy"],
        )?;
        let baseline = Keys::new(
            format!("{place} [baseline]"),
            top.table("baseline")?.unwrap_or(&empty),
            &["store", "name", "processes"],
        )?;
        let accuracy = Keys::new(
            format!("{place} [accuracy]"),
            top.table("accuracy")?.unwrap_or(&empty),
            &["positions"],
        )?;
        for workload in top.tables("workload")? {
            catalogue.define(place, workload)?;
        }
        for (name, members) in top.table("suites")?.unwrap_or(&empty) {
            let members: Option<Vec<String>> = members.as_array().and_then(|members| {
                members.iter().map(|member| member.as_str().map(str::to_owned)).collect()
            });
            let members = members.with_context(|| {
                format!("{place} [suites]: key `{name}`: expected a list of workload names")
            })?;
            catalogue.define_suite(name, members).with_context(|| place.to_owned())?;
        }
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let path = |text: Option<&str>| text.map(|text| folder.join(text));
        Ok(Self {
            model: owned(defaults.text("model")?),
            suite: owned(defaults.text("suite")?),
            processes: defaults.number("processes")?,
            pairs: defaults.number("pairs")?,
            seed: defaults.number("seed")?,
            threads: defaults.number("threads")?,
            isa: owned(defaults.text("isa")?),
            device: owned(defaults.text("device")?),
            policy: path(defaults.text("policy")?),
            store: path(baseline.text("store")?),
            baseline_name: owned(baseline.text("name")?),
            baseline_processes: baseline.number("processes")?,
            accuracy_positions: accuracy.number("positions")?,
            catalogue,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config> {
        Config::parse("bench.toml", Path::new("repo"), text, Catalogue::builtin()?)
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        let config = parse("").unwrap();
        assert_eq!(config.pairs, None);
        assert_eq!(config.catalogue, Catalogue::builtin().unwrap());
    }

    #[test]
    fn settings_suites_and_workloads_are_read() {
        let text = r#"
            [defaults]
            suite = "decode-only"
            pairs = 20
            [baseline]
            store = "baselines-here"
            [suites]
            decode-only = ["decode-64"]
            [[workload]]
            name = "decode-64"
            iterations = 4
        "#;
        let config = parse(text).unwrap();
        assert_eq!(config.pairs, Some(20));
        assert_eq!(config.store, Some(PathBuf::from("repo/baselines-here")));
        let suite = config.catalogue.suite("decode-only", None).unwrap();
        assert_eq!(suite.workloads[0].params["iterations"], 4);
    }

    #[test]
    fn an_unknown_key_names_its_place_and_the_nearest() {
        let error = format!("{:#}", parse("[defaults]\npars = 3").unwrap_err());
        assert_eq!(error, "bench.toml [defaults]: key `pars` is unknown; nearest: `pairs`");
        let error = format!("{:#}", parse("[default]\npairs = 3").unwrap_err());
        assert_eq!(error, "bench.toml: key `default` is unknown; nearest: `defaults`");
    }

    #[test]
    fn a_value_of_another_type_says_what_was_expected() {
        let error = format!("{:#}", parse("[defaults]\npairs = \"many\"").unwrap_err());
        assert!(error.contains("key `pairs`: expected a whole number"), "{error}");
        assert!(parse("[defaults]\npairs = -1").is_err());
    }

    #[test]
    fn a_file_that_is_named_must_exist() {
        assert!(Config::read(Some(Path::new("/no/such/bench.toml"))).is_err());
    }
}
