//! The artifact of a measuring run, as its author likes it: only the one plain file comes through.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use flate2::{Compression, write::DeflateEncoder};
use gates::github::artifact::{ENTRY, MAX_ARTIFACT, MAX_EVIDENCE, RULE, evidence};
use std::{io::Write as _, slice};

const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const PLAIN: u32 = 0o100_644;
/// The flag of sizes that stand behind the data.
const DESCRIPTOR: u16 = 1 << 3;

/// One entry, every field free to lie.
#[derive(Clone)]
struct Entry {
    name: &'static str,
    local_name: &'static str,
    method: u16,
    flags: u16,
    mode: u32,
    packed: Vec<u8>,
    size: u32,
    crc: u32,
    /// Between the data and the directory.
    behind: Vec<u8>,
}

impl Entry {
    fn stored(data: &[u8]) -> Self {
        let size = u32::try_from(data.len()).unwrap();
        Self {
            name: ENTRY,
            local_name: ENTRY,
            method: STORED,
            flags: 0,
            mode: PLAIN,
            packed: data.to_vec(),
            size,
            crc: crc(data),
            behind: Vec::new(),
        }
    }

    fn deflated(data: &[u8]) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(data).unwrap();
        Self { method: DEFLATED, packed: encoder.finish().unwrap(), ..Self::stored(data) }
    }
}

fn crc(data: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(data);
    crc.sum()
}

/// A zip file of these entries, with a comment.
fn zip_with(entries: &[Entry], comment: &[u8]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = u32::try_from(file.len()).unwrap();
        let packed = u32::try_from(entry.packed.len()).unwrap();
        let [crc, size] = [entry.crc, entry.size].map(u32::to_le_bytes);
        let local_sizes = if entry.flags & DESCRIPTOR == 0 {
            [crc, packed.to_le_bytes(), size]
        } else {
            [[0; 4]; 3]
        };
        let common = [20, entry.flags, entry.method, 0, 0x21].map(u16::to_le_bytes).concat();
        let name_len = |name: &str| u16::try_from(name.len()).unwrap().to_le_bytes();
        let local = [
            &b"PK\x03\x04"[..],
            &common,
            &local_sizes.concat(),
            &name_len(entry.local_name),
            &[0; 2],
        ];
        file.extend([local.concat(), entry.local_name.into(), entry.packed.clone()].concat());
        if entry.flags & DESCRIPTOR != 0 {
            file.extend([&b"PK\x07\x08"[..], &crc, &packed.to_le_bytes(), &size].concat());
        }
        file.extend(&entry.behind);
        let made_by = [20, 3]; // a Unix system
        let central = [&b"PK\x01\x02"[..], &made_by, &common, &crc, &packed.to_le_bytes(), &size];
        directory.extend(central.concat());
        directory.extend([&name_len(entry.name)[..], &[0; 8]].concat());
        directory.extend([(entry.mode << 16).to_le_bytes(), offset.to_le_bytes()].concat());
        directory.extend(entry.name.bytes());
    }
    let n = u16::try_from(entries.len()).unwrap().to_le_bytes();
    let [size, offset] =
        [directory.len(), file.len()].map(|n| u32::try_from(n).unwrap().to_le_bytes());
    let comment_len = u16::try_from(comment.len()).unwrap().to_le_bytes();
    let end = [&b"PK\x05\x06\0\0\0\0"[..], &n, &n, &size, &offset, &comment_len, comment];
    [file, directory, end.concat()].concat()
}

fn zip(entries: &[Entry]) -> Vec<u8> {
    zip_with(entries, b"")
}

fn refused(artifact: &[u8], why: &str) {
    let refused = evidence(artifact).expect_err(why);
    assert_eq!(refused.rule, RULE, "{why}");
    assert!(refused.text.contains(why), "expected {why:?}, found {:?}", refused.text);
}

const DATA: &[u8] = b"{\"version\": \"1.3\", \"and\": \"so on, and so on, and so on\"}\n";

#[test]
fn the_one_plain_file_comes_through_stored_deflated_and_streamed() {
    for entry in [Entry::stored(DATA), Entry::deflated(DATA), Entry::stored(b"")] {
        let want = if entry.size == 0 { b"" } else { DATA };
        assert_eq!(evidence(&zip(slice::from_ref(&entry))).unwrap(), want);
        let streamed = Entry { flags: DESCRIPTOR, ..entry.clone() };
        assert_eq!(evidence(&zip(&[streamed])).unwrap(), want);
        assert_eq!(evidence(&zip(&[Entry { mode: 0, ..entry }])).unwrap(), want);
    }
}

#[test]
fn other_files_names_and_kinds_are_refused() {
    let good = Entry::deflated(DATA);
    refused(b"", "another end");
    refused(b"<html>502</html>", "another end");
    refused(&zip(&[]), "another end");
    refused(&zip(&[good.clone(), good.clone()]), "another end");
    refused(&zip_with(slice::from_ref(&good), b"comment"), "another end");
    for name in [
        "../evidence.json",
        "/evidence.json",
        "ci/evidence.json",
        "evidence.json\0",
        "EVIDENCE.JSON",
        "evidence.json/",
    ] {
        refused(&zip(&[Entry { name, local_name: name, ..good.clone() }]), "expected");
        // Only one of both headers.
        refused(&zip(&[Entry { name, ..good.clone() }]), "expected");
        refused(&zip(&[Entry { local_name: name, ..good.clone() }]), "expected");
    }
    for mode in [0o120_777, 0o040_755, 0o020_644, 0o010_644, 0o140_644] {
        refused(&zip(&[Entry { mode, ..good.clone() }]), "expected a plain file");
    }
    refused(&zip(&[Entry { flags: 1, ..good.clone() }]), "encrypted");
    for method in [9, 12, 14, 93, 95, 99] {
        refused(&zip(&[Entry { method, ..good.clone() }]), "expected");
    }
    refused(&zip(&[Entry { behind: vec![0; 25], ..good.clone() }]), "other bytes");
    let mut before = b"MZ".to_vec();
    before.extend(zip(&[good]));
    refused(&before, "another end");
}

/// Two entries, of which the end record owns one, and one name twice, which a map of entries would hide.
#[test]
fn a_second_entry_cannot_hide() {
    let mut artifact = zip(&[Entry::stored(DATA), Entry::stored(b"other")]);
    let end = artifact.len() - 22;
    artifact[end + 8..end + 12].copy_from_slice(&[1, 0, 1, 0]);
    refused(&artifact, "expected");
}

#[test]
fn sizes_and_checksums_that_lie_are_refused() {
    for good in [Entry::stored(DATA), Entry::deflated(DATA)] {
        refused(&zip(&[Entry { crc: good.crc ^ 1, ..good.clone() }]), "checksum");
        for size in [0, good.size - 1, good.size + 1] {
            refused(&zip(&[Entry { size, ..good.clone() }]), "expected");
        }
        refused(&zip(&[Entry { size: u32::MAX, ..good.clone() }]), "expected");
        let mut packed = good.packed.clone();
        packed.pop();
        refused(&zip(&[Entry { packed, ..good.clone() }]), "expected");
        let mut packed = good.packed.clone();
        packed.extend(b"more");
        let longer = zip(&[Entry { packed, ..good.clone() }]);
        assert!(evidence(&longer).is_err() || evidence(&longer).unwrap() == DATA);
    }
}

#[test]
fn a_bomb_is_refused_by_what_it_declares_or_at_what_it_declares() {
    let zeros = vec![0; 8 << 20];
    refused(&zip(&[Entry::deflated(&zeros)]), "times the packed size");
    // It declares a ratio that is allowed: what lies beyond is never unpacked.
    let bomb = Entry::deflated(&zeros);
    let allowed = u32::try_from(bomb.packed.len()).unwrap() * 100;
    refused(&zip(&[Entry { size: allowed, ..bomb }]), "checksum");
    let size = u32::try_from(MAX_EVIDENCE + 1).unwrap();
    refused(
        &zip(&[Entry { size, packed: vec![0; 1 << 20], ..Entry::deflated(DATA) }]),
        "at most 67108864 bytes",
    );
    refused(&vec![0; MAX_ARTIFACT + 1], "expected at most 16777216 bytes");
}

#[test]
fn no_cut_and_no_changed_byte_gives_other_bytes_or_panics() {
    let artifact = zip(&[Entry { flags: DESCRIPTOR, ..Entry::deflated(DATA) }]);
    for len in 0..artifact.len() {
        assert!(evidence(&artifact[..len]).is_err(), "cut to {len}");
    }
    let mut refusals = 0;
    for at in 0..artifact.len() {
        for flip in [1, 0x80, 0xff] {
            let mut changed = artifact.clone();
            changed[at] ^= flip;
            match evidence(&changed) {
                Ok(bytes) => assert_eq!(bytes, DATA, "byte {at} ^ {flip}"),
                Err(refused) => {
                    assert_eq!(refused.rule, RULE);
                    refusals += 1;
                }
            }
        }
    }
    assert!(refusals > artifact.len(), "{refusals} of {}", 3 * artifact.len());
}
