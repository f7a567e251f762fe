//! Writes the seeds of both targets, so that mutations start from something that is read.
//! In: a folder as the one argument. Out: `artifact/` and `event/` in it.

use std::{fs, io, io::Write as _, path::Path};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

const EVENT: &str = include_str!("../tests/data/github/workflow_run.completed.json");

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1).expect("usage: seeds FOLDER");
    let folder = Path::new(&folder);
    for (name, method) in [("stored", CompressionMethod::Stored), ("deflated", CompressionMethod::Deflated)] {
        let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file("evidence.json", options)?;
        zip.write_all(b"{\"version\": \"1.3\", \"base\": {}, \"head\": {}, \"head\": {}}\n")?;
        write(&folder.join("artifact"), name, zip.finish()?.get_ref())?;
    }
    let event = EVENT.replace("\"event\": \"repository_dispatch\"", "\"event\": \"pull_request\"");
    write(&folder.join("event"), "completed", event.as_bytes())
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(name), bytes)
}
