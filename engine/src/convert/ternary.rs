//! A model file in another ternary format: the same trits and the same scales, so the same products bit for bit.
//!
//! In: a file, a format. Out: the bytes of a file whose ternary matrices are packed anew; all else is copied. A format that has
//! no f32 scale for the tensor (`TQ1_0`, `TQ2_0`: an f16 scale a block) gets trits with scale 1, and the scale itself goes into a
//! tensor of one number behind the matrix, `blk.N.attn_q.scale` for `blk.N.attn_q.weight`, by which the product is multiplied
//! (the name is that of older `bitnet` files). On the way back it is folded into the format's own scale.

use crate::{
    Error, ErrorKind, Result,
    gguf::{self, File, Tensor, Value, Writer},
    quant::{self, BlockFormat, Shape, Ternary},
};

/// What `general.file_type` says of a file in each ternary format: upstream's numbers, then those of Microsoft's fork.
const FILE_TYPES: &[(&str, u32)] =
    &[("tq1_0", 36), ("tq2_0", 37), ("tl1", 38), ("tl2", 39), ("i2_s", 40)];
/// The key of those numbers.
const FILE_TYPE: &str = "general.file_type";
/// A matrix whose rows are gathered rather than multiplied: a scale beside it would have nobody to apply it.
const GATHERED: &str = "token_embd.weight";

/// A converted file, and what could not be converted.
#[derive(Clone, Debug)]
pub struct Conversion {
    /// The file.
    pub bytes: Vec<u8>,
    /// Ternary tensors that stay as they were, in file order.
    pub warnings: Vec<Kept>,
}

/// A ternary tensor that keeps its format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub tensor: String,
    /// The format it keeps.
    pub format: &'static str,
    /// Why the wanted one can't hold it.
    pub reason: String,
}

/// Packs every ternary matrix of `file` as `to`; copies all other tensors and all keys, but for the one of the file's type.
///
/// A matrix stays as it is, with a warning, if `to` can't cut its rows, if its blocks have several scales, or if it is the
/// embedding table.
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] if `to` is no ternary format; what [`BlockFormat::check`] refuses, for a matrix whose bytes
/// are none of its format's.
pub fn ternary(file: &File, to: &'static dyn BlockFormat) -> Result<Conversion> {
    let Some(target) = to.ternary() else {
        let known = quant::FORMATS.iter().filter(|format| format.ternary().is_some());
        let known: Vec<&str> = known.map(|format| format.name()).collect();
        let text = format!("expected a ternary format ({}), found {}", known.join(", "), to.name());
        return Err(Error::new(ErrorKind::InvalidArgument, text));
    };
    let mut out = Writer::new();
    copy_keys(file, to, &mut out);
    let mut warnings = Vec::new();
    for tensor in file.tensors() {
        let beside = file.find_tensor(&scale_name(tensor.name()));
        if is_candidate(tensor, to) {
            match repack(file, tensor, beside, target)? {
                Repacked::As { bytes, scale } => {
                    write(
                        &mut out,
                        tensor.name(),
                        tensor.dims(),
                        to,
                        default_tiles(tensor),
                        &bytes,
                    );
                    if let Some(scale) = scale {
                        let name = scale_name(tensor.name());
                        let bytes = scale.to_le_bytes();
                        write(&mut out, &name, &[1], &quant::f32::F32, Shape::vector(1), &bytes);
                    }
                }
                Repacked::Not(reason) => {
                    copy(&mut out, file, tensor);
                    beside.into_iter().for_each(|beside| copy(&mut out, file, beside));
                    let (tensor, format) = (tensor.name().to_owned(), tensor.format().name());
                    warnings.push(Kept { tensor, format, reason });
                }
            }
        } else if !stands_beside_a_candidate(file, tensor, to) {
            copy(&mut out, file, tensor);
        }
    }
    Ok(Conversion { bytes: out.to_bytes(), warnings })
}

/// A file whose `I2_S` tensors are in groups of 64, as bitnet.cpp built for Arm writes them, in the layout of this reader. No
/// file says which it has: the caller does.
///
/// # Errors
/// The errors of [`quant::i2_s::from_arm`].
pub fn from_arm(file: &File) -> Result<Vec<u8>> {
    let mut bytes = file.bytes().to_vec();
    for tensor in file.tensors().iter().filter(|tensor| tensor.format().name() == "i2_s") {
        let laid_out = quant::i2_s::from_arm(file.tensor_bytes(tensor), tensor.n_elements())
            .map_err(|e| Error::new(e.kind(), format!("tensor `{}`: {e}", tensor.name())))?;
        bytes[tensor.range()].copy_from_slice(&laid_out);
    }
    Ok(bytes)
}

/// What became of one matrix.
enum Repacked {
    /// Its bytes in the new format, and the scale that stands beside it, if one has to.
    As { bytes: Vec<u8>, scale: Option<f32> },
    /// It stays, for this reason.
    Not(String),
}

/// One matrix in the new format; `beside`: the scale that multiplies its product.
fn repack(
    file: &File,
    tensor: &Tensor,
    beside: Option<&Tensor>,
    to: &dyn Ternary,
) -> Result<Repacked> {
    let (name, shape, bytes) = (tensor.name(), tensor.shape(), file.tensor_bytes(tensor));
    let in_tensor = |e: Error| Error::new(e.kind(), format!("tensor `{name}`: {e}"));
    let from = tensor.format();
    let ternary = from.ternary().expect("a candidate is ternary");
    from.check(bytes, shape).map_err(in_tensor)?;
    if name == GATHERED {
        return Ok(Repacked::Not("it is gathered, not multiplied".to_owned()));
    }
    let target_shape = default_tiles(tensor);
    if let Err(why) = to.fits(target_shape) {
        return Ok(Repacked::Not(why.to_string()));
    }
    let mut trits = vec![0; tensor.n_elements()];
    let own = match ternary.unpack(bytes, shape, &mut trits) {
        Ok(own) => own,
        Err(why) => return Ok(Repacked::Not(why.to_string())),
    };
    let factor = match beside.map(|beside| one_number(file, beside)) {
        None => 1.0,
        Some(Some(factor)) => factor,
        Some(None) => {
            let text = format!("`{}` is not one f32", scale_name(name));
            return Ok(Repacked::Not(text));
        }
    };
    let (scale, outside) = match (exact_product(own, factor), to.has_tensor_scale()) {
        (Some(scale), true) if scale.is_sign_positive() => (scale, 1.0),
        (_, true) => (own, factor),
        (Some(scale), false) => (1.0, scale),
        (None, false) => {
            let text = format!("its scales {own} and {factor} have no exact product");
            return Ok(Repacked::Not(text));
        }
    };
    let bytes = to.pack(&trits, scale, target_shape).map_err(in_tensor)?;
    #[expect(clippy::float_cmp, reason = "by exactly 1 nothing needs to be multiplied")]
    let scale = (outside != 1.0).then_some(outside);
    Ok(Repacked::As { bytes, scale })
}

/// The product, if f32 holds it.
fn exact_product(a: f32, b: f32) -> Option<f32> {
    // 48 bits of significand at most, so the product in f64 is the true one.
    let product = f64::from(a) * f64::from(b);
    #[expect(clippy::cast_possible_truncation, reason = "compared with the true product below")]
    let rounded = product as f32;
    let exact = f64::from(rounded).to_bits() == product.to_bits();
    (exact && rounded.is_finite()).then_some(rounded)
}

/// The number in a tensor that holds just one.
fn one_number(file: &File, tensor: &Tensor) -> Option<f32> {
    let bytes = file.tensor_bytes(tensor).first_chunk()?;
    let is_one = tensor.format().id() == quant::f32::F32.id() && tensor.n_elements() == 1;
    is_one.then_some(f32::from_le_bytes(*bytes))
}

/// Whether it is ternary, and in another format.
fn is_candidate(tensor: &Tensor, to: &dyn BlockFormat) -> bool {
    tensor.format().ternary().is_some() && tensor.format().id() != to.id()
}

/// Whether it is the scale of a matrix that is to be packed anew: it is written, or left out, with that one.
fn stands_beside_a_candidate(file: &File, tensor: &Tensor, to: &dyn BlockFormat) -> bool {
    let weight = tensor.name().strip_suffix(".scale").map(|stem| format!("{stem}.weight"));
    let weight = weight.and_then(|name| file.find_tensor(&name));
    weight.is_some_and(|weight| is_candidate(weight, to))
}

/// `blk.0.attn_q.weight` → `blk.0.attn_q.scale`.
fn scale_name(weight: &str) -> String {
    format!("{}.scale", weight.strip_suffix(".weight").unwrap_or(weight))
}

/// The tensor's shape, in tiles of the new format's own choice.
const fn default_tiles(tensor: &Tensor) -> Shape {
    tensor.shape().with_tiles(None)
}

/// All keys in order, with another file type.
fn copy_keys(file: &File, to: &dyn BlockFormat, writer: &mut Writer) {
    let file_type = FILE_TYPES.iter().find(|(name, _)| *name == to.name()).map(|(_, id)| *id);
    let mut said = false;
    for (key, value) in file.entries() {
        match (key, value, file_type) {
            (key, _, Some(id)) if key == FILE_TYPE.as_bytes() => {
                writer.u32(FILE_TYPE, id);
                said = true;
            }
            // The writer has to know where tensors begin.
            (b"general.alignment", Value::U32(alignment), _) => {
                writer.alignment(alignment);
            }
            (key, _, _) if key == gguf::TILES_KEY.as_bytes() => {}
            (key, value, _) => {
                writer.entry(key, &value);
            }
        }
    }
    if let (false, Some(id)) = (said, file_type) {
        writer.u32(FILE_TYPE, id);
    }
}

/// A tensor of the new file.
fn write(
    writer: &mut Writer,
    name: &str,
    dims: &[usize],
    format: &dyn BlockFormat,
    shape: Shape,
    bytes: &[u8],
) {
    let dims: Vec<u64> = dims.iter().map(|dim| *dim as u64).collect();
    writer.stored(name, &dims, format, shape, bytes);
}

/// The tensor as it is.
fn copy(writer: &mut Writer, file: &File, tensor: &Tensor) {
    let bytes = file.tensor_bytes(tensor);
    write(writer, tensor.name(), tensor.dims(), tensor.format(), tensor.shape(), bytes);
}

#[cfg(test)]
mod tests;
