//! Codes of 4 and 5 bits in blocks of 32: byte `i` holds element `i` in its low half and `i + 16` in its high half; the
//! fifth bit of element `e` is bit `e` of a little-endian word of 32.

/// 32 codes from 0 to 15.
#[inline(always)]
pub(super) fn split(bytes: &[u8; 16]) -> [u8; 32] {
    let mut codes = [0; 32];
    for i in 0..16 {
        codes[i] = bytes[i] & 15;
        codes[i + 16] = bytes[i] >> 4;
    }
    codes
}

/// The low four bits of 32 codes.
pub(super) fn join(codes: &[u8; 32]) -> [u8; 16] {
    let mut bytes = [0; 16];
    for i in 0..16 {
        bytes[i] = codes[i] & 15 | codes[i + 16] << 4;
    }
    bytes
}

/// 32 codes from 0 to 31.
#[inline(always)]
pub(super) fn split_fifth(bytes: &[u8; 16], fifth: [u8; 4]) -> [u8; 32] {
    let word = u32::from_le_bytes(fifth);
    let mut codes = split(bytes);
    for (e, code) in codes.iter_mut().enumerate() {
        *code |= u8::from(word >> e & 1 == 1) << 4;
    }
    codes
}

/// The fifth bits of 32 codes.
pub(super) fn join_fifth(codes: &[u8; 32]) -> [u8; 4] {
    let bit = |(e, code): (usize, &u8)| u32::from(code >> 4) << e;
    codes.iter().enumerate().map(bit).sum::<u32>().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_bits_come_apart_and_together() {
        let codes: [u8; 32] = std::array::from_fn(|e| u8::try_from(e * 7 % 32).unwrap());
        assert_eq!(split_fifth(&join(&codes), join_fifth(&codes)), codes);
        // Element 16 is in the high half of byte 0; its fifth bit is bit 16.
        let one: [u8; 32] = std::array::from_fn(|e| if e == 16 { 0x1d } else { 0 });
        assert_eq!((join(&one)[0], join_fifth(&one)), (0xd0, [0, 0, 1, 0]));
    }
}
