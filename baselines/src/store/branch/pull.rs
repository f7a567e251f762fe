//! Pulling the branch into a store in a folder: every record it lacks, and every journal that goes on from its own.
//! In: a store. Out: what it has now, and what of the branch was left alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    contents::Contents,
    fold::{Reader, journal_bytes},
    incoming::check_record,
    layout, look, pack,
    place::{Branch, Skipped},
    push::open_objects,
};
use crate::{Digest, Error, ErrorKind, Result, store::DirStore};

/// What a pull did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Whether the branch is there.
    pub exists: bool,
    /// Records that the store lacked, and has now.
    pub n_new: usize,
    /// Records that it had.
    pub n_known: usize,
    /// Journals that were taken, by name.
    pub journals: Vec<String>,
    /// What was left alone: records that do not hold, refs that no push made.
    pub skipped: Vec<Skipped>,
}

/// A store that is filled.
struct Target<'a> {
    store: &'a DirStore,
    had: BTreeSet<Digest>,
    taken: BTreeSet<Digest>,
    skipped: Vec<Skipped>,
}

impl Branch {
    /// Puts what the branch has and `store` lacks into `store`. A branch that is not there has nothing.
    ///
    /// # Errors
    ///
    /// `Io` if git, the remote or the folder fails; `Conflict` if a journal parted from that of the branch, in which case the
    /// records are taken all the same; `Malformed` for a branch that holds something else.
    pub fn pull(&self, store: &DirStore) -> Result<Pulled> {
        let mut reader = Reader::new(open_objects(self)?);
        let seen = look::look(self, &mut BTreeSet::new(), None)?;
        let contents = Contents::of_branch(&mut reader.objects, self, seen.tip.as_ref())?;
        let had = store.records()?.into_iter().collect();
        let mut target =
            Target { store, had, taken: BTreeSet::new(), skipped: seen.skipped.clone() };
        let strays = contents.strays.iter();
        target
            .skipped
            .extend(strays.map(|path| Skipped::new(&**path, "expected a path of the layout")));
        let mut loose: BTreeMap<_, _> = contents.records.clone();
        for (unique, commit) in &seen.incoming {
            match reader.incoming(commit)? {
                Ok(incoming) => {
                    let records = incoming.records.into_iter();
                    loose.extend(records.map(|(month, digest, oid)| ((month, digest), oid)));
                }
                Err(why) => target.skipped.push(Skipped::new(self.incoming(unique), why)),
            }
        }
        for ((month, digest), oid) in &loose {
            if !target.lacks(*digest) {
                continue;
            }
            match check_record(&mut reader.objects, month, *digest, oid)? {
                Ok(bytes) => target.take(&layout::record(month, *digest), *digest, &bytes)?,
                Err(why) => target.skip(layout::record(month, *digest), why),
            }
        }
        for ((month, n), oid) in &contents.packs {
            let path = layout::pack(month, *n);
            match reader.objects.blob(oid, pack::MAX_READ_BYTES)? {
                Ok(bytes) => target.take_pack(&path, &bytes)?,
                Err(why) => target.skip(path, why),
            }
        }
        let (journals, parted) = target.take_journals(&mut reader, &contents)?;
        let n_new = target.taken.difference(&target.had).count();
        if !parted.is_empty() {
            let text = format!("{n_new} new records were taken; not taken: {}", parted.join("; "));
            return Err(Error::new(ErrorKind::Conflict, text));
        }
        Ok(Pulled {
            exists: seen.tip.is_some(),
            n_new,
            n_known: target.taken.intersection(&target.had).count(),
            journals,
            skipped: target.skipped,
        })
    }
}

impl Target<'_> {
    fn skip(&mut self, what: String, why: impl Into<String>) {
        self.skipped.push(Skipped::new(what, why));
    }

    /// Whether `digest` is still to be read; one that the store had is counted.
    fn lacks(&mut self, digest: Digest) -> bool {
        if self.had.contains(&digest) {
            self.taken.insert(digest);
        }
        !self.taken.contains(&digest)
    }

    fn take(&mut self, path: &str, digest: Digest, bytes: &[u8]) -> Result<()> {
        match self.store.put_record_bytes(digest, bytes) {
            Ok(()) => drop(self.taken.insert(digest)),
            // The folder cannot be written: that of the next record is the same.
            Err(error) if error.kind() == ErrorKind::Io => return Err(error),
            Err(error) => self.skip(path.to_owned(), error.to_string()),
        }
        Ok(())
    }

    fn take_pack(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        for line in pack::decode(bytes) {
            match line {
                Ok((digest, bytes)) if self.lacks(digest) => self.take(path, digest, &bytes)?,
                Ok(_) => {}
                Err(why) => self.skip(path.to_owned(), why),
            }
        }
        Ok(())
    }

    /// Names of the journals that were taken, and why others were not.
    fn take_journals(
        &self,
        reader: &mut Reader,
        contents: &Contents,
    ) -> Result<(Vec<String>, Vec<String>)> {
        let (mut journals, mut parted) = (Vec::new(), Vec::new());
        for (name, oid) in &contents.journals {
            let taken = match journal_bytes(&mut reader.objects, name, oid)? {
                Ok(journal) => self.store.take_journal(&journal),
                Err(why) => Err(Error::new(ErrorKind::Malformed, why)),
            };
            match taken {
                Ok(true) => journals.push(name.clone()),
                Ok(false) => {}
                Err(error) if error.kind() == ErrorKind::Io => return Err(error),
                Err(error) => parted.push(error.to_string()),
            }
        }
        Ok((journals, parted))
    }
}
