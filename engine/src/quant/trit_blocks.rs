//! What `TQ1_0` and `TQ2_0` share: blocks of 256 trits, the codes first, then one f16 scale `d` for the block.
//! In: how a format writes and reads the codes of one block. Out: whole tensors.
//!
//! Source: ggml, `ggml/src/ggml-quants.c` (`quantize_row_tq1_0_ref`, `quantize_row_tq2_0_ref`); the package `gguf`, `gguf/quants.py`.

use half::f16;

use super::{BlockFormat, Shape, check_trits, expect_len, expect_size, refuse_non_finite, row_of};
use crate::{Error, ErrorKind, Result};

/// Elements of one block.
pub(super) const BLOCK_LEN: usize = 256;
/// Bytes of a block's scale, its last.
pub(super) const SCALE_SIZE: usize = 2;

/// The trits of one block, in element order.
pub(crate) type Trits = [i8; BLOCK_LEN];

/// How a format stores one block, of `SIZE` bytes.
pub(super) trait TritBlock<const SIZE: usize>: BlockFormat {
    /// Writes the codes; leaves the scale as it is.
    fn write(&self, trits: &Trits, block: &mut [u8; SIZE]);

    /// Reads the codes of a block that passed [`find_bad`](Self::find_bad).
    fn read(&self, block: &[u8; SIZE]) -> Trits;

    /// What is wrong with a block's codes: where (in the block), what was expected and found.
    fn find_bad(&self, block: &[u8; SIZE]) -> Option<String>;
}

/// The scale of a block.
pub(crate) fn block_scale<const SIZE: usize>(block: &[u8; SIZE]) -> f32 {
    let bytes = block.last_chunk::<SCALE_SIZE>().expect("a block is longer than its scale");
    f16::from_le_bytes(*bytes).to_f32()
}

/// The size law: whole blocks.
pub(super) fn n_bytes<const SIZE: usize>(shape: Shape) -> Option<usize> {
    (shape.n_elements()? / BLOCK_LEN).checked_mul(SIZE)
}

/// Size, scales and codes of a tensor.
pub(super) fn check<const SIZE: usize>(
    format: &impl TritBlock<SIZE>,
    tensor: &[u8],
    shape: Shape,
) -> Result<()> {
    expect_size(format, tensor, shape)?;
    let name = format.name();
    for (b, block) in tensor.as_chunks::<SIZE>().0.iter().enumerate() {
        let scale = block_scale(block);
        if !scale.is_finite() {
            let text = format!("{name} block {b}, scale: expected a finite number, found {scale}");
            return Err(Error::new(ErrorKind::NonFinite, text));
        }
        if scale.is_sign_negative() {
            let text =
                format!("{name} block {b}, scale: expected no negative number, found {scale}");
            return Err(Error::gguf(text));
        }
        if let Some(bad) = format.find_bad(block) {
            return Err(Error::gguf(format!("{name} block {b}, {bad}")));
        }
    }
    Ok(())
}

/// One row: `d · trit`.
pub(super) fn row<const SIZE: usize>(
    format: &impl TritBlock<SIZE>,
    tensor: &[u8],
    shape: Shape,
    row: usize,
    out: &mut [f32],
) -> Result<()> {
    let (blocks, _) = row_of(format, tensor, shape, row, SIZE, out.len())?.as_chunks::<SIZE>();
    for (block, out) in blocks.iter().zip(out.as_chunks_mut::<BLOCK_LEN>().0) {
        let scale = block_scale(block);
        for (trit, out) in format.read(block).into_iter().zip(out) {
            *out = f32::from(trit) * scale;
        }
    }
    Ok(())
}

/// The rule of upstream's quantisers, in f32 as they do: `d = max|x|`, `trit = round(x · (1 / d))`, half away from zero;
/// `d` is stored as f16 afterwards.
pub(super) fn encode<const SIZE: usize>(
    format: &impl TritBlock<SIZE>,
    values: &[f32],
    shape: Shape,
) -> Result<Vec<u8>> {
    expect_len(format, shape, values.len())?;
    let mut bytes = Vec::with_capacity(n_bytes::<SIZE>(shape).unwrap_or(0));
    for (b, values) in values.as_chunks::<BLOCK_LEN>().0.iter().enumerate() {
        // `max` passes over NaN, so it is looked for by itself.
        let most = values.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let scale = f16::from_f32(most);
        if !scale.is_finite() || values.iter().any(|x| x.is_nan()) {
            let too_large = |x: &f32| !f16::from_f32(*x).is_finite();
            let i = values.iter().position(too_large);
            refuse_non_finite(format, i.map(|i| b * BLOCK_LEN + i))?;
        }
        // Of nothing but zeros, and of numbers too small for 1 / d, whose `d` is 0 as f16 anyway: all trits are 0.
        let inverse = if most.recip().is_finite() { most.recip() } else { 0.0 };
        let mut trits = [0; BLOCK_LEN];
        for (trit, x) in trits.iter_mut().zip(values) {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "|x · (1 / max|x|)| rounds to 0 or 1"
            )]
            let rounded = (x * inverse).round() as i8;
            *trit = rounded;
        }
        bytes.extend(block(format, &trits, scale));
    }
    Ok(bytes)
}

/// Trits with one scale for all: `d` is `scale`, and 0 for a block of zeros, as upstream writes it.
pub(super) fn pack<const SIZE: usize>(
    format: &impl TritBlock<SIZE>,
    trits: &[i8],
    scale: f32,
    shape: Shape,
) -> Result<Vec<u8>> {
    expect_len(format, shape, trits.len())?;
    check_trits(format, trits, scale)?;
    let half = f16::from_f32(scale);
    if half.to_f32().to_bits() != scale.to_bits() {
        let name = format.name();
        let text = format!(
            "{name} scale: expected a number that half precision holds exactly, found {scale}; pack with scale 1 and \
             multiply the product by it"
        );
        return Err(Error::new(ErrorKind::InvalidArgument, text));
    }
    let blocks = trits.as_chunks::<BLOCK_LEN>().0.iter();
    let scale_of = |trits: &Trits| if *trits == [0; BLOCK_LEN] { f16::ZERO } else { half };
    Ok(blocks.flat_map(|trits| block(format, trits, scale_of(trits))).collect())
}

/// All trits, and the one scale of all that are not zero; 1 where all are. Trits of a block with `d = 0` are zeros.
pub(super) fn unpack<const SIZE: usize>(
    format: &impl TritBlock<SIZE>,
    tensor: &[u8],
    shape: Shape,
    trits: &mut [i8],
) -> Result<f32> {
    expect_len(format, shape, trits.len())?;
    check(format, tensor, shape)?;
    let mut common: Option<(usize, f32)> = None;
    let blocks = tensor.as_chunks::<SIZE>().0.iter().enumerate();
    for ((b, block), out) in blocks.zip(trits.as_chunks_mut::<BLOCK_LEN>().0) {
        let scale = block_scale(block);
        *out = if scale == 0.0 { [0; BLOCK_LEN] } else { format.read(block) };
        if *out == [0; BLOCK_LEN] {
            continue;
        }
        match common {
            None => common = Some((b, scale)),
            Some((first, common)) if common.to_bits() != scale.to_bits() => {
                let name = format.name();
                let text = format!(
                    "{name} block {b}: expected the scale {common} of block {first}, found {scale}; a tensor with several \
                     scales is not ternary as a whole"
                );
                return Err(Error::gguf(text));
            }
            Some(_) => {}
        }
    }
    Ok(common.map_or(1.0, |(_, scale)| scale))
}

/// A whole block.
fn block<const SIZE: usize>(
    format: &impl TritBlock<SIZE>,
    trits: &Trits,
    scale: f16,
) -> [u8; SIZE] {
    let mut block = [0; SIZE];
    format.write(trits, &mut block);
    block[SIZE - SCALE_SIZE..].copy_from_slice(&scale.to_le_bytes());
    block
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::Value as Json;

    use super::*;
    use crate::quant::Ternary;

    const VECTORS: &str = include_str!("../../tests/data/ternary-vectors.json");

    /// `w[i] = scale · (((i + 2 · (i / 32)) mod 3) - 1)`: the worked example of `docs/formats.md`.
    pub(in crate::quant) fn worked(scale: f32) -> Vec<f32> {
        (0..256).map(|i| scale * [-1.0, 0.0, 1.0][(i + 2 * (i / 32)) % 3]).collect()
    }

    fn bytes(json: &Json) -> Vec<u8> {
        let text = json.as_str().unwrap();
        let pairs = text.as_bytes().as_chunks::<2>().0.iter();
        pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    fn floats(json: &Json) -> Vec<f32> {
        bytes(json).as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    /// What gguf-py writes for the values of each case, and what it reads back.
    pub(in crate::quant) fn holds_the_vectors(format: &dyn BlockFormat, key: &str) {
        let cases: Vec<Json> = serde_json::from_str(VECTORS).unwrap();
        assert_eq!(cases.len(), 8);
        for case in &cases {
            let (name, values) = (&case["name"], floats(&case["values"]));
            let shape = Shape::vector(values.len());
            let encoded = format.encode(&values, shape).unwrap();
            assert_eq!(encoded, bytes(&case[key]), "{name}");
            format.check(&encoded, shape).unwrap();
            let mut decoded = vec![f32::NAN; values.len()];
            format.decode(&encoded, shape, 0, &mut decoded).unwrap();
            assert_eq!(bits(&decoded), bits(&floats(&case["decoded"])), "{name}");
        }
    }

    /// Scales that are packed, unpacked, mixed and broken.
    pub(in crate::quant) fn scales_behave(format: &dyn Ternary) {
        let shape = Shape::new(2, 256);
        let mut trits = vec![0_i8; 512];
        trits[..3].copy_from_slice(&[-1, 0, 1]);
        let packed = format.pack(&trits, 0.75, shape).unwrap();
        let (first, second) = packed.split_at(packed.len() / 2);
        assert_eq!(
            (&first[first.len() - 2..], &second[second.len() - 2..]),
            (&[0, 0x3a][..], &[0, 0][..])
        );
        let unpack = |bytes: &[u8]| {
            let mut back = vec![7; 512];
            format.unpack(bytes, shape, &mut back).map(|scale| (back, scale.to_bits()))
        };
        assert_eq!(unpack(&packed).unwrap(), (trits.clone(), 0.75_f32.to_bits()));
        assert_eq!(
            unpack(&format.pack(&[0; 512], 0.0, shape).unwrap()).unwrap().1,
            1.0_f32.to_bits()
        );

        let kind = |scale: f32| format.pack(&trits, scale, shape).map_err(|e| e.kind()).err();
        assert_eq!(kind(0.1), Some(ErrorKind::InvalidArgument), "f16 has no 0.1");
        assert_eq!(kind(65536.0), Some(ErrorKind::InvalidArgument));
        assert_eq!(kind(0.0), Some(ErrorKind::InvalidArgument));
        assert_eq!(kind(f32::NAN), Some(ErrorKind::NonFinite));
        assert_eq!(kind(2_f32.powi(-24)), None, "the least that f16 has");

        trits[300] = 1;
        let mut two = format.pack(&trits, 0.75, shape).unwrap();
        let end = two.len();
        two[end - 1] = 0x30;
        let error = unpack(&two).unwrap_err().to_string();
        assert!(
            error.contains("block 1: expected the scale 0.75 of block 0, found 0.125"),
            "{error}"
        );
        // A block without a scale is a block of zeros, whatever its codes.
        two[end - 2..].fill(0);
        assert_eq!(unpack(&two).unwrap().0[300], 0);
        for (high, want) in [
            (0x7c, ErrorKind::NonFinite),
            (0x7e, ErrorKind::NonFinite),
            (0x80, ErrorKind::Gguf),
            (0xbc, ErrorKind::Gguf),
        ] {
            two[end - 1] = high;
            assert_eq!(format.check(&two, shape).unwrap_err().kind(), want, "{high:#x}");
        }
    }

    #[test]
    fn numbers_that_no_scale_reaches_are_refused() {
        let format = crate::quant::tq2_0::Tq2_0;
        for (value, refused) in
            [(65519.0, false), (65520.0, true), (f32::NAN, true), (-f32::INFINITY, true)]
        {
            let mut values = [0.0; 512];
            values[300] = value;
            let result = encode(&format, &values, Shape::vector(512)).map_err(|e| e.to_string());
            assert_eq!(result.is_err(), refused, "{value}");
            assert!(result.err().is_none_or(|text| text.contains("element 300 ")), "{value}");
        }
        // Too small for 1 / d to be a number: zeros, with the scale 0.
        let bytes = encode(&format, &[1e-40; 256], Shape::vector(256)).unwrap();
        assert_eq!((bytes[0], &bytes[64..]), (0x55, &[0, 0][..]));
    }
}
