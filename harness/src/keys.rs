//! Reading TOML tables key by key: a key that nobody knows is an error that suggests the nearest one.

use anyhow::{Context as _, Result, anyhow, bail};
use toml::{Table, Value};

use crate::nearest::suggestion;

/// A table, with where it was found for the error messages.
#[derive(Debug)]
pub(crate) struct Keys<'a> {
    place: String,
    table: &'a Table,
}

impl<'a> Keys<'a> {
    /// `table` at `place`; every key must be one of `known`.
    pub(crate) fn new(place: impl Into<String>, table: &'a Table, known: &[&str]) -> Result<Self> {
        let place = place.into();
        match table.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => bail!("{place}: key `{key}` is unknown; {}", suggestion(key, known)),
            None => Ok(Self { place, table }),
        }
    }

    /// A whole number ≥ 0.
    pub(crate) fn number(&self, key: &str) -> Result<Option<u64>> {
        self.get(key, "a whole number from 0", |value| value.as_integer()?.try_into().ok())
    }

    /// A text.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&'a str>> {
        self.get(key, "a text", |value| value.as_str())
    }

    /// A table.
    pub(crate) fn table(&self, key: &str) -> Result<Option<&'a Table>> {
        self.get(key, "a table", |value| value.as_table())
    }

    /// A list of tables, empty where the key is missing.
    pub(crate) fn tables(&self, key: &str) -> Result<Vec<&'a Table>> {
        let list = |value: &'a Value| value.as_array()?.iter().map(Value::as_table).collect();
        Ok(self.get(key, "a list of tables", list)?.unwrap_or_default())
    }

    /// A text that must be there.
    pub(crate) fn required_text(&self, key: &str) -> Result<&'a str> {
        self.text(key)?.with_context(|| format!("{}: key `{key}` is missing", self.place))
    }

    fn get<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| {
            anyhow!("{}: key `{key}`: expected {expected}, found {value}", self.place)
        })
    }
}
