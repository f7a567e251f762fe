//! The graphs this engine runs; register `ARCHS`.
//!
//! All are one forward pass (`session/forward.rs`) with three choices: whether there are sub-norms, which gate, which pairs
//! RoPE turns.

mod bitnet;
mod bitnet_b1_58;
mod llama;

use crate::{Error, ErrorKind, Result, gguf::File};

/// A graph, as `general.architecture` names it.
#[derive(Debug)]
pub struct Architecture {
    /// Values of `general.architecture`, each the prefix of its model's keys; the usual one first.
    pub names: &'static [&'static str],
    /// What is particular about the graph.
    pub about: &'static str,
    /// Whether an RMSNorm stands before the output and the down projection.
    pub sub_norms: bool,
    /// Which values RoPE turns together.
    pub rope: Rope,
    /// What the feed-forward gate is, from what else the file says.
    pub gate: fn(&File, &str) -> Result<Gate>,
}

/// Which values of a head RoPE turns together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rope {
    /// `x[i]` and `x[i + d/2]`.
    HalfSplit,
    /// `x[2i]` and `x[2i + 1]`: the converter permuted the rows of Q and K for it.
    Interleaved,
}

/// The function of the feed-forward gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// `max(x, 0)²`.
    Relu2,
    /// `x · σ(x)`.
    Silu,
}

/// The register, sorted by usual name.
pub const ARCHS: &[&Architecture] = &[&bitnet::BITNET, &bitnet_b1_58::BITNET_B1_58, &llama::LLAMA];

/// The graph of a file, and the name by which the file calls it.
pub(super) fn of(file: &File) -> Result<(&'static Architecture, &'static str)> {
    let found = file.string("general.architecture")?;
    let named = |arch: &'static Architecture| arch.names.iter().map(move |name| (arch, *name));
    ARCHS.iter().copied().flat_map(named).find(|(_, name)| *name == found).ok_or_else(|| {
        let known: Vec<_> = ARCHS.iter().copied().flat_map(named).map(|(_, name)| name).collect();
        Error::new(
            ErrorKind::UnsupportedArchitecture,
            format!("general.architecture: expected one of {}, found {found:?}", known.join(", ")),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_register_is_sorted_unique_and_documented() {
        assert!(ARCHS.windows(2).all(|pair| pair[0].names[0] < pair[1].names[0]));
        assert!(ARCHS.iter().all(|arch| !arch.about.is_empty()));
        let names: Vec<&str> = ARCHS.iter().flat_map(|arch| arch.names).copied().collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    }
}
