//! Names of packages and targets that may stand in a workflow and on a command line.
//! In: a name. Out: nothing, or an error. Source of the rule: cargo asks it of a package (`restricted_names.rs`), rustc of a
//! crate's name, which cargo makes of a target's by writing `_` for `-`.

use anyhow::{Result, ensure};

/// That `name` is letters, digits, `_` and `-`, and no option.
pub(super) fn check(what: &str, name: &str) -> Result<()> {
    let inner = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    ensure!(
        !name.is_empty() && !name.starts_with('-') && name.chars().all(inner),
        "failed to use the {what} {name:?}: expected letters, digits, `_` and `-`, the first no `-`, as in a name that cargo and \
         rustc build; rename it in Cargo.toml"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn only_what_cargo_and_rustc_build_passes() {
        for name in ["speed", "a-b_c", "_x", "größe", "2d"] {
            check("bench target", name).unwrap();
        }
        for name in
            ["", "-x", "a b", "a\n  run: x", "a: b", "a#b", "${{ x }}", "a\"", "a/b", "$(x)"]
        {
            let error = check("bench target", name).unwrap_err().to_string();
            assert!(
                error.contains("bench target") && error.contains(&format!("{name:?}")),
                "{error}"
            );
        }
    }
}
