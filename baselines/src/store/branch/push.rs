//! Pushing a store into the branch: first make it safe under a ref that nobody else writes, then fold everything that came in.
//! In: a store, the time, a name that no other push has. Out: what the branch has now, after how many lost races.

use std::{collections::BTreeSet, thread, time::Duration};

use super::{
    contents::Contents,
    fold::{Fold, Plan, Reader},
    git::{self, git},
    layout::{self, Month, PAGE},
    look::{self, Seen},
    objects::{Objects, Oid},
    pack::MAX_PACK_BYTES,
    place::{Branch, Skipped},
    write::{Changes, Writer},
};
use crate::{
    Digest, Error, ErrorKind, Result,
    store::{DirStore, dir::checked_record},
};

/// Races that a push loses before it gives up. Who only adds records loses two at most: docs/store.md says why.
pub const MAX_RETRIES: u32 = 5;
/// Largest page.
pub const MAX_PAGE_BYTES: usize = 32 << 20;
/// The first wait after a lost race is up to this and at least half of it, each later one twice the one before: about as long
/// as a fold takes, since the next one that wins takes ours along.
const WAIT_MS: u64 = 400;

/// What a push needs besides the store.
#[derive(Clone, Copy, Debug)]
pub struct Push<'a> {
    /// When (UTC, as every timestamp).
    pub now: &'a str,
    /// 8 to 64 hex digits that no other push has; how long is waited after a lost race comes from them too.
    pub unique: &'a str,
    /// A page for `index.html`.
    pub page: Option<&'a [u8]>,
}

/// What a push did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Records of ours that the branch did not have.
    pub n_records: usize,
    /// Whether our page was put there.
    pub page: bool,
    /// The commit that we moved the branch to; `None` where there was nothing to do, or another push did it.
    pub commit: Option<String>,
    /// Pushes of others that were folded with ours.
    pub n_folded: usize,
    /// Journals that were written, by name.
    pub journals: Vec<String>,
    /// Months that were packed.
    pub months: Vec<String>,
    /// Races that were lost.
    pub retries: u32,
    /// What was left alone: refs that no push made, records that do not hold.
    pub skipped: Vec<Skipped>,
}

/// What this push put down.
struct Own {
    commit: Oid,
    records: Vec<(Month, Digest)>,
    page: Option<Oid>,
    /// Whether the remote showed it.
    was_seen: bool,
}

/// A push under way.
struct Session<'a> {
    branch: &'a Branch,
    store: &'a DirStore,
    push: Push<'a>,
    pack_before: Month,
    most_pack_bytes: usize,
    writer: Writer<'a>,
    reader: Reader,
    /// Commits whose objects are here.
    known: BTreeSet<Oid>,
}

impl Branch {
    /// Puts what `store` has and the branch lacks into the branch, with whatever pushes of others left behind.
    ///
    /// # Errors
    ///
    /// `Io` if git or the remote fails or refuses; `Conflict` if a journal parted from that of the branch, in which case the
    /// records are pushed all the same, or if every race was lost, in which case they are safe and the next push folds them;
    /// `Malformed` for a branch that holds something else, and for arguments of another form.
    pub fn push(&self, store: &DirStore, push: Push<'_>) -> Result<Pushed> {
        push_within(self, store, push, MAX_PACK_BYTES)
    }
}

/// The same with packs of at most `most_pack_bytes`.
pub(super) fn push_within(
    branch: &Branch,
    store: &DirStore,
    push: Push<'_>,
    most_pack_bytes: usize,
) -> Result<Pushed> {
    let mut session = Session::open(branch, store, push, most_pack_bytes)?;
    let mut pushed = Pushed::default();
    let mut seen = session.look(None)?;
    let own = session.put_down(&seen, &mut pushed)?;
    if own.is_some() {
        // Again, now that ours is there: what is folded from here on by anybody has it.
        seen = session.look(own.as_ref())?;
    }
    let was_seen = seen.incoming.contains_key(push.unique);
    let own = own.map(|own| Own { was_seen, ..own });
    loop {
        let contents = Contents::of_branch(&mut session.reader.objects, branch, seen.tip.as_ref())?;
        let done = session.is_folded(own.as_ref(), &seen, &contents)?;
        let fold = session.fold(own.as_ref().filter(|_| !done), &seen, &contents)?;
        let helped = done && own.is_some() && fold.journals.is_empty();
        if fold.is_nothing() || helped {
            let skipped = std::mem::take(&mut pushed.skipped);
            pushed.skipped = skipped.into_iter().chain(fold.skipped).collect();
            return end(pushed, &fold.parted);
        }
        let Err(refusal) = session.publish(&seen, &fold)?.map(|commit| pushed.commit = commit)
        else {
            let own = |unique: &&String| **unique == push.unique;
            pushed.n_folded = fold.folded.len() - fold.folded.iter().filter(own).count();
            pushed.journals = fold.journals;
            pushed.months = fold.months.iter().map(Month::to_string).collect();
            pushed.skipped.extend(fold.skipped);
            return end(pushed, &fold.parted);
        };
        if pushed.retries == MAX_RETRIES {
            return Err(session.lost(own.is_some(), &refusal));
        }
        session.wait(pushed.retries);
        pushed.retries += 1;
        let again = session.look(own.as_ref())?;
        // Nobody was faster, so nobody will be: the remote does not want it.
        if again == seen && !is_race(&refusal) {
            return Err(session.refused(&branch.refname(), own.is_some(), &refusal));
        }
        seen = again;
    }
}

/// What was done; or, if a journal of ours could not be, an error that says so too.
fn end(pushed: Pushed, parted: &[String]) -> Result<Pushed> {
    if parted.is_empty() {
        return Ok(pushed);
    }
    let n = pushed.n_records;
    let records = if n == 1 { "1 record was".to_owned() } else { format!("{n} records were") };
    let text = format!("{records} pushed; not pushed: {}", parted.join("; "));
    Err(Error::new(ErrorKind::Conflict, text))
}

impl<'a> Session<'a> {
    fn open(
        branch: &'a Branch,
        store: &'a DirStore,
        push: Push<'a>,
        most_pack_bytes: usize,
    ) -> Result<Self> {
        let malformed = |text: String| Error::new(ErrorKind::Malformed, text);
        let Push { now, unique, page } = push;
        let month = Month::of(now).filter(|_| crate::timestamp::parse_ms(now).is_some());
        let month =
            month.ok_or_else(|| malformed(format!("now: expected a timestamp, found {now:?}")))?;
        if !look::is_unique(unique) {
            let text = format!("unique name: expected 8 to 64 hex digits, found {unique:?}");
            return Err(malformed(text));
        }
        if let Some(page) = page.filter(|page| page.len() > MAX_PAGE_BYTES) {
            let found = page.len();
            let text = format!(
                "page: expected at most {MAX_PAGE_BYTES} bytes, found {found}; make it of fewer records"
            );
            return Err(malformed(text));
        }
        let objects = open_objects(branch)?;
        Ok(Self {
            branch,
            store,
            push,
            pack_before: month.previous(),
            most_pack_bytes,
            writer: Writer::new(&branch.repository)?,
            reader: Reader::new(objects),
            known: BTreeSet::new(),
        })
    }

    fn look(&mut self, own: Option<&Own>) -> Result<Seen> {
        look::look(self.branch, &mut self.known, own.map(|_| self.push.unique))
    }

    /// Makes what the branch lacks safe under a ref of our own; `None` if it lacks nothing.
    fn put_down(&mut self, seen: &Seen, pushed: &mut Pushed) -> Result<Option<Own>> {
        let contents =
            Contents::of_branch(&mut self.reader.objects, self.branch, seen.tip.as_ref())?;
        let (records, blobs) = self.lacking(&contents, pushed)?;
        let mut changes = Changes::new();
        for ((month, digest), blob) in records.iter().zip(blobs) {
            changes.insert(layout::record(month, *digest), Some(blob));
        }
        pushed.n_records = records.len();
        let mut page = None;
        if let Some(bytes) = self.push.page {
            let oid = self.writer.blobs([bytes])?.pop();
            page = oid.filter(|oid| contents.page.as_ref() != Some(oid));
        }
        if let Some(oid) = &page {
            changes.insert(PAGE.to_owned(), Some(oid.clone()));
            pushed.page = true;
        }
        if changes.is_empty() {
            return Ok(None);
        }
        let tree = self.writer.tree(None, &changes)?;
        let message = format!("tritgate: {} for `{}`", amount(records.len()), self.branch.name);
        let commit = self.writer.commit(&tree, None, &message, self.push.now)?;
        self.known.insert(commit.clone());
        self.deliver(&commit)?;
        Ok(Some(Own { commit, records, page, was_seen: false }))
    }

    /// The store's records that the branch lacks, and their blobs. What does not hold is named in `pushed`.
    #[expect(clippy::type_complexity, reason = "two lists of one length")]
    fn lacking(
        &mut self,
        contents: &Contents,
        pushed: &mut Pushed,
    ) -> Result<(Vec<(Month, Digest)>, Vec<Oid>)> {
        let loose: BTreeSet<Digest> = contents.records.keys().map(|(_, digest)| *digest).collect();
        let mut lacking: BTreeSet<Digest> = self.store.records()?.into_iter().collect();
        lacking.retain(|digest| !loose.contains(digest));
        if !lacking.is_empty() {
            let packed = self.reader.all_packed(contents)?;
            lacking.retain(|digest| !packed.contains(digest));
        }
        let mut records = Vec::new();
        let mut read = |digest: Digest| {
            let bytes = self.store.record_bytes(digest).and_then(|bytes| {
                let record = checked_record(digest, &bytes)?;
                Ok((
                    Month::of(&record.ended_at).expect("a record's timestamps have the form"),
                    bytes,
                ))
            });
            match bytes {
                Ok((month, bytes)) => {
                    records.push((month, digest));
                    Some(bytes)
                }
                Err(error) => {
                    let what = format!("record {} of the store", digest.short());
                    pushed.skipped.push(Skipped::new(what, error.to_string()));
                    None
                }
            }
        };
        // One at a time: a store may be larger than memory.
        let blobs = self.writer.blobs(lacking.into_iter().filter_map(&mut read))?;
        Ok((records, blobs))
    }

    /// Pushes `commit` to the ref that is ours alone.
    fn deliver(&self, commit: &Oid) -> Result<()> {
        let name = self.branch.incoming(self.push.unique);
        for lost in 0.. {
            let said = self.push_refs(&[(&name, Some(commit), None)])?;
            let Err(refusal) = said else { return Ok(()) };
            // Nobody else writes it, but a server may lock more than one ref for a moment.
            if lost == MAX_RETRIES || !is_race(&refusal) {
                return Err(self.refused(&name, false, &refusal));
            }
            self.wait(lost);
        }
        Ok(())
    }

    /// Whether others folded what we put down: it is gone, and the branch has it.
    fn is_folded(&mut self, own: Option<&Own>, seen: &Seen, contents: &Contents) -> Result<bool> {
        let Some(own) = own else { return Ok(true) };
        if seen.incoming.contains_key(self.push.unique) {
            return Ok(false);
        }
        // A page that was there may be followed by another. One that was never seen to be there has to be in the branch: a
        // remote that hides such refs shows them to nobody who could fold them.
        let has_page = own.was_seen || own.page.is_none() || own.page == contents.page;
        Ok(has_page && self.reader.has_all(contents, &own.records)?)
    }

    fn fold(&mut self, own: Option<&Own>, seen: &Seen, contents: &Contents) -> Result<Fold> {
        let mut all = seen.clone();
        if let Some(own) = own {
            all.incoming.insert(self.push.unique.to_owned(), own.commit.clone());
        }
        let plan = Plan {
            branch: self.branch,
            store: self.store,
            pack_before: &self.pack_before,
            most_pack_bytes: self.most_pack_bytes,
        };
        self.reader.fold(plan, &all, contents, &self.writer)
    }

    /// Moves the branch and deletes what is folded, all or nothing. The commit, or why the remote did not take it.
    fn publish(
        &self,
        seen: &Seen,
        fold: &Fold,
    ) -> Result<std::result::Result<Option<String>, String>> {
        let tip = seen.tip.as_ref();
        let mut commit = None;
        if !fold.changes.is_empty() {
            let tree = self.writer.tree(tip, &fold.changes)?;
            commit = Some(self.writer.commit(&tree, tip, &message(fold), self.push.now)?);
        }
        let refname = self.branch.refname();
        let names: Vec<String> =
            fold.folded.iter().map(|name| self.branch.incoming(name)).collect();
        let mut moves = Vec::new();
        if let Some(commit) = &commit {
            moves.push((&*refname, Some(commit), tip));
        }
        for (unique, name) in fold.folded.iter().zip(&names) {
            // Ours may be folded without being shown.
            if let Some(old) = seen.incoming.get(unique) {
                moves.push((&**name, None, Some(old)));
            }
        }
        let said = self.push_refs(&moves)?;
        Ok(said.map(|()| commit.map(|commit| commit.to_string())))
    }

    /// Moves refs from one commit to another, or from and to nothing: all, or none and the reason.
    fn push_refs(
        &self,
        moves: &[(&str, Option<&Oid>, Option<&Oid>)],
    ) -> Result<std::result::Result<(), String>> {
        let mut command = git(&self.branch.repository);
        command.args(["-c", "push.gpgSign=false", "-c", "push.followTags=false"]);
        command.args(["push", "--porcelain", "--atomic", "--no-verify", "--recurse-submodules=no"]);
        let text = |oid: Option<&Oid>| oid.map_or("", Oid::as_str).to_owned();
        command.args(
            moves.iter().map(|(name, _, old)| format!("--force-with-lease={name}:{}", text(*old))),
        );
        command.arg(&self.branch.remote);
        command.args(moves.iter().map(|(name, new, _)| format!("{}:{name}", text(*new))));
        let said = git::run(&mut command, b"")?;
        if said.good {
            return Ok(Ok(()));
        }
        // `!`, the refs and the reason of each ref that was refused; of all, since one was, says less.
        let stdout = String::from_utf8_lossy(&said.stdout);
        let refused = |line: &str| {
            let reason = line.strip_prefix("!\t")?.split('\t').nth(1)?;
            Some(git::without_secrets(reason))
        };
        let reasons: Vec<String> = stdout.lines().filter_map(refused).collect();
        let said_most = reasons.iter().find(|reason| !reason.contains("atomic push fail"));
        Ok(Err(match said_most.or(reasons.first()) {
            Some(reason) if said.reason.starts_with("remote:") => {
                format!("{reason}, {}", said.reason)
            }
            Some(reason) => reason.clone(),
            None => said.reason,
        }))
    }

    /// Somebody was faster: wait a little, each push for another time.
    fn wait(&self, lost: u32) {
        let drawn = Digest::of(format!("{}:{lost}", self.push.unique).as_bytes());
        let drawn = u64::from(u16::from_le_bytes([drawn.bytes()[0], drawn.bytes()[1]]));
        let most = WAIT_MS << lost;
        thread::sleep(Duration::from_millis(most / 2 + drawn % (most / 2)));
    }

    /// What has become of our records in spite of an error.
    fn safe(&self, is_put_down: bool) -> String {
        if !is_put_down {
            return String::new();
        }
        let name = self.branch.incoming(self.push.unique);
        format!("; the records are safe in `{name}` of the remote, and the next push folds them")
    }

    fn lost(&self, is_put_down: bool, refusal: &str) -> Error {
        let text = format!(
            "push to {}: expected to be first once in {} tries, found that others were: {refusal}; push again{}",
            self.branch.shown(),
            MAX_RETRIES + 1,
            self.safe(is_put_down)
        );
        Error::new(ErrorKind::Conflict, text)
    }

    fn refused(&self, name: &str, is_put_down: bool, refusal: &str) -> Error {
        let text = format!(
            "push to {}: expected to be allowed to write `{name}`, found: {refusal}; give the job the permission `contents: \
             write`, and let no rule of the remote protect the branch{}",
            self.branch.shown(),
            self.safe(is_put_down)
        );
        Error::new(ErrorKind::Io, text)
    }
}

/// A reader of the repository, if there is one.
pub(super) fn open_objects(branch: &Branch) -> Result<Objects> {
    let said = git::run(git(&branch.repository).args(["rev-parse", "--git-dir"]), b"")?;
    if said.good {
        return Objects::open(&branch.repository);
    }
    Err(Error::new(
        ErrorKind::Io,
        format!(
            "use git in `{}`: expected a repository, found: {}; run in a clone",
            branch.repository.display(),
            said.reason
        ),
    ))
}

/// Whether the remote refused because another was faster, or is at it: its own words, as the branch may not have moved yet.
fn is_race(refusal: &str) -> bool {
    const WORDS: &[&str] = &[
        "stale info",
        "cannot lock ref",
        "failed to lock",
        "failed to update ref",
        "reference already exists",
        "incorrect old value",
        "File exists",
        "fetch first",
        "non-fast-forward",
    ];
    WORDS.iter().any(|words| refusal.contains(words))
}

fn message(fold: &Fold) -> String {
    let is_record = |path: &&String| path.starts_with(layout::RECORDS);
    let added =
        fold.changes.iter().filter(|(path, blob)| is_record(path) && blob.is_some()).count();
    let mut message = format!("tritgate: {}", amount(added));
    if !fold.journals.is_empty() {
        message += &format!(", journal of {}", fold.journals.join(", "));
    }
    for month in &fold.months {
        message += &format!(", {month} packed");
    }
    message
}

fn amount(n: usize) -> String {
    if n == 1 { "1 record".to_owned() } else { format!("{n} records") }
}
