//! Ternary codes through a format and back: seeded -s, 0, +s, encoded and decoded, counted by what they were.

use crate::{Drawing, Error, ErrorKind, Result, quant::BlockFormat, quant::Shape};

/// A power of two, of the size trained scales have: every format holds it exactly.
const SCALE: f32 = 0.031_25;

/// What came back of one matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codes {
    /// Elements that were -1, 0 and +1.
    pub before: [u64; 3],
    /// Of those, how many came back as they were, bit for bit.
    pub equal: [u64; 3],
}

impl Codes {
    /// Whether everything came back, and there was something of each.
    #[must_use]
    pub fn all_equal(&self) -> bool {
        self.before == self.equal && self.before.iter().all(|n| *n > 0)
    }
}

/// Encodes a seeded ternary matrix in `format`, decodes it and counts.
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] if `format` is none of ternary weights, and the errors of its encoder and decoder.
pub fn codes(format: &dyn BlockFormat, shape: Shape, seed: u64) -> Result<Codes> {
    if format.ternary().is_none() {
        let text = format!("codes of {}: expected a format of ternary weights", format.name());
        return Err(Error::new(ErrorKind::InvalidArgument, text));
    }
    let n = shape.n_elements().unwrap_or(0);
    let mut drawing = Drawing::new(seed, "codes");
    let drawn: Vec<usize> = (0..n).map(|_| drawing.below(3) as usize).collect();
    let values: Vec<f32> = drawn.iter().map(|code| [-SCALE, 0.0, SCALE][*code]).collect();
    let tensor = format.encode(&values, shape)?;
    format.check(&tensor, shape)?;
    let mut back = vec![f32::NAN; n];
    format.decode(&tensor, shape, 0, &mut back)?;

    let mut codes = Codes { before: [0; 3], equal: [0; 3] };
    for ((code, was), is) in drawn.iter().zip(&values).zip(&back) {
        codes.before[*code] += 1;
        codes.equal[*code] += u64::from(was.to_bits() == is.to_bits());
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::FORMATS;

    /// Requirement: Q4.
    #[test]
    fn every_ternary_format_gives_every_code_back() {
        let shape = Shape::new(64, 768);
        let mut n_formats = 0;
        for format in FORMATS {
            let counted = codes(*format, shape, 42);
            if format.ternary().is_none() {
                assert_eq!(counted.unwrap_err().kind(), ErrorKind::InvalidArgument);
                continue;
            }
            let counted = counted.unwrap();
            assert!(counted.all_equal(), "{}: {counted:?}", format.name());
            assert_eq!(counted.before.iter().sum::<u64>(), 64 * 768);
            n_formats += 1;
        }
        assert!(n_formats > 0);
    }

    #[test]
    fn one_code_that_does_not_come_back_is_no_agreement() {
        let all = Codes { before: [3, 4, 5], equal: [3, 4, 5] };
        assert!(all.all_equal());
        assert!(!Codes { equal: [2, 4, 5], ..all }.all_equal(), "the original lost -1");
        assert!(!Codes { before: [0, 4, 5], equal: [0, 4, 5] }.all_equal(), "no -1 was tried");
    }
}
