//! A bench target at the end of a Cargo.toml, as text: no line of the file moves.
//! In: the file's text and the target's name. Out: the text with the target, which is the same TOML but for it.

use anyhow::{Context as _, Result, ensure};
use toml::{Table, Value};

/// `text` with a bench target `name` that brings its own `main`.
pub(super) fn with_bench(text: &str, name: &str) -> Result<String> {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { end };
    let lines = ["", "[[bench]]", &format!("name = \"{name}\""), "harness = false", ""].join(end);
    let new = format!("{text}{gap}{lines}");
    // A key of one line, `bench = […]`, cannot be added to.
    let (mut expected, found): (Table, Result<Table, _>) =
        (text.parse().context("failed to read Cargo.toml")?, new.parse());
    let entry: Table =
        [("name".to_owned(), Value::from(name)), ("harness".to_owned(), Value::from(false))]
            .into_iter()
            .collect();
    let benches = expected.entry("bench").or_insert_with(|| Value::Array(Vec::new()));
    benches.as_array_mut().into_iter().for_each(|list| list.push(Value::Table(entry.clone())));
    ensure!(
        found.is_ok_and(|found| found == expected),
        "failed to add a bench target to Cargo.toml: expected a file that can go on with `[[bench]]`, found one that cannot; add \
         `name = \"{name}\"`, `harness = false` to its `bench` by hand"
    );
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::with_bench;

    #[test]
    fn the_target_stands_at_the_end_whatever_comes_before_it() {
        for (text, end) in [
            ("[package]\nname = \"x\"\n", "\n[[bench]]\nname = \"speed\"\nharness = false\n"),
            (
                "[package]\nname = \"x\"\n[profile.bench]\nlto = true",
                "\n\n[[bench]]\nname = \"speed\"\nharness = false\n",
            ),
            (
                "[package]\r\nname = \"x\"\r\n",
                "\r\n[[bench]]\r\nname = \"speed\"\r\nharness = false\r\n",
            ),
            (
                "[[bench]]\nname = \"y\"\n[lints]\n",
                "\n[[bench]]\nname = \"speed\"\nharness = false\n",
            ),
        ] {
            assert_eq!(with_bench(text, "speed").unwrap(), format!("{text}{end}"));
        }
    }

    #[test]
    fn a_file_that_cannot_go_on_says_what_to_add_by_hand() {
        for text in ["bench = []\n[package]\nname = \"x\"\n", "[bench]\nx = 1\n"] {
            let error = with_bench(text, "speed").unwrap_err().to_string();
            assert!(error.contains("`name = \"speed\"`, `harness = false`"), "{error}");
        }
        assert!(format!("{:#}", with_bench("[", "speed").unwrap_err()).contains("Cargo.toml"));
    }
}
