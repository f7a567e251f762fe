//! The register of storage formats.
//!
//! What a record may call one, its type number, its size, and whether weights in it are ternary. What an element is, is the
//! engine's to say; a test of the harness holds both lists together.

/// One storage format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Its name, in lower case.
    pub name: &'static str,
    /// Its type number in GGUF files, and in the parameter `format` of workloads.
    pub id: u64,
    /// Elements of a block.
    pub block_len: u64,
    /// Bytes of a block. What else a tensor may hold (one scale, padding) is not in it.
    pub block_bytes: u64,
    /// Whether its elements are -1, 0 and +1 times a scale.
    pub ternary: bool,
}

/// All formats, sorted by name. TL2 is stored in 5 bits for three elements, padded to at most 2 bits an element.
#[rustfmt::skip] // a table
pub const FORMATS: &[Format] = &[
    Format { name: "bf16", id: 30, block_len: 1, block_bytes: 2, ternary: false },
    Format { name: "f16", id: 1, block_len: 1, block_bytes: 2, ternary: false },
    Format { name: "f32", id: 0, block_len: 1, block_bytes: 4, ternary: false },
    Format { name: "i2_s", id: 36, block_len: 4, block_bytes: 1, ternary: true },
    Format { name: "q4_0", id: 2, block_len: 32, block_bytes: 18, ternary: false },
    Format { name: "q4_1", id: 3, block_len: 32, block_bytes: 20, ternary: false },
    Format { name: "q4_k", id: 12, block_len: 256, block_bytes: 144, ternary: false },
    Format { name: "q5_0", id: 6, block_len: 32, block_bytes: 22, ternary: false },
    Format { name: "q5_1", id: 7, block_len: 32, block_bytes: 24, ternary: false },
    Format { name: "q5_k", id: 13, block_len: 256, block_bytes: 176, ternary: false },
    Format { name: "q6_k", id: 14, block_len: 256, block_bytes: 210, ternary: false },
    Format { name: "q8_0", id: 8, block_len: 32, block_bytes: 34, ternary: false },
    Format { name: "tl1", id: 38, block_len: 4, block_bytes: 1, ternary: true },
    Format { name: "tl2", id: 39, block_len: 24, block_bytes: 5, ternary: true },
    Format { name: "tq1_0", id: 34, block_len: 256, block_bytes: 54, ternary: true },
    Format { name: "tq2_0", id: 35, block_len: 256, block_bytes: 66, ternary: true },
];

impl Format {
    /// Bytes of `n` elements, at least.
    #[must_use]
    pub const fn bytes(&self, n: u64) -> u64 {
        (n / self.block_len).saturating_mul(self.block_bytes)
    }
}

/// The format called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// The format with this type number.
#[must_use]
pub fn by_id(id: u64) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_register_is_sorted_and_its_numbers_are_unique() {
        assert!(FORMATS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for format in FORMATS {
            assert_eq!(find(format.name), Some(format));
            assert_eq!(by_id(format.id), Some(format));
        }
        assert_eq!((find("i8_s"), by_id(37)), (None, None));
    }

    #[test]
    fn sizes_are_those_of_whole_blocks() {
        assert_eq!(find("tq2_0").unwrap().bytes(512), 132);
        assert_eq!(find("i2_s").unwrap().bytes(u64::MAX), u64::MAX / 4);
    }
}
