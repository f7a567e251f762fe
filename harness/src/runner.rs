//! What GitHub's runner says about the job it runs, by variables; and what of it no child process gets to see.
//! In: the environment's pairs. Out: values, checked where they are asked for.
//! Source: GitHub's documentation, "Variables reference".

#![cfg_attr(
    not(feature = "github"),
    expect(dead_code, reason = "most of it is for `bench publish`")
)]

use std::{
    ffi::{OsStr, OsString},
    fmt,
    path::PathBuf,
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

/// Where the API is unless the runner says otherwise.
const API_URL: &str = "https://api.github.com";

/// What leads to the rights or to the next steps of a job. What is measured has no use for it. No boundary: it runs as the same user.
const UNSHARED: &[&str] = &[
    "ACTIONS_CACHE_URL",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_RESULTS_URL",
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_RUNTIME_URL",
    "GH_TOKEN",
    "GITHUB_ENV",
    "GITHUB_OUTPUT",
    "GITHUB_PATH",
    "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_TOKEN",
];

/// Removes from what `command` starts all that is not for it.
pub(crate) fn unshare(command: &mut Command) -> &mut Command {
    for name in UNSHARED {
        command.env_remove(name);
    }
    command
}

/// Values, unchecked: a command that does not need one must not fail on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GitHub {
    api_url: Option<OsString>,
    event_name: Option<OsString>,
    event_path: Option<OsString>,
    output: Option<OsString>,
    repository: Option<OsString>,
    repository_id: Option<OsString>,
    run_attempt: Option<OsString>,
    step_summary: Option<OsString>,
    token: Option<Secret>,
}

/// Shown nowhere.
#[derive(Clone, PartialEq, Eq)]
struct Secret(OsString);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl GitHub {
    /// Takes a variable, if it is one of these. An empty value is how "unset" is written.
    pub(crate) fn take(&mut self, name: &OsStr, value: &OsStr) {
        let value = Some(value.to_owned()).filter(|value| !value.is_empty());
        let slot = match name.to_str() {
            Some("GITHUB_API_URL") => &mut self.api_url,
            Some("GITHUB_EVENT_NAME") => &mut self.event_name,
            Some("GITHUB_EVENT_PATH") => &mut self.event_path,
            Some("GITHUB_OUTPUT") => &mut self.output,
            Some("GITHUB_REPOSITORY") => &mut self.repository,
            Some("GITHUB_REPOSITORY_ID") => &mut self.repository_id,
            Some("GITHUB_RUN_ATTEMPT") => &mut self.run_attempt,
            Some("GITHUB_STEP_SUMMARY") => &mut self.step_summary,
            Some("GITHUB_TOKEN") => {
                self.token = value.map(Secret);
                return;
            }
            _ => return,
        };
        *slot = value;
    }

    /// `GITHUB_OUTPUT`: where a step leaves its outputs.
    pub(crate) fn output(&self) -> Option<PathBuf> {
        self.output.as_ref().map(PathBuf::from)
    }

    /// `GITHUB_STEP_SUMMARY`: where a step leaves a page about itself.
    pub(crate) fn step_summary(&self) -> Option<PathBuf> {
        self.step_summary.as_ref().map(PathBuf::from)
    }

    /// `GITHUB_API_URL`, or that of github.com.
    pub(crate) fn api_url(&self) -> Result<String> {
        self.api_url
            .as_ref()
            .map_or_else(|| Ok(API_URL.to_owned()), |value| text("GITHUB_API_URL", Some(value)))
    }

    /// `GITHUB_EVENT_NAME`.
    pub(crate) fn event_name(&self) -> Result<String> {
        text("GITHUB_EVENT_NAME", self.event_name.as_ref())
    }

    /// `GITHUB_EVENT_PATH`: the file of the event's payload.
    pub(crate) fn event_path(&self) -> Result<PathBuf> {
        Ok(text("GITHUB_EVENT_PATH", self.event_path.as_ref())?.into())
    }

    /// `GITHUB_REPOSITORY`, as `owner/name`.
    pub(crate) fn repository(&self) -> Result<String> {
        let name = text("GITHUB_REPOSITORY", self.repository.as_ref())?;
        let part = |part: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            !part.is_empty() && part != "." && part != ".." && part.bytes().all(plain)
        };
        let fits = name.split_once('/').is_some_and(|(owner, name)| part(owner) && part(name));
        ensure!(
            fits,
            "failed to read the environment: variable `GITHUB_REPOSITORY`: expected `OWNER/NAME`, found another form"
        );
        Ok(name)
    }

    /// `GITHUB_REPOSITORY_ID`.
    pub(crate) fn repository_id(&self) -> Result<u64> {
        number("GITHUB_REPOSITORY_ID", self.repository_id.as_ref())
    }

    /// `GITHUB_RUN_ATTEMPT`, from 1. Without it an earlier attempt is taken for possible.
    pub(crate) fn run_attempt(&self) -> Result<u64> {
        self.run_attempt.as_ref().map_or(Ok(2), |value| number("GITHUB_RUN_ATTEMPT", Some(value)))
    }

    /// `GITHUB_TOKEN`. No error shows what it is.
    pub(crate) fn token(&self) -> Result<&str> {
        let token = self.token.as_ref().and_then(|Secret(value)| value.to_str());
        token.with_context(|| {
            "failed to find the token: environment variable `GITHUB_TOKEN`: expected the job's token, found none; set it to `${{ github.token }}`"
        })
    }
}

fn text(name: &str, value: Option<&OsString>) -> Result<String> {
    let value = value.and_then(|value| value.to_str()).with_context(|| {
        format!(
            "failed to read the environment: variable `{name}`: expected a text, found none; it is set in a job of GitHub Actions"
        )
    })?;
    Ok(value.to_owned())
}

fn number(name: &str, value: Option<&OsString>) -> Result<u64> {
    text(name, value)?.trim().parse().ok().with_context(|| {
        format!("failed to read the environment: variable `{name}`: expected a whole number, found another text")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn github(pairs: &[(&str, &str)]) -> GitHub {
        let mut github = GitHub::default();
        for (name, value) in pairs {
            github.take(OsStr::new(name), OsStr::new(value));
        }
        github
    }

    #[test]
    fn an_empty_file_of_a_step_is_none() {
        let file = github(&[("GITHUB_OUTPUT", "/o")]).output();
        assert_eq!(file, Some(PathBuf::from("/o")));
        assert_eq!(github(&[("GITHUB_OUTPUT", "")]).output(), None);
        let file = github(&[("GITHUB_STEP_SUMMARY", "/s")]).step_summary();
        assert_eq!(file, Some(PathBuf::from("/s")));
        assert_eq!(github(&[("GITHUB_STEP_SUMMARY", "")]).step_summary(), None);
    }

    #[test]
    fn a_repository_is_an_owner_and_a_name_and_no_path() {
        let of = |name: &str| github(&[("GITHUB_REPOSITORY", name)]).repository();
        assert_eq!(of("octo-org/octo.repo_1").unwrap(), "octo-org/octo.repo_1");
        for bad in ["octo", "octo/", "/repo", "a/b/c", "a/..", "../b", "a b/c", "a/b?c", "a/b%2f"] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_is_shown_nowhere() {
        let with = github(&[("GITHUB_TOKEN", "ghs_secret")]);
        assert_eq!(with.token().unwrap(), "ghs_secret");
        assert!(!format!("{with:?}").contains("secret"));
        assert!(github(&[]).token().unwrap_err().to_string().contains("GITHUB_TOKEN"));
    }

    #[test]
    fn without_an_attempt_an_earlier_one_is_possible() {
        assert_eq!(github(&[]).run_attempt().unwrap(), 2);
        assert_eq!(github(&[("GITHUB_RUN_ATTEMPT", "1")]).run_attempt().unwrap(), 1);
        assert!(github(&[("GITHUB_RUN_ATTEMPT", "one")]).run_attempt().is_err());
        assert!(github(&[("GITHUB_REPOSITORY_ID", "-1")]).repository_id().is_err());
        assert_eq!(github(&[]).api_url().unwrap(), "https://api.github.com");
    }

    #[test]
    fn what_leads_to_a_token_is_not_for_children() {
        let mut command = Command::new("env");
        for name in UNSHARED {
            command.env(name, "x");
        }
        let output = unshare(&mut command).output().unwrap();
        let seen = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(seen.contains("PATH="), "{seen}");
        assert!(UNSHARED.iter().all(|name| !seen.contains(&format!("{name}="))), "{seen}");
    }
}
