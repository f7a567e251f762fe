//! An array of strings that stays in the file: decoded one by one, as it is walked.

use super::cursor::shown;
use super::value::{Array, Value};
use crate::{Error, Result};

/// The strings of one key. Copying it copies a view.
#[derive(Clone, Copy, Debug)]
pub struct StringArray<'a> {
    key: &'a str,
    array: Array<'a>,
}

impl<'a> StringArray<'a> {
    /// `array` must be one of strings.
    pub(super) const fn new(key: &'a str, array: Array<'a>) -> Self {
        Self { key, array }
    }

    /// How many strings there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.array.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.array.is_empty()
    }

    /// The strings in order; one that is not UTF-8 is an error that names the key and the index.
    pub fn iter(&self) -> impl Iterator<Item = Result<&'a str>> + use<'a> {
        let key = self.key;
        self.raw().enumerate().map(move |(i, bytes)| {
            std::str::from_utf8(bytes).map_err(|_| {
                Error::gguf(format!(
                    "element {i} of key `{key}`: expected UTF-8, found `{}`",
                    shown(bytes)
                ))
            })
        })
    }

    /// The strings in order, as stored.
    pub fn raw(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.array.iter().map(|value| match value {
            Value::String(bytes) => bytes,
            other => unreachable!("an array of strings holds a {}", other.described()),
        })
    }
}
