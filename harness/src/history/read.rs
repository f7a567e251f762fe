//! Every record of a store, each reduced as soon as it is read: at no time are more records in memory than threads.
//!
//! In: a store, and the cache of an earlier reading. Out: summaries in the order of the records' names, and what could not be read.
//! A record in the cache is not read again: its name is the SHA-256 of its bytes, so that the summary belongs to it for ever.
//! Whether the file still has these bytes is what `bench baseline verify` checks, and `--fresh`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use baselines::{Digest, RunRecord, store::DirStore};
use rayon::prelude::*;

use super::{
    Asked,
    assemble::Entry,
    cache::Cache,
    left_out::{LeftOuts, Reason},
    summary::{self, Form, Summary},
};
use crate::progress::Progress;

/// The forms met so far, each once: ten thousand records of a store have few.
#[derive(Debug, Default)]
pub(super) struct Forms(Mutex<BTreeSet<Arc<Form>>>);

impl Forms {
    /// The one that is equal to `form`.
    pub(super) fn shared(&self, form: Form) -> Arc<Form> {
        let mut forms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = forms.get(&form) {
            return Arc::clone(found);
        }
        let form = Arc::new(form);
        forms.insert(Arc::clone(&form));
        form
    }

    /// `record`, reduced.
    pub(super) fn summary(&self, record: &RunRecord) -> Summary {
        let form = self.shared(summary::form(record));
        Summary {
            started_at: record.started_at.clone(),
            commit: record.commit_under_test().map(str::to_owned),
            medians: summary::medians(record, &form),
            form,
        }
    }
}

/// All that can be read of the store.
pub(super) fn read(
    asked: &Asked<'_>,
    forms: &Forms,
    left_out: &mut LeftOuts,
    progress: &Progress,
) -> Result<Vec<Entry>> {
    let records = asked.store.records()?;
    let cache = asked.cache.as_deref().map(|folder| Cache::at(folder, asked.store.root()));
    let mut known = match &cache {
        Some(cache) if !asked.fresh && !records.is_empty() => cache.load(forms),
        _ => BTreeMap::new(),
    };
    let n_known = known.len();
    known.retain(|record, _| records.binary_search(record).is_ok());
    let n_gone = n_known - known.len();

    let unread: Vec<Digest> =
        records.iter().copied().filter(|record| !known.contains_key(record)).collect();
    let read: Vec<_> = unread.par_iter().map(|record| one(asked.store, *record, forms)).collect();
    for (record, found) in unread.iter().zip(read) {
        match found {
            Ok(summary) => drop(known.insert(*record, summary)),
            Err(error) => {
                left_out.add(Reason::of(error.kind()), &record.short(), &error.to_string());
            }
        }
    }
    if let Some(cache) = &cache {
        cache.keep(&known, unread.len() + n_gone, progress);
    }
    let entry = |(record, summary)| Entry { record, summary, is_current: false };
    Ok(known.into_iter().map(entry).collect())
}

fn one(store: &DirStore, record: Digest, forms: &Forms) -> baselines::Result<Summary> {
    Ok(forms.summary(&store.get_record(record)?))
}
