//! Names by number: `(3) main` says a name in full and gives it a number, `(3)` is the same name again.
//! In: what stands after `fn=`, `fl=`, `ob=` and their like, each kind with numbers of its own. Out: the name.
//! A name may itself begin with a parenthesis, as `(below main)` does: then no digit follows.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context as _, Result};

use super::{number, wrong};

#[derive(Default)]
pub(super) struct Names {
    by_number: BTreeMap<u64, Arc<str>>,
}

impl Names {
    pub(super) fn read(&mut self, text: &str) -> Result<Arc<str>> {
        let rest =
            text.strip_prefix('(').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let Some(rest) = rest else {
            return if text.is_empty() { Err(wrong("a name", text)) } else { Ok(text.into()) };
        };
        let (id, name) = rest.split_once(')').ok_or_else(|| wrong("`)` after a number", text))?;
        let id = number(id).context("the number of a name")?;
        let name = name.trim_start();
        match (self.by_number.get(&id), name.is_empty()) {
            (Some(known), true) => Ok(Arc::clone(known)),
            (None, true) => Err(wrong("a name that was written in full before", text)),
            (Some(known), false) if **known == *name => Ok(Arc::clone(known)),
            (Some(known), false) => Err(wrong(&format!("`{known}`, as before"), text)),
            (None, false) => {
                let name: Arc<str> = name.into();
                self.by_number.insert(id, Arc::clone(&name));
                Ok(name)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_for_the_name_it_was_given() {
        let mut names = Names::default();
        for (text, want) in [
            ("main", "main"),
            ("(below main)", "(below main)"),
            ("(1) core::fmt::(a, b)", "core::fmt::(a, b)"),
            ("(1)", "core::fmt::(a, b)"),
            ("(1) core::fmt::(a, b)", "core::fmt::(a, b)"),
            ("(0)\tother", "other"),
            ("(0)", "other"),
        ] {
            assert_eq!(&*names.read(text).unwrap(), want, "{text}");
        }
        for text in ["", "(2)", "(2", "(1) another", "(1x) y", "(18446744073709551616) x"] {
            assert!(names.read(text).is_err(), "{text}");
        }
    }
}
