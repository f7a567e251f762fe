//! Repetition penalty: tokens of the recent past are made less likely, each once, however often it came.
//! In: logits, the past. Out: the logits changed. Source: Keskar et al. 2019 (CTRL), §4.1: positive logits are divided, the
//! others multiplied, as most engines do since a division alone would make a negative one likelier.

use std::collections::VecDeque;

/// The last tokens of a sequence.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    ids: VecDeque<u32>,
}

impl Past {
    /// Takes the next token in; keeps `n` of them.
    pub(super) fn push(&mut self, id: u32, n: usize) {
        self.ids.push_back(id);
        while self.ids.len() > n {
            self.ids.pop_front();
        }
    }

    /// Punishes what is in the past.
    pub(super) fn punish(&self, logits: &mut [f32], penalty: f32) {
        let mut seen: Vec<u32> = self.ids.iter().copied().collect();
        seen.sort_unstable();
        seen.dedup();
        for id in seen {
            if let Some(logit) = logits.get_mut(id as usize) {
                *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_the_last_tokens_is_punished_once() {
        let mut past = Past::default();
        for id in [0, 1, 1, 2, 9] {
            past.push(id, 4);
        }
        let mut logits = [8.0, 8.0, -8.0, 0.0];
        past.punish(&mut logits, 2.0);
        // 0 is out of the window, 9 out of the vocabulary.
        assert_eq!(logits.map(f32::to_bits), [8.0, 4.0, -16.0, 0.0_f32].map(f32::to_bits));
    }
}
