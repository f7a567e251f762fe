//! Work whose time says what the machine can do: reading memory and multiplying int8 in registers.
//!
//! Each returns a checksum, so that no work is left out; `int8_peak` also how much it did. The caller times it.

use std::{
    hint::black_box,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
};

use crate::{Isa, Pool, Result, kernels::Kernels};

/// Reads every whole line of 256 bytes of `buffer`, `passes` times, split among the threads, with the loads of `isa`;
/// returns a checksum (the wrapping sum of the 64-bit words read).
///
/// # Errors
/// [`crate::ErrorKind::Isa`] if the machine lacks `isa`.
pub fn read(pool: &Pool, isa: Isa, buffer: &[u8], passes: usize) -> Result<u64> {
    let kernels = Kernels::of(isa)?;
    let (lines, _) = buffer.as_chunks::<256>();
    let total = AtomicU64::new(0);
    let parts = pool.threads();
    pool.run(&|part| {
        let mine = &lines[lines.len() * part / parts..lines.len() * (part + 1) / parts];
        for _ in 0..passes {
            let sum = (kernels.read)(black_box(mine.as_flattened()));
            total.fetch_add(sum, Ordering::Relaxed);
        }
    });
    Ok(total.load(Ordering::Relaxed))
}

/// Runs `turns` turns of register-only int8 multiply-adds on every thread; returns (multiply-adds of all threads together,
/// checksum).
///
/// # Errors
/// [`crate::ErrorKind::Isa`] if the machine lacks `isa`.
pub fn int8_peak(pool: &Pool, isa: Isa, turns: u64) -> Result<(u64, i64)> {
    let kernels = Kernels::of(isa)?;
    let (macs, sum) = (AtomicU64::new(0), AtomicI64::new(0));
    pool.run(&|_| {
        let (done, checksum) = (kernels.int8_peak)(turns);
        macs.fetch_add(done, Ordering::Relaxed);
        sum.fetch_add(checksum, Ordering::Relaxed);
    });
    Ok((macs.load(Ordering::Relaxed), sum.load(Ordering::Relaxed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_touches_every_byte_whatever_the_isa_threads_and_passes() {
        let mut buffer: Vec<u8> = (0..256 * 37).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let want = read(&Pool::new(1), Isa::Scalar, &buffer, 1).unwrap();
        for isa in Isa::available() {
            let pool = Pool::new(3);
            assert_eq!(read(&pool, isa, &buffer, 1).unwrap(), want, "{isa}");
            assert_eq!(read(&pool, isa, &buffer, 5).unwrap(), want.wrapping_mul(5), "{isa}");
            for i in [0, 256 * 18 + 5, buffer.len() - 1] {
                buffer[i] ^= 1;
                assert_ne!(read(&pool, isa, &buffer, 1).unwrap(), want, "{isa} byte {i}");
                buffer[i] ^= 1;
            }
        }
    }

    /// What it cannot see: one product that serves several sums gives the same checksum. The kernels keep the compiler from that.
    #[test]
    fn the_checksum_of_the_peak_fits_its_count() {
        let pool = Pool::new(2);
        for isa in Isa::available() {
            let (macs, sum) = int8_peak(&pool, isa, 100).unwrap();
            // Every product is ±1 or ±2, so the checksum is a fixed multiple of the count.
            let per_mac = if isa == Isa::Scalar { 2 } else { -1 };
            assert_eq!(sum, per_mac * i64::try_from(macs).unwrap(), "{isa}");
        }
    }
}
