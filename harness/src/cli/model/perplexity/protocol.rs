//! What is scored together, and which of its predictions count.

use std::collections::VecDeque;

use anyhow::{Context as _, Result, bail, ensure};
use engine::{Session, Tokenizer, accuracy::predictions};

use super::{tally::Tally, text::Text};

/// Rows of the result: what was counted, by its name.
pub(super) type Rows = Vec<(&'static str, Tally)>;

/// A session, and how many predictions are still asked of it.
#[derive(Debug)]
pub(super) struct Scorer<'m> {
    session: Session<'m>,
    tokenizer: &'m Tokenizer,
    left: usize,
}

impl<'m> Scorer<'m> {
    pub(super) fn new(session: Session<'m>, tokenizer: &'m Tokenizer, limit: Option<u64>) -> Self {
        let left = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        Self { session, tokenizer, left }
    }

    /// Windows of `len` ids of the text behind one BOS, the first id of each replaced by BOS; a vocabulary without BOS has its text
    /// as it is. What fills no window is left out.
    pub(super) fn windows(&mut self, text: &mut Text<'_>, len: usize) -> Result<Rows> {
        let bos = self.tokenizer.bos();
        let (mut all, mut second_half) = (Tally::default(), Tally::default());
        let mut ids: VecDeque<u32> = bos.into_iter().collect();
        let mut n_ids = 0;
        while self.left > 0 {
            while ids.len() < len {
                let Some(more) = text.next_ids(self.tokenizer)? else { break };
                n_ids += more.len();
                ids.extend(more);
            }
            if ids.len() < len {
                break;
            }
            let mut window: Vec<u32> = ids.drain(..len).collect();
            window[0] = bos.unwrap_or(window[0]);
            let nlls = self.score(&window)?;
            // Of predictions behind the first half of the window, as llama-perplexity counts.
            let half = (len / 2).min(nlls.len());
            all.add(&nlls, self.bytes(&window[1..=nlls.len()])?);
            second_half.add(&nlls[half..], self.bytes(&window[half + 1..=nlls.len()])?);
        }
        ensure!(text.n_bytes() > 0, "expected a text, found none: it is empty");
        ensure!(
            all.n > 0,
            "expected a window of {len} tokens at least, found {n_ids} in {} bytes; give a smaller `--window`, or \
             `--protocol stories`",
            text.n_bytes()
        );
        let rows = [("all positions", all), ("second half", second_half)];
        Ok(rows.into_iter().filter(|(_, tally)| tally.n > 0).collect())
    }

    /// Every text between empty lines alone: BOS in front, all its tokens and the EOS behind them predicted.
    pub(super) fn stories(&mut self, text: &mut Text<'_>) -> Result<Rows> {
        let (Some(bos), Some(eos)) = (self.tokenizer.bos(), self.tokenizer.eos()) else {
            bail!(
                "`--protocol stories`: expected a vocabulary with a token that begins a text and one that ends it, found \
                 none; use `--protocol windows`"
            );
        };
        let mut all = Tally::default();
        let n_ctx = self.session.n_ctx();
        while self.left > 0
            && let Some((at, story)) = text.next_story()?
        {
            let ids = self.tokenizer.encode(&story, false).context("failed to tokenize")?;
            let window = [&[bos], &ids[..], &[eos]].concat();
            ensure!(
                window.len() <= n_ctx,
                "text at byte {at}: expected at most {n_ctx} tokens, the model's context, found {}; separate texts by an \
                 empty line, or use `--protocol windows`",
                window.len()
            );
            let nlls = self.score(&window)?;
            all.add(&nlls, self.bytes(&window[1..=nlls.len()])?);
        }
        ensure!(text.n_bytes() > 0, "expected a text, found none: it is empty");
        ensure!(all.n > 0, "expected a text, found {} line ends only", text.n_bytes());
        Ok(vec![("each text", all)])
    }

    /// The likelihoods of all but the first of `window`, or of as many as are left.
    fn score(&mut self, window: &[u32]) -> Result<Vec<f64>> {
        let n = (window.len() - 1).min(self.left);
        self.left -= n;
        let scored =
            predictions(&mut self.session, &window[..=n]).context("failed to score tokens")?;
        Ok(scored.into_iter().map(|prediction| prediction.nll).collect())
    }

    /// Bytes that these ids add to a text.
    fn bytes(&self, ids: &[u32]) -> Result<u64> {
        let sizes = ids.iter().map(|id| Ok(self.tokenizer.piece(*id)?.len() as u64));
        sizes.sum()
    }
}
