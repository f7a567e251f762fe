//! The stage of a link: a folder with a script that rustc takes for the linker, and what the script leaves there.
//! In: seeds. Out: one binary per seed, from one compilation.
//!
//! A script, because `-C linker` takes a program without arguments, and because the script can be of another build than the
//! program it links. Its path is one of rustc's arguments: under a new one, cargo links again.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// What stands for the linker.
const SCRIPT: &str = include_str!("link.sh");
/// Its name. Rustc reads off a linker's name what kind of arguments it takes; these are those of a compiler driver.
const SCRIPT_NAME: &str = "cc";
/// Permission bits of a program.
const EXECUTABLE: u32 = 0o755;
/// Start of the names of stages.
pub(super) const PREFIX: &str = "stage-";

/// A stage on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stage {
    folder: PathBuf,
}

/// What the script did when rustc last ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing: rustc did not link, or with another linker.
    NotCalled,
    /// The linker knows no order of sections; what it said.
    Refused(String),
    /// One file per seed.
    Linked(Vec<PathBuf>),
}

impl Stage {
    /// A stage of a new name within `entry`: cargo links again, whatever it has linked before.
    pub(super) fn unique(entry: &Path, seeds: &[u32]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(entry);
        let folder = folder.with_context(|| at_fault(entry))?.keep();
        Self { folder }.set(seeds)
    }

    /// The one stage called `folder`, emptied: cargo writes the same program over for each revision, not one beside the
    /// other.
    pub(super) fn emptied(folder: PathBuf, seeds: &[u32]) -> Result<Self> {
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::create_dir(&folder),
        }
        .with_context(|| at_fault(&folder))?;
        Self { folder }.set(seeds)
    }

    fn set(self, seeds: &[u32]) -> Result<Self> {
        let list: String = seeds.iter().map(|seed| format!("{seed}\n")).collect();
        fs::write(self.folder.join("seeds"), list).with_context(|| at_fault(&self.folder))?;
        baselines::write_atomic(&self.linker(), SCRIPT.as_bytes(), EXECUTABLE)
            .with_context(|| at_fault(&self.folder))?;
        Ok(self)
    }

    /// The stage called `name` within `entry`, if it is still there.
    pub(super) fn reopen(entry: &Path, name: &str) -> Option<Self> {
        let stage = Self { folder: entry.join(name) };
        stage.linker().exists().then_some(stage)
    }

    /// The last part of its path.
    pub(super) fn name(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The flags by which rustc links with the script.
    pub(super) fn flags(&self) -> Vec<String> {
        vec!["-C".to_owned(), format!("linker={}", self.linker().display())]
    }

    /// Forgets what the script did before.
    pub(super) fn clear(&self) {
        // A mark that is not there is as good as removed.
        let _ = fs::remove_file(self.folder.join("called"));
    }

    /// What the script did for the list of `n_seeds`.
    pub(super) fn outcome(&self, n_seeds: usize) -> Outcome {
        if !self.folder.join("called").exists() {
            return Outcome::NotCalled;
        }
        match fs::read(self.folder.join("refused")) {
            Ok(said) => Outcome::Refused(String::from_utf8_lossy(&said).trim().to_owned()),
            Err(_) => Outcome::Linked((0..n_seeds).map(|idx| self.layout(idx)).collect()),
        }
    }

    /// Where the layout of the seed at `idx` goes.
    pub(super) fn layout(&self, idx: usize) -> PathBuf {
        self.folder.join(format!("layout-{idx}"))
    }

    fn linker(&self) -> PathBuf {
        self.folder.join(SCRIPT_NAME)
    }
}

fn at_fault(folder: &Path) -> String {
    format!("failed to prepare a link in `{}`", folder.display())
}
