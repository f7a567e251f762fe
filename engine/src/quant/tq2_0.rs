//! `TQ2_0` (type 35): ternary weights, two bits each, one f16 scale for 256 elements. `w = d * (code - 1)`.
//!
//! A block is 64 bytes of codes, then `d`: 66 bytes. Byte `32j + m` holds the elements `128j + m`, `+ 32`, `+ 64`, `+ 96` in
//! bits 1:0, 3:2, 5:4, 7:6 (the **first** 32 in the **low** bits; I2_S has it the other way round). Codes 0, 1, 2 are -1, 0, +1;
//! no encoder writes 3.
//!
//! Source: ggml, `ggml/src/ggml-common.h` (`block_tq2_0`), `ggml/src/ggml-quants.c`.

use super::{
    BlockFormat, Shape, Ternary,
    trit_blocks::{self, BLOCK_LEN, SCALE_SIZE, TritBlock, Trits},
};
use crate::Result;

/// Bytes of one block.
pub(crate) const BLOCK_SIZE: usize = BLOCK_LEN / 4 + SCALE_SIZE;

/// Two bits a trit, one scale for 256.
#[derive(Clone, Copy, Debug)]
pub struct Tq2_0;

impl BlockFormat for Tq2_0 {
    fn name(&self) -> &'static str {
        "tq2_0"
    }

    fn about(&self) -> &'static str {
        "ternary, 2 bits an element, one f16 scale for 256"
    }

    fn id(&self) -> u32 {
        35
    }

    fn block_len(&self) -> usize {
        BLOCK_LEN
    }

    fn n_bytes(&self, shape: Shape) -> Option<usize> {
        trit_blocks::n_bytes::<BLOCK_SIZE>(shape)
    }

    fn check(&self, tensor: &[u8], shape: Shape) -> Result<()> {
        trit_blocks::check(self, tensor, shape)
    }

    fn row(&self, tensor: &[u8], shape: Shape, row: usize, out: &mut [f32]) -> Result<()> {
        trit_blocks::row(self, tensor, shape, row, out)
    }

    fn encode(&self, values: &[f32], shape: Shape) -> Result<Vec<u8>> {
        trit_blocks::encode(self, values, shape)
    }

    fn ternary(&self) -> Option<&dyn Ternary> {
        Some(self)
    }
}

impl Ternary for Tq2_0 {
    fn has_tensor_scale(&self) -> bool {
        false
    }

    fn pack(&self, trits: &[i8], scale: f32, shape: Shape) -> Result<Vec<u8>> {
        trit_blocks::pack(self, trits, scale, shape)
    }

    fn unpack(&self, tensor: &[u8], shape: Shape, trits: &mut [i8]) -> Result<f32> {
        trit_blocks::unpack(self, tensor, shape, trits)
    }
}

impl TritBlock<BLOCK_SIZE> for Tq2_0 {
    fn write(&self, trits: &Trits, block: &mut [u8; BLOCK_SIZE]) {
        for (i, byte) in block[..BLOCK_LEN / 4].iter_mut().enumerate() {
            let first = first_element(i);
            let code = |n: usize| (trits[first + 32 * n] + 1).cast_unsigned();
            *byte = code(0) | code(1) << 2 | code(2) << 4 | code(3) << 6;
        }
    }

    fn read(&self, block: &[u8; BLOCK_SIZE]) -> Trits {
        read(block)
    }

    fn find_bad(&self, block: &[u8; BLOCK_SIZE]) -> Option<String> {
        let codes = &block[..BLOCK_LEN / 4];
        if codes.iter().fold(0, |seen, &byte| seen | threes(byte)) == 0 {
            return None;
        }
        let i = codes.iter().position(|&byte| threes(byte) != 0)?;
        let element = first_element(i) + 16 * threes(codes[i]).trailing_zeros() as usize;
        Some(format!("element {element}: expected a code from 0 to 2, found 3"))
    }
}

/// The trits of a block without a code 3.
pub(crate) fn read(block: &[u8; BLOCK_SIZE]) -> Trits {
    let mut trits = [0; BLOCK_LEN];
    for (i, byte) in block[..BLOCK_LEN / 4].iter().enumerate() {
        for n in 0..4 {
            trits[first_element(i) + 32 * n] = (byte >> (2 * n) & 3).cast_signed() - 1;
        }
    }
    trits
}

/// The element in the low bits of byte `i`.
const fn first_element(i: usize) -> usize {
    i / 32 * 128 + i % 32
}

/// The low bit of each field of `byte` that is 3.
const fn threes(byte: u8) -> u8 {
    byte & byte >> 1 & 0b01_01_01_01
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::trit_blocks::tests::{holds_the_vectors, scales_behave, worked};

    #[test]
    fn bytes_and_values_are_those_of_gguf_py() {
        holds_the_vectors(&Tq2_0, "tq2_0");
    }

    #[test]
    fn scales_are_per_block_and_exact_or_refused() {
        scales_behave(&Tq2_0);
    }

    #[test]
    fn the_worked_example_of_the_documentation() {
        let bytes = Tq2_0.encode(&worked(0.75), Shape::vector(256)).unwrap();
        assert_eq!(bytes[..4], [0x24, 0x49, 0x92, 0x24]);
        assert_eq!((bytes[32], &bytes[64..]), (0x49, &[0x00, 0x3a][..]));
    }

    #[test]
    fn a_code_3_is_refused_and_the_element_named() {
        for (byte, bits, element) in [(0, 0, 0), (5, 2, 37), (33, 6, 225), (63, 4, 223)] {
            let mut bytes = Tq2_0.encode(&worked(1.0), Shape::vector(256)).unwrap();
            bytes[byte] |= 3 << bits;
            let error = Tq2_0.check(&bytes, Shape::vector(256)).unwrap_err().to_string();
            assert!(error.contains(&format!("block 0, element {element}: ")), "{error}");
        }
    }
}
