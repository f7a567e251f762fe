//! The environment variables that shape a build, taken where all others are and handed down from there.
//! In: the environment, pair by pair. Out: what a cache key must hold, and where cargo keeps its own settings.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
};

/// Variables that change what cargo makes of the same source.
const SINGLE: &[&str] = &[
    "AR",
    "CARGO_ENCODED_RUSTFLAGS",
    "CC",
    "CFLAGS",
    "CXX",
    "CXXFLAGS",
    "LDFLAGS",
    "RUSTC",
    "RUSTC_BOOTSTRAP",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
];
/// So do those that start so …
const PREFIXES: &[&str] = &["CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_TARGET_"];
/// … but for these, which say where or how fast.
const HARMLESS: &[&str] = &[
    "CARGO_BUILD_BUILD_DIR",
    "CARGO_BUILD_JOBS",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_TARGET_DIR",
    "CARGO_TARGET_TMPDIR",
];

/// What the environment says about builds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BuildVariables {
    /// In the order of their names.
    shaping: Vec<(String, OsString)>,
    cargo_home: Option<PathBuf>,
    home: Option<PathBuf>,
}

impl BuildVariables {
    /// Keeps a variable if it concerns a build.
    pub(crate) fn take(&mut self, name: &OsStr, value: &OsStr) {
        let Some(name) = name.to_str() else { return };
        match name {
            _ if value.is_empty() => {}
            "CARGO_HOME" => self.cargo_home = Some(value.into()),
            "HOME" => self.home = Some(value.into()),
            _ if shapes(name) => {
                self.shaping.push((name.to_owned(), value.to_owned()));
                self.shaping.sort();
            }
            _ => {}
        }
    }

    /// The variables that shape a build, by name.
    pub(super) fn shaping(&self) -> &[(String, OsString)] {
        &self.shaping
    }

    /// The value of one of them.
    pub(super) fn value(&self, name: &str) -> Option<&OsStr> {
        let found = self.shaping.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_os_str())
    }

    /// Whether a linker for `host`, or another target than `host`, is asked for.
    pub(super) fn sets_linker(&self, host: &str) -> bool {
        let linker =
            format!("CARGO_TARGET_{}_LINKER", host.to_uppercase().replace(['-', '.'], "_"));
        self.value(&linker).is_some() || self.value("CARGO_BUILD_TARGET").is_some()
    }

    /// Cargo's own folder.
    pub(super) fn cargo_home(&self) -> Option<PathBuf> {
        self.cargo_home.clone().or_else(|| self.home.as_ref().map(|home| home.join(".cargo")))
    }
}

fn shapes(name: &str) -> bool {
    let named = SINGLE.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    named && !HARMLESS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> BuildVariables {
        let mut variables = BuildVariables::default();
        for (name, value) in pairs {
            variables.take(OsStr::new(name), OsStr::new(value));
        }
        variables
    }

    #[test]
    fn flags_shape_a_build_and_places_do_not() {
        let some = of(&[("RUSTFLAGS", "-g"), ("CARGO_PROFILE_RELEASE_LTO", "off"), ("PATH", "/")]);
        let names: Vec<&str> = some.shaping().iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["CARGO_PROFILE_RELEASE_LTO", "RUSTFLAGS"]);
        assert_eq!(some.value("RUSTFLAGS"), Some(OsStr::new("-g")));
        assert!(of(&[("CARGO_TARGET_DIR", "x"), ("RUSTFLAGS", "")]).shaping().is_empty());
    }

    #[test]
    fn a_linker_for_the_host_is_seen_and_one_for_another_target_is_not() {
        let host = "x86_64-unknown-linux-gnu";
        let sets = |name| of(&[(name, "x")]).sets_linker(host);
        assert!(sets("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER"));
        assert!(sets("CARGO_BUILD_TARGET"));
        assert!(!sets("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER"));
    }

    #[test]
    fn cargo_lives_in_its_home_or_below_the_users() {
        assert_eq!(of(&[("HOME", "/h")]).cargo_home(), Some(PathBuf::from("/h/.cargo")));
        let both = of(&[("HOME", "/h"), ("CARGO_HOME", "/c")]);
        assert_eq!(both.cargo_home(), Some(PathBuf::from("/c")));
        assert_eq!(of(&[]).cargo_home(), None);
    }
}
