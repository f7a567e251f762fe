//! The directory of tensors: names, dimensions, formats, and where the bytes are.
//! In: a cursor behind the metadata. Out: byte ranges inside the file, each checked here once: no later reader has to.
//!
//! Gaps between tensors and a missing pad after the last are accepted; overlaps, misalignment and everything beyond the
//! end of the file are not. Source of the limits: llama.cpp, `ggml/src/gguf.cpp`.

use std::ops::Range;

use super::cursor::{Cursor, shown};
use super::names::Names;
use super::tensor_type::{Evidence, format_of};
use super::tiles::TileTable;
use crate::quant::{BlockFormat, Shape};
use crate::{Error, Result};

/// A tensor's name is shorter than this.
const NAME_SIZE_END: usize = 64;
/// Most dimensions.
const N_DIMS_MAX: u32 = 4;

/// One tensor: what it is called, its shape and format, and which bytes of the file it is.
#[derive(Clone, Debug)]
pub struct Tensor {
    name: String,
    dims: Vec<usize>,
    shape: Shape,
    format: &'static dyn BlockFormat,
    range: Range<usize>,
}

impl Tensor {
    /// Its name, unique in the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its dimensions as stored: the first is the contiguous one. A weight `[rows, cols]` of the field is `[cols, rows]`.
    #[must_use]
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// Elements of one contiguous row: the first dimension (1 for a tensor without dimensions).
    #[must_use]
    pub const fn cols(&self) -> usize {
        self.shape.cols
    }

    /// How many rows of [`cols`](Self::cols) elements: the product of the other dimensions.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.shape.rows
    }

    /// Product of all dimensions.
    #[must_use]
    pub const fn n_elements(&self) -> usize {
        self.shape.rows * self.shape.cols
    }

    /// Rows, columns and tiles, as the format sees them.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// How its elements are stored.
    #[must_use]
    pub const fn format(&self) -> &'static dyn BlockFormat {
        self.format
    }

    /// Where its bytes are, from the start of the file. A multiple of the alignment; inside the file.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }
}

/// The tensors, in file order, with an index by name.
#[derive(Debug)]
pub(super) struct Directory {
    tensors: Vec<Tensor>,
    names: Names,
}

/// What the metadata say that descriptions are read by.
#[derive(Debug)]
pub(super) struct Rules {
    /// Of the data, in bytes.
    pub(super) alignment: usize,
    /// What numbers mean that forks use differently.
    pub(super) evidence: Evidence,
    /// Of TL1 and TL2.
    pub(super) tiles: TileTable,
}

/// Reads `n` descriptions and places them in `bytes`.
pub(super) fn read(
    bytes: &[u8],
    cursor: &mut Cursor<'_>,
    n: usize,
    rules: &Rules,
) -> Result<Directory> {
    let mut tensors = Vec::new();
    let mut names = Vec::new();
    for i in 0..n {
        let (name, tensor) = read_tensor(bytes, cursor, i, rules)?;
        names.push(name);
        tensors.push(tensor);
    }
    let names = Names::new(bytes, &names).map_err(|at| {
        Error::gguf(format!("tensor `{}`: expected once, found twice", tensors[at].name))
    })?;
    if n > 0 {
        place(&mut tensors, bytes.len(), cursor.position(), rules.alignment)?;
        refuse_overlap(&tensors)?;
    }
    Ok(Directory { tensors, names })
}

/// One description; the range it returns is still relative to the data section.
fn read_tensor(
    bytes: &[u8],
    cursor: &mut Cursor<'_>,
    i: usize,
    rules: &Rules,
) -> Result<(Range<usize>, Tensor)> {
    let alignment = rules.alignment;
    let at = cursor.string(&format!("the name of tensor {i}"))?;
    let name = check_name(&bytes[at.clone()], i)?;
    let what = format!("the description of tensor `{name}`");
    let n_dims = cursor.u32(&what)?;
    if n_dims > N_DIMS_MAX {
        let text =
            format!("tensor `{name}`: expected at most {N_DIMS_MAX} dimensions, found {n_dims}");
        return Err(Error::gguf(text));
    }
    let dims: Vec<u64> = (0..n_dims).map(|_| cursor.u64(&what)).collect::<Result<_>>()?;
    let dims = check_dims(&dims, &name)?;
    let id = cursor.u32(&what)?;
    let format = format_of(id, &name, &rules.evidence)?;
    let offset = cursor.u64(&what)?;

    // An empty tensor has no rows: the other dimensions may be too large to multiply.
    let rows = if dims.contains(&0) { 0 } else { dims.iter().skip(1).product() };
    let cols = dims.first().copied().unwrap_or(1);
    let shape = Shape::new(rows, cols).with_tiles(rules.tiles.get(id, rows, cols));
    format.fits(shape).map_err(|e| Error::gguf(format!("tensor `{name}`: {e}")))?;
    let too_big = || {
        Error::gguf(format!(
            "tensor `{name}`: expected a size that 64 bits can hold, found dimensions {dims:?} in {} at offset {offset}",
            format.name()
        ))
    };
    let size = format.n_bytes(shape).ok_or_else(too_big)?;
    // The padded size must be countable, too: the next tensor would start there.
    size.checked_add(alignment - 1).ok_or_else(too_big)?;
    let start = usize::try_from(offset).map_err(|_| too_big())?;
    if !start.is_multiple_of(alignment) {
        return Err(Error::gguf(format!(
            "tensor `{name}`: expected an offset that is a multiple of the alignment {alignment}, found {offset}"
        )));
    }
    let end = start.checked_add(size).ok_or_else(too_big)?;
    Ok((at, Tensor { name, dims, shape, format, range: start..end }))
}

fn check_name(bytes: &[u8], i: usize) -> Result<String> {
    let found = shown(bytes);
    if bytes.len() >= NAME_SIZE_END {
        return Err(Error::gguf(format!(
            "the name of tensor {i}: expected fewer than {NAME_SIZE_END} bytes, found {}: `{found}`",
            bytes.len()
        )));
    }
    match std::str::from_utf8(bytes) {
        Ok(name) if !name.contains('\0') => Ok(name.to_owned()),
        // A NUL would end the name for every reader written in C.
        _ => Err(Error::gguf(format!(
            "the name of tensor {i}: expected UTF-8 without a zero byte, found `{found}`"
        ))),
    }
}

/// The dimensions and their product, at most 2^63 - 1; a dimension of zero makes an empty tensor.
fn check_dims(dims: &[u64], name: &str) -> Result<Vec<usize>> {
    let signed: Vec<i64> = dims.iter().map(|dim| dim.cast_signed()).collect();
    let refuse = || {
        Error::gguf(format!(
            "tensor `{name}`: expected dimensions from 0 with a product below 2^63, found {signed:?}"
        ))
    };
    let mut product: i64 = 1;
    let mut out = Vec::new();
    for &dim in &signed {
        if dim < 0 {
            return Err(refuse());
        }
        product = product.checked_mul(dim).ok_or_else(refuse)?;
        out.push(usize::try_from(dim).map_err(|_| refuse())?);
    }
    usize::try_from(product).map_err(|_| refuse())?;
    Ok(out)
}

/// Turns ranges relative to the data section, which begins behind `infos_end`, into ranges of the file.
fn place(
    tensors: &mut [Tensor],
    file_size: usize,
    infos_end: usize,
    alignment: usize,
) -> Result<()> {
    let data_start = infos_end.checked_next_multiple_of(alignment);
    for tensor in tensors {
        let Range { start, end } = tensor.range;
        let placed = data_start.and_then(|base| {
            let (start, end) = (base.checked_add(start)?, base.checked_add(end)?);
            (end <= file_size).then_some(start..end)
        });
        tensor.range = placed.ok_or_else(|| {
            Error::gguf(format!(
                "tensor `{}`: expected its {} bytes at data offset {start} inside the file, found a file of {file_size} \
                 bytes whose data starts at byte {}; the file is truncated or corrupt",
                tensor.name,
                end - start,
                data_start.map_or_else(|| "2^64 or later".to_owned(), |base| base.to_string())
            ))
        })?;
    }
    Ok(())
}

fn refuse_overlap(tensors: &[Tensor]) -> Result<()> {
    let mut by_start: Vec<&Tensor> = tensors.iter().filter(|t| !t.range.is_empty()).collect();
    by_start.sort_by_key(|tensor| tensor.range.start);
    for pair in by_start.windows(2) {
        if pair[0].range.end > pair[1].range.start {
            return Err(Error::gguf(format!(
                "tensor `{}`: expected bytes of its own, found bytes {:?} overlapping {:?} of tensor `{}`",
                pair[1].name, pair[1].range, pair[0].range, pair[0].name
            )));
        }
    }
    Ok(())
}

impl Directory {
    /// The tensor called `name`.
    pub(super) fn get(&self, name: &str) -> Option<&Tensor> {
        let at = self.names.find(name.as_bytes(), |at| self.tensors[at].name.as_bytes())?;
        Some(&self.tensors[at])
    }

    /// All tensors, in file order.
    pub(super) fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }
}
