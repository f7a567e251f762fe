//! The fold: one new commit that holds the branch, every good thing that came in, and our journals; old months packed.
//! In: a look at the remote, the store's journals. Out: what changes in the tree, and what came in that it takes up.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    contents::Contents,
    incoming::{self, Incoming},
    layout::{self, Month, NO_JEKYLL, PAGE},
    look::Seen,
    objects::{Checked, Objects, Oid},
    pack,
    place::{Branch, Skipped},
    write::{Changes, Writer},
};
use crate::{
    Digest, Result,
    store::{
        DirStore,
        journal::{self, Journal, MAX_JOURNAL_BYTES},
    },
};

/// What one push reads again and again while others push: each object is judged once.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) objects: Objects,
    incoming: BTreeMap<Oid, Checked<Incoming>>,
    packs: BTreeMap<Oid, Checked<BTreeSet<Digest>>>,
}

/// What a fold would do.
#[derive(Debug, Default)]
pub(super) struct Fold {
    pub(super) changes: Changes,
    /// What came in and is taken up, by its unique name.
    pub(super) folded: Vec<String>,
    /// Names of the journals that are written.
    pub(super) journals: Vec<String>,
    /// Why a journal of ours is not written.
    pub(super) parted: Vec<String>,
    /// Months whose packs are written.
    pub(super) months: Vec<Month>,
    pub(super) skipped: Vec<Skipped>,
}

/// What a fold is made for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan<'a> {
    pub(super) branch: &'a Branch,
    pub(super) store: &'a DirStore,
    /// Months before this one are packed.
    pub(super) pack_before: &'a Month,
    pub(super) most_pack_bytes: usize,
}

impl Fold {
    pub(super) fn is_nothing(&self) -> bool {
        self.changes.is_empty() && self.folded.is_empty()
    }
}

impl Reader {
    pub(super) const fn new(objects: Objects) -> Self {
        Self { objects, incoming: BTreeMap::new(), packs: BTreeMap::new() }
    }

    /// What the push that put down `commit` brings.
    pub(super) fn incoming(&mut self, commit: &Oid) -> Result<Checked<Incoming>> {
        if let Some(known) = self.incoming.get(commit) {
            return Ok(known.clone());
        }
        let found = incoming::check(&mut self.objects, commit)?;
        self.incoming.insert(commit.clone(), found.clone());
        Ok(found)
    }

    /// The records of a pack, if every line of it holds.
    fn packed(&mut self, pack: &Oid) -> Result<&Checked<BTreeSet<Digest>>> {
        if !self.packs.contains_key(pack) {
            let bytes = self.objects.blob(pack, pack::MAX_READ_BYTES)?;
            let digests = |bytes: Vec<u8>| {
                pack::decode(&bytes).map(|line| line.map(|(digest, _)| digest)).collect()
            };
            self.packs.insert(pack.clone(), bytes.and_then(digests));
        }
        Ok(self.packs.get(pack).expect("it was just put there"))
    }

    /// All records that are in packs of `contents`. A pack with a bad line counts for nothing: what it may have is put
    /// beside it.
    pub(super) fn all_packed(&mut self, contents: &Contents) -> Result<BTreeSet<Digest>> {
        let mut all = BTreeSet::new();
        for oid in contents.packs.values() {
            if let Ok(digests) = self.packed(oid)? {
                all.extend(digests.iter().copied());
            }
        }
        Ok(all)
    }

    /// Whether the branch has all of `records`, loose or packed.
    pub(super) fn has_all(
        &mut self,
        contents: &Contents,
        records: &[(Month, Digest)],
    ) -> Result<bool> {
        for (month, digest) in records {
            if contents.records.contains_key(&(month.clone(), *digest)) {
                continue;
            }
            let of_month = contents.packs.iter().filter(|((of, _), _)| of == month);
            let mut found = false;
            for (_, oid) in of_month {
                found |= self.packed(oid)?.as_ref().is_ok_and(|digests| digests.contains(digest));
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Plans the fold of `seen`, whose branch has `contents`.
    pub(super) fn fold(
        &mut self,
        plan: Plan<'_>,
        seen: &Seen,
        contents: &Contents,
        writer: &Writer<'_>,
    ) -> Result<Fold> {
        let mut fold = Fold { skipped: seen.skipped.clone(), ..Fold::default() };
        let mut records = contents.records.clone();
        let mut page: Option<(i64, &str, Oid)> = None;
        for (unique, commit) in &seen.incoming {
            match self.incoming(commit)? {
                Err(why) => {
                    fold.skipped.push(Skipped::new(plan.branch.incoming(unique), why));
                }
                Ok(incoming) => {
                    for (month, digest, oid) in incoming.records {
                        fold.set(contents, layout::record(&month, digest), Some(&oid));
                        records.insert((month, digest), oid);
                    }
                    // Of several pages, that of the last push.
                    let newest = incoming.page.map(|oid| (incoming.at_s, &**unique, oid));
                    page = page.max(newest);
                    fold.folded.push(unique.clone());
                }
            }
        }
        if let Some((_, _, oid)) = &page {
            fold.set(contents, PAGE.to_owned(), Some(oid));
        }
        self.journals(plan.store, contents, writer, &mut fold)?;
        self.packs(plan, contents, &records, writer, &mut fold)?;
        if !contents.has_no_jekyll && !fold.is_nothing() {
            for oid in writer.blobs([b""])? {
                fold.changes.insert(NO_JEKYLL.to_owned(), Some(oid));
            }
        }
        Ok(fold)
    }

    /// Our journals, where they go on from those of the branch.
    fn journals(
        &mut self,
        store: &DirStore,
        contents: &Contents,
        writer: &Writer<'_>,
        fold: &mut Fold,
    ) -> Result<()> {
        let mut written = Vec::new();
        for name in store.names()? {
            let ours = match store.journal(&name) {
                Ok(Some(journal)) => journal,
                Ok(None) => continue,
                Err(error) => {
                    fold.parted.push(error.to_string());
                    continue;
                }
            };
            let theirs = match contents.journals.get(&name) {
                None => Vec::new(),
                Some(oid) => match journal_bytes(&mut self.objects, &name, oid)? {
                    Ok(journal) => journal.as_bytes().to_vec(),
                    Err(why) => {
                        fold.parted.push(why);
                        continue;
                    }
                },
            };
            if theirs.starts_with(ours.as_bytes()) {
                continue;
            }
            if ours.as_bytes().starts_with(&theirs) {
                written.push(ours);
            } else {
                fold.parted.push(journal::parted(&name).to_string());
            }
        }
        let oids = writer.blobs(written.iter().map(Journal::as_bytes))?;
        for (journal, oid) in written.iter().zip(oids) {
            fold.changes.insert(layout::journal(journal.name()), Some(oid));
            fold.journals.push(journal.name().to_owned());
        }
        Ok(())
    }

    /// Packs the months that have loose records and are over.
    fn packs(
        &mut self,
        plan: Plan<'_>,
        contents: &Contents,
        records: &BTreeMap<(Month, Digest), Oid>,
        writer: &Writer<'_>,
        fold: &mut Fold,
    ) -> Result<()> {
        let months: BTreeSet<&Month> = records
            .keys()
            .map(|(month, _)| month)
            .filter(|month| *month < plan.pack_before)
            .collect();
        for month in months {
            let all = match self.month(contents, records, month)? {
                Ok(all) => all,
                Err(skipped) => {
                    fold.skipped.push(skipped);
                    continue;
                }
            };
            let Ok(packs) = pack::encode(&all, plan.most_pack_bytes) else { continue };
            let n_packs = packs.len();
            for (n, oid) in writer.blobs(packs)?.into_iter().enumerate() {
                fold.set(contents, layout::pack(month, n + 1), Some(&oid));
            }
            let over = contents.packs.keys().filter(|(of, n)| of == month && *n > n_packs);
            for (_, n) in over {
                fold.set(contents, layout::pack(month, *n), None);
            }
            for (_, digest) in records.keys().filter(|(of, _)| of == month) {
                fold.set(contents, layout::record(month, *digest), None);
            }
            fold.months.push(month.clone());
        }
        Ok(())
    }

    /// Every record of a month, loose and packed; or what of it does not hold, and then it stays as it is.
    fn month(
        &mut self,
        contents: &Contents,
        records: &BTreeMap<(Month, Digest), Oid>,
        month: &Month,
    ) -> Result<std::result::Result<BTreeMap<Digest, Vec<u8>>, Skipped>> {
        let mut all = BTreeMap::new();
        for ((_, digest), oid) in records.iter().filter(|((of, _), _)| of == month) {
            match incoming::check_record(&mut self.objects, month, *digest, oid)? {
                Ok(bytes) => drop(all.insert(*digest, bytes)),
                Err(why) => return Ok(Err(Skipped::new(layout::record(month, *digest), why))),
            }
        }
        for ((_, n), oid) in contents.packs.iter().filter(|((of, _), _)| of == month) {
            let lines = match self.objects.blob(oid, pack::MAX_READ_BYTES)? {
                Ok(bytes) => pack::decode(&bytes).collect::<Checked<Vec<_>>>(),
                Err(why) => Err(why),
            };
            match lines {
                Ok(lines) => all.extend(lines),
                Err(why) => return Ok(Err(Skipped::new(layout::pack(month, *n), why))),
            }
        }
        Ok(Ok(all))
    }
}

impl Fold {
    /// Changes a path, unless it is so already.
    fn set(&mut self, contents: &Contents, path: String, blob: Option<&Oid>) {
        if contents.at(&path).as_ref() == blob {
            self.changes.remove(&path);
        } else {
            self.changes.insert(path, blob.cloned());
        }
    }
}

/// The journal of the branch in the blob `oid`, if all of it holds.
pub(super) fn journal_bytes(
    objects: &mut Objects,
    name: &str,
    oid: &Oid,
) -> Result<Checked<Journal>> {
    let bytes = match objects.blob(oid, MAX_JOURNAL_BYTES)? {
        Ok(bytes) => bytes,
        Err(why) => return Ok(Err(format!("journal of baseline `{name}` in the branch: {why}"))),
    };
    Ok(match Journal::parse(name, &bytes) {
        Ok(journal) if journal.torn_bytes() == 0 => Ok(journal),
        Ok(journal) => Err(format!(
            "journal of baseline `{name}` in the branch: expected a newline at its end, found {} bytes after the last; \
             put it back from an earlier commit of the branch",
            journal.torn_bytes()
        )),
        Err(error) => Err(format!("in the branch: {error}")),
    })
}
