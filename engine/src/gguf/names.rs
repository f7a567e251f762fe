//! Names to positions: a sorted list, so that a lookup is a binary search and a doubled name is a neighbour.

use std::ops::Range;

/// Positions `0..n` of a table, in the order of their names.
#[derive(Debug)]
pub(super) struct Names {
    sorted: Vec<usize>,
}

impl Names {
    /// Sorts the names, given as ranges of `bytes`; the error is a position whose name occurs earlier, too.
    pub(super) fn new(bytes: &[u8], names: &[Range<usize>]) -> Result<Self, usize> {
        let mut sorted: Vec<usize> = (0..names.len()).collect();
        sorted.sort_by_key(|&at| (&bytes[names[at].clone()], at));
        let doubled = sorted
            .windows(2)
            .filter(|pair| bytes[names[pair[0]].clone()] == bytes[names[pair[1]].clone()])
            .map(|pair| pair[1])
            .min();
        match doubled {
            Some(at) => Err(at),
            None => Ok(Self { sorted }),
        }
    }

    /// The position of `name`; `of` gives the name at a position.
    pub(super) fn find<'a>(&self, name: &[u8], of: impl Fn(usize) -> &'a [u8]) -> Option<usize> {
        self.sorted.binary_search_by(|&at| of(at).cmp(name)).ok().map(|found| self.sorted[found])
    }
}
