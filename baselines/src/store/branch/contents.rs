//! What a tree of the branch holds: records by month, packs, journals, the page, and whatever is none of these.
//! In: a commit. Out: the names of git's objects; none of them is read here.

use std::collections::BTreeMap;

use super::{
    layout::{self, JOURNALS, Month, NO_JEKYLL, PACKS, PAGE, RECORDS},
    objects::{Checked, Objects, Oid, TreeEntry},
    place::Branch,
};
use crate::{Digest, Error, ErrorKind, Result, store::name::check_name};

const FILE: &str = "100644";
const FOLDER: &str = "40000";

/// The tree of the branch, or of something that came in for it.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) records: BTreeMap<(Month, Digest), Oid>,
    pub(super) packs: BTreeMap<(Month, usize), Oid>,
    pub(super) journals: BTreeMap<String, Oid>,
    pub(super) page: Option<Oid>,
    pub(super) has_no_jekyll: bool,
    /// Paths inside our folders that are not of the layout, and such folders that are none.
    pub(super) strays: Vec<String>,
    /// Other files at the top, e.g. `README.md`; other folders end with `/`.
    pub(super) foreign: Vec<String>,
}

impl Contents {
    /// The contents of the branch at `tip`; of a branch that is not there yet, none.
    ///
    /// # Errors
    ///
    /// `Malformed` if the branch holds something else than a store: a push would write into it.
    pub(super) fn of_branch(
        objects: &mut Objects,
        branch: &Branch,
        tip: Option<&Oid>,
    ) -> Result<Self> {
        let Some(tip) = tip else { return Ok(Self::default()) };
        let read = Self::of_commit(objects, tip)?;
        let expected = match &read {
            Ok(found) => found.not_a_store(),
            Err(why) => Some(why.clone()),
        };
        match (read, expected) {
            (Ok(found), None) => Ok(found),
            (_, found) => Err(Error::new(
                ErrorKind::Malformed,
                format!(
                    "read {}: expected a branch that `bench baseline push` made, found one with {}; choose another with \
                     `--branch`",
                    branch.shown(),
                    found.unwrap_or_default()
                ),
            )),
        }
    }

    /// The contents of any commit.
    pub(super) fn of_commit(objects: &mut Objects, commit: &Oid) -> Result<Checked<Self>> {
        match objects.commit(commit)? {
            Ok(commit) => Self::of_tree(objects, &commit.tree),
            Err(why) => Ok(Err(why)),
        }
    }

    pub(super) fn of_tree(objects: &mut Objects, tree: &Oid) -> Result<Checked<Self>> {
        let mut found = Self::default();
        let top = match objects.tree(tree)? {
            Ok(top) => top,
            Err(why) => return Ok(Err(why)),
        };
        for entry in top {
            let read = match (&*entry.mode, &*entry.name) {
                (FOLDER, RECORDS) => found.months(objects, &entry.oid)?,
                (FOLDER, PACKS) => found.files(objects, PACKS, &entry.oid)?,
                (FOLDER, JOURNALS) => found.files(objects, JOURNALS, &entry.oid)?,
                (FILE, PAGE) => {
                    found.page = Some(entry.oid);
                    Ok(())
                }
                (FILE, NO_JEKYLL) => {
                    found.has_no_jekyll = true;
                    Ok(())
                }
                (_, RECORDS | PACKS | JOURNALS | PAGE | NO_JEKYLL) => {
                    found.strays.push(entry.name);
                    Ok(())
                }
                (FOLDER, _) => {
                    found.foreign.push(format!("{}/", entry.name));
                    Ok(())
                }
                _ => {
                    found.foreign.push(entry.name);
                    Ok(())
                }
            };
            if let Err(why) = read {
                return Ok(Err(why));
            }
        }
        Ok(Ok(found))
    }

    /// The blob at a path that is written here.
    pub(super) fn at(&self, path: &str) -> Option<Oid> {
        let words: Vec<&str> = path.split('/').collect();
        match words[..] {
            [PAGE] => self.page.clone(),
            [RECORDS, month, file] => {
                let place = (Month::parse(month)?, layout::record_digest(file)?);
                self.records.get(&place).cloned()
            }
            [PACKS, file] => self.packs.get(&layout::pack_place(file)?).cloned(),
            [JOURNALS, file] => self.journals.get(file.strip_suffix(".jsonl")?).cloned(),
            _ => None,
        }
    }

    fn months(&mut self, objects: &mut Objects, tree: &Oid) -> Result<Checked<()>> {
        let months = match objects.tree(tree)? {
            Ok(months) => months,
            Err(why) => return Ok(Err(why)),
        };
        for TreeEntry { mode, name, oid } in months {
            let Some(month) = Month::parse(&name).filter(|_| mode == FOLDER) else {
                self.strays.push(format!("{RECORDS}/{name}"));
                continue;
            };
            let files = match objects.tree(&oid)? {
                Ok(files) => files,
                Err(why) => return Ok(Err(why)),
            };
            for TreeEntry { mode, name, oid } in files {
                match layout::record_digest(&name).filter(|_| mode == FILE) {
                    Some(digest) => drop(self.records.insert((month.clone(), digest), oid)),
                    None => self.strays.push(format!("{RECORDS}/{month}/{name}")),
                }
            }
        }
        Ok(Ok(()))
    }

    /// Packs or journals: folders of files only.
    fn files(&mut self, objects: &mut Objects, folder: &str, tree: &Oid) -> Result<Checked<()>> {
        let files = match objects.tree(tree)? {
            Ok(files) => files,
            Err(why) => return Ok(Err(why)),
        };
        for TreeEntry { mode, name, oid } in files {
            let pack = layout::pack_place(&name).filter(|_| folder == PACKS && mode == FILE);
            let journal = name
                .strip_suffix(".jsonl")
                .filter(|stem| folder == JOURNALS && mode == FILE && check_name(stem).is_ok());
            match (pack, journal) {
                (Some(place), _) => drop(self.packs.insert(place, oid)),
                (_, Some(stem)) => drop(self.journals.insert(stem.to_owned(), oid)),
                _ => self.strays.push(format!("{folder}/{name}")),
            }
        }
        Ok(Ok(()))
    }

    /// What shows that this is somebody's branch of something else. Files at the top are no such thing: GitHub Pages wants
    /// some, e.g. `CNAME`.
    fn not_a_store(&self) -> Option<String> {
        let folder = self.foreign.iter().find(|path| path.ends_with('/'));
        let top = self.strays.iter().find(|path| !path.contains('/'));
        let marked = || (!self.has_no_jekyll).then(|| format!("no `{NO_JEKYLL}`"));
        folder.or(top).map(|path| format!("`{path}`")).or_else(marked)
    }
}
