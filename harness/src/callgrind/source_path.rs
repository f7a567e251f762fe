//! Paths of source files that two builds share: no folder of a machine is left in them.
//! In: a path as callgrind wrote it, and the root that the build's source stood in. Out: a path relative to that root, to
//! the crate or to the library it belongs to.

use std::path::Path;

/// Where a path is that is in none of the places we know: the folder alone, for no report shows the rest.
const ELSEWHERE: &str = "…/";

/// The path of `raw` in every build of a source that stood in `root`.
pub(super) fn comparable(raw: &str, root: &Path) -> String {
    let own = Path::new(raw).strip_prefix(root).ok().and_then(Path::to_str);
    let own = own.filter(|rest| !rest.is_empty() && root.parent().is_some());
    normalised(own.or_else(|| of_library(raw)).unwrap_or(raw))
}

/// What is left of a path of the standard library or of a dependency.
fn of_library(raw: &str) -> Option<&str> {
    let below = |folder: &str| raw.split_once(folder).map(|(_, rest)| rest);
    // `/rustc/HASH/library/core/…`, or where the compiler has its sources at hand.
    let of_commit = raw.strip_prefix("/rustc/").and_then(|rest| rest.split_once('/'));
    of_commit
        .map(|(_, rest)| rest)
        .or_else(|| below("/lib/rustlib/src/rust/"))
        .or_else(|| raw.strip_prefix("/rust/deps/"))
        // `registry/src/index.crates.io-HASH/NAME-VERSION/…`
        .or_else(|| below("/registry/src/").and_then(|rest| Some(rest.split_once('/')?.1)))
        // `git/checkouts/NAME-HASH/COMMIT/…`
        .or_else(|| {
            let (_, rest) = below("/git/checkouts/")?.split_once('/')?;
            Some(rest.split_once('/')?.1)
        })
        .filter(|rest| !rest.is_empty())
}

/// Without `.` and with `..` followed; of an absolute path the last folder and the name.
fn normalised(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if path.starts_with('/') {
        let tail = &parts[parts.len().saturating_sub(2)..];
        return format!("{ELSEWHERE}{}", tail.join("/"));
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_place_becomes_relative() {
        for (raw, want) in [
            ("/tmp/tree/engine/src/a.rs", "engine/src/a.rs"),
            ("/tmp/tree/./engine/../harness/b.rs", "harness/b.rs"),
            (
                "/rustc/59807616e1fa/library/core/src/../../stdarch/x86/avx2.rs",
                "library/stdarch/x86/avx2.rs",
            ),
            (
                "/home/a/.rustup/toolchains/stable/lib/rustlib/src/rust/library/core/src/cmp.rs",
                "library/core/src/cmp.rs",
            ),
            ("/rust/deps/hashbrown-0.16.1/src/raw/mod.rs", "hashbrown-0.16.1/src/raw/mod.rs"),
            (
                "/home/a/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/half-2.7.1/src/lib.rs",
                "half-2.7.1/src/lib.rs",
            ),
            ("/home/a/.cargo/git/checkouts/toy-0123456789abcdef/1234567/src/lib.rs", "src/lib.rs"),
            ("./string/../sysdeps/memmove.S", "sysdeps/memmove.S"),
            ("/usr/include/x86_64-linux-gnu/bits/stdio2.h", "…/bits/stdio2.h"),
            ("src/main.c", "src/main.c"),
            ("???", "???"),
        ] {
            assert_eq!(comparable(raw, Path::new("/tmp/tree")), want, "{raw}");
        }
    }

    #[test]
    fn no_path_stays_absolute_whatever_the_root() {
        for root in ["", "/", "/tmp/tree", "/tmp/tree/a.rs", "relative"] {
            for raw in ["/tmp/tree/a.rs", "/a.rs", "/", "//", "/../..", "/rustc/", "/rustc/x/"] {
                let path = comparable(raw, Path::new(root));
                assert!(!path.starts_with('/') && !path.contains("tmp"), "{root} {raw}: {path}");
            }
        }
    }
}
