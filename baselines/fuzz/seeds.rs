//! Writes the seeds of both targets: small scripted records, so that mutations start from something that is read.
//! In: a folder as the one argument. Out: `run_record/` and `evidence/` in it, a few files each.

use std::{fs, io, path::Path};

use baselines::{
    Evidence,
    testing::{self, Size},
};

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1).expect("usage: seeds FOLDER");
    let size = Size { n_pairs: 2, iterations: Some(1), decode_tokens: 2 };
    let bundles = [
        ("engine", testing::sized_evidence(1, 1.0, size)),
        ("command", testing::commands(1, 1.0)),
        ("benchmark", testing::benchmarks(1, 1.0)),
    ];
    for (name, mut bundle) in bundles {
        shorten(&mut bundle);
        write(&Path::new(&folder).join("evidence"), name, &bundle.to_json())?;
        write(&Path::new(&folder).join("run_record"), name, &bundle.head.to_json())?;
    }
    Ok(())
}

/// One process an arm, and a count or two: the reader does not ask whether they agree.
fn shorten(bundle: &mut Evidence) {
    bundle.history.truncate(1);
    for record in [&mut bundle.base, &mut bundle.head] {
        record.processes.truncate(1);
        record.ids.truncate(1);
        for process in &mut record.processes {
            process.counts.truncate(2);
            process.series.truncate(3);
            process.challenges.truncate(1);
        }
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(name), bytes)
}
