//! A JSON file of a checkpoint: objects with typed getters whose errors name file and key.

use std::path::Path;

use serde_json::{Map, Value};

use super::wrong;
use crate::{Error, ErrorKind, Result};

/// The most that a size in config.json may be: three of them multiplied fit 64 bits.
const MOST: u64 = 1 << 21;

/// An object in a file; `file` is how errors name it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object<'a> {
    file: &'a str,
    entries: &'a Map<String, Value>,
}

/// The JSON file `name` of `folder`; `None` if there is no such file.
pub(super) fn find(folder: &Path, name: &str) -> Result<Option<Value>> {
    let bytes = match std::fs::read(folder.join(name)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::new(ErrorKind::Io, format!("read {name}: {error}"))),
    };
    let value = serde_json::from_slice(&bytes);
    value.map(Some).map_err(|error| wrong(format!("{name}: expected JSON, found: {error}")))
}

/// A value in a sentence: short, whatever it is.
pub(super) fn described(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::Array(values)) => format!("an array of {}", values.len()),
        Some(Value::Object(_)) => "an object".to_owned(),
        Some(value) => value.to_string().chars().take(80).collect(),
    }
}

impl<'a> Object<'a> {
    /// The object that `value` of `file` is.
    pub(super) fn of(file: &'a str, value: &'a Value) -> Result<Self> {
        let found =
            || wrong(format!("{file}: expected an object, found {}", described(Some(value))));
        Ok(Self { file, entries: value.as_object().ok_or_else(found)? })
    }

    /// The value at `key`, unless it is null.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.entries.get(key).filter(|value| !value.is_null())
    }

    /// The error of a value that is not what was expected.
    pub(super) fn refuse(&self, key: &str, expected: &str) -> Error {
        let found = described(self.entries.get(key));
        wrong(format!("{} key `{key}`: expected {expected}, found {found}", self.file))
    }

    /// An object at `key`, if there is something.
    pub(super) fn object(&self, key: &str) -> Result<Option<Self>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let entries = value.as_object().ok_or_else(|| self.refuse(key, "an object"))?;
        Ok(Some(Self { file: self.file, entries }))
    }

    /// A size at `key`, from 1 to 2^21, if there is something.
    pub(super) fn find_count(&self, key: &str) -> Result<Option<usize>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let count = value.as_u64().filter(|count| (1..=MOST).contains(count));
        let count = count.and_then(|count| usize::try_from(count).ok());
        count.map(Some).ok_or_else(|| self.refuse(key, &format!("a whole number from 1 to {MOST}")))
    }

    /// A size at `key`.
    pub(super) fn count(&self, key: &str) -> Result<usize> {
        let count = self.find_count(key)?;
        count.ok_or_else(|| self.refuse(key, &format!("a whole number from 1 to {MOST}")))
    }

    /// A number above 0 at `key`, if there is something.
    pub(super) fn find_positive(&self, key: &str) -> Result<Option<f32>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        #[expect(clippy::cast_possible_truncation, reason = "hyper-parameters are f32 in GGUF")]
        let number = value.as_f64().map(|number| number as f32);
        let number = number.filter(|number| number.is_finite() && *number > 0.0);
        number.map(Some).ok_or_else(|| self.refuse(key, "a number above 0"))
    }

    /// A number above 0 at `key`.
    pub(super) fn positive(&self, key: &str) -> Result<f32> {
        self.find_positive(key)?.ok_or_else(|| self.refuse(key, "a number above 0"))
    }

    /// A flag at `key`, if there is something.
    pub(super) fn find_flag(&self, key: &str) -> Result<Option<bool>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.refuse(key, "true or false"))
    }

    /// A text at `key`, if there is something.
    pub(super) fn find_text(&self, key: &str) -> Result<Option<&'a str>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| self.refuse(key, "a text"))
    }
}
