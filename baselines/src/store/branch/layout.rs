//! The paths of the branch: where a record, a pack, a journal and the page are.
//! In: a month, a digest, a name. Out: a path; and back, for exactly the paths that are written here.

use std::fmt;

use crate::Digest;

pub(super) const RECORDS: &str = "records";
pub(super) const PACKS: &str = "packs";
pub(super) const JOURNALS: &str = "baselines";
/// What GitHub Pages shows.
pub(super) const PAGE: &str = "index.html";
/// Says to GitHub Pages that the files are to be served as they are.
pub(super) const NO_JEKYLL: &str = ".nojekyll";

/// `YYYY-MM`; its order is that of time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(String);

impl Month {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let digits = |text: &str, n| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
        let good = digits(year, 4) && digits(month, 2) && ("01"..="12").contains(&month);
        good.then(|| Self(text.to_owned()))
    }

    /// That of a timestamp.
    pub(super) fn of(timestamp: &str) -> Option<Self> {
        Self::parse(timestamp.get(..7)?)
    }

    /// The one before; the first month of all is its own.
    pub(super) fn previous(&self) -> Self {
        let (year, month) = self.0.split_once('-').expect("a month has a dash");
        let (year, month): (u32, u32) =
            (year.parse().expect("four digits"), month.parse().expect("two digits"));
        Self(match (year, month) {
            (0, 1) => self.0.clone(),
            (_, 1) => format!("{:04}-12", year - 1),
            _ => format!("{year:04}-{:02}", month - 1),
        })
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(super) fn record(month: &Month, digest: Digest) -> String {
    format!("{RECORDS}/{month}/{digest}.json")
}

/// The digest that a record's file is named by.
pub(super) fn record_digest(file: &str) -> Option<Digest> {
    file.strip_suffix(".json")?.parse().ok()
}

/// The `n`-th pack of a month, counted from 1.
pub(super) fn pack(month: &Month, n: usize) -> String {
    match n {
        1 => format!("{PACKS}/{month}.jsonl"),
        _ => format!("{PACKS}/{month}.{n}.jsonl"),
    }
}

/// Month and place of a pack's file.
pub(super) fn pack_place(file: &str) -> Option<(Month, usize)> {
    let stem = file.strip_suffix(".jsonl")?;
    let (month, n) = match stem.split_once('.') {
        None => (stem, 1),
        Some((month, n)) => (month, n.parse().ok().filter(|n| *n > 1)?),
    };
    let month = Month::parse(month)?;
    (pack(&month, n).ends_with(&format!("/{file}"))).then_some((month, n))
}

pub(super) fn journal(name: &str) -> String {
    format!("{JOURNALS}/{name}.jsonl")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_back_and_no_other_does() {
        let month = Month::of("2026-03-02T09:00:00.000Z").unwrap();
        for n in [1, 2, 10] {
            let path = pack(&month, n);
            assert_eq!(pack_place(path.strip_prefix("packs/").unwrap()), Some((month.clone(), n)));
        }
        for file in [
            "2026-03.1.jsonl",
            "2026-03.02.jsonl",
            "2026-13.jsonl",
            "2026-3.jsonl",
            "x",
            "2026-03.jsonl.jsonl",
        ] {
            assert_eq!(pack_place(file), None, "{file}");
        }
        for text in ["2026-00", "2026-13", "2026-1", "26-01", "2026-01x", "2026/01", "+026-01"] {
            assert_eq!(Month::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_month_before_january_is_december() {
        let before = |text| Month::parse(text).unwrap().previous().to_string();
        assert_eq!(before("2026-01"), "2025-12");
        assert_eq!(before("2026-11"), "2026-10");
        assert_eq!(before("0000-01"), "0000-01");
    }
}
