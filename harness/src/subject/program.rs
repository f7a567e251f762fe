//! One arm of a session: a build in one or several code layouts, each of which takes its turn.
//! In: binaries, and the seeds their sections were shuffled with. Out: the binary of a pair.

use anyhow::Result;
use baselines::record::Layout;

use super::Binary;
use crate::build::Layouts;

/// A build, as it is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// At least one.
    binaries: Vec<Binary>,
    /// One each; empty where nothing was shuffled.
    seeds: Vec<u32>,
}

impl Program {
    /// One binary as it is.
    pub(crate) fn single(binary: Binary) -> Self {
        Self { binaries: vec![binary], seeds: Vec::new() }
    }

    /// What was built of a revision: at least one layout.
    pub(crate) fn of(built: &Layouts) -> Self {
        Self { binaries: built.binaries.clone(), seeds: built.seeds.clone() }
    }

    /// Whether both run the same bytes, layout by layout.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        let digests = |program: &Self| -> Vec<_> {
            program.binaries.iter().map(|binary| binary.digest).collect()
        };
        digests(self) == digests(other)
    }

    /// Its first layout: whose digest names the build, and which does what is done once.
    pub(crate) fn first(&self) -> &Binary {
        &self.binaries[0]
    }

    /// Layout `idx`.
    pub(crate) fn layout(&self, idx: u64) -> &Binary {
        &self.binaries[usize::try_from(idx).unwrap_or(usize::MAX) % self.binaries.len()]
    }

    /// Number of layouts.
    pub(crate) fn n_layouts(&self) -> u64 {
        self.binaries.len() as u64
    }

    /// What a record says of them: nothing where there is only one, and nothing was shuffled.
    pub(crate) fn layouts(&self) -> Vec<Layout> {
        let layout = |(binary, seed): (&Binary, &u32)| Layout {
            binary: binary.digest,
            seed: u64::from(*seed),
        };
        self.binaries.iter().zip(&self.seeds).map(layout).collect()
    }

    /// Fails if one of the files has changed since.
    pub(crate) fn check_unchanged(&self) -> Result<()> {
        self.binaries.iter().try_for_each(Binary::check_unchanged)
    }
}
