//! A trend in one line of text: one block character a value, the lowest and the highest of what is shown at its ends.
//! In: values, oldest first. Out: as many characters, of eight heights; the middle one for values that are all the same.

/// The heights, lowest first.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// What a series without a spread is drawn as.
const LEVEL: char = BLOCKS[3];

/// The last `most` of `values`. One that is not finite is drawn as a gap.
#[must_use]
pub fn spark(values: &[f64], most: usize) -> String {
    let shown = &values[values.len().saturating_sub(most)..];
    let finite = || shown.iter().copied().filter(|value| value.is_finite());
    let low = finite().fold(f64::INFINITY, f64::min);
    // Halves: the difference of two finite values may not be finite.
    let spread = finite().fold(f64::NEG_INFINITY, f64::max) / 2.0 - low / 2.0;
    let block = |value: &f64| {
        if !value.is_finite() {
            return ' ';
        }
        if spread <= 0.0 {
            return LEVEL;
        }
        let share = (value / 2.0 - low / 2.0) / spread;
        let height =
            (1..BLOCKS.len()).rev().find(|nth| share >= crate::chart::axis::to_f64(*nth) / 8.0);
        BLOCKS[height.unwrap_or(0)]
    };
    shown.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::spark;

    #[test]
    fn the_lowest_and_the_highest_are_at_the_ends() {
        assert_eq!(spark(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 24), "▁▂▃▄▅▆▇█");
        assert_eq!(spark(&[10.0, 11.0], 24), "▁█");
        assert_eq!(spark(&[-1.0, 0.0, 1.0], 24), "▁▅█");
    }

    #[test]
    fn nothing_one_value_and_a_constant_series_have_no_slope() {
        assert_eq!(spark(&[], 24), "");
        assert_eq!(spark(&[7.0], 24), "▄");
        assert_eq!(spark(&[0.0; 3], 24), "▄▄▄");
    }

    #[test]
    fn only_the_latest_are_shown_and_scaled() {
        assert_eq!(spark(&[1e9, 1.0, 2.0], 2), "▁█");
        assert_eq!(spark(&[1.0; 40], 24).chars().count(), 24);
        assert_eq!(spark(&[1.0], 0), "");
    }

    #[test]
    fn what_has_no_height_is_a_gap_and_moves_no_other() {
        assert_eq!(spark(&[1.0, f64::NAN, 2.0, f64::INFINITY], 24), "▁ █ ");
        assert_eq!(spark(&[f64::NAN], 24), " ");
        assert_eq!(spark(&[-f64::MAX, 0.0, f64::MAX], 24), "▁▅█");
    }
}
