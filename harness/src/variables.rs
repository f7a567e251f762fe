//! The environment variables that `bench` reads, taken once in `main` and handed down from there.

use std::{ffi::OsString, path::PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::{build::BuildVariables, failure::Failure, runner::GitHub};

/// Their values, unchecked: a command that does not need one must not fail on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Variables {
    bitnet_seed: Option<OsString>,
    bitnet_deterministic: Option<OsString>,
    bench_device: Option<OsString>,
    bench_isa: Option<OsString>,
    bench_store: Option<OsString>,
    ci: Option<OsString>,
    github: GitHub,
    home: Option<OsString>,
    path: Option<OsString>,
    xdg_data_home: Option<OsString>,
    xdg_cache_home: Option<OsString>,
    user: Option<OsString>,
    build: BuildVariables,
    /// All of them, for programs that are started as the caller would.
    inherited: Vec<(OsString, OsString)>,
}

impl Variables {
    /// Picks the known names out of an environment.
    pub(crate) fn from_pairs(pairs: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut vars = Self::default();
        for (name, value) in pairs {
            vars.inherited.push((name.clone(), value.clone()));
            vars.build.take(&name, &value);
            vars.github.take(&name, &value);
            let slot = match name.to_str() {
                Some("BITNET_SEED") => &mut vars.bitnet_seed,
                Some("BITNET_DETERMINISTIC") => &mut vars.bitnet_deterministic,
                Some("BENCH_DEVICE") => &mut vars.bench_device,
                Some("BENCH_ISA") => &mut vars.bench_isa,
                Some("BENCH_STORE") => &mut vars.bench_store,
                Some("CI") => &mut vars.ci,
                Some("HOME") => &mut vars.home,
                Some("PATH") => &mut vars.path,
                Some("XDG_CACHE_HOME") => &mut vars.xdg_cache_home,
                Some("XDG_DATA_HOME") => &mut vars.xdg_data_home,
                Some("USER") => &mut vars.user,
                _ => continue,
            };
            // An empty value is how many shells and CI systems write "unset".
            *slot = Some(value).filter(|value| !value.is_empty());
        }
        vars
    }

    /// Every variable, known or not: what a command's run inherits.
    pub(crate) fn inherited(&self) -> &[(OsString, OsString)] {
        &self.inherited
    }

    /// `BITNET_SEED`.
    pub(crate) fn seed(&self) -> Result<Option<u64>> {
        let Some(value) = &self.bitnet_seed else { return Ok(None) };
        let text = value.to_string_lossy();
        let Ok(seed) = text.trim().parse() else {
            return Err(Failure::seed(format!(
                "failed to read the seed: environment variable `BITNET_SEED`: expected a whole number from 0 to {}, \
                 found {text:?}; set it to a number, e.g. `BITNET_SEED=42`, or unset it (the default seed is 42)",
                u64::MAX
            ))
            .into());
        };
        Ok(Some(seed))
    }

    /// `BITNET_DETERMINISTIC`.
    pub(crate) fn deterministic(&self) -> Result<bool> {
        flag("BITNET_DETERMINISTIC", self.bitnet_deterministic.as_ref())
    }

    /// `CI`: set by every CI service; `false` and `0` count as unset.
    pub(crate) fn ci(&self) -> bool {
        !matches!(self.ci.as_ref().and_then(|value| value.to_str()), None | Some("false" | "0"))
    }

    /// What GitHub's runner says about its job.
    pub(crate) const fn github(&self) -> &GitHub {
        &self.github
    }

    /// `BENCH_DEVICE`.
    pub(crate) fn device(&self) -> Option<String> {
        self.bench_device.as_ref().map(|value| value.to_string_lossy().into_owned())
    }

    /// `BENCH_ISA`.
    pub(crate) fn isa(&self) -> Option<String> {
        self.bench_isa.as_ref().map(|value| value.to_string_lossy().into_owned())
    }

    /// `BENCH_STORE`.
    pub(crate) fn store(&self) -> Option<PathBuf> {
        self.bench_store.as_ref().map(PathBuf::from)
    }

    /// `PATH`, or where POSIX systems look without it.
    pub(crate) fn path(&self) -> OsString {
        self.path.clone().unwrap_or_else(|| OsString::from("/usr/local/bin:/usr/bin:/bin"))
    }

    /// `USER`: who records a baseline.
    pub(crate) fn user(&self) -> String {
        self.user
            .as_ref()
            .map_or_else(|| "unknown".to_owned(), |user| user.to_string_lossy().into_owned())
    }

    /// What shapes a build of a revision.
    pub(crate) const fn build(&self) -> &BuildVariables {
        &self.build
    }

    /// The folder of builds in the user's cache directory: `$XDG_CACHE_HOME/tritgate/builds`, else
    /// `$HOME/.cache/tritgate/builds`.
    pub(crate) fn build_cache(&self) -> Result<PathBuf> {
        let cache = self.user_cache().context(
            "failed to find a folder for builds: neither `XDG_CACHE_HOME` nor `HOME` is set; set one of them",
        )?;
        Ok(cache.join("builds"))
    }

    /// The folder of models beside it; `None` if neither variable is set.
    pub(crate) fn model_cache(&self) -> Option<PathBuf> {
        self.user_cache().map(|cache| cache.join("models"))
    }

    /// The folder of kernels that were compiled for a device; `None` likewise.
    pub(crate) fn kernel_cache(&self) -> Option<PathBuf> {
        self.user_cache().map(|cache| cache.join("kernels"))
    }

    /// What leads another `bench` to the same models, and nothing else.
    pub(crate) fn for_model(&self) -> Vec<(OsString, OsString)> {
        let pairs = [("HOME", &self.home), ("XDG_CACHE_HOME", &self.xdg_cache_home)];
        pairs
            .into_iter()
            .filter_map(|(name, value)| Some((OsString::from(name), value.clone()?)))
            .collect()
    }

    /// The folder of summaries of stores beside it; likewise.
    pub(crate) fn history_cache(&self) -> Option<PathBuf> {
        self.user_cache().map(|cache| cache.join("histories"))
    }

    fn user_cache(&self) -> Option<PathBuf> {
        let cache =
            self.xdg_cache_home.as_ref().map(PathBuf::from).filter(|path| path.is_absolute());
        let cache =
            cache.or_else(|| self.home.as_ref().map(|home| PathBuf::from(home).join(".cache")));
        cache.map(|cache| cache.join("tritgate"))
    }

    /// The store in the user's data directory: `$XDG_DATA_HOME/tritgate`, else `$HOME/.local/share/tritgate`.
    pub(crate) fn user_store(&self) -> Option<PathBuf> {
        // The XDG base directory specification: a path that is not absolute is ignored.
        let data = self.xdg_data_home.as_ref().map(PathBuf::from).filter(|path| path.is_absolute());
        let data = data
            .or_else(|| self.home.as_ref().map(|home| PathBuf::from(home).join(".local/share")));
        data.map(|data| data.join("tritgate"))
    }
}

fn flag(name: &str, value: Option<&OsString>) -> Result<bool> {
    match value.map(|value| value.to_string_lossy()).as_deref() {
        None | Some("0" | "false") => Ok(false),
        Some("1" | "true") => Ok(true),
        Some(other) => bail!(
            "failed to read the environment: variable `{name}`: expected `1` or `0`, found {other:?}; \
             set it to `1`, or unset it"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(pairs: &[(&str, &str)]) -> Variables {
        Variables::from_pairs(pairs.iter().map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn a_seed_that_is_no_number_says_what_was_expected_and_found() {
        let error = vars(&[("BITNET_SEED", "abc")]).seed().unwrap_err().to_string();
        for part in ["BITNET_SEED", "whole number", "\"abc\"", "BITNET_SEED=42"] {
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(vars(&[("BITNET_SEED", "42")]).seed().unwrap(), Some(42));
        assert_eq!(vars(&[("BITNET_SEED", "")]).seed().unwrap(), None);
        assert!(vars(&[("BITNET_SEED", "-1")]).seed().is_err());
    }

    #[test]
    fn deterministic_is_on_off_or_an_error() {
        assert!(vars(&[("BITNET_DETERMINISTIC", "1")]).deterministic().unwrap());
        assert!(!vars(&[("BITNET_DETERMINISTIC", "0")]).deterministic().unwrap());
        assert!(vars(&[("BITNET_DETERMINISTIC", "maybe")]).deterministic().is_err());
    }

    #[test]
    fn the_user_store_follows_xdg_then_home() {
        let home = vars(&[("HOME", "/h")]).user_store();
        assert_eq!(home, Some(PathBuf::from("/h/.local/share/tritgate")));
        let xdg = vars(&[("HOME", "/h"), ("XDG_DATA_HOME", "/d")]).user_store();
        assert_eq!(xdg, Some(PathBuf::from("/d/tritgate")));
        let relative = vars(&[("HOME", "/h"), ("XDG_DATA_HOME", "d")]).user_store();
        assert_eq!(relative, home);
        assert_eq!(vars(&[]).user_store(), None);
    }

    #[test]
    fn the_build_cache_follows_xdg_then_home() {
        let home = vars(&[("HOME", "/h")]).build_cache();
        assert_eq!(home.unwrap(), PathBuf::from("/h/.cache/tritgate/builds"));
        let xdg = vars(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/c")]).build_cache();
        assert_eq!(xdg.unwrap(), PathBuf::from("/c/tritgate/builds"));
        let models = vars(&[("XDG_CACHE_HOME", "/c")]).model_cache();
        assert_eq!(models, Some(PathBuf::from("/c/tritgate/models")));
        assert_eq!(vars(&[("XDG_CACHE_HOME", "c")]).model_cache(), None);
        assert!(vars(&[]).build_cache().unwrap_err().to_string().contains("XDG_CACHE_HOME"));
    }

    #[test]
    fn ci_false_is_no_ci() {
        assert!(vars(&[("CI", "true")]).ci());
        assert!(vars(&[("CI", "1")]).ci());
        assert!(!vars(&[("CI", "false")]).ci());
        assert!(!vars(&[]).ci());
    }
}
