//! The test design: at how many pairs the evidence is looked at, and how much of each error rate a look may spend.
//!
//! In: the policy's levels. Out: the one-sided levels of PASS and FAIL at the look that a session reached.
//!
//! The quick suite has a single look, so that it spends everything; sequential looks are more rows of the same table.

/// One look: its number of pairs, and its shares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Pairs at which the evidence is looked at.
    pub pairs: usize,
    /// One-sided level of the PASS test here, for each metric.
    pub pass: f64,
    /// One-sided level of the FAIL test here, for the whole gated family.
    pub fail: f64,
}

/// The looks of a session, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Design {
    looks: Vec<Look>,
}

impl Design {
    /// One look at `pairs` that spends all of both levels.
    #[must_use]
    pub fn single(pairs: usize, alpha_pass: f64, alpha_fail: f64) -> Self {
        Self { looks: vec![Look { pairs, pass: alpha_pass, fail: alpha_fail }] }
    }

    /// The look that a session of `n_pairs` reached: the last whose count it has. `None`: it has not reached the first.
    #[must_use]
    pub fn look(&self, n_pairs: usize) -> Option<Look> {
        self.looks.iter().rev().find(|look| look.pairs <= n_pairs).copied()
    }

    /// Pairs of the first look.
    #[must_use]
    pub fn first_pairs(&self) -> usize {
        self.looks[0].pairs
    }
}

#[cfg(test)]
mod tests {
    use super::Design;

    #[test]
    fn a_session_short_of_the_first_look_has_none() {
        let design = Design::single(16, 0.05, 0.01);
        assert_eq!(design.look(15), None);
        assert_eq!(design.look(16).map(|look| look.pairs), Some(16));
        assert_eq!(design.look(20).map(|look| look.pairs), Some(16));
    }
}
