//! One part of a profile: which costs it counts, and what they come to.
//! In: `events:`, `summary:`, `totals:` and all self costs. Out: an error if the sum is not what the file promised.

use anyhow::{Result, bail, ensure};

use super::{EVENT, number, wrong};

#[derive(Default)]
pub(super) struct Part {
    /// How many costs there are, and which of them is read.
    events: Option<(usize, usize)>,
    self_ir: u64,
    /// What is promised before the costs, if anything.
    summary: Option<u64>,
    /// What is said after them.
    totals: Option<u64>,
    /// Whether the profile has had a part that was checked.
    is_any: bool,
}

impl Part {
    /// `events: Ir Dr …`
    pub(super) fn events(&mut self, value: &str) -> Result<()> {
        let mut names = value.split_whitespace();
        let idx = names.clone().position(|name| name == EVENT);
        let idx = idx.ok_or_else(|| wrong(&format!("`{EVENT}` among the events"), value))?;
        self.events = Some((names.by_ref().count(), idx));
        Ok(())
    }

    pub(super) fn summary(&mut self, value: &str) -> Result<()> {
        self.summary = Some(self.sum(value)?);
        Ok(())
    }

    pub(super) fn totals(&mut self, value: &str) -> Result<()> {
        self.totals = Some(self.sum(value)?);
        Ok(())
    }

    fn sum(&self, value: &str) -> Result<u64> {
        ensure!(!value.is_empty(), wrong("the sum of all costs", value));
        self.ir(value.split_whitespace())
    }

    /// The executed instructions among `costs`; those left out at the end are 0.
    pub(super) fn ir<'a>(&self, costs: impl Iterator<Item = &'a str>) -> Result<u64> {
        let Some((n_events, ir_idx)) = self.events else {
            bail!("expected `events:` before the first cost, found none");
        };
        let mut ir = 0;
        for (idx, cost) in costs.enumerate() {
            ensure!(idx < n_events, wrong(&format!("at most {n_events} costs"), cost));
            let cost = number(cost)?;
            if idx == ir_idx {
                ir = cost;
            }
        }
        Ok(ir)
    }

    /// Adds a self cost.
    pub(super) fn add(&mut self, ir: u64) -> Result<()> {
        let sum = self.self_ir.checked_add(ir);
        self.self_ir =
            sum.ok_or_else(|| wrong("costs of less than 2^63 in all", &ir.to_string()))?;
        Ok(())
    }

    /// The end of a part, if one began: its sum is checked.
    pub(super) fn end(&mut self) -> Result<()> {
        if self.events.is_none() {
            return Ok(());
        }
        let found = self.self_ir;
        for (key, promised) in [("summary", self.summary), ("totals", self.totals)] {
            if let Some(promised) = promised {
                ensure!(
                    promised == found,
                    "`{key}:`: expected a sum of {found}, as the self costs have it, found {promised}"
                );
            }
        }
        // Callgrind writes it last: without it the rest may be missing, even if all costs are there.
        ensure!(self.totals.is_some(), "expected `totals:` at the end of a part, found none");
        *self = Self { is_any: true, ..Self::default() };
        Ok(())
    }

    /// Whether there was any.
    pub(super) const fn is_any(&self) -> bool {
        self.is_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_that_is_not_kept_is_an_error() {
        for (summary, totals, fits) in [
            (Some("5"), Some("5"), true),
            (None, Some("5"), true),
            (Some("5"), None, false),
            (None, None, false),
            (Some("4"), Some("5"), false),
            (Some("5"), Some("6"), false),
        ] {
            let mut part = Part::default();
            part.events("Ir").unwrap();
            part.add(5).unwrap();
            if let Some(value) = summary {
                part.summary(value).unwrap();
            }
            if let Some(value) = totals {
                part.totals(value).unwrap();
            }
            assert_eq!(part.end().is_ok(), fits, "{summary:?} {totals:?}");
            assert_eq!(part.is_any(), fits);
        }
    }
}
