//! Where a cost arose: columns of numbers, absolute or relative to the cost line before.
//! In: the words of a cost line. Out: its line of source; addresses are read over.

use anyhow::{Context as _, Result, ensure};

use super::{number, wrong};

/// The columns, and the last position in each.
pub(super) struct Positions {
    instr: bool,
    line: bool,
    last: [u64; 2],
}

impl Default for Positions {
    /// Lines alone, unless the file says otherwise.
    fn default() -> Self {
        Self { instr: false, line: true, last: [0; 2] }
    }
}

impl Positions {
    /// `positions: instr line`, or one of the two.
    pub(super) fn columns(&mut self, value: &str) -> Result<()> {
        (self.instr, self.line) = match value.split_whitespace().collect::<Vec<_>>()[..] {
            ["instr", "line"] => (true, true),
            ["instr"] => (true, false),
            ["line"] => (false, true),
            _ => return Err(wrong("`line`, `instr` or `instr line`", value)),
        };
        self.last = [0; 2];
        Ok(())
    }

    /// Takes the position from the front of `words`; 0 where the file has no lines.
    pub(super) fn read<'a>(&mut self, words: &mut impl Iterator<Item = &'a str>) -> Result<u64> {
        for (last, is_column) in self.last.iter_mut().zip([self.instr, self.line]) {
            if is_column {
                let word = words.next().ok_or_else(|| wrong("a position", ""))?;
                *last = position(word, *last)?;
            }
        }
        Ok(if self.line { self.last[1] } else { 0 })
    }

    /// That `text` has the form of a position. That of a call's target moves nothing.
    pub(super) fn check(&self, text: &str) -> Result<()> {
        let mut words = text.split_whitespace();
        for is_column in [self.instr, self.line] {
            if is_column {
                let word = words.next().ok_or_else(|| wrong("a position", ""))?;
                let digits = word.trim_start_matches(['+', '-']);
                ensure!(digits == "*" || number(digits).is_ok(), wrong("a position", word));
            }
        }
        ensure!(words.next().is_none(), wrong("a position alone", text));
        Ok(())
    }
}

fn position(word: &str, last: u64) -> Result<u64> {
    let moved = match word.split_at_checked(1) {
        Some(("*", "")) => return Ok(last),
        Some(("+", by)) => last.checked_add(number(by)?),
        Some(("-", by)) => last.checked_sub(number(by)?),
        _ => return number(word),
    };
    moved
        .ok_or_else(|| wrong("a line number from 0 to 2^64 - 1", word))
        .context("from the last position")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_follow_each_other() {
        let mut positions = Positions::default();
        for (word, want) in
            [("7", 7), ("+3", 10), ("*", 10), ("-10", 0), ("0x1f", 31), ("+0x1", 32)]
        {
            assert_eq!(positions.read(&mut [word].into_iter()).unwrap(), want, "{word}");
        }
        for word in ["-33", "+18446744073709551615", "**", "*1", "+", "-", "++1", "0x", "ü", "1e3"]
        {
            assert!(positions.read(&mut [word].into_iter()).is_err(), "{word}");
        }
        assert!(positions.read(&mut [].into_iter()).is_err());
    }

    #[test]
    fn of_two_columns_the_line_counts() {
        let mut positions = Positions::default();
        positions.columns("instr line").unwrap();
        assert_eq!(positions.read(&mut ["0x10", "5"].into_iter()).unwrap(), 5);
        assert_eq!(positions.read(&mut ["+4", "+1", "99"].into_iter()).unwrap(), 6);
        positions.check("0x10 5").unwrap();
        assert!(positions.check("0x10").is_err());
        assert!(positions.check("0x10 5 6").is_err());
        positions.columns("instr").unwrap();
        assert_eq!(positions.read(&mut ["0x10"].into_iter()).unwrap(), 0);
    }
}
