//! Packs: the records of a month in one file, so that a branch of years has some dozens of files.
//! In: records by digest. Out: lines of `{"digest":…,"record":…}`, sorted by digest, in files of a bounded size; and back,
//! byte for byte.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use super::objects::Checked;
use crate::Digest;

/// A pack is closed before it would pass this; GitHub warns at 50 MiB and refuses 100.
pub(super) const MAX_PACK_BYTES: usize = 40 << 20;
/// Largest pack that is read: one record, of the largest size, with every quote escaped.
pub(super) const MAX_READ_BYTES: usize = 160 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    digest: String,
    #[serde(borrow)]
    record: Cow<'a, str>,
}

/// The files of a month, each of at most `most` bytes unless it holds one record only.
pub(super) fn encode(records: &BTreeMap<Digest, Vec<u8>>, most: usize) -> Checked<Vec<Vec<u8>>> {
    let mut packs: Vec<Vec<u8>> = Vec::new();
    for (digest, bytes) in records {
        let Ok(record) = std::str::from_utf8(bytes) else {
            return Err(format!("record {}: expected UTF-8, found other bytes", digest.short()));
        };
        let line = Line { digest: digest.to_string(), record: record.into() };
        let mut line = serde_json::to_vec(&line).expect("two texts are JSON");
        line.push(b'\n');
        match packs.last_mut().filter(|pack| pack.len() + line.len() <= most) {
            Some(pack) => pack.append(&mut line),
            None => packs.push(line),
        }
    }
    Ok(packs)
}

/// The records of a pack, line by line: good, or which line is not.
pub(super) fn decode(pack: &[u8]) -> impl Iterator<Item = Checked<(Digest, Vec<u8>)>> {
    let lines = pack.split_inclusive(|byte| *byte == b'\n');
    lines.zip(1_usize..).map(|(line, n)| {
        let read = || {
            let line = line.strip_suffix(b"\n")?;
            let Line { digest, record } = serde_json::from_slice(line).ok()?;
            let digest = digest.parse().ok()?;
            let bytes = record.into_owned().into_bytes();
            (Digest::of(&bytes) == digest).then_some((digest, bytes))
        };
        read().ok_or_else(|| format!("line {n}: expected a record that hashes to its digest"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(texts: &[&str]) -> BTreeMap<Digest, Vec<u8>> {
        texts.iter().map(|text| (Digest::of(text.as_bytes()), text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn what_is_packed_comes_back_byte_for_byte_at_every_bound() {
        let records = records(&["{\"a\":1}\n", "é\u{2028}\0\\\"\u{7f}", "", "x\r\n"]);
        for most in [1, 100, 200, 300, 10_000] {
            let packs = encode(&records, most).unwrap();
            let lines = |pack: &Vec<u8>| pack.iter().filter(|byte| **byte == b'\n').count();
            assert!(packs.iter().all(|pack| pack.len() <= most || lines(pack) == 1), "{most}");
            let back: BTreeMap<_, _> =
                packs.iter().flat_map(|pack| decode(pack)).map(Result::unwrap).collect();
            assert_eq!(back, records, "{most}");
        }
        assert_eq!(encode(&records, 1).unwrap().len(), 4);
        assert_eq!(encode(&records, 10_000).unwrap().len(), 1);
    }

    #[test]
    fn a_line_that_was_edited_or_cut_is_named_and_the_others_come_back() {
        let packs = encode(&records(&["one", "two", "three"]), 10_000).unwrap();
        let text = String::from_utf8(packs[0].clone()).unwrap();
        let edited = text.replacen("\"two\"", "\"tow\"", 1);
        let faults = |text: &str| decode(text.as_bytes()).filter_map(Result::err).count();
        assert_eq!((faults(&text), faults(&edited)), (0, 1));
        assert_eq!(faults(&text[..text.len() - 1]), 1);
        assert_eq!(decode(edited.as_bytes()).filter(Result::is_ok).count(), 2);
    }
}
