//! The packages of a workspace with their bench targets, and which of them has a bench target of a name.
//! In: a folder, and the name. Out: packages with their folders, or an error that lists the bench targets there are.

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
    #[serde(default)]
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// `None` of a normal one.
    kind: Option<String>,
    rename: Option<String>,
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

/// A package of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// Names of its bench targets.
    pub(crate) benches: Vec<String>,
    /// Whether its bench targets can use Criterion by that name.
    pub(crate) has_criterion: bool,
}

/// The packages of the workspace at `folder`.
pub(crate) fn members(folder: &Path) -> Result<Vec<Member>> {
    packages(folder)?.into_iter().map(member).collect()
}

fn member(package: Package) -> Result<Member> {
    let folder = package.manifest_path.parent().context("a manifest lies in a folder")?.to_owned();
    let usable = |found: &Dependency| {
        found.name == "criterion"
            && found.rename.is_none()
            && found.kind.as_deref().is_none_or(|kind| kind == "dev")
    };
    Ok(Member {
        benches: package.benches().map(|target| target.name.clone()).collect(),
        has_criterion: package.dependencies.iter().any(usable),
        name: package.name,
        folder,
    })
}

fn packages(folder: &Path) -> Result<Vec<Package>> {
    let args = ["metadata", "--no-deps", "--format-version=1"];
    let output = run(Command::new("cargo").args(args).current_dir(folder))?;
    if !output.status.success() {
        bail!("failed to ask `cargo metadata`: {}", tail(&output.stderr));
    }
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).context("failed to read `cargo metadata`")?;
    Ok(metadata.packages)
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
        let (package, source) = chosen(packages(folder)?, package, bench)?;
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
            dependencies: Vec::new(),
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

    #[test]
    fn criterion_counts_where_a_bench_target_can_name_it() {
        let with = |name: &str, kind: Option<&str>, rename: Option<&str>| {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let mut package = packages().remove(0);
            package.dependencies.push(Dependency {
                name: name.to_owned(),
                kind: owned(kind),
                rename: owned(rename),
            });
            member(package).unwrap()
        };
        let found = with("criterion", Some("dev"), None);
        assert_eq!((found.folder, found.benches.len()), (PathBuf::from("/tree/a"), 2));
        assert!(found.has_criterion && with("criterion", None, None).has_criterion);
        for (name, kind, rename) in [
            ("criterion", Some("build"), None),
            ("criterion", Some("dev"), Some("c")),
            ("criterion2", Some("dev"), None),
        ] {
            assert!(!with(name, kind, rename).has_criterion, "{name} {kind:?} {rename:?}");
        }
    }
}
