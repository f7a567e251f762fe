//! `.gitignore` with lines added: at its end, in its own line ends, nothing moved.
//! In: the file's bytes and the lines wanted. Out: its new bytes, or `None` where it has them all.

/// `old` with those of `wanted` that it lacks. A comment is only added with what it is about.
pub(super) fn extended(old: &[u8], wanted: &[String]) -> Option<Vec<u8>> {
    let has = |line: &str| {
        old.split(|byte| *byte == b'\n').any(|found| trimmed(found) == line.as_bytes())
    };
    let missing: Vec<&String> = wanted.iter().filter(|line| !has(line)).collect();
    if missing.iter().all(|line| line.starts_with('#')) {
        return None;
    }
    let end = if old.windows(2).any(|two| two == b"\r\n") { "\r\n" } else { "\n" };
    let mut new = old.to_owned();
    if !new.is_empty() && !new.ends_with(b"\n") {
        new.extend(end.as_bytes());
    }
    for line in missing {
        new.extend(line.as_bytes());
        new.extend(end.as_bytes());
    }
    Some(new)
}

/// As git reads a line: without a carriage return, and without spaces at its end.
fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let end = line.iter().rposition(|byte| *byte != b' ').map_or(0, |at| at + 1);
    &line[..end]
}

#[cfg(test)]
mod tests {
    use super::extended;

    #[test]
    fn only_missing_lines_are_added_at_the_end_in_the_files_own_line_ends() {
        let wanted = ["# ours", "/a", "/b/"].map(str::to_owned);
        for (old, new) in [
            (&b""[..], Some(&b"# ours\n/a\n/b/\n"[..])),
            (b"x\n", Some(b"x\n# ours\n/a\n/b/\n")),
            (b"x", Some(b"x\n# ours\n/a\n/b/\n")),
            (b"x\r\ny", Some(b"x\r\ny\r\n# ours\r\n/a\r\n/b/\r\n")),
            (b"/b/\nx\n# ours\n", Some(b"/b/\nx\n# ours\n/a\n")),
            (b"/b/  \r\n/a\r\n", None),
            (b"/b/\n/a", None),
            (b"/b\n/a/\n#/b/\n!/a\n\xff\n", Some(b"/b\n/a/\n#/b/\n!/a\n\xff\n# ours\n/a\n/b/\n")),
        ] {
            let found = extended(old, &wanted);
            assert_eq!(found.as_deref(), new, "{}", String::from_utf8_lossy(old));
            if let Some(new) = new {
                assert_eq!(extended(new, &wanted), None, "twice");
            }
        }
    }
}
