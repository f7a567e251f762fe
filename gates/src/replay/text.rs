//! A replay as plain text, 80 columns wide: one table, then the notes.
//! In: a [`Replay`]. Out: the same text for the same rows, on every platform.

use std::fmt;

use super::{Replay, Row};

const WIDTH: usize = 80;
const PROPERTY: usize = 28;

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(f, "property", ["demand", "measured", "95 % interval", "n", ""])?;
        for row in &self.rows {
            write_row(f, row)?;
        }
        for note in &self.notes {
            writeln!(f)?;
            for line in wrapped(note, WIDTH) {
                writeln!(f, "{line}")?;
            }
        }
        Ok(())
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, row: &Row) -> fmt::Result {
    let property = wrapped(&row.property, PROPERTY);
    let percent = |share: f64| format!("{:.2}", share * 100.0);
    let holds = row.holds.map_or("", |holds| if holds { "ok" } else { "NO" });
    let cells = [
        row.demand.as_str(),
        &format!("{} %", percent(row.measured)),
        &format!("{}–{} %", percent(row.low), percent(row.high)),
        &row.n.to_string(),
        holds,
    ];
    let (first, rest) = property.split_first().map_or(("", &[][..]), |(first, rest)| (first, rest));
    line(f, first, cells)?;
    rest.iter().try_for_each(|more| writeln!(f, "  {more}"))
}

fn line(f: &mut fmt::Formatter<'_>, property: &str, cells: [&str; 5]) -> fmt::Result {
    let [demand, measured, interval, n, holds] = cells;
    let line =
        format!("{property:<PROPERTY$} {demand:<17} {measured:>8} {interval:>14} {n:>5} {holds}");
    writeln!(f, "{}", line.trim_end())
}

/// Words in lines of at most `width` characters; a longer word has a line of its own. Continuations leave room for an
/// indent of two.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{Replay, Row};

    #[test]
    fn a_row_keeps_its_columns_and_wraps_a_long_name() {
        let row = Row {
            property: "a property with a name longer than its column".to_owned(),
            demand: "reported 20 of 22".to_owned(),
            measured: 1.0,
            low: 0.8575,
            high: 1.0,
            n: 28_982,
            holds: Some(false),
        };
        let replay = Replay { rows: vec![row], notes: vec!["word ".repeat(40)] };
        let text = replay.to_string();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("reported 20 of 22 100.00 % 85.75–100.00 % 28982 NO"), "{text}");
        assert!(text.contains("\n  longer than its column\n"), "{text}");
        assert!(!replay.holds() && !Replay::default().holds());
    }
}
