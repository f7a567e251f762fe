//! A vector that starts with a cache line: a register of AVX-512 is one, and would else be read as two.

use std::ops::{Deref, DerefMut};

use aligned_vec::{AVec, CACHELINE_ALIGN, RuntimeAlign};

use super::huge_pages::HUGE_PAGE;

/// Values in whole cache lines, from the first one on; otherwise a vector.
#[derive(Clone, Debug)]
pub struct Lines<T>(AVec<T, RuntimeAlign>);

impl<T: Clone> Lines<T> {
    /// So many of them.
    #[must_use]
    pub fn filled(n: usize, value: T) -> Self {
        let mut lines = Self::default();
        lines.reserve_exact(n);
        lines.resize(n, value);
        lines
    }
}

impl<T> Lines<T> {
    /// None yet, of `n` that will be read from end to end: they start with a huge page if they fill one.
    pub(crate) fn to_stream(n: usize) -> Self {
        let fills = n.saturating_mul(size_of::<T>()) >= HUGE_PAGE;
        Self(AVec::new(if fills { HUGE_PAGE } else { CACHELINE_ALIGN }))
    }
}

impl<T> Default for Lines<T> {
    fn default() -> Self {
        Self(AVec::new(CACHELINE_ALIGN))
    }
}

impl<T> Deref for Lines<T> {
    type Target = AVec<T, RuntimeAlign>;

    fn deref(&self) -> &AVec<T, RuntimeAlign> {
        &self.0
    }
}

impl<T> DerefMut for Lines<T> {
    fn deref_mut(&mut self) -> &mut AVec<T, RuntimeAlign> {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_starts_a_cache_line_however_long_the_vector() {
        let mut lines = Lines::filled(3, 1.5_f32);
        for n in [3, 4, 17, 1000, 100_000] {
            lines.resize(n, 2.5);
            assert_eq!(lines.as_ptr().align_offset(64), 0, "{n}");
            assert_eq!(
                (lines.len(), lines[2], lines[n - 1]),
                (n, 1.5, if n > 3 { 2.5 } else { 1.5 })
            );
        }
        assert!(Lines::<u8>::default().is_empty());
        assert_eq!(Lines::filled(7, 0_u8).capacity(), 7, "no room for more than was asked");
    }
}
