//! What the page cache holds of a file: told to drop it, it does, and reading brings it back.

#![cfg(target_os = "linux")]

use std::path::Path;

use engine::gguf::{Mapping, evict};

#[test]
fn a_file_leaves_the_cache_and_comes_back() {
    // A file in memory has no disk to be read from again; `/var/tmp` is on one.
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let path = folder.path().join("file");
    let bytes: Vec<u8> = (0..1_000_003_u32).map(|i| i.to_le_bytes()[0]).collect();
    std::fs::write(&path, &bytes).unwrap();
    let cached = || Mapping::open(&path).unwrap().cached_size().unwrap();
    assert_eq!(cached(), bytes.len(), "as it was written");
    evict(&path).unwrap();
    assert_eq!(cached(), 0);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    assert_eq!(cached(), bytes.len());
    assert!(evict(Path::new("/no/such/file")).is_err());
}
