//! Suites: which workloads every process runs. Definitions are data (`workloads/*.toml`, and `bench.toml`).
//! In: TOML. Out: a `baselines::record::Suite` with a digest over its canonical form.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result, ensure};
use baselines::{
    Digest,
    record::{MetricDef, Suite, WorkloadDef},
};
use toml::Table;

use crate::{keys::Keys, nearest::suggestion, workload};

/// Rounds of turns: the workloads of a process, and the two processes of a pair, alternate so often. An even number, so
/// that either arm of a pair is the first in half of them.
const ROUNDS: u64 = 8;

/// The built-in suites: file and text. One may include those before it.
const BUILTIN: [(&str, &str); 5] = [
    ("workloads/engine.toml", include_str!("../workloads/engine.toml")),
    ("workloads/quick.toml", include_str!("../workloads/quick.toml")),
    ("workloads/full.toml", include_str!("../workloads/full.toml")),
    ("workloads/cpu.toml", include_str!("../workloads/cpu.toml")),
    ("workloads/gpu.toml", include_str!("../workloads/gpu.toml")),
];

/// Every workload and suite that can be named.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Catalogue {
    workloads: Vec<WorkloadDef>,
    /// Names of workloads by name of suite.
    suites: BTreeMap<String, Vec<String>>,
}

impl Catalogue {
    /// What ships with the program.
    pub(crate) fn builtin() -> Result<Self> {
        Self::of_files(BUILTIN.map(|(file, text)| (file, text.to_owned())))
    }

    /// What ships with the source in `tree`, as far as it has files of its own; else with this program.
    pub(crate) fn of_tree(tree: &Path) -> Result<Self> {
        Self::of_files(BUILTIN.map(|(file, text)| {
            let own = std::fs::read_to_string(tree.join("harness").join(file));
            (file, own.unwrap_or_else(|_| text.to_owned()))
        }))
    }

    fn of_files(files: impl IntoIterator<Item = (&'static str, String)>) -> Result<Self> {
        let mut catalogue = Self { workloads: Vec::new(), suites: BTreeMap::new() };
        for (file, text) in files {
            let table: Table = text.parse().context(file)?;
            let keys = Keys::new(file, &table, &["include", "name", "workload"])?;
            let first = catalogue.workloads.len();
            let mut names = Vec::new();
            if let Some(included) = keys.text("include")? {
                let known = catalogue.suites.get(included);
                names.clone_from(
                    known.with_context(|| format!("{file}: suite `{included}` is unknown"))?,
                );
            }
            for table in keys.tables("workload")? {
                catalogue.define(file, table)?;
            }
            names.extend(catalogue.workloads[first..].iter().map(|def| def.name.clone()));
            catalogue.suites.insert(keys.required_text("name")?.to_owned(), names);
        }
        Ok(catalogue)
    }

    /// Adds a workload, or changes parameters of the one of that name. `kind` may be left out for a known one.
    pub(crate) fn define(&mut self, place: &str, table: &Table) -> Result<()> {
        let name = table.get("name").and_then(toml::Value::as_str);
        let name = name.with_context(|| format!("{place}: a workload has no `name`"))?;
        let place = format!("{place}: workload `{name}`");
        let known = self.workloads.iter().position(|def| def.name == name);
        let kind = match (table.get("kind").and_then(toml::Value::as_str), known) {
            (Some(kind), None) => kind.to_owned(),
            (None, Some(idx)) => self.workloads[idx].kind.clone(),
            (Some(kind), Some(idx)) => {
                let was = &self.workloads[idx].kind;
                ensure!(
                    was == kind,
                    "{place}: expected kind `{was}`, found `{kind}`; give it another name"
                );
                kind.to_owned()
            }
            (None, None) => {
                let names = self.workload_names();
                anyhow::bail!(
                    "{place}: a new workload needs a `kind`, and no other has this name; {}",
                    suggestion(name, &names)
                );
            }
        };
        let workload = workload::find(&kind).with_context(|| place.clone())?;
        let params: Vec<&str> = workload.params().iter().map(|param| param.name).collect();
        let known_keys: Vec<&str> = ["name", "kind"].iter().chain(&params).copied().collect();
        let keys = Keys::new(&place, table, &known_keys)?;
        let mut def = known.map_or_else(
            || WorkloadDef { name: name.to_owned(), kind: kind.clone(), params: BTreeMap::new() },
            |idx| self.workloads[idx].clone(),
        );
        for param in workload.params() {
            if let Some(value) = keys.number(param.name)? {
                def.params.insert(param.name.to_owned(), value);
            }
        }
        workload::check(workload, &def).with_context(|| place.clone())?;
        match known {
            Some(idx) => self.workloads[idx] = def,
            None => self.workloads.push(def),
        }
        Ok(())
    }

    /// Names a list of workloads.
    pub(crate) fn define_suite(&mut self, name: &str, workloads: Vec<String>) -> Result<()> {
        let known = self.workload_names();
        ensure!(!workloads.is_empty(), "suite `{name}` has no workload");
        for workload in &workloads {
            ensure!(
                known.contains(&workload.as_str()),
                "suite `{name}`: workload `{workload}` is unknown; {}",
                suggestion(workload, &known)
            );
        }
        self.suites.insert(name.to_owned(), workloads);
        Ok(())
    }

    /// The suite called `name`, with `tokens` in place of the number of generated tokens where given.
    ///
    /// A workload named for its number of tokens is renamed with it: `decode-64` of 32 tokens is `decode-32`.
    pub(crate) fn suite(&self, name: &str, tokens: Option<u64>) -> Result<Suite> {
        let names: Vec<&str> = self.suites.keys().map(String::as_str).collect();
        let members = self
            .suites
            .get(name)
            .with_context(|| format!("suite `{name}` is unknown; {}", suggestion(name, &names)))?;
        let mut workloads: Vec<WorkloadDef> = members
            .iter()
            .filter_map(|name| self.workloads.iter().find(|def| def.name == *name))
            .cloned()
            .collect();
        if let Some(tokens) = tokens {
            for def in &mut workloads {
                let Some(was) = def.params.get_mut("tokens") else { continue };
                if let Some(stem) = def.name.strip_suffix(&format!("-{was}")) {
                    def.name = format!("{stem}-{tokens}");
                }
                *was = tokens;
                workload::check(workload::find(&def.kind)?, def)
                    .with_context(|| format!("workload `{}`", def.name))?;
            }
        }
        Ok(of_workloads(name, workloads))
    }

    fn workload_names(&self) -> Vec<&str> {
        self.workloads.iter().map(|def| def.name.as_str()).collect()
    }
}

/// The files of the built-in suites, below `harness`.
pub(crate) fn files() -> impl Iterator<Item = &'static str> {
    BUILTIN.into_iter().map(|(file, _)| file)
}

/// The suite of these workloads of the engine.
pub(crate) fn of_workloads(name: &str, workloads: Vec<WorkloadDef>) -> Suite {
    defined(name, ROUNDS, workloads, Vec::new(), None)
}

/// A suite with the digest of its definition; `line` is that of a bench target.
pub(crate) fn defined(
    name: &str,
    rounds: u64,
    workloads: Vec<WorkloadDef>,
    metrics: Vec<MetricDef>,
    line: Option<&str>,
) -> Suite {
    let digest = Digest::of(b"");
    let suite = Suite { name: name.to_owned(), digest, rounds, workloads, metrics };
    Suite { digest: suite.computed_digest(line), ..suite }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_holds_the_stages_in_order() {
        let suite = Catalogue::builtin().unwrap().suite("quick", None).unwrap();
        let names: Vec<&str> = suite.workloads.iter().map(|def| def.name.as_str()).collect();
        assert_eq!(
            names,
            ["load", "prefill-128", "decode-64", "end-to-end", "quantize-i2_s", "matmul"]
        );
    }

    #[test]
    fn every_built_in_suite_gives_each_round_the_same_number_of_iterations() {
        let catalogue = Catalogue::builtin().unwrap();
        assert_eq!(
            catalogue.suites.keys().collect::<Vec<_>>(),
            ["cpu", "engine", "full", "gpu", "quick"]
        );
        // No cache holds what `cpu` is for.
        for name in catalogue.suites.keys().filter(|name| *name != "cpu") {
            let suite = catalogue.suite(name, None).unwrap();
            for def in &suite.workloads {
                let iterations = def.params["iterations"];
                assert!(iterations.is_multiple_of(suite.rounds), "{}: {iterations}", def.name);
            }
        }
    }

    #[test]
    fn every_change_of_a_parameter_changes_the_digest() {
        let mut catalogue = Catalogue::builtin().unwrap();
        let before = catalogue.suite("quick", None).unwrap().digest;
        assert_eq!(before, catalogue.suite("quick", Some(64)).unwrap().digest);
        let table = "name = \"decode-64\"\niterations = 9".parse().unwrap();
        catalogue.define("bench.toml", &table).unwrap();
        assert_ne!(before, catalogue.suite("quick", None).unwrap().digest);
    }

    #[test]
    fn other_tokens_give_another_name() {
        let suite = Catalogue::builtin().unwrap().suite("quick", Some(32)).unwrap();
        assert_eq!(suite.workloads[2].name, "decode-32");
        assert_eq!(suite.workloads[2].params["tokens"], 32);
        assert_eq!(suite.workloads[3].name, "end-to-end");
    }

    #[test]
    fn unknown_names_suggest_the_nearest() {
        let mut catalogue = Catalogue::builtin().unwrap();
        let error = catalogue.suite("quik", None).unwrap_err().to_string();
        assert_eq!(error, "suite `quik` is unknown; nearest: `quick`");
        let table = "name = \"decode-64\"\niteration = 9".parse().unwrap();
        let error = format!("{:#}", catalogue.define("bench.toml", &table).unwrap_err());
        assert!(error.contains("key `iteration` is unknown; nearest: `iterations`"), "{error}");
        let table = "name = \"decode-65\"\niterations = 9".parse().unwrap();
        let error = format!("{:#}", catalogue.define("bench.toml", &table).unwrap_err());
        assert!(error.contains("nearest: `decode-64`"), "{error}");
    }

    #[test]
    fn a_suite_of_an_unknown_workload_is_refused() {
        let mut catalogue = Catalogue::builtin().unwrap();
        let error = catalogue.define_suite("mine", vec!["decode-6".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("nearest: `decode-64`"), "{error}");
        catalogue.define_suite("mine", vec!["decode-64".to_owned()]).unwrap();
        assert_eq!(catalogue.suite("mine", None).unwrap().workloads.len(), 1);
    }
}
