//! The sequences of a session: each with its own keys and values, joining and leaving at any step.

use super::{
    angles::Angles,
    kv_cache::{KvCache, KvLayout},
    kv_format::Chunk,
};
use crate::{Error, ErrorKind, Result};

/// Names one sequence of a session. The number of one that left is never given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SequenceId(u64);

impl SequenceId {
    /// The sequence that every session has from the start: that of [`crate::Session::prefill`] and
    /// [`crate::Session::step`]. It never leaves.
    pub const FIRST: Self = Self(0);
}

#[derive(Debug)]
pub(super) struct Sequences {
    layout: KvLayout,
    pub(super) angles: Angles,
    caches: Vec<(SequenceId, KvCache)>,
    /// Of sequences that left.
    spare: Vec<Chunk>,
    next: u64,
}

impl Sequences {
    pub(super) fn new(layout: KvLayout, angles: Angles) -> Self {
        let first = (SequenceId::FIRST, KvCache::new(layout));
        Self { layout, angles, caches: vec![first], spare: Vec::new(), next: 1 }
    }

    pub(super) fn join(&mut self) -> SequenceId {
        let id = SequenceId(self.next);
        self.next += 1;
        self.caches.push((id, KvCache::new(self.layout)));
        id
    }

    pub(super) fn leave(&mut self, id: SequenceId) -> Result<()> {
        let place = self.place(id)?;
        if id == SequenceId::FIRST {
            let text = "sequence: the first one of a session stays; rewind it to 0 instead";
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        let (_, cache) = self.caches.swap_remove(place);
        self.spare.extend(cache.into_chunks());
        Ok(())
    }

    pub(super) fn place(&self, id: SequenceId) -> Result<usize> {
        self.caches.iter().position(|(known, _)| *known == id).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("sequence {}: expected one of this session's {}, found one that left or never joined", id.0, self.caches.len()),
            )
        })
    }

    pub(super) fn cache(&self, place: usize) -> &KvCache {
        &self.caches[place].1
    }

    pub(super) fn cache_mut(&mut self, place: usize) -> &mut KvCache {
        &mut self.caches[place].1
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.caches.len()
    }

    /// Bytes that [`Sequences::reserve`] would ask for.
    pub(super) fn growth(&self, lens: &[(usize, usize)]) -> usize {
        let missing: usize = lens.iter().map(|(place, len)| self.cache(*place).missing(*len)).sum();
        let longest = lens.iter().map(|(_, len)| *len).max().unwrap_or(0);
        missing.saturating_sub(self.spare.len()) * self.layout.chunk_bytes()
            + self.angles.growth(longest)
    }

    /// Makes room for sequences, by place, of these lengths.
    pub(super) fn reserve(&mut self, lens: &[(usize, usize)]) -> Result<()> {
        for (place, len) in lens {
            self.angles.extend(*len)?;
            self.caches[*place].1.reserve(*len, &mut self.spare)?;
        }
        Ok(())
    }

    /// Keys, values and angles, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let used: usize = self.caches.iter().map(|(_, cache)| cache.n_chunks()).sum();
        (used + self.spare.len()) * self.layout.chunk_bytes() + self.angles.bytes()
    }
}
