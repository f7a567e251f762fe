//! Writer of GGUF files, for fixtures and round trips. It writes what it is told; the reader judges.
//! In: keys, values, tensors. Out: the bytes of a version 3 file, tensors padded, the last one too.

use super::header::MAGIC;
use super::tiles::{TILES_KEY, tiles_entry};
use super::value::{Value, ValueType};
use crate::quant::{BlockFormat, Shape};

/// A file being put together, in the order of the calls.
#[derive(Clone, Debug)]
pub struct Writer {
    version: u32,
    alignment: usize,
    n_entries: u64,
    entries: Vec<u8>,
    n_tensors: u64,
    infos: Vec<u8>,
    data: Vec<u8>,
    /// Bytes of all tensors, those included that are only announced.
    data_size: u64,
    /// Type numbers and shapes of the tensors that are cut in tiles.
    tiled: Vec<(u32, Shape)>,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// An empty file of version 3 with alignment 32.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            version: 3,
            alignment: 32,
            n_entries: 0,
            entries: Vec::new(),
            n_tensors: 0,
            infos: Vec::new(),
            data: Vec::new(),
            data_size: 0,
            tiled: Vec::new(),
        }
    }

    /// Writes another version number.
    pub const fn version(&mut self, version: u32) -> &mut Self {
        self.version = version;
        self
    }

    /// Lays tensors out for another alignment, and writes `general.alignment`. Call it before the first tensor.
    ///
    /// # Panics
    /// If `alignment` is 0.
    pub fn alignment(&mut self, alignment: u32) -> &mut Self {
        assert!(alignment > 0, "an alignment is at least 1");
        self.alignment = alignment as usize;
        self.u32("general.alignment", alignment)
    }

    /// A key with any value.
    pub fn entry(&mut self, key: &[u8], value: &Value<'_>) -> &mut Self {
        self.head(key, value.kind());
        match *value {
            Value::U8(v) => self.entries.extend(v.to_le_bytes()),
            Value::I8(v) => self.entries.extend(v.to_le_bytes()),
            Value::U16(v) => self.entries.extend(v.to_le_bytes()),
            Value::I16(v) => self.entries.extend(v.to_le_bytes()),
            Value::U32(v) => self.entries.extend(v.to_le_bytes()),
            Value::I32(v) => self.entries.extend(v.to_le_bytes()),
            Value::F32(v) => self.entries.extend(v.to_le_bytes()),
            Value::Bool(v) => self.entries.push(v.into()),
            Value::String(v) => string(&mut self.entries, v),
            Value::U64(v) => self.entries.extend(v.to_le_bytes()),
            Value::I64(v) => self.entries.extend(v.to_le_bytes()),
            Value::F64(v) => self.entries.extend(v.to_le_bytes()),
            Value::Array(v) => {
                self.array_head(v.element(), v.len());
                self.entries.extend(v.payload());
            }
        }
        self
    }

    /// A key with a u32.
    pub fn u32(&mut self, key: &str, value: u32) -> &mut Self {
        self.entry(key.as_bytes(), &Value::U32(value))
    }

    /// A key with an f32.
    pub fn f32(&mut self, key: &str, value: f32) -> &mut Self {
        self.entry(key.as_bytes(), &Value::F32(value))
    }

    /// A key with a flag.
    pub fn bool(&mut self, key: &str, value: bool) -> &mut Self {
        self.entry(key.as_bytes(), &Value::Bool(value))
    }

    /// A key with a text.
    pub fn string(&mut self, key: &str, value: &str) -> &mut Self {
        self.entry(key.as_bytes(), &Value::String(value.as_bytes()))
    }

    /// A key with an array of strings.
    pub fn strings<S: AsRef<[u8]>>(&mut self, key: &str, values: &[S]) -> &mut Self {
        self.head(key.as_bytes(), ValueType::Array);
        self.array_head(ValueType::String, values.len());
        for value in values {
            string(&mut self.entries, value.as_ref());
        }
        self
    }

    /// A key with an array of counts.
    pub fn u32s(&mut self, key: &str, values: &[u32]) -> &mut Self {
        self.head(key.as_bytes(), ValueType::Array);
        self.array_head(ValueType::U32, values.len());
        self.entries.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self
    }

    /// A key with an array of numbers.
    pub fn i32s(&mut self, key: &str, values: &[i32]) -> &mut Self {
        self.head(key.as_bytes(), ValueType::Array);
        self.array_head(ValueType::I32, values.len());
        self.entries.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self
    }

    /// A key with an array of numbers.
    pub fn f32s(&mut self, key: &str, values: &[f32]) -> &mut Self {
        self.head(key.as_bytes(), ValueType::Array);
        self.array_head(ValueType::F32, values.len());
        self.entries.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self
    }

    /// A tensor: dimensions with the contiguous one first, type number, bytes as stored.
    ///
    /// # Panics
    /// If there are 2^32 dimensions or more, or a tensor was announced: its bytes aren't here.
    pub fn tensor(&mut self, name: &str, dims: &[u64], type_id: u32, bytes: &[u8]) -> &mut Self {
        assert_eq!(self.data.len() as u64, self.data_size, "no tensor was announced");
        self.announce(name, dims, type_id, bytes.len() as u64);
        self.data.extend(bytes);
        self.data.resize(self.data.len().next_multiple_of(self.alignment), 0);
        self
    }

    /// A tensor of which only the size is known: the caller writes its bytes behind [`preamble`](Self::preamble), filled up to whole
    /// multiples of the alignment, in the order of the calls.
    ///
    /// # Panics
    /// If there are 2^32 dimensions or more.
    pub fn announce(&mut self, name: &str, dims: &[u64], type_id: u32, size: u64) -> &mut Self {
        string(&mut self.infos, name.as_bytes());
        let n_dims = u32::try_from(dims.len()).expect("fewer than 2^32 dimensions");
        self.infos.extend(n_dims.to_le_bytes());
        self.infos.extend(dims.iter().flat_map(|dim| dim.to_le_bytes()));
        self.infos.extend(type_id.to_le_bytes());
        self.infos.extend(self.data_size.to_le_bytes());
        self.data_size = (self.data_size + size).next_multiple_of(self.alignment as u64);
        self.n_tensors += 1;
        self
    }

    /// A tensor as `format` stores it, with its tiles among the keys if the format has any: readers would have to guess.
    pub fn stored(
        &mut self,
        name: &str,
        dims: &[u64],
        format: &dyn BlockFormat,
        shape: Shape,
        bytes: &[u8],
    ) -> &mut Self {
        self.keep_tiles(format, shape).tensor(name, dims, format.id(), bytes)
    }

    /// Notes the tiles that `format` cuts `shape` in, if it has any.
    pub(crate) fn keep_tiles(&mut self, format: &dyn BlockFormat, shape: Shape) -> &mut Self {
        let tiles = format.tiles(shape);
        self.tiled.extend(tiles.map(|tiles| (format.id(), shape.with_tiles(Some(tiles)))));
        self
    }

    /// The file so far.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.preamble(), self.data.clone()].concat()
    }

    /// Header, keys and directory, up to where the first tensor begins.
    #[must_use]
    pub fn preamble(&self) -> Vec<u8> {
        let mut keys = Self::new();
        if !self.tiled.is_empty() {
            keys.u32s(TILES_KEY, &tiles_entry(&self.tiled));
        }
        let mut out = MAGIC.to_vec();
        out.extend(self.version.to_le_bytes());
        out.extend(self.n_tensors.to_le_bytes());
        out.extend((self.n_entries + keys.n_entries).to_le_bytes());
        out.extend(&self.entries);
        out.extend(&keys.entries);
        if self.n_tensors > 0 {
            out.extend(&self.infos);
            out.resize(out.len().next_multiple_of(self.alignment), 0);
        }
        out
    }

    fn head(&mut self, key: &[u8], kind: ValueType) {
        string(&mut self.entries, key);
        self.entries.extend(kind.id().to_le_bytes());
        self.n_entries += 1;
    }

    fn array_head(&mut self, element: ValueType, len: usize) {
        self.entries.extend(element.id().to_le_bytes());
        self.entries.extend((len as u64).to_le_bytes());
    }
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u64).to_le_bytes());
    out.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_whose_tensors_were_announced_is_the_same_once_they_are_behind_its_preamble() {
        let tensors: [(&str, &[u8]); 3] = [("a", &[1; 8]), ("b", &[2; 64]), ("c", &[3; 4])];
        let (mut whole, mut announced) = (Writer::new(), Writer::new());
        for writer in [&mut whole, &mut announced] {
            writer.string("general.architecture", "x");
        }
        let mut data = Vec::new();
        for (name, bytes) in tensors {
            let dims = [bytes.len() as u64 / 4];
            whole.tensor(name, &dims, 0, bytes);
            announced.announce(name, &dims, 0, bytes.len() as u64);
            data.extend(bytes);
            data.resize(data.len().next_multiple_of(32), 0);
        }
        assert_eq!([announced.preamble(), data].concat(), whole.to_bytes());
    }
}
