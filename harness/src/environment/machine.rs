//! Where facts about the machine are read: the system's own files, or a folder of scripted ones in their place.
//!
//! In: the absolute path of a file in `/proc` or `/sys`. Out: its text or number; `None` where the system does not say.
//! Nothing in these files is trusted: they may be missing, empty, binary, endless or of another kernel's form.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
    str::FromStr,
};

/// No file of the system that is asked for is longer: `/proc/cpuinfo` takes about 1.5 KiB a CPU.
const BYTES_MAX: u64 = 16 << 20;
/// A value that is shown to people is cut here.
const CHARS_MAX: usize = 120;
/// More CPUs than Linux can be built for (8,192 on x86-64): a list that claims more is no list.
const CPUS_MAX: u32 = 65_536;

/// The machine as its files describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    root: PathBuf,
}

impl Machine {
    /// The one this runs on.
    pub(crate) fn here() -> Self {
        Self::at("/")
    }

    /// One whose `/proc` and `/sys` are below `root`.
    pub(crate) fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// A whole file; bytes that are no UTF-8 become replacement characters.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        let mut bytes = Vec::new();
        File::open(self.path(path)).ok()?.take(BYTES_MAX).read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        (!text.trim().is_empty()).then(|| text.into_owned())
    }

    /// The first line, fit to be shown.
    pub(crate) fn line(&self, path: &str) -> Option<String> {
        Some(shown(self.text(path)?.trim().lines().next()?))
    }

    /// A file that holds one number.
    pub(crate) fn number<T: FromStr>(&self, path: &str) -> Option<T> {
        self.text(path)?.trim().parse().ok()
    }

    /// The names in a folder, sorted; none where there is no such folder.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(folder)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// True if there is such a file or folder.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// The CPUs that this process may run on.
    pub(crate) fn allowed_cpus(&self) -> Option<BTreeSet<u32>> {
        let status = self.text("/proc/self/status")?;
        cpu_list(field(&status, "Cpus_allowed_list")?)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(Path::new(path).strip_prefix("/").unwrap_or(Path::new(path)))
    }
}

/// The value of the first `name : value` line.
pub(crate) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

/// A list such as `0-3,8` as the kernel writes it; `None` if it is none, or empty.
pub(crate) fn cpu_list(text: &str) -> Option<BTreeSet<u32>> {
    let mut cpus = BTreeSet::new();
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        if first > last || last >= CPUS_MAX {
            return None;
        }
        cpus.extend(first..=last);
    }
    Some(cpus)
}

/// Text from a file as it may be printed: no control characters, and not endless.
pub(crate) fn shown(text: &str) -> String {
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.trim().chars().take(CHARS_MAX).map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_cpus_is_read_as_the_kernel_writes_it() {
        let list = |text| cpu_list(text).map(|cpus| cpus.into_iter().collect::<Vec<_>>());
        assert_eq!(list("0-2,8\n"), Some(vec![0, 1, 2, 8]));
        assert_eq!(list("5"), Some(vec![5]));
        for bad in ["", "a", "3-1", "0-4294967295", "0-18446744073709551616", "1,,2", "-1"] {
            assert_eq!(list(bad), None, "{bad}");
        }
    }

    /// Requirement: P1.
    #[test]
    fn what_is_missing_empty_or_no_number_is_not_said() {
        let root = tempfile::tempdir().unwrap();
        let machine = Machine::at(root.path());
        fs::create_dir(root.path().join("proc")).unwrap();
        fs::write(root.path().join("proc/empty"), " \n").unwrap();
        fs::write(root.path().join("proc/binary"), b"\xff\x1b[31m\0\n2").unwrap();
        fs::write(root.path().join("proc/huge"), "99999999999999999999999").unwrap();
        assert_eq!(machine.text("/proc/none"), None);
        assert_eq!(machine.text("/proc"), None);
        assert_eq!(machine.line("/proc/empty"), None);
        assert_eq!(machine.number::<u64>("/proc/huge"), None);
        assert_eq!(machine.line("/proc/binary").unwrap(), "\u{fffd}\u{fffd}[31m\u{fffd}");
        assert_eq!(machine.names("/proc"), ["binary", "empty", "huge"]);
        assert!(machine.names("/sys").is_empty());
    }
}
