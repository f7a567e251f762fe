//! Forgetting on disk: the journals say first what goes, then the files go.
//! In: a rule, the time, and who asks. Out: what was deleted, or would be.

use std::{
    fs, io,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{DirStore, dir::unreadable, journals::Note, lock::lock};
use crate::{
    Digest, Result,
    retention::{self, File, Plan, Rule},
    timestamp,
};

impl DirStore {
    /// What `rule` lets go of at `now_ms`; nothing is deleted.
    ///
    /// # Errors
    ///
    /// As [`Self::journal`], for any name: where one does not hold, nothing can be said about what it needs.
    pub fn prunable(&self, rule: Rule, now_ms: i64) -> Result<Plan> {
        let at_ms = |digest| {
            let record = self.get_record(digest).ok()?;
            timestamp::parse_ms(&record.ended_at)
        };
        let records = self.files(&self.records()?, Self::record_path, |digest, _| at_ms(digest))?;
        let binaries = self.files(&self.binaries()?, Self::kept_binary, |_, modified| modified)?;
        Ok(retention::plan(&self.journals()?, &records, &binaries, rule, now_ms))
    }

    /// Deletes what `rule` lets go of at `now_ms`, after every journal that named it says so, with `note`.
    ///
    /// # Errors
    ///
    /// As [`Self::prunable`] and [`Self::append`]; `Io` if a file cannot be deleted: what is left is deleted by the next.
    pub fn prune(&self, rule: Rule, now_ms: i64, note: &Note) -> Result<Plan> {
        let _lock = lock(self.root())?;
        let plan = self.prunable(rule, now_ms)?;
        for journal in self.journals()? {
            let changes = plan.entries_for(&journal);
            if !changes.is_empty() {
                self.append_locked(journal.name(), &changes, note)?;
            }
        }
        let records = plan.records.iter().map(|file| self.record_path(file.digest));
        let binaries = plan.binaries.iter().map(|file| self.kept_binary(file.digest));
        for path in records.chain(binaries) {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(crate::Error::new(
                        crate::ErrorKind::Io,
                        format!(
                            "delete `{}`: expected to be allowed to, found: {error}; make its folder writable",
                            path.display()
                        ),
                    ));
                }
                _ => {}
            }
        }
        Ok(plan)
    }

    fn files(
        &self,
        digests: &[Digest],
        path: impl Fn(&Self, Digest) -> PathBuf,
        at_ms: impl Fn(Digest, Option<i64>) -> Option<i64>,
    ) -> Result<Vec<File>> {
        let file = |digest: &Digest| {
            let path = path(self, *digest);
            let metadata = fs::metadata(&path).map_err(|error| unreadable(&path, &error))?;
            let modified = metadata.modified().ok().and_then(since_1970_ms);
            Ok(File { digest: *digest, bytes: metadata.len(), at_ms: at_ms(*digest, modified) })
        };
        digests.iter().map(file).collect()
    }
}

fn since_1970_ms(at: SystemTime) -> Option<i64> {
    i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}
