//! The graphs this engine runs; register `ARCHS`.

mod bitnet;

use crate::{Error, ErrorKind, Result, gguf::File};

/// A graph, as `general.architecture` names it.
#[derive(Debug, PartialEq, Eq)]
pub struct Architecture {
    /// The value of `general.architecture`, and the prefix of the model's keys.
    pub name: &'static str,
    /// What is particular about the graph.
    pub about: &'static str,
}

/// The register, sorted by name.
pub const ARCHS: &[&Architecture] = &[&bitnet::BITNET_B1_58];

/// The graph of a file.
pub(super) fn of(file: &File) -> Result<&'static Architecture> {
    let name = file.string("general.architecture")?;
    ARCHS.iter().copied().find(|arch| arch.name == name).ok_or_else(|| {
        let known: Vec<_> = ARCHS.iter().map(|arch| arch.name).collect();
        Error::new(
            ErrorKind::UnsupportedArchitecture,
            format!("general.architecture: expected one of {}, found {name:?}", known.join(", ")),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_register_is_sorted_unique_and_documented() {
        assert!(ARCHS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(ARCHS.iter().all(|arch| !arch.about.is_empty()));
    }
}
