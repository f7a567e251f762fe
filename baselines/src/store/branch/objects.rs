//! Reading git objects, many through one process (`git cat-file --batch`).
//! In: an object's name, what it is expected to be and how large at most. Out: its bytes, or why they are not to be used.

use std::{
    fmt,
    io::{self, BufRead as _, BufReader, Read, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Stdio},
};

use super::git::{broken, git, spawn};
use crate::Result;

/// Largest tree or commit that is read: some hundred thousand entries.
const MAX_TREE_BYTES: usize = 16 << 20;

/// What was written by somebody else: good, or why it is not.
pub(super) type Checked<T> = std::result::Result<T, String>;

/// Name of a git object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Oid(String);

/// One entry of a tree.
#[derive(Debug)]
pub(super) struct TreeEntry {
    /// As git writes it: `100644` is a file, `40000` a folder; links and submodules have others.
    pub(super) mode: String,
    pub(super) name: String,
    pub(super) oid: Oid,
}

/// What of a commit is used.
#[derive(Debug)]
pub(super) struct Commit {
    pub(super) tree: Oid,
    /// When it was committed, in seconds since 1970.
    pub(super) at_s: i64,
}

/// A running reader. It ends with this value, or with our process.
#[derive(Debug)]
pub(super) struct Objects {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Oid {
    /// A name as git writes it, of either of its hashes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let good = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (matches!(text.len(), 40 | 64) && text.bytes().all(good)).then(|| Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of nothing, of the same hash.
    pub(super) fn zero(&self) -> String {
        "0".repeat(self.0.len())
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Objects {
    pub(super) fn open(repository: &Path) -> Result<Self> {
        let mut command = git(repository);
        command.args(["cat-file", "--batch"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = spawn(&mut command)?;
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("it was piped"));
        Ok(Self { child, stdin, stdout })
    }

    /// The bytes of a blob of at most `most` bytes.
    pub(super) fn blob(&mut self, oid: &Oid, most: usize) -> Result<Checked<Vec<u8>>> {
        self.get(oid, "blob", most)
    }

    /// The entries of a tree.
    pub(super) fn tree(&mut self, oid: &Oid) -> Result<Checked<Vec<TreeEntry>>> {
        let bytes = self.get(oid, "tree", MAX_TREE_BYTES)?;
        let oid_len = oid.0.len() / 2;
        Ok(bytes.and_then(|bytes| {
            entries(&bytes, oid_len).ok_or_else(|| "expected a tree, found other bytes".to_owned())
        }))
    }

    pub(super) fn commit(&mut self, oid: &Oid) -> Result<Checked<Commit>> {
        let bytes = self.get(oid, "commit", MAX_TREE_BYTES)?;
        Ok(bytes.and_then(|bytes| {
            commit(&bytes).ok_or_else(|| "expected a commit, found other bytes".to_owned())
        }))
    }

    fn get(&mut self, oid: &Oid, kind: &str, most: usize) -> Result<Checked<Vec<u8>>> {
        self.ask(oid, kind, most).map_err(|error| broken(&error))
    }

    fn ask(&mut self, oid: &Oid, kind: &str, most: usize) -> io::Result<Checked<Vec<u8>>> {
        let stdin = self.stdin.as_mut().expect("it is taken only by drop");
        stdin.write_all(format!("{oid}\n").as_bytes())?;
        stdin.flush()?;
        let mut header = String::new();
        self.stdout.read_line(&mut header)?;
        // `OID KIND SIZE`, or `OID missing`.
        let words: Vec<&str> = header.split_whitespace().collect();
        let [_, found, size] = words[..] else {
            return match words[..] {
                [_, "missing"] => Ok(Err(format!("expected a {kind}, found no object {oid}"))),
                _ => Err(io::Error::other(format!("`git cat-file` says {header:?}"))),
            };
        };
        let size: u64 = size.parse().map_err(io::Error::other)?;
        let mut content = (&mut self.stdout).take(size);
        let fault = if found != kind {
            Some(format!("expected a {kind}, found a {found}"))
        } else if size > most as u64 {
            Some(format!("expected at most {most} bytes, found {size}"))
        } else {
            None
        };
        let mut bytes = Vec::new();
        if fault.is_some() {
            io::copy(&mut content, &mut io::sink())?;
        } else {
            content.read_to_end(&mut bytes)?;
        }
        if content.limit() > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.stdout.read_exact(&mut [0])?;
        Ok(fault.map_or(Ok(bytes), Err))
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        // It ends at the end of its input; nothing is left to be said of how.
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

/// `MODE NAME\0` and the bytes of the object's name, again and again.
fn entries(mut bytes: &[u8], oid_len: usize) -> Option<Vec<TreeEntry>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|byte| *byte == b' ')?;
        let end = bytes.iter().position(|byte| *byte == 0)?;
        let name = bytes.get(space + 1..end)?;
        let oid = bytes.get(end + 1..end + 1 + oid_len)?;
        entries.push(TreeEntry {
            mode: String::from_utf8_lossy(&bytes[..space]).into_owned(),
            name: String::from_utf8_lossy(name).into_owned(),
            oid: Oid(hex::encode(oid)),
        });
        bytes = &bytes[end + 1 + oid_len..];
    }
    Some(entries)
}

fn commit(bytes: &[u8]) -> Option<Commit> {
    let text = String::from_utf8_lossy(bytes);
    let mut headers = text.lines().take_while(|line| !line.is_empty());
    let tree = Oid::parse(headers.next()?.strip_prefix("tree ")?)?;
    let committer = headers.find_map(|line| line.strip_prefix("committer "))?;
    // `NAME <EMAIL> SECONDS ZONE`
    let at_s = committer.rsplit(' ').nth(1)?.parse().ok()?;
    Some(Commit { tree, at_s })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_that_is_cut_anywhere_is_no_tree() {
        let mut bytes = b"100644 a\0".to_vec();
        bytes.extend([7; 20]);
        assert_eq!(entries(&bytes, 20).unwrap()[0].oid.as_str(), "07".repeat(20));
        for len in 1..bytes.len() {
            assert!(entries(&bytes[..len], 20).is_none(), "{len} bytes");
        }
        // A NUL before the space.
        assert!(entries(b"1\0 4 aaaaaaaaaaaaaaaaaaaaaaaa", 20).is_none());
    }
}
