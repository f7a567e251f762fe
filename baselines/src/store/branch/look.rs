//! A look at the remote: where the branch is, and what came in for it and is not folded yet.
//! In: the branch. Out: names of commits, whose objects are in the local repository now; no ref of the user's moved.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    git::{self, git},
    objects::Oid,
    place::{Branch, Skipped},
};
use crate::{Digest, Error, ErrorKind, Result};

/// What pushes put down before they fold, below the name of the branch.
pub(super) const INCOMING: &str = "refs/tritgate/incoming";
/// Local refs: what was seen last, so that the next fetch brings only what is new.
const SEEN: &str = "refs/tritgate/seen";
/// Most of what came in that one fold takes: the rest is for the next.
const MAX_INCOMING: usize = 256;

/// The remote as it was at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The branch; `None` where there is none yet.
    pub(super) tip: Option<Oid>,
    /// What came in, by its unique name.
    pub(super) incoming: BTreeMap<String, Oid>,
    /// Refs that no push made, or one too many.
    pub(super) skipped: Vec<Skipped>,
}

/// Whether `text` can be the unique name of a push.
pub(super) fn is_unique(text: &str) -> bool {
    (8..=64).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Looks, and fetches what is not in `known` yet. `own` is taken however many others there are.
pub(super) fn look(branch: &Branch, known: &mut BTreeSet<Oid>, own: Option<&str>) -> Result<Seen> {
    // Between listing and fetching, a remote may let go of what was folded; not twice in a row.
    let mut seen = list(branch, own)?;
    if fetch(branch, &seen, known).is_err() {
        seen = list(branch, own)?;
        fetch(branch, &seen, known)?;
    }
    Ok(seen)
}

fn list(branch: &Branch, own: Option<&str>) -> Result<Seen> {
    let (tip, below) = (branch.refname(), branch.incoming(""));
    let mut command = git(&branch.repository);
    command.args(["ls-remote", "--quiet", &branch.remote, &tip, &format!("{below}*")]);
    let said = git::run(&mut command, b"")?;
    if !said.good {
        return Err(unreachable(branch, &said.reason));
    }
    let mut seen = Seen::default();
    for line in String::from_utf8_lossy(&said.stdout).lines() {
        let Some((oid, name)) = line.split_once('\t') else { continue };
        let Some(oid) = Oid::parse(oid) else { continue };
        match name.strip_prefix(&*below) {
            _ if name == tip => seen.tip = Some(oid),
            // Of the branch `NAME/…`.
            Some(unique) if unique.contains('/') => {}
            Some(unique) if is_unique(unique) => drop(seen.incoming.insert(unique.to_owned(), oid)),
            Some(_) => seen.skip(name, "expected 8 to 64 hex digits at its end"),
            None => {}
        }
    }
    let over: Vec<String> = seen.incoming.keys().skip(MAX_INCOMING).cloned().collect();
    for unique in over.iter().filter(|unique| Some(&***unique) != own) {
        seen.incoming.remove(unique);
        seen.skip(&branch.incoming(unique), "one of too many at once: a later push folds it");
    }
    Ok(seen)
}

fn fetch(branch: &Branch, seen: &Seen, known: &mut BTreeSet<Oid>) -> Result<()> {
    let all: BTreeSet<&Oid> = seen.tip.iter().chain(seen.incoming.values()).collect();
    let new: Vec<&Oid> = all.into_iter().filter(|oid| !known.contains(oid)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let mut command = git(&branch.repository);
    // By name of object, not of ref: none of them can have moved since. No filter: a partial clone would ask for each record
    // by itself.
    command.args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-filter"]);
    command.args(["--no-recurse-submodules", "--refmap=", &branch.remote]);
    command.args(new.iter().map(|oid| oid.as_str()));
    let said = git::run(&mut command, b"")?;
    if !said.good {
        return Err(unreachable(branch, &said.reason));
    }
    if let Some(tip) = seen.tip.as_ref().filter(|tip| new.contains(tip)) {
        let place = Digest::of(format!("{}\0{}", branch.remote, branch.name).as_bytes()).short();
        // In vain only if another push from here does the same, and then the next fetch brings a little more.
        git::run(
            git(&branch.repository).args(["update-ref", &format!("{SEEN}/{place}"), tip.as_str()]),
            b"",
        )?;
    }
    known.extend(new.into_iter().cloned());
    Ok(())
}

impl Seen {
    fn skip(&mut self, what: &str, why: &str) {
        self.skipped.push(Skipped::new(what, why));
    }
}

fn unreachable(branch: &Branch, reason: &str) -> Error {
    Error::new(
        ErrorKind::Io,
        format!(
            "read {}: expected a remote that answers, found: {reason}; `git remote -v` lists those of `{}`, and `git \
             ls-remote` must be able to read it",
            branch.shown(),
            branch.repository.display()
        ),
    )
}
