//! What another push put down, judged: records that are what they say, perhaps a page, and nothing else.
//! In: a commit that anybody with access may have made. Out: what a fold may take of it, or why it takes nothing.

use super::{
    contents::Contents,
    layout::Month,
    objects::{Checked, Objects, Oid},
    push::MAX_PAGE_BYTES,
};
use crate::{Digest, Result, record::wire::MAX_BYTES, store::dir::checked_record};

/// One push, as it came in.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    pub(super) records: Vec<(Month, Digest, Oid)>,
    pub(super) page: Option<Oid>,
    /// When it was put down, in seconds since 1970.
    pub(super) at_s: i64,
}

/// Reads and judges `commit`.
pub(super) fn check(objects: &mut Objects, commit: &Oid) -> Result<Checked<Incoming>> {
    let commit = match objects.commit(commit)? {
        Ok(commit) => commit,
        Err(why) => return Ok(Err(why)),
    };
    let contents = match Contents::of_tree(objects, &commit.tree)? {
        Ok(contents) => contents,
        Err(why) => return Ok(Err(why)),
    };
    if let Some(path) = stray(&contents) {
        return Ok(Err(format!("expected records and a page, found `{}`", path.escape_debug())));
    }
    let mut records = Vec::new();
    for ((month, digest), oid) in contents.records {
        if let Err(why) = check_record(objects, &month, digest, &oid)? {
            return Ok(Err(why));
        }
        records.push((month, digest, oid));
    }
    if let Some(page) = &contents.page
        && let Err(why) = objects.blob(page, MAX_PAGE_BYTES)?
    {
        return Ok(Err(format!("page: {why}")));
    }
    Ok(Ok(Incoming { records, page: contents.page, at_s: commit.at_s }))
}

/// The bytes of the record `digest` of `month`, if a store may keep them.
pub(super) fn check_record(
    objects: &mut Objects,
    month: &Month,
    digest: Digest,
    oid: &Oid,
) -> Result<Checked<Vec<u8>>> {
    let bytes = match objects.blob(oid, MAX_BYTES)? {
        Ok(bytes) => bytes,
        Err(why) => return Ok(Err(format!("record {}: {why}", digest.short()))),
    };
    Ok(match checked_record(digest, &bytes) {
        Ok(record) if Month::of(&record.ended_at).as_ref() == Some(month) => Ok(bytes),
        Ok(record) => {
            let found = record.ended_at;
            Err(format!(
                "record {}: expected one that ended in {month}, found {found}",
                digest.short()
            ))
        }
        Err(error) => Err(error.to_string()),
    })
}

/// A path that no push puts down.
fn stray(contents: &Contents) -> Option<String> {
    let pack = || contents.packs.keys().next().map(|(month, _)| format!("packs/{month}"));
    let journal = || contents.journals.keys().next().map(|name| format!("baselines/{name}"));
    let path = contents.strays.first().or(contents.foreign.first()).cloned();
    let no_jekyll = || contents.has_no_jekyll.then(|| ".nojekyll".to_owned());
    path.or_else(pack).or_else(journal).or_else(no_jekyll)
}
