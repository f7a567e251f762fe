//! The tensors of a checkpoint: one safetensors file, or several with an index. Each tensor is taken once, so that at the end
//! those are left which nobody asked for.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::Path,
};

use half::{bf16, f16};
use safetensors::{Dtype, tensor::Metadata};
use serde_json::Value;

use super::{json, wrong};
use crate::{Bytes, Error, ErrorKind, Result};

const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
/// Bytes of the length that a safetensors file starts with.
const LENGTH_SIZE: usize = 8;

/// All tensors that have not been taken yet.
#[derive(Debug)]
pub(super) struct Shards {
    files: Vec<Bytes>,
    tensors: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    file: usize,
    dtype: Dtype,
    shape: Vec<usize>,
    range: Range<usize>,
}

impl Shards {
    /// Opens what `folder` holds.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let mut shards = Self { files: Vec::new(), tensors: BTreeMap::new() };
        let Some(index) = json::find(folder, INDEX)? else {
            if !folder.join(SINGLE).exists() {
                let text = format!("expected {SINGLE} or {INDEX}, found neither");
                return Err(Error::new(ErrorKind::Io, text));
            }
            shards.add(folder, SINGLE)?;
            return Ok(shards);
        };
        let weight_map = weight_map(&index)?;
        for file in weight_map.values().collect::<BTreeSet<_>>() {
            shards.add(folder, file)?;
        }
        for (tensor, file) in &weight_map {
            if !shards.tensors.contains_key(*tensor) {
                return Err(wrong(format!(
                    "{INDEX}: expected tensor `{tensor}` in {file}, found no such tensor"
                )));
            }
        }
        Ok(shards)
    }

    fn add(&mut self, folder: &Path, name: &str) -> Result<()> {
        let bytes = Bytes::open(&folder.join(name))
            .map_err(|error| Error::new(error.kind(), format!("{name}: {error}")))?;
        let damaged = |what: &dyn std::fmt::Display| {
            wrong(format!("{name}: expected a whole safetensors file, found: {what}"))
        };
        let header = bytes.split_first_chunk::<LENGTH_SIZE>().and_then(|(length, rest)| {
            rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)
        });
        let header = header.ok_or_else(|| damaged(&"a header beyond its end"))?;
        let metadata: Metadata = serde_json::from_slice(header).map_err(|error| damaged(&error))?;
        let (start, n_data) = (LENGTH_SIZE + header.len(), metadata.data_len());
        if start.checked_add(n_data) != Some(bytes.len()) {
            let n_found = bytes.len() - start;
            return Err(damaged(&format_args!(
                "{n_found} bytes of tensors where its header has {n_data}"
            )));
        }
        for tensor in metadata.offset_keys() {
            let Some(info) = metadata.info(&tensor) else { continue };
            let range = |offset: usize| start.checked_add(offset).filter(|end| *end <= bytes.len());
            let (Some(first), Some(end)) = (range(info.data_offsets.0), range(info.data_offsets.1))
            else {
                return Err(damaged(&format_args!("tensor `{tensor}` beyond its end")));
            };
            let entry = Entry {
                file: self.files.len(),
                dtype: info.dtype,
                shape: info.shape.clone(),
                range: first..end,
            };
            if self.tensors.insert(tensor.clone(), entry).is_some() {
                return Err(wrong(format!(
                    "{name}: tensor `{tensor}`: expected it in one file, found it in two"
                )));
            }
        }
        self.files.push(bytes);
        Ok(())
    }

    /// Whether there is a tensor `name` that has not been taken.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The numbers of `name`, widened exactly; each finite.
    pub(super) fn take_floats(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let (dtype, bytes) = self.take(name, shape)?;
        let halves = bytes.as_chunks::<2>().0.iter();
        let values: Vec<f32> = match dtype {
            Dtype::F32 => bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Dtype::F16 => halves.map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
            Dtype::BF16 => halves.map(|b| bf16::from_le_bytes(*b).to_f32()).collect(),
            _ => {
                return Err(wrong(format!(
                    "tensor `{name}`: expected F32, F16 or BF16, found {dtype:?}"
                )));
            }
        };
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(values),
            Some(i) => Err(Error::new(
                ErrorKind::NonFinite,
                format!("tensor `{name}`: expected finite numbers, found {} at {i}", values[i]),
            )),
        }
    }

    /// The bytes of `name`.
    pub(super) fn take_bytes(&mut self, name: &str, shape: &[usize]) -> Result<&[u8]> {
        match self.take(name, shape)? {
            (Dtype::U8, bytes) => Ok(bytes),
            (dtype, _) => Err(wrong(format!(
                "tensor `{name}`: expected U8, the packed weights that config.json states, found {dtype:?}"
            ))),
        }
    }

    /// The one number of `name`.
    pub(super) fn take_number(&mut self, name: &str) -> Result<f32> {
        let is_scalar = self.tensors.get(name).is_some_and(|entry| entry.shape.is_empty());
        let shape: &[usize] = if is_scalar { &[] } else { &[1] };
        Ok(self.take_floats(name, shape)?[0])
    }

    /// Forgets `name`.
    pub(super) fn drop_tensor(&mut self, name: &str) {
        self.tensors.remove(name);
    }

    /// Refuses tensors that nobody took, but for frequencies that older checkpoints store and the graph computes.
    pub(super) fn refuse_left(&self) -> Result<()> {
        let mut left = self.tensors.keys().filter(|name| !name.ends_with(".rotary_emb.inv_freq"));
        let Some(first) = left.next() else { return Ok(()) };
        Err(wrong(format!(
            "tensor `{first}` and {} others: expected only tensors that the graph has a place for, since leaving some out \
             would give other outputs than the model's own",
            left.count()
        )))
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> Result<(Dtype, &[u8])> {
        let Some(entry) = self.tensors.remove(name) else {
            return Err(wrong(format!(
                "tensor `{name}`: expected shape {shape:?}, found no such tensor"
            )));
        };
        if entry.shape != shape {
            let text =
                format!("tensor `{name}`: expected shape {shape:?}, found {:?}", entry.shape);
            return Err(Error::new(ErrorKind::Shape, text));
        }
        Ok((entry.dtype, &self.files[entry.file][entry.range]))
    }
}

/// Tensor to file, as the index has it. Files lie in the folder itself.
fn weight_map(index: &Value) -> Result<BTreeMap<&str, &str>> {
    let map = json::Object::of(INDEX, index)?;
    let entries = map.get("weight_map").and_then(Value::as_object);
    let entries = entries.ok_or_else(|| map.refuse("weight_map", "an object of tensors"))?;
    let file = |(tensor, file): (&'_ String, &'_ Value)| {
        let name = file.as_str().filter(|name| Path::new(name).file_name() == Some(name.as_ref()));
        name.map(|_| ()).ok_or_else(|| {
            let found = json::described(Some(file));
            wrong(format!(
                "{INDEX}: tensor `{tensor}`: expected a file of the folder, found {found}"
            ))
        })
    };
    entries.iter().try_for_each(file)?;
    Ok(entries
        .iter()
        .filter_map(|(tensor, file)| Some((tensor.as_str(), file.as_str()?)))
        .collect())
}
