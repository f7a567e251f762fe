//! Which package of a workspace has a bench target of a name, and where that package lies.
//! In: a folder and the name. Out: the package's name and folder, or an error that lists the bench targets there are.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::{
    cargo::{run, tail},
    git::Repository,
};

/// What `cargo metadata` says, as far as it is read here.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
    name: String,
    src_path: PathBuf,
}

impl Package {
    fn benches(&self) -> impl Iterator<Item = &Target> {
        self.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "bench"))
    }
}

/// A package with a bench target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BenchPackage {
    pub(crate) name: String,
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// The same below the top of the repository, which is the same place in a worktree.
    pub(crate) below_top: PathBuf,
    /// The source file of the target, below the top.
    pub(crate) source: PathBuf,
}

impl BenchPackage {
    /// The package of the workspace at `folder` that has the bench target `bench`: the one called `package`, or the only one.
    pub(crate) fn find(folder: &Path, package: Option<&str>, bench: &str) -> Result<Self> {
        let args = ["metadata", "--no-deps", "--format-version=1"];
        let output = run(Command::new("cargo").args(args).current_dir(folder))?;
        if !output.status.success() {
            bail!("failed to ask `cargo metadata`: {}", tail(&output.stderr));
        }
        let metadata: Metadata =
            serde_json::from_slice(&output.stdout).context("failed to read `cargo metadata`")?;
        let (package, source) = chosen(metadata.packages, package, bench)?;
        let folder = package.manifest_path.parent().context("a manifest lies in a folder")?;
        // Outside of a repository there are no worktrees, and only files can be compared.
        let top = Repository::open(folder).map_or_else(|_| folder.to_owned(), |found| found.top);
        let below = |path: &Path| path.strip_prefix(&top).unwrap_or(path).to_owned();
        Ok(Self {
            name: package.name,
            folder: folder.to_owned(),
            below_top: below(folder),
            source: below(&source),
        })
    }
}

/// The package, and the source file of its target.
fn chosen(
    packages: Vec<Package>,
    package: Option<&str>,
    bench: &str,
) -> Result<(Package, PathBuf)> {
    let list: Vec<String> = packages
        .iter()
        .flat_map(|package| {
            package.benches().map(|target| format!("{} ({})", target.name, package.name))
        })
        .collect();
    let fits = |found: &Package| {
        package.is_none_or(|package| found.name == package)
            && found.benches().any(|target| target.name == bench)
    };
    let mut found: Vec<Package> = packages.into_iter().filter(fits).collect();
    if found.len() > 1 {
        bail!(
            "failed to find the bench target: expected `{bench}` in one package, found it in {}; choose with `--package NAME`",
            found.iter().map(|package| package.name.as_str()).collect::<Vec<_>>().join(", ")
        );
    }
    let only = found.pop().and_then(|package| {
        let source = package.benches().find(|target| target.name == bench)?.src_path.clone();
        Some((package, source))
    });
    only.with_context(|| {
        format!(
            "failed to find the bench target: expected one called `{bench}`{}, found {}",
            package.map_or_else(String::new, |package| format!(" in package `{package}`")),
            if list.is_empty() { "none at all".to_owned() } else { list.join(", ") }
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages() -> Vec<Package> {
        let package = |name: &str, targets: &[(&str, &str)]| Package {
            name: name.to_owned(),
            manifest_path: format!("/tree/{name}/Cargo.toml").into(),
            targets: targets
                .iter()
                .map(|(kind, target)| Target {
                    kind: vec![(*kind).to_owned()],
                    name: (*target).to_owned(),
                    src_path: format!("/tree/{name}/{kind}/{target}.rs").into(),
                })
                .collect(),
        };
        vec![
            package("a", &[("lib", "a"), ("bench", "speed"), ("bench", "size")]),
            package("b", &[("bin", "size"), ("bench", "speed")]),
        ]
    }

    #[test]
    fn the_only_package_with_the_target_is_found_and_another_has_to_be_named() {
        let (package, source) = chosen(packages(), None, "size").unwrap();
        assert_eq!((package.name.as_str(), source), ("a", PathBuf::from("/tree/a/bench/size.rs")));
        assert_eq!(chosen(packages(), Some("b"), "speed").unwrap().0.name, "b");
        for (package, bench, parts) in [
            (None, "speed", &["found it in a, b", "--package"][..]),
            (None, "load", &["called `load`", "speed (a), size (a), speed (b)"]),
            (Some("b"), "size", &["in package `b`"]),
        ] {
            let error = chosen(packages(), package, bench).unwrap_err().to_string();
            for part in parts {
                assert!(error.contains(part), "{error}");
            }
        }
        assert!(chosen(Vec::new(), None, "x").unwrap_err().to_string().contains("none at all"));
    }
}
