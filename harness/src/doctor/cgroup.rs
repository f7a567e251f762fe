//! The control groups that this process is in: the folders of one controller, its own first, then each one above.
//! Version 1 and 2, side by side as well. Source: Linux, `Documentation/admin-guide/cgroup-v2.rst`, `cgroups(7)`.

use super::shell;
use crate::environment::Machine;

/// Deeper than any tree that is in use; a path that claims more is not walked to its end.
const LEVELS_MAX: usize = 64;

/// The folders of one controller, innermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Levels {
    pub(super) version: u8,
    pub(super) folders: Vec<String>,
}

/// A limit, and the folder that sets it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Limit<T> {
    pub(super) most: T,
    pub(super) folder: String,
}

impl Levels {
    /// Where `controller` counts this process; `None` where the system does not say.
    pub(super) fn of(machine: &Machine, controller: &str) -> Option<Self> {
        let groups = machine.text("/proc/self/cgroup")?;
        let mounts = machine.text("/proc/self/mountinfo")?;
        let (version, path) = group(&groups, controller)?;
        let mount = mounts.lines().filter_map(Mount::parse).find(|mount| match version {
            1 => mount.kind == "cgroup" && mount.options.split(',').any(|name| name == controller),
            _ => mount.kind == "cgroup2",
        })?;
        let inner = mount.folder_of(path);
        let inner = if machine.has(&inner) { inner } else { mount.at.to_owned() };
        Some(Self { version, folders: ancestors(&inner, mount.at) })
    }

    /// The tightest of what `read` finds in each folder.
    pub(super) fn tightest<T: PartialOrd>(
        &self,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<Limit<T>> {
        let mut tightest: Option<Limit<T>> = None;
        for folder in &self.folders {
            let Some(most) = read(folder) else { continue };
            if tightest.as_ref().is_none_or(|limit| most < limit.most) {
                tightest = Some(Limit { most, folder: folder.clone() });
            }
        }
        tightest
    }

    /// The sum of field `name` of `file` over all folders that have it.
    pub(super) fn sum(&self, machine: &Machine, file: &str, name: &str) -> Option<u64> {
        let read = |folder: &String| stat(&machine.text(&format!("{folder}/{file}"))?, name);
        self.folders.iter().filter_map(read).reduce(u64::saturating_add)
    }
}

/// The value of `name` in lines of `name value`.
pub(super) fn stat(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

/// The command that writes `value` into `file` of the folder that limits.
pub(super) fn lift(folder: &str, file: &str, value: &str) -> String {
    shell::write(value, &format!("{folder}/{file}"))
}

/// The version of the tree that `controller` is in, and the process's path there.
fn group<'a>(groups: &'a str, controller: &str) -> Option<(u8, &'a str)> {
    let mut unified = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(id), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        if controllers.split(',').any(|name| name == controller) {
            return Some((1, path));
        }
        if id == "0" && controllers.is_empty() {
            unified = Some((2, path));
        }
    }
    unified
}

/// One line of `mountinfo`.
struct Mount<'a> {
    /// The part of the tree that is mounted.
    root: &'a str,
    at: &'a str,
    kind: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        // id parent major:minor root mount-point options [fields…] - kind source super-options
        let (mount, system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let (root, at) = (mount.next()?, mount.next()?);
        let mut system = system.split(' ');
        let (kind, options) = (system.next()?, system.nth(1)?);
        Some(Self { root, at, kind, options })
    }

    /// The folder of the group at `path`. A container may be told its path on the host, of which it sees no more than
    /// what is mounted.
    fn folder_of(&self, path: &str) -> String {
        let below = if self.root == "/" { Some(path) } else { path.strip_prefix(self.root) };
        let is_inside = |below: &&str| {
            (below.is_empty() || below.starts_with('/'))
                && !below.split('/').any(|name| name == "..")
        };
        let inside = below.filter(is_inside);
        format!("{}{}", self.at, inside.unwrap_or_default().trim_end_matches('/'))
    }
}

/// `folder` and each one above it, down to `top`.
fn ancestors(folder: &str, top: &str) -> Vec<String> {
    let mut folders = vec![folder.to_owned()];
    let mut folder = folder;
    while folder.len() > top.len() && folders.len() < LEVELS_MAX {
        let Some((above, _)) = folder.rsplit_once('/') else { break };
        folder = above;
        folders.push(folder.to_owned());
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_controllers_own_tree_comes_before_the_unified_one() {
        let groups = "4:memory:/a/b\n2:cpu,cpuacct:/c\n0::/u:v\n";
        assert_eq!(group(groups, "memory"), Some((1, "/a/b")));
        assert_eq!(group(groups, "cpu"), Some((1, "/c")));
        assert_eq!(group(groups, "pids"), Some((2, "/u:v")));
        assert_eq!(group("1:name=systemd:/x\nnonsense\n", "cpu"), None);
    }

    #[test]
    fn a_path_of_the_host_ends_at_what_the_container_sees() {
        let line =
            "7 1 0:9 /docker/1f /sys/fs/cgroup ro,nosuid shared:4 - cgroup2 cgroup rw,nsdelegate";
        let mount = Mount::parse(line).unwrap();
        assert_eq!(mount.folder_of("/docker/1f/inner"), "/sys/fs/cgroup/inner");
        assert_eq!(mount.folder_of("/docker/1f"), "/sys/fs/cgroup");
        assert_eq!(mount.folder_of("/elsewhere"), "/sys/fs/cgroup");
        assert_eq!(mount.folder_of("/docker/1fab"), "/sys/fs/cgroup");
        assert_eq!(mount.folder_of("/docker/1f/../../x"), "/sys/fs/cgroup");
        assert!(Mount::parse("7 1 0:9 / /x rw").is_none());
    }

    #[test]
    fn every_level_up_to_the_mount_is_looked_at() {
        assert_eq!(ancestors("/s/c/a/b", "/s/c"), ["/s/c/a/b", "/s/c/a", "/s/c"]);
        assert_eq!(ancestors("/s/c", "/s/c"), ["/s/c"]);
        assert_eq!(ancestors(&"/x".repeat(500), "").len(), LEVELS_MAX);
    }

    #[test]
    fn the_tightest_level_limits() {
        let levels = Levels { version: 2, folders: vec!["/a/b".to_owned(), "/a".to_owned()] };
        let limit = levels.tightest(|folder| Some(if folder == "/a" { 1.5 } else { 4.0 })).unwrap();
        assert_eq!((limit.most, limit.folder.as_str()), (1.5, "/a"));
        assert_eq!(levels.tightest(|_| None::<f64>), None);
    }
}
