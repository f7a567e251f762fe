//! The history as charts: one SVG file for each track.
//! In: a history, a folder. Out: files whose names hold no path, no hidden file and no name twice, on any file system.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context as _, Result};
use reports::History;

use crate::files;

/// Characters of a name at most, without its number.
const MAX_LEN: usize = 80;

/// Writes every chart, and says how many.
pub(super) fn write(history: &History, folder: &Path) -> Result<usize> {
    fs::create_dir_all(folder).with_context(|| {
        format!(
            "failed to make the folder `{}`: expected one that this user can write to; choose another with `--out`",
            folder.display()
        )
    })?;
    let mut taken = BTreeSet::new();
    for track in &history.tracks {
        let name = file_name(&track.name(), &mut taken);
        let svg = reports::track_svg(history, track)
            .with_context(|| format!("failed to draw `{name}`"))?;
        baselines::write_atomic(&folder.join(&name), svg.as_bytes(), files::READABLE)
            .context("failed to write a chart")?;
    }
    Ok(history.tracks.len())
}

/// `decode-64-decode_step_ns.svg`; a second of that name is numbered.
fn file_name(name: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = |c: char| {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c) { c } else { '-' }
    };
    let stem: String = name.chars().map(plain).take(MAX_LEN).collect();
    // No hidden file, no option of a command, and no device of Windows, which end at the first dot.
    let stem = stem.trim_start_matches(['.', '-']).replace('.', "-");
    let stem = if stem.is_empty() { "track".to_owned() } else { stem };
    let numbered = (2_usize..).map(|nth| format!("{stem}-{nth}.svg"));
    let name =
        std::iter::once(format!("{stem}.svg")).chain(numbered).find(|name| !taken.contains(name));
    let name = name.unwrap_or(stem);
    taken.insert(name.clone());
    name
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::file_name;

    #[test]
    fn no_name_leaves_the_folder_or_is_used_twice() {
        let mut taken = BTreeSet::new();
        let mut name = |text: &str| file_name(text, &mut taken);
        assert_eq!(name("decode-64/decode_step_ns"), "decode-64-decode_step_ns.svg");
        assert_eq!(name("Decode-64/decode_step_ns"), "decode-64-decode_step_ns-2.svg");
        assert_eq!(name("decode-64-decode_step_ns"), "decode-64-decode_step_ns-3.svg");
        assert_eq!(name("../../etc/passwd/x"), "etc-passwd-x.svg");
        assert_eq!(name("..\\\u{202e}\0"), "track.svg");
        assert_eq!(name("nul.x/a"), "nul-x-a.svg");
        assert!(name(&"é".repeat(9_000)).len() < 100);
    }

    #[test]
    fn a_number_cannot_meet_a_name_that_has_it() {
        let mut taken = BTreeSet::new();
        let names: Vec<String> =
            ["a", "a-2", "a", "a"].iter().map(|text| file_name(text, &mut taken)).collect();
        assert_eq!(names, ["a.svg", "a-2.svg", "a-3.svg", "a-4.svg"]);
    }
}
