//! The cases of the hostile corpus.

use std::{fs, path::Path};

use baselines::testing::hostile::Case;

/// Name and content of every case in `folder`, sorted.
pub(crate) fn cases(folder: &Path) -> Vec<(String, Case)> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder).expect("the corpus is a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).expect("a case is text");
            cases.push((name.clone(), Case::parse(&name, &text)));
        }
    }
    cases.sort_by(|a, b| a.0.cmp(&b.0));
    cases
}
