//! Cargo's settings files that hold for a folder: those outside the source are part of what was built.
//! In: the folder, cargo's home, the host. Out: their bytes as one digest, and whether they set a linker for the host.
//! Source: The Cargo Book, "Configuration", hierarchical structure.

use std::{
    fs,
    path::{Path, PathBuf},
};

use baselines::Digest;
use toml::{Table, Value};

/// What the files say, as far as it concerns the build of one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CargoConfig {
    pub(super) digest: Digest,
    /// Whether another linker than the host's own is asked for, or another target than the host.
    pub(super) sets_linker: bool,
}

impl CargoConfig {
    /// What holds in `folder`.
    pub(super) fn of(folder: &Path, cargo_home: Option<&Path>, host: &str) -> Self {
        let mut folders: Vec<PathBuf> =
            folder.ancestors().map(|above| above.join(".cargo")).collect();
        folders.extend(cargo_home.map(Path::to_owned));
        let mut bytes = Vec::new();
        let mut sets_linker = false;
        for folder in folders {
            // Without the ending is the older name; cargo reads one of the two.
            let found =
                ["config", "config.toml"].iter().find_map(|name| fs::read(folder.join(name)).ok());
            let Some(found) = found else { continue };
            let text = String::from_utf8_lossy(&found);
            // A file that cargo cannot read either is cargo's to complain about.
            sets_linker |= text.parse::<Table>().is_ok_and(|table| names_linker(&table, host));
            bytes.extend_from_slice(Digest::of(&found).to_string().as_bytes());
        }
        Self { digest: Digest::of(&bytes), sets_linker }
    }
}

fn names_linker(config: &Table, host: &str) -> bool {
    let table = |name: &str| config.get(name).and_then(Value::as_table);
    let other_target = table("build").is_some_and(|build| build.contains_key("target"));
    let linker = table("target").is_some_and(|targets| {
        targets.iter().any(|(target, settings)| {
            // Whether a `cfg(…)` holds is not worked out here.
            let concerns_host = target == host || target.starts_with("cfg(");
            concerns_host && settings.get("linker").is_some()
        })
    });
    other_target || linker
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "x86_64-unknown-linux-gnu";

    #[test]
    fn only_a_linker_for_the_host_or_a_cfg_counts() {
        let asks = |text: &str| names_linker(&text.parse().unwrap(), HOST);
        assert!(asks("[target.x86_64-unknown-linux-gnu]\nlinker = 'clang'"));
        assert!(asks("[target.'cfg(unix)']\nlinker = 'clang'"));
        assert!(asks("[build]\ntarget = 'x86_64-unknown-linux-musl'"));
        assert!(!asks("[target.aarch64-unknown-linux-gnu]\nlinker = 'aarch64-linux-gnu-gcc'"));
        assert!(!asks("[target.x86_64-unknown-linux-gnu]\nrustflags = ['-g']"));
        assert!(!asks("[alias]\nx = 'run'"));
    }

    #[test]
    fn a_changed_file_above_the_folder_or_in_cargos_home_changes_the_digest() {
        let root = tempfile::tempdir().unwrap();
        let (inner, home) = (root.path().join("a/b"), root.path().join("home"));
        for folder in [&inner, &home, &root.path().join("a/.cargo")] {
            fs::create_dir_all(folder).unwrap();
        }
        let digest = || CargoConfig::of(&inner, Some(&home), HOST).digest;
        let none = digest();
        fs::write(root.path().join("a/.cargo/config.toml"), "[build]\njobs = 1").unwrap();
        let above = digest();
        fs::write(home.join("config.toml"), "[build]\njobs = 2").unwrap();
        assert!(none != above && above != digest() && none != digest());
    }
}
