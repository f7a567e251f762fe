//! Which bench target is gated: the one named, the only one, or a new one where there is none.
//! In: the workspace's packages and what was asked for. Out: a target whose names are safe to write down, or an error that lists
//! what there is to choose from.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use super::{name, starter};
use crate::build::{BenchPackage, Member};

/// A bench target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) package: String,
    pub(super) bench: String,
    /// Folder of the package.
    pub(super) folder: PathBuf,
    /// Whether it is yet to be written.
    pub(super) is_new: bool,
    /// Whether the package can name Criterion already.
    pub(super) has_criterion: bool,
    /// Whether the workspace has other packages.
    is_one_of_several: bool,
}

impl Target {
    /// The target of the workspace at `folder`.
    pub(super) fn choose(
        folder: &Path,
        members: &[Member],
        bench: Option<&str>,
        package: Option<&str>,
    ) -> Result<Self> {
        let (member, bench) = match bench {
            Some(bench) => {
                let found = BenchPackage::find(folder, package, bench)?;
                let named = members.iter().find(|member| member.name == found.name);
                (
                    named.context("failed to read `cargo metadata`: it changed on the way")?,
                    Some(bench),
                )
            }
            None => chosen(members, package)?,
        };
        let bench = bench.map_or((starter::NAME, true), |bench| (bench, false));
        name::check("package", &member.name)?;
        name::check("bench target", bench.0)?;
        Ok(Self {
            package: member.name.clone(),
            bench: bench.0.to_owned(),
            folder: member.folder.clone(),
            is_new: bench.1,
            has_criterion: member.has_criterion,
            is_one_of_several: members.len() > 1,
        })
    }

    /// The folder of the package's benchmarks, from `top`, with `/` between its parts and at its end.
    pub(super) fn benches_below(&self, top: &Path) -> String {
        let below = self.folder.strip_prefix(top).unwrap_or(Path::new(""));
        let parts = below.iter().map(|part| part.to_string_lossy());
        parts.map(|part| format!("{part}/")).collect::<String>() + "benches/"
    }

    /// Options of `bench gate` that name it.
    pub(super) fn options(&self) -> String {
        let mut options = format!("--bench {}", self.bench);
        if self.is_one_of_several {
            options += &format!(" --package {}", self.package);
        }
        options
    }
}

/// The package, and its bench target if there is one.
fn chosen<'a>(
    members: &'a [Member],
    package: Option<&str>,
) -> Result<(&'a Member, Option<&'a str>)> {
    let names = |members: &[&Member]| -> String {
        members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let asked: Vec<&Member> =
        members.iter().filter(|member| package.is_none_or(|name| member.name == name)).collect();
    ensure!(
        !asked.is_empty(),
        "failed to choose the package: expected one called `{}`, found {}; a workspace needs a member",
        package.unwrap_or("anything"),
        if members.is_empty() {
            "none at all".to_owned()
        } else {
            names(&members.iter().collect::<Vec<_>>())
        }
    );
    let benches: Vec<(&Member, &str)> = asked
        .iter()
        .flat_map(|member| member.benches.iter().map(|bench| (*member, bench.as_str())))
        .collect();
    match benches[..] {
        [(member, bench)] => Ok((member, Some(bench))),
        [] => match asked[..] {
            [member] => Ok((member, None)),
            _ => bail!(
                "failed to choose the package: there is no bench target yet, and several packages could have the first: {}; \
                 choose with `--package NAME`",
                names(&asked)
            ),
        },
        _ => bail!(
            "failed to choose the bench target: expected one, found {}; choose with `--bench TARGET`, and `--package NAME` where \
             two have one name",
            benches
                .iter()
                .map(|(member, bench)| format!("{bench} ({})", member.name))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(list: &[(&str, &[&str])]) -> Vec<Member> {
        let member = |(name, benches): &(&str, &[&str])| Member {
            name: (*name).to_owned(),
            folder: format!("/tree/{name}").into(),
            benches: benches.iter().map(|bench| (*bench).to_owned()).collect(),
            has_criterion: false,
        };
        list.iter().map(member).collect()
    }

    fn choose(list: &[(&str, &[&str])], package: Option<&str>) -> Result<Target> {
        Target::choose(Path::new("."), &members(list), None, package)
    }

    #[test]
    fn the_only_target_is_taken_and_where_there_is_none_a_new_one() {
        let only = choose(&[("a", &["load"])], None).unwrap();
        assert_eq!((only.options().as_str(), only.is_new), ("--bench load", false));
        let several = choose(&[("a", &[]), ("b", &["load"])], None).unwrap();
        assert_eq!(several.options(), "--bench load --package b");
        let new = choose(&[("a", &[])], None).unwrap();
        assert_eq!((new.options().as_str(), new.is_new), ("--bench speed", true));
        let new = choose(&[("a", &["load"]), ("b", &[])], Some("b")).unwrap();
        assert_eq!((new.options().as_str(), new.is_new), ("--bench speed --package b", true));
    }

    #[test]
    fn what_has_to_be_chosen_is_listed() {
        for (list, package, parts) in [
            (&[("a", &["x", "y"][..])][..], None, &["x (a), y (a)", "--bench TARGET"][..]),
            (&[("a", &["x"]), ("b", &["x"])], None, &["x (a), x (b)", "--package NAME"]),
            (&[("a", &[]), ("b", &[])], None, &["several packages", "a, b", "--package NAME"]),
            (&[("a", &["x"])], Some("c"), &["called `c`", "found a"]),
            (&[], None, &["none at all"]),
            (&[("a", &["x: y"])], None, &["bench target \"x: y\""]),
        ] {
            let error = choose(list, package).unwrap_err().to_string();
            for part in parts {
                assert!(error.contains(part), "{error}");
            }
        }
    }
}
