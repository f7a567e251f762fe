//! The hop log in the folder of a gate, which outlives a gate that does not end.
//! In: the folder, or the route document of another gate. Out: the hops of earlier gates, oldest first. `gates/docs/policy.md`.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use baselines::evidence::Hop;

use crate::files;

/// Where a route document goes that is none.
const UNREAD: &str = "route.unread.json";

/// Opens `folder` for a gate at the time `now`: shows that it can be written to, takes over the hop log of the gate before, and
/// removes what that gate left.
///
/// The log is that of `log`, a route document, or else of the one in the folder. Until the gate has ended, the folder's route
/// document holds the log and says that nothing may go on: a gate that does not end leaves no green file and loses no hop.
pub(crate) fn take_over(folder: &Path, log: Option<&Path>, now: &str) -> Result<Vec<Hop>> {
    files::check_folder(folder)?;
    let own = read_log(&folder.join(files::ROUTE));
    match &own {
        Ok(hops) => hold(folder, Some(hops.as_deref().unwrap_or_default()))?,
        Err(_) => set_aside(folder)?,
    }
    let hops = match log {
        Some(log) => read_log(log)?.with_context(|| {
            format!(
                "failed to read the hop log `{}`: there is no such file; leave out `--hops` in the first gate of a change",
                log.display()
            )
        })?,
        None => own?.unwrap_or_default(),
    };
    if let Some(last) = hops.last().filter(|last| last.at.as_str() > now) {
        bail!(
            "failed to take over the hop log: expected hops before {now}, the time of this machine, found one of {}; set the \
             clock that is wrong",
            last.at
        );
    }
    hold(folder, Some(&hops))?;
    Ok(hops)
}

/// Leaves of the gate before nothing but its log, in a document that is not green; of an empty log not even that.
fn hold(folder: &Path, hops: Option<&[Hop]>) -> Result<()> {
    let is_kept = hops != Some(&[]);
    if is_kept {
        let bytes = gates::route::unfinished(hops);
        baselines::write_atomic(&folder.join(files::ROUTE), &bytes, files::READABLE)
            .context("failed to keep the hop log")?;
    }
    files::remove_stale(folder, is_kept)
}

/// Puts a document that is not green, and no empty log either, in the place of one that cannot be read, which is kept beside it.
fn set_aside(folder: &Path) -> Result<()> {
    let (route, unread) = (folder.join(files::ROUTE), folder.join(UNREAD));
    // The first such file is the one that a person wants to see.
    if !unread.exists() {
        std::fs::rename(&route, &unread)
            .with_context(|| format!("failed to set `{}` aside", route.display()))?;
    }
    hold(folder, None)
}

/// The hops of a route document; `None` where there is no such file.
fn read_log(path: &Path) -> Result<Option<Vec<Hop>>> {
    if matches!(path.try_exists(), Ok(false)) {
        return Ok(None);
    }
    let hops = gates::route::read_hops(&files::read(path)?).with_context(|| {
        format!(
            "failed to read the hop log `{}`, which is kept as `{UNREAD}`; put back the file that `bench gate` wrote, give \
             another with `--hops PATH`, or remove it to begin a new log",
            path.display()
        )
    })?;
    Ok(Some(hops))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use gates::Derived;
    use serde_json::Value;

    use super::*;
    use crate::files::{NAMES, ROUTE, derive, write};

    /// The files of a gate of a scripted session.
    fn gated(folder: &Path, hops: Vec<Hop>) -> Derived {
        let mut evidence = baselines::testing::evidence(1, 1.0);
        gates::DEFAULT_POLICY.clone_into(&mut evidence.policy);
        evidence.hops = hops;
        let (derived, files) = derive(&evidence).unwrap();
        write(folder, &evidence, &files).unwrap();
        derived
    }

    const LATER: &str = "2027-01-01T00:00:00.000Z";

    fn left(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    }

    /// Requirement: T3, T6.
    #[test]
    fn a_gate_takes_over_the_log_and_one_that_does_not_end_leaves_it_and_nothing_green() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert_eq!(take_over(folder, None, LATER).unwrap(), []);
        assert_eq!(left(folder), [""; 0]);
        let first = gated(folder, Vec::new());
        assert_eq!(left(folder).len(), NAMES.len());

        // Three gates that do not end: each finds the log of the one before.
        for _ in 0..3 {
            let hops = take_over(folder, None, LATER).unwrap();
            assert_eq!(hops, first.route.hops);
            assert_eq!(left(folder), [ROUTE]);
            let route = fs::read_to_string(folder.join(ROUTE)).unwrap();
            assert!(route.contains("\"to\": \"blocked\""), "{route}");
            let route: Value = serde_json::from_str(&route).unwrap();
            assert_eq!(
                (&route["exit_code"], &route["verdict"]),
                (&5.into(), &"incomparable".into())
            );
        }
        let second = gated(folder, take_over(folder, None, LATER).unwrap());
        assert_eq!(second.route.hops.len(), 2);
        assert_eq!(second.route.hops[0], first.route.hops[0]);

        // Another log: of a file, which is left as it is.
        let (other, artifact) = (tempfile::tempdir().unwrap(), folder.join("artifact.json"));
        fs::copy(folder.join(ROUTE), &artifact).unwrap();
        let hops = take_over(other.path(), Some(&artifact), LATER).unwrap();
        assert_eq!(hops, second.route.hops);
        assert_eq!(left(other.path()), [ROUTE]);
        assert!(artifact.exists());
    }

    /// Requirement: T3, P4.
    #[test]
    fn a_disk_that_fails_while_files_are_written_leaves_no_green_route() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        gated(folder, Vec::new());
        let hops = take_over(folder, None, LATER).unwrap();
        // The last of the other files cannot be written: a folder stands in its place.
        fs::create_dir(folder.join(files::PAGE)).unwrap();
        let mut evidence = baselines::testing::evidence(2, 1.0);
        gates::DEFAULT_POLICY.clone_into(&mut evidence.policy);
        let (derived, derived_files) = derive(&evidence).unwrap();
        assert_eq!(derived.route.to, "docs-reviewer");
        write(folder, &evidence, &derived_files).unwrap_err();
        let route = fs::read(folder.join(ROUTE)).unwrap();
        assert_eq!(route, gates::route::unfinished(Some(&hops)));
    }

    /// Requirement: T3.
    #[test]
    fn a_log_that_cannot_be_read_is_an_error_that_keeps_it_and_leaves_nothing_green() {
        let made = tempfile::tempdir().unwrap();
        let first = gated(made.path(), Vec::new());
        let good = fs::read(made.path().join(ROUTE)).unwrap();
        let green = br#"{"to":"docs-reviewer"}"#;
        for bad in [&green[..], b"", b"\xff", &good[..good.len() - 9], b"[1, 2]"] {
            let folder = tempfile::tempdir().unwrap();
            let folder = folder.path();
            gated(folder, Vec::new());
            fs::write(folder.join(ROUTE), bad).unwrap();
            // Nor is it an empty log the second time.
            for _ in 0..2 {
                let error = format!("{:#}", take_over(folder, None, LATER).unwrap_err());
                for part in ["hop log", "--hops PATH", "remove it to begin a new log", UNREAD] {
                    assert!(error.contains(part), "{error}");
                }
                let mut names = left(folder);
                names.sort();
                assert_eq!(names, [ROUTE, UNREAD]);
                assert_eq!(fs::read(folder.join(UNREAD)).unwrap(), bad);
                let route: Value =
                    serde_json::from_slice(&fs::read(folder.join(ROUTE)).unwrap()).unwrap();
                assert_eq!((&route["to"], &route["hops"]), (&"blocked".into(), &Value::Null));
            }
            // The ways out: another log, or none.
            let log = take_over(folder, Some(&made.path().join(ROUTE)), LATER).unwrap();
            assert_eq!(log, first.route.hops);
            fs::remove_file(folder.join(ROUTE)).unwrap();
            assert_eq!(take_over(folder, None, LATER).unwrap(), []);
        }
    }

    /// Requirement: T3, Z2.
    #[test]
    fn a_log_that_is_not_there_or_of_the_future_is_an_error_and_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let first = gated(folder, Vec::new());
        let error = take_over(folder, Some(&folder.join("none")), LATER).unwrap_err();
        assert!(error.to_string().contains("leave out `--hops`"), "{error}");
        assert_eq!(left(folder), [ROUTE]);
        let error = take_over(folder, None, "2020-01-01T00:00:00.000Z").unwrap_err();
        assert!(error.to_string().contains("set the clock"), "{error}");
        assert_eq!(left(folder), [ROUTE]);
        assert_eq!(take_over(folder, None, LATER).unwrap(), first.route.hops);
    }
}
