//! What a kernel reads of a matrix at least: all of it as the file has it, or what the kernel's name says it has instead.
//!
//! In: a kernel's name, a linear. Out: bytes of one read. The forms: `engine/docs/numerics.md`.

use baselines::record::Linear;

use super::screening;

/// I2_S weights of the layers in fewer bits.
pub(super) const PACKED: &str = "ternary_i8_packed";
/// Weights that share a line of 64 bytes there: five a byte.
const PACKED_LINE: u64 = 320;

/// Whether a kernel multiplies packed weights.
pub(super) fn is_packed(kernel: &str) -> bool {
    kernel.split('.').next() == Some(PACKED)
}

/// Whether its rows are whole pairs of groups: no others are packed.
pub(super) const fn can_be_packed(linear: &Linear) -> bool {
    linear.cols.is_multiple_of(256)
}

/// Bytes of one read of `linear` by `kernel`, at least.
pub(super) fn least(kernel: &str, linear: &Linear) -> u64 {
    if screening::is_screened(kernel) {
        screening::least_bytes(linear)
    } else if is_packed(kernel) {
        linear.rows.saturating_mul(linear.cols.div_ceil(PACKED_LINE)).saturating_mul(64)
    } else {
        linear.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_rows_are_whole_lines_and_no_other_kernel_reads_less_than_the_file_has() {
        let linear = |rows, cols| Linear {
            name: "ffn_down".to_owned(),
            rows,
            cols,
            format: "i2_s".to_owned(),
            n: 1,
            bytes: rows * cols / 4 + 32,
            once_per_sequence: false,
        };
        assert!(can_be_packed(&linear(1, 2560)) && !can_be_packed(&linear(1, 384)));
        assert_eq!(least("ternary_i8_packed.avx512", &linear(2560, 6912)), 2560 * 1408);
        assert_eq!(least("ternary_i8_packed.avx512", &linear(6912, 2560)), 6912 * 512);
        for kernel in ["ternary_i8.avx512", "ternary_i8_packed_more.avx512", "", "packed"] {
            assert_eq!(least(kernel, &linear(2560, 6912)), 2560 * 6912 / 4 + 32, "{kernel}");
        }
    }
}
