//! Words of a text that came before, with their ids: most words do, and merging one is the slow part of both families.
//! Kept for one text, so that no time depends on the texts before it.

use std::collections::HashMap;
use std::ops::Range;

use crate::Result;

/// Words of one text whose ids are known: most words of a text have come before.
#[derive(Debug, Default)]
pub(super) struct Known<'t> {
    words: HashMap<&'t str, Range<usize>>,
    ids: Vec<u32>,
}

impl<'t> Known<'t> {
    /// Appends the ids of `word`, which `find` finds where it has not come before.
    pub(super) fn extend(
        &mut self,
        word: &'t str,
        out: &mut Vec<u32>,
        find: impl FnOnce(&mut Vec<u32>) -> Result<()>,
    ) -> Result<()> {
        if let Some(range) = self.words.get(word) {
            out.extend_from_slice(&self.ids[range.clone()]);
            return Ok(());
        }
        let start = self.ids.len();
        find(&mut self.ids)?;
        out.extend_from_slice(&self.ids[start..]);
        self.words.insert(word, start..self.ids.len());
        Ok(())
    }
}
