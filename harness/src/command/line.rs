//! A command line into a program and its arguments: parameters put in, words split, the program found.
//! In: text. Out: what to start. Source of the splitting: POSIX shell quoting, by the crate `shell-words`.

use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};

/// A name that stands in the lines as `{NAME}`, and the values it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) values: Vec<String>,
}

impl Parameter {
    /// Of `NAME` and `a,b,c`.
    pub(crate) fn parse(name: &str, list: &str) -> Result<Self> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        ensure!(
            !name.is_empty() && name.chars().all(is_word),
            "failed to read `--parameter-list`: expected a name of letters, digits, `_` and `-`, found {name:?}"
        );
        let values: Vec<String> = list.split(',').map(str::to_owned).collect();
        for (idx, value) in values.iter().enumerate() {
            ensure!(
                !value.is_empty() && !value.chars().any(char::is_control),
                "failed to read `--parameter-list {name}`: expected values parted by commas, found {list:?}"
            );
            ensure!(
                !values[..idx].contains(value),
                "failed to read `--parameter-list {name}`: expected each value once, found {value:?} twice"
            );
        }
        Ok(Self { name: name.to_owned(), values })
    }
}

/// What is started for one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// The file.
    pub(crate) path: PathBuf,
    pub(crate) args: Vec<String>,
    /// The line, for errors.
    pub(crate) line: String,
    /// Where it is started, unless that is here.
    pub(crate) folder: Option<PathBuf>,
    /// Variables that it gets beside ours.
    pub(crate) variables: Vec<(&'static str, OsString)>,
}

impl Program {
    /// Of `line` with `values` put in, started by `shell` if there is one. `what` names the option in errors, `folders` is the
    /// value of `PATH`.
    pub(crate) fn of(
        what: &str,
        line: &str,
        values: &BTreeMap<String, String>,
        shell: Option<&str>,
        folders: &OsStr,
    ) -> Result<Self> {
        let line = substituted(line, values);
        let (name, args) = match shell {
            Some(shell) => {
                ensure!(!line.trim().is_empty(), "failed to read `--{what}`: it is empty");
                (shell.to_owned(), vec!["-c".to_owned(), line.clone()])
            }
            None => {
                let words = shell_words::split(&line).with_context(|| {
                    format!(
                        "failed to read `--{what}` {line:?}: expected words with closed quotes; \
                             with `--shell sh` a shell reads it"
                    )
                })?;
                let mut words = words.into_iter();
                let Some(name) = words.next() else {
                    bail!(
                        "failed to read `--{what}`: expected a program and its arguments, found nothing"
                    );
                };
                (name, words.collect())
            }
        };
        let path = find(&name, folders).with_context(|| {
            format!(
                "failed to find the program of `--{what}` {line:?}: expected an executable file, or one in a folder of `PATH`, \
                 found no `{name}`; give its path, or `--shell sh` if it is a shell's own word"
            )
        })?;
        Ok(Self { path, args, line, folder: None, variables: Vec::new() })
    }
}

/// `line` with every `{NAME}` that has a value replaced; other braces stay.
fn substituted(line: &str, values: &BTreeMap<String, String>) -> String {
    let mut said = String::new();
    let mut rest = line;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        said.push_str(before);
        let value =
            from[1..].split_once('}').and_then(|(name, after)| Some((values.get(name)?, after)));
        if let Some((value, after)) = value {
            said.push_str(value);
            rest = after;
        } else {
            said.push('{');
            rest = &from[1..];
        }
    }
    said + rest
}

/// The file of a program: as the system would find it in `folders`, the value of `PATH`.
pub(crate) fn find(name: &str, folders: &OsStr) -> Option<PathBuf> {
    if name.contains('/') {
        let path = PathBuf::from(name);
        return is_executable(&path).then_some(path);
    }
    env::split_paths(folders).map(|folder| folder.join(name)).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn of(line: &str, shell: Option<&str>) -> Result<Program> {
        Program::of(
            "base-command",
            line,
            &values(&[("n", "10")]),
            shell,
            OsStr::new("/usr/bin:/bin"),
        )
    }

    #[test]
    fn words_are_split_as_a_shell_would_and_parameters_put_in() {
        let program = of("sh -c 'echo {n} \"{m}\"' {n}", None).unwrap();
        assert_eq!(program.args, ["-c", "echo 10 \"{m}\"", "10"]);
        assert!(program.path.ends_with("sh"));
        let program = of("sleep 0.{n} && true", Some("sh")).unwrap();
        assert_eq!(program.args, ["-c", "sleep 0.10 && true"]);
        assert_eq!(substituted("{{n}}{n", &values(&[("n", "1")])), "{1}{n");
    }

    #[test]
    fn lines_that_cannot_be_started_say_why_and_what_would_help() {
        for (line, parts) in [
            ("", &["--base-command", "found nothing"][..]),
            ("echo 'open", &["closed quotes", "--shell sh"]),
            ("no-such-program-at-all 1", &["no `no-such-program-at-all`", "PATH"]),
            ("/etc/passwd", &["executable file"]),
        ] {
            let error = format!("{:#}", of(line, None).unwrap_err());
            for part in parts {
                assert!(error.contains(part), "{line}: {error}");
            }
        }
    }

    #[test]
    fn a_list_of_values_has_a_name_and_each_value_once() {
        assert_eq!(Parameter::parse("n", "1,10").unwrap().values, ["1", "10"]);
        for (name, list) in
            [("", "1"), ("a b", "1"), ("n", ""), ("n", "1,,2"), ("n", "1,1"), ("n", "a\n")]
        {
            let error = Parameter::parse(name, list).unwrap_err().to_string();
            assert!(error.contains("--parameter-list"), "{name} {list}: {error}");
        }
    }
}
