//! The typed key/value table: parsed once, kept as ranges of the file.
//! In: a cursor behind the header. Out: entries whose every length has been checked.

use std::ops::Range;

use super::cursor::{Cursor, shown};
use super::names::Names;
use super::value::{Array, Value, ValueType, kind_of, split};
use crate::{Error, Result};

/// Most elements an array may have (llama.cpp's limit).
const ARRAY_LEN_MAX: u64 = 1 << 30;

/// The table, in file order, with an index by key.
#[derive(Debug)]
pub(super) struct Metadata {
    entries: Vec<Entry>,
    names: Names,
}

#[derive(Debug)]
struct Entry {
    key: Range<usize>,
    kind: ValueType,
    /// Of an array: element type and length.
    array: Option<(ValueType, usize)>,
    /// The value; of an array, its elements only.
    payload: Range<usize>,
}

/// Reads `n` entries.
pub(super) fn read(bytes: &[u8], cursor: &mut Cursor<'_>, n: usize) -> Result<Metadata> {
    let entries: Vec<Entry> =
        (0..n).map(|i| read_entry(bytes, cursor, i)).collect::<Result<_>>()?;
    let keys: Vec<Range<usize>> = entries.iter().map(|entry| entry.key.clone()).collect();
    let names = Names::new(bytes, &keys).map_err(|at| {
        let key = shown(&bytes[keys[at].clone()]);
        Error::gguf(format!("key `{key}`: expected once, found twice (again as entry {at})"))
    })?;
    Ok(Metadata { entries, names })
}

fn read_entry(bytes: &[u8], cursor: &mut Cursor<'_>, i: usize) -> Result<Entry> {
    let key = cursor.string(&format!("the key of metadata entry {i}"))?;
    if key.is_empty() {
        return Err(Error::gguf(format!(
            "the key of metadata entry {i} at byte {}: expected a name, found an empty string",
            key.start
        )));
    }
    let what = format!("the value of key `{}`", shown(&bytes[key.clone()]));
    let kind = kind_of(cursor.u32(&what)?, &what)?;
    let (array, payload) = match kind {
        ValueType::Array => {
            let element = kind_of(cursor.u32(&what)?, &what)?;
            let len = array_len(cursor, element, &what)?;
            (Some((element, len)), array_payload(cursor, element, len, &what)?)
        }
        ValueType::String => {
            let start = cursor.position();
            (None, start..cursor.string(&what)?.end)
        }
        scalar => (None, cursor.range(scalar.size_min(), &what)?),
    };
    Ok(Entry { key, kind, array, payload })
}

/// The length of an array whose elements must fit in what is left of the file.
fn array_len(cursor: &mut Cursor<'_>, element: ValueType, what: &str) -> Result<usize> {
    if element == ValueType::Array {
        return Err(Error::gguf(format!(
            "{what}: expected an array of scalars or strings, found an array of arrays, which no known model uses"
        )));
    }
    let found = cursor.u64(what)?;
    let most = ARRAY_LEN_MAX.min((cursor.remaining() / element.size_min()) as u64);
    match usize::try_from(found) {
        Ok(len) if found <= most => Ok(len),
        _ => Err(Error::gguf(format!(
            "{what}: expected an array of at most {most} {} in the bytes that follow, found length {found}; the file \
             is truncated or corrupt",
            element.name()
        ))),
    }
}

/// Walks the elements once, keeping nothing but where they begin and end.
fn array_payload(
    cursor: &mut Cursor<'_>,
    element: ValueType,
    len: usize,
    what: &str,
) -> Result<Range<usize>> {
    if element != ValueType::String {
        // `len * size` is at most what remains: `array_len` divided.
        return cursor.range(len * element.size_min(), what);
    }
    let start = cursor.position();
    for _ in 0..len {
        cursor.string(what)?;
    }
    Ok(start..cursor.position())
}

impl Metadata {
    /// The value of `key`.
    pub(super) fn get<'a>(&self, bytes: &'a [u8], key: &str) -> Option<Value<'a>> {
        let at = self.names.find(key.as_bytes(), |at| &bytes[self.entries[at].key.clone()])?;
        Some(self.entries[at].value(bytes))
    }

    /// All entries, in file order.
    pub(super) fn iter<'a>(
        &'a self,
        bytes: &'a [u8],
    ) -> impl ExactSizeIterator<Item = (&'a [u8], Value<'a>)> {
        self.entries.iter().map(|entry| (&bytes[entry.key.clone()], entry.value(bytes)))
    }
}

impl Entry {
    fn value<'a>(&self, bytes: &'a [u8]) -> Value<'a> {
        let payload = &bytes[self.payload.clone()];
        match self.array {
            Some((element, len)) => Value::Array(Array::new(element, len, payload)),
            None => split(self.kind, payload).expect("checked when the file was parsed").0,
        }
    }
}
