//! Typed access to the metadata: `file.u32("key")?`, `file.find_u32("key")?`.
//!
//! The plain name needs the key to be there; `find_…` gives `None` without it. A value of another type is an error in
//! both: a model whose `block_count` is a string is broken, not one without layers. Types match exactly, as in llama.cpp.

use super::file::File;
use super::strings::StringArray;
use super::value::{Array, Value, ValueType};
use crate::{Error, Result};

/// Doc comment, names, Rust type, how to take it from a value, and what an error says was expected.
macro_rules! getters {
    ($($what:literal $get:ident $find:ident $kind:ty, $expected:literal, $pattern:pat => $value:expr;)*) => {
        impl File {
            $(
                #[doc = concat!("The ", $what, " `key` holds.")]
                ///
                /// # Errors
                /// [`crate::ErrorKind::Gguf`] if the key is missing or of another type.
                pub fn $get(&self, key: &str) -> Result<$kind> {
                    self.$find(key)?.ok_or_else(|| missing(key, $expected))
                }

                #[doc = concat!("The ", $what, " `key` holds, or `None` without the key.")]
                ///
                /// # Errors
                /// [`crate::ErrorKind::Gguf`] if the key is of another type.
                pub fn $find(&self, key: &str) -> Result<Option<$kind>> {
                    match self.value(key) {
                        None => Ok(None),
                        Some($pattern) => Ok(Some($value)),
                        Some(other) => Err(mismatch(key, $expected, &other.described())),
                    }
                }
            )*
        }
    };
}

getters! {
    "number" u32 find_u32 u32, "u32", Value::U32(number) => number;
    "number" u64 find_u64 u64, "u64", Value::U64(number) => number;
    "number" f32 find_f32 f32, "f32", Value::F32(number) => number;
    "flag" bool find_bool bool, "bool", Value::Bool(flag) => flag;
}

impl File {
    /// The text `key` holds.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Gguf`] if the key is missing, of another type, or not UTF-8.
    pub fn string(&self, key: &str) -> Result<&str> {
        self.find_string(key)?.ok_or_else(|| missing(key, "string"))
    }

    /// The text `key` holds, or `None` without the key.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Gguf`] if the key is of another type, or not UTF-8.
    pub fn find_string(&self, key: &str) -> Result<Option<&str>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(bytes)) => std::str::from_utf8(bytes)
                .map(Some)
                .map_err(|e| Error::gguf(format!("key `{key}`: expected UTF-8, found {e}"))),
            Some(other) => Err(mismatch(key, "string", &other.described())),
        }
    }

    /// The strings `key` holds, undecoded.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Gguf`] if the key is missing or of another type.
    pub fn string_array<'a>(&'a self, key: &'a str) -> Result<StringArray<'a>> {
        self.find_string_array(key)?.ok_or_else(|| missing(key, "array of string"))
    }

    /// The strings `key` holds, undecoded, or `None` without the key.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Gguf`] if the key is of another type.
    pub fn find_string_array<'a>(&'a self, key: &'a str) -> Result<Option<StringArray<'a>>> {
        Ok(self.array(key, ValueType::String)?.map(|array| StringArray::new(key, array)))
    }

    /// The numbers `key` holds.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Gguf`] if the key is missing or of another type.
    pub fn i32_array(&self, key: &str) -> Result<Vec<i32>> {
        self.find_i32_array(key)?.ok_or_else(|| missing(key, "array of i32"))
    }

    /// The numbers `key` holds, or `None` without the key.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Gguf`] if the key is of another type.
    pub fn find_i32_array(&self, key: &str) -> Result<Option<Vec<i32>>> {
        let Some(array) = self.array(key, ValueType::I32)? else { return Ok(None) };
        let (numbers, _) = array.payload().as_chunks();
        Ok(Some(numbers.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect()))
    }

    /// The numbers `key` holds.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Gguf`] if the key is missing or of another type.
    pub fn f32_array(&self, key: &str) -> Result<Vec<f32>> {
        let array = self.array(key, ValueType::F32)?;
        let array = array.ok_or_else(|| missing(key, "array of f32"))?;
        let (numbers, _) = array.payload().as_chunks();
        Ok(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    fn array(&self, key: &str, element: ValueType) -> Result<Option<Array<'_>>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Array(array)) if array.element() == element => Ok(Some(array)),
            Some(other) => {
                let expected = format!("array of {}", element.name());
                Err(mismatch(key, &expected, &other.described()))
            }
        }
    }
}

fn missing(key: &str, expected: &str) -> Error {
    Error::gguf(format!("key `{key}`: expected a value of type {expected}, found no such key"))
}

fn mismatch(key: &str, expected: &str, found: &str) -> Error {
    Error::gguf(format!("key `{key}`: expected a value of type {expected}, found {found}"))
}
