//! `I2_S` (type 36): ternary weights, two bits each, one f32 scale for the tensor. `w = scale * (code - 1)`.
//!
//! The tensor is one flat row-major run, cut into groups of 128 elements = 32 bytes. Byte `p` of a group holds the elements
//! `p`, `p + 32`, `p + 64`, `p + 96` in bits 7:6, 5:4, 3:2, 1:0 (the **first** 32 in the **high** bits). Codes 0, 1, 2 are
//! -1, 0, +1; no packer writes 3. The scale stands behind the codes, at byte `n / 4`, and 28 bytes without meaning follow it.
//!
//! Bitnet.cpp built for Arm writes groups of 64 under the same type number and nothing in the file tells; published files
//! use 128 everywhere, and so does this reader. A file of the other layout has to be declared: [`from_arm`].
//!
//! Source: microsoft/BitNet, `src/ggml-bitnet-mad.cpp` (quantiser), `utils/convert-hf-to-gguf-bitnet.py` (packer).

use super::{
    BlockFormat, Shape, Ternary, check_trits, expect_len, expect_size, outside, refuse_non_finite,
    row_of,
};
use crate::{Error, ErrorKind, Result};

/// Elements of one group.
pub const GROUP_LEN: usize = 128;
/// Bytes of one group.
pub const GROUP_SIZE: usize = 32;
/// Bytes behind the codes: the scale, then filler.
pub const TAIL_SIZE: usize = 32;

/// The least f32 whose magnitude is not below 1e-6 in f64, where the C quantiser compares: one above `1e-6_f32`.
pub(super) const ABSMAX_ZERO_BELOW: f32 = 1e-6_f32.next_up();
/// `round(w / scale)` is zero up to one half, which rounds to the even number.
const ABSMEAN_ZERO_UP_TO: f32 = 0.5;

/// Ternary weights with one scale for the tensor.
#[derive(Clone, Copy, Debug)]
pub struct I2S;

impl BlockFormat for I2S {
    fn name(&self) -> &'static str {
        "i2_s"
    }

    fn about(&self) -> &'static str {
        "ternary, 2 bits an element in groups of 128, one f32 scale a tensor"
    }

    fn id(&self) -> u32 {
        36
    }

    fn block_len(&self) -> usize {
        GROUP_LEN
    }

    fn n_bytes(&self, shape: Shape) -> Option<usize> {
        (shape.n_elements()? / 4).checked_add(TAIL_SIZE)
    }

    fn check(&self, tensor: &[u8], shape: Shape) -> Result<()> {
        expect_size(self, tensor, shape)?;
        validate(tensor, shape.rows * shape.cols)
    }

    fn scale(&self, tensor: &[u8], shape: Shape) -> f32 {
        split(tensor, shape.rows * shape.cols).map_or(f32::NAN, |(_, scale)| scale)
    }

    fn row(&self, tensor: &[u8], shape: Shape, row: usize, out: &mut [f32]) -> Result<()> {
        decode_codes(row_of(self, tensor, shape, row, GROUP_SIZE, out.len())?, 1.0, out)
    }

    fn decode(&self, tensor: &[u8], shape: Shape, row: usize, out: &mut [f32]) -> Result<()> {
        let (codes, scale) = split(tensor, shape.n_elements().unwrap_or(usize::MAX))?;
        let first = row.checked_mul(shape.cols);
        let range = first.and_then(|first| Some(first / 4..first.checked_add(out.len())? / 4));
        match range.and_then(|range| codes.get(range)) {
            Some(codes) => decode_codes(codes, scale, out),
            None => Err(outside(self, shape, row, out.len())),
        }
    }

    fn encode(&self, values: &[f32], shape: Shape) -> Result<Vec<u8>> {
        expect_len(self, shape, values.len())?;
        quantize(values)
    }

    fn ternary(&self) -> Option<&dyn Ternary> {
        Some(self)
    }
}

impl Ternary for I2S {
    fn pack(&self, trits: &[i8], scale: f32, shape: Shape) -> Result<Vec<u8>> {
        expect_len(self, shape, trits.len())?;
        check_trits(self, trits, scale)?;
        let (groups, _) = trits.as_chunks::<GROUP_LEN>();
        let mut bytes = Vec::with_capacity(trits.len() / 4 + TAIL_SIZE);
        for group in groups {
            bytes.extend((0..GROUP_SIZE).map(|p| {
                let code = |i: usize| (group[p + 32 * i] + 1).cast_unsigned();
                code(0) << 6 | code(1) << 4 | code(2) << 2 | code(3)
            }));
        }
        bytes.extend(scale.to_le_bytes());
        bytes.resize(trits.len() / 4 + TAIL_SIZE, 0);
        Ok(bytes)
    }

    fn unpack(&self, tensor: &[u8], shape: Shape, trits: &mut [i8]) -> Result<f32> {
        expect_len(self, shape, trits.len())?;
        self.check(tensor, shape)?;
        let (codes, scale) = split(tensor, trits.len())?;
        let (out, _) = trits.as_chunks_mut::<GROUP_LEN>();
        for (codes, out) in codes.chunks_exact(GROUP_SIZE).zip(out) {
            for (p, byte) in codes.iter().enumerate() {
                for (i, shift) in [6, 4, 2, 0].into_iter().enumerate() {
                    out[p + 32 * i] = (byte >> shift & 3).cast_signed() - 1;
                }
            }
        }
        Ok(scale)
    }
}

/// Stores weights of the form {-s, 0, +s}: `scale = max|w|`, |w| below 1e-6 is 0, the rest its sign.
///
/// `weights`: whole groups of 128. Out: the tensor's bytes, filler zero. The rule of bitnet.cpp's C quantiser.
///
/// # Errors
/// [`ErrorKind::Shape`] if the length is no multiple of 128, [`ErrorKind::NonFinite`] for a NaN or an infinity.
pub fn quantize(weights: &[f32]) -> Result<Vec<u8>> {
    pack(weights, |codes| encode_codes(weights, codes))
}

/// Stores any weights: `scale = mean|w|`, `code - 1 = clamp(round(w / scale), -1, 1)`, half to even.
///
/// The rule of BitNet b1.58 training. The mean is summed in f64, in 16 strided lanes, and rounded once to f32.
///
/// # Errors
/// [`ErrorKind::Shape`] if the length is no multiple of 128, [`ErrorKind::NonFinite`] for a NaN or an infinity.
pub fn quantize_absmean(weights: &[f32]) -> Result<Vec<u8>> {
    let scale = mean_abs(weights);
    pack(weights, |codes| encode_codes_with_scale(weights, scale, codes).map(|()| scale))
}

/// Reads `n` weights back: `out[i] = scale * (code - 1)`. Checks everything [`validate`] does.
///
/// # Errors
/// [`ErrorKind::Shape`] if `bytes` or `out` have another length, and the errors of [`validate`].
pub fn dequantize(bytes: &[u8], n: usize, out: &mut [f32]) -> Result<()> {
    validate(bytes, n)?;
    let (codes, scale) = split(bytes, n)?;
    decode_codes(codes, scale, out)
}

/// Checks the length of a tensor of `n` elements, its scale, and that no code is 3.
///
/// The scale must be finite and not negative; zero only if every weight is zero.
///
/// # Errors
/// [`ErrorKind::Shape`] for another length, [`ErrorKind::NonFinite`] for the scale, [`ErrorKind::Gguf`] for a negative or
/// zero scale and for a code 3; the text names the element.
pub fn validate(bytes: &[u8], n: usize) -> Result<()> {
    expect_size(&I2S, bytes, Shape::vector(n))?;
    let (codes, scale) = split(bytes, n)?;
    if !scale.is_finite() {
        let text = format!("i2_s scale at byte {}: expected a finite number, found {scale}", n / 4);
        return Err(Error::new(ErrorKind::NonFinite, text));
    }
    if scale.is_sign_negative() {
        let text =
            format!("i2_s scale at byte {}: expected no negative number, found {scale}", n / 4);
        return Err(Error::gguf(text));
    }
    if codes.iter().fold(0, |seen, &byte| seen | threes(byte)) != 0 {
        let i = element_where(codes, |code| code == 3);
        let text = format!("i2_s element {i}: expected a code from 0 to 2, found 3");
        return Err(Error::gguf(text));
    }
    // A scale of zero is what an all-zero tensor has; with any other weight it has been lost.
    if scale == 0.0 && codes.iter().any(|&byte| byte != 0b01_01_01_01) {
        let i = element_where(codes, |code| code != 1);
        let text = format!("i2_s scale: expected above 0, since element {i} is not zero, found 0");
        return Err(Error::gguf(text));
    }
    Ok(())
}

/// Codes and scale of a tensor of `n` elements.
///
/// # Panics
/// Never: the size law leaves 32 bytes behind the codes.
///
/// # Errors
/// [`ErrorKind::Shape`] if `n` is no whole number of groups or the bytes are not those of `n` elements.
pub fn split(bytes: &[u8], n: usize) -> Result<(&[u8], f32)> {
    whole_groups(n)?;
    expect_size(&I2S, bytes, Shape::vector(n))?;
    let (codes, tail) = bytes.split_at(n / 4);
    let scale = tail.first_chunk().expect("the size law leaves 32 bytes behind the codes");
    Ok((codes, f32::from_le_bytes(*scale)))
}

/// The tensor in the layout of this reader, from one in groups of 64, as bitnet.cpp built for Arm writes it.
///
/// There, byte `p` of 16 holds the elements `p`, `p + 16`, `p + 32`, `p + 48`, the first in the high bits. Nothing in a file
/// tells the two apart, so whoever calls this says so. The tail is copied.
///
/// # Errors
/// [`ErrorKind::Shape`] if `n` is no whole number of groups of 128 or the bytes are not those of `n` elements.
pub fn from_arm(tensor: &[u8], n: usize) -> Result<Vec<u8>> {
    split(tensor, n)?;
    let mut out = tensor.to_vec();
    let (groups, _) = tensor[..n / 4].as_chunks::<GROUP_SIZE>();
    for (group, out) in groups.iter().zip(out.chunks_exact_mut(GROUP_SIZE)) {
        // Element e of the 128: in the first or second half of the bytes, run (e % 64) / 16 of it.
        let code = |e: usize| group[e / 64 * 16 + e % 16] >> (6 - 2 * (e % 64 / 16)) & 3;
        for (p, byte) in out.iter_mut().enumerate() {
            *byte = code(p) << 6 | code(p + 32) << 4 | code(p + 64) << 2 | code(p + 96);
        }
    }
    Ok(out)
}

/// The mean magnitude, for [`quantize_absmean`].
fn mean_abs(weights: &[f32]) -> f32 {
    let (chunks, rest) = weights.as_chunks::<16>();
    let mut lanes = [0_f64; 16];
    for chunk in chunks {
        for (lane, weight) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(weight.abs());
        }
    }
    let rest = rest.iter().map(|weight| f64::from(weight.abs()));
    let sum: f64 = lanes.into_iter().chain(rest).sum();
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 weights")]
    let n = weights.len().max(1) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a mean of f32 magnitudes is in f32's range"
    )]
    let mean = (sum / n) as f32;
    mean
}

/// The codes of [`quantize`] for one part of a tensor, whole groups, and the part's largest magnitude.
///
/// Codes do not depend on the scale, so several threads can share a tensor: its scale is the largest of their results.
///
/// # Errors
/// [`ErrorKind::Shape`] unless `weights` are whole groups and `codes` a quarter as many bytes; [`ErrorKind::NonFinite`]
/// for a NaN or an infinity, whose index in `weights` the text names.
pub fn encode_codes(weights: &[f32], codes: &mut [u8]) -> Result<f32> {
    encode_by(weights, codes, |w| {
        1 + i32::from(w >= ABSMAX_ZERO_BELOW) - i32::from(w <= -ABSMAX_ZERO_BELOW)
    })
}

/// The codes of [`quantize_absmean`] for one part of a tensor, whole groups; `scale` is of the whole tensor.
///
/// # Errors
/// As [`encode_codes`].
pub fn encode_codes_with_scale(weights: &[f32], scale: f32, codes: &mut [u8]) -> Result<()> {
    // Where the scale is zero every weight is, and 0 / 0 compares as neither: code 1.
    let code = |w| {
        let t = w / scale;
        1 + i32::from(t > ABSMEAN_ZERO_UP_TO) - i32::from(t < -ABSMEAN_ZERO_UP_TO)
    };
    encode_by(weights, codes, code).map(|_| ())
}

/// Packs `code(w)` of every weight; the largest magnitude comes out of the same pass over memory.
fn encode_by(weights: &[f32], codes: &mut [u8], code: impl Fn(f32) -> i32) -> Result<f32> {
    let (groups, rest) = weights.as_chunks::<GROUP_LEN>();
    let (out, out_rest) = codes.as_chunks_mut::<GROUP_SIZE>();
    if groups.len() != out.len() || !rest.is_empty() || !out_rest.is_empty() {
        return Err(mismatch("encode", weights.len(), codes.len()));
    }
    let mut lanes = [0_i32; GROUP_SIZE];
    for (group, out) in groups.iter().zip(out) {
        for p in 0..GROUP_SIZE {
            let fields = [group[p], group[p + 32], group[p + 64], group[p + 96]];
            let [a, b, c, d] = fields.map(&code);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "four codes below 4"
            )]
            let byte = (a << 6 | b << 4 | c << 2 | d) as u8;
            out[p] = byte;
            for weight in fields {
                lanes[p] = lanes[p].max(magnitude_bits(weight));
            }
        }
    }
    let most = f32::from_bits(lanes.into_iter().fold(0, i32::max).cast_unsigned());
    if !most.is_finite() {
        refuse_non_finite(&I2S, weights.iter().position(|weight| !weight.is_finite()))?;
    }
    Ok(most)
}

/// Magnitudes are ordered like their bits, and everything that is not finite is above every number.
pub(super) const fn magnitude_bits(weight: f32) -> i32 {
    weight.to_bits().cast_signed() & i32::MAX
}

/// `out[i] = scale * (code - 1)` for one part of a tensor: whole groups.
///
/// # Errors
/// [`ErrorKind::Shape`] unless `out` is whole groups and `codes` a quarter as many bytes.
pub fn decode_codes(codes: &[u8], scale: f32, out: &mut [f32]) -> Result<()> {
    let (groups, rest) = codes.as_chunks::<GROUP_SIZE>();
    let n_out = out.len();
    let (out, out_rest) = out.as_chunks_mut::<GROUP_LEN>();
    if groups.len() != out.len() || !rest.is_empty() || !out_rest.is_empty() {
        return Err(mismatch("decode", n_out, codes.len()));
    }
    for (group, out) in groups.iter().zip(out) {
        let (fields, _) = out.as_chunks_mut::<GROUP_SIZE>();
        for (field, shift) in fields.iter_mut().zip([6, 4, 2, 0]) {
            for (value, byte) in field.iter_mut().zip(group) {
                let code = i16::from(byte >> shift & 3);
                *value = scale * f32::from(code - 1);
            }
        }
    }
    Ok(())
}

/// The tensor: codes, scale, filler. `encode` writes the codes and gives the scale.
fn pack(weights: &[f32], encode: impl Fn(&mut [u8]) -> Result<f32>) -> Result<Vec<u8>> {
    whole_groups(weights.len())?;
    let mut bytes = vec![0; weights.len() / 4 + TAIL_SIZE];
    let (codes, tail) = bytes.split_at_mut(weights.len() / 4);
    let scale = encode(codes)?;
    tail[..4].copy_from_slice(&scale.to_le_bytes());
    Ok(bytes)
}

/// Non-zero where a field of `byte` is 3.
const fn threes(byte: u8) -> u8 {
    byte & byte >> 1 & 0b01_01_01_01
}

/// The first element whose code satisfies `is`, in the tensor's order. Only asked where there is one.
fn element_where(codes: &[u8], is: impl Fn(u8) -> bool) -> usize {
    let code = |i: usize| {
        let (group, within) = (i / GROUP_LEN, i % GROUP_LEN);
        codes[group * GROUP_SIZE + within % 32] >> (6 - 2 * (within / 32)) & 3
    };
    (0..codes.len() * 4).find(|&i| is(code(i))).expect("a byte held such a code")
}

fn whole_groups(n: usize) -> Result<()> {
    if n.is_multiple_of(GROUP_LEN) {
        return Ok(());
    }
    Err(shape(format!("i2_s: expected a multiple of {GROUP_LEN} elements, found {n}")))
}

fn mismatch(verb: &str, n: usize, n_bytes: usize) -> Error {
    shape(format!(
        "{verb} i2_s: expected groups of {GROUP_LEN} elements and {GROUP_SIZE} bytes, found {n} and {n_bytes}"
    ))
}

fn shape(text: String) -> Error {
    Error::new(ErrorKind::Shape, text)
}

#[cfg(test)]
mod tests;
