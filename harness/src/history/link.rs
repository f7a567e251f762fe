//! Where each commit has a page: what a commit's hash is appended to.
//! In: what the user gave, or the URL of a remote. Out: an `https` URL; of a remote on GitHub or GitLab only.

use anyhow::{Result, ensure};

/// Longest URL that is taken.
const MAX_LEN: usize = 500;

/// The URL that was given.
pub(super) fn given(url: &str) -> Result<String> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'<>\\^`{|}".contains(&byte);
    let rest = url.strip_prefix("https://").unwrap_or_default();
    let host = rest.split('/').next().unwrap_or_default();
    ensure!(
        !host.is_empty() && !host.contains('@') && url.len() <= MAX_LEN && url.bytes().all(plain),
        "failed to read `--commit-url`: expected an https URL that a commit is appended to, found {:?}; give one like \
         `https://github.com/OWNER/REPO/commit/`",
        url.chars().take(80).collect::<String>()
    );
    Ok(url.to_owned())
}

/// The URL that follows from that of a remote.
pub(super) fn of_remote(remote: &str) -> Option<String> {
    let (host, path) = match remote.strip_prefix("https://") {
        Some(rest) => rest.split_once('/')?,
        None => match remote.strip_prefix("ssh://") {
            Some(rest) => rest.split_once('/')?,
            None => remote.split_once(':')?,
        },
    };
    // A user, and perhaps a password, is nobody else's business.
    let host = host.rsplit('@').next()?;
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let part = |part: &str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(known)
    };
    let n_parts = path.split('/').count();
    let is_path = path.split('/').all(part) && remote.len() <= MAX_LEN;
    match host {
        "github.com" if is_path && n_parts == 2 => {
            Some(format!("https://github.com/{path}/commit/"))
        }
        "gitlab.com" if is_path && n_parts >= 2 => {
            Some(format!("https://gitlab.com/{path}/-/commit/"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{given, of_remote};

    #[test]
    fn remotes_of_two_hosts_have_a_page_for_each_commit() {
        for (remote, want) in [
            ("https://github.com/o/r", "https://github.com/o/r/commit/"),
            ("https://github.com/o/r.git", "https://github.com/o/r/commit/"),
            ("https://user:secret@github.com/o/r.git", "https://github.com/o/r/commit/"),
            ("git@github.com:o/r.git", "https://github.com/o/r/commit/"),
            ("ssh://git@github.com/o/r.git", "https://github.com/o/r/commit/"),
            ("git@gitlab.com:group/sub/r.git", "https://gitlab.com/group/sub/r/-/commit/"),
            ("https://gitlab.com/o/r", "https://gitlab.com/o/r/-/commit/"),
        ] {
            assert_eq!(of_remote(remote).as_deref(), Some(want), "{remote}");
        }
        for remote in [
            "",
            "/srv/git/r.git",
            "http://github.com/o/r",
            "https://github.com.evil.example/o/r",
            "https://github.com/o",
            "https://github.com/o/r/x",
            "https://github.com/o/../r",
            "https://github.com/o/r\"><script>",
            "git@example.org:o/r.git",
        ] {
            assert_eq!(of_remote(remote), None, "{remote}");
        }
    }

    #[test]
    fn a_url_that_was_given_is_https_and_nothing_else() {
        let good = "https://git.example.org/r/commit/?id=";
        assert_eq!(given(good).unwrap(), good);
        for bad in [
            "",
            "https://",
            "http://example.org/",
            "javascript:alert(1)//https://",
            "https://a b",
            "https://a/\"onclick",
            "https://user:secret@example.org/",
            "https://a/\u{202e}",
        ] {
            let error = given(bad).unwrap_err().to_string();
            assert!(error.contains("--commit-url") && error.contains("give one like"), "{error}");
        }
        assert!(given(&format!("https://{}", "a".repeat(600))).is_err());
    }
}
