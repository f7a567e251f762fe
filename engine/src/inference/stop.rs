//! Stop strings in a text that comes in parts: what may be the beginning of one is held back until it is decided.

use crate::{Error, ErrorKind, Result};

/// Looks for stop strings.
#[derive(Clone, Debug)]
pub(super) struct StopStrings<'a> {
    stops: &'a [String],
    /// Text that is the beginning of a stop string.
    held: String,
}

/// What a part of the text decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Decided<'a> {
    /// Text that is certain to belong to the answer.
    pub(super) text: String,
    /// The stop string that ended it.
    pub(super) stop: Option<&'a str>,
}

impl<'a> StopStrings<'a> {
    /// Refuses an empty stop string, which every text has.
    pub(super) fn new(stops: &'a [String]) -> Result<Self> {
        if let Some(i) = stops.iter().position(String::is_empty) {
            let text = format!("stop string {i}: expected a text, found an empty one");
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        Ok(Self { stops, held: String::new() })
    }

    /// Takes the next part. The stop string that begins first wins, and the longest of those that begin there.
    pub(super) fn push(&mut self, part: &str) -> Decided<'a> {
        self.held.push_str(part);
        let found = |stop: &'a String| Some((self.held.find(stop.as_str())?, stop));
        let first = self.stops.iter().filter_map(found);
        if let Some((at, stop)) = first.min_by_key(|(at, stop)| (*at, usize::MAX - stop.len())) {
            let text = self.held[..at].to_owned();
            self.held.clear();
            return Decided { text, stop: Some(stop) };
        }
        let text: String = self.held.drain(..self.certain()).collect();
        Decided { text, stop: None }
    }

    /// Ends the text: what was held back belongs to it.
    pub(super) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Bytes before the first place where a stop string may have begun.
    fn certain(&self) -> usize {
        let longest = self.stops.iter().map(String::len).max().unwrap_or(0);
        let begins = |at: &usize| self.stops.iter().any(|stop| stop.starts_with(&self.held[*at..]));
        let from = self.held.len().saturating_sub(longest.saturating_sub(1));
        let places = (from..self.held.len()).filter(|at| self.held.is_char_boundary(*at));
        places.into_iter().find(begins).unwrap_or(self.held.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text and the stop of a text that comes in these parts.
    fn read(stops: &[&str], parts: &[&str]) -> (String, Option<String>) {
        let stops: Vec<String> = stops.iter().map(|stop| (*stop).to_owned()).collect();
        let mut strings = StopStrings::new(&stops).unwrap();
        let mut text = String::new();
        for part in parts {
            let decided = strings.push(part);
            text.push_str(&decided.text);
            if let Some(stop) = decided.stop {
                return (text, Some(stop.to_owned()));
            }
        }
        (text + &strings.finish(), None)
    }

    #[test]
    fn a_stop_string_ends_the_text_however_it_is_cut() {
        let text = "one END two";
        for a in 0..text.len() {
            for b in a..text.len() {
                let parts = [&text[..a], &text[a..b], &text[b..]];
                assert_eq!(read(&["END"], &parts), ("one ".to_owned(), Some("END".to_owned())));
            }
        }
    }

    #[test]
    fn what_only_begins_like_one_is_given_back() {
        assert_eq!(read(&["END"], &["EN", "E", "N"]), ("ENEN".to_owned(), None));
        assert_eq!(read(&["aab"], &["a", "a", "a", "b", "c"]).0, "a");
        assert_eq!(read(&["é!"], &["xé", "?"]), ("xé?".to_owned(), None));
        assert_eq!(read(&[], &["a", "b"]), ("ab".to_owned(), None));
    }

    #[test]
    fn the_first_to_begin_wins_then_the_longest() {
        assert_eq!(read(&["b", "ab"], &["xab"]).1.as_deref(), Some("ab"));
        assert_eq!(read(&["ab", "abc"], &["xabc"]).1.as_deref(), Some("abc"));
        // Decided as soon as one is there: the longer one cannot be waited for.
        assert_eq!(read(&["ab", "abc"], &["xab", "c"]).1.as_deref(), Some("ab"));
    }

    #[test]
    fn an_empty_one_is_refused() {
        let e = StopStrings::new(&[String::new()]).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::InvalidArgument);
    }
}
