//! What bounds a kernel: int8 multiply-adds in registers, and reading memory.

use std::hint::black_box;

/// Runs `turns` turns of 16 independent multiply-adds; returns (multiply-adds, checksum).
pub(crate) fn int8_peak(turns: u64) -> (u64, i64) {
    let x = black_box([1_i8; 16]);
    let mut acc = [0_i32; 16];
    for _ in 0..turns {
        let w = black_box(2_i8);
        for (acc, x) in acc.iter_mut().zip(x) {
            *acc = acc.wrapping_add(i32::from(x) * i32::from(w));
        }
    }
    (turns * 16, acc.iter().map(|acc| i64::from(*acc)).sum())
}

/// The wrapping sum of the 64-bit words of `buffer`'s whole lines of 256 bytes: every byte of them is read once.
#[inline(always)]
pub(crate) fn read(buffer: &[u8]) -> u64 {
    let (lines, _) = buffer.as_chunks::<256>();
    // Independent sums, so that no addition waits for another.
    let mut sums = [0_u64; 32];
    for line in lines {
        let (words, _) = line.as_chunks::<8>();
        for j in 0..32 {
            sums[j] = sums[j].wrapping_add(u64::from_le_bytes(words[j]));
        }
    }
    sums.iter().fold(0, |total, sum| total.wrapping_add(*sum))
}
