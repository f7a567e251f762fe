//! What is asked before a pass: are the tokens there, do they fit the context and the memory; and after it: is the
//! result a number.

use super::{Session, buffers::reserve, likeliest::Looks};
use crate::{Error, ErrorKind, KvFormat, Result, device::Row, sample::likely::all_finite};

impl Session<'_> {
    /// Appends a batch to the sequence at `place`, which has room for it.
    ///
    /// # Errors
    /// As [`Session::append`].
    pub(super) fn append_to(&mut self, place: usize, ids: &[u32]) -> Result<()> {
        let first = self.sequences.cache(place).len();
        let rows: Vec<Row> = ids
            .iter()
            .enumerate()
            .map(|(i, token)| Row { place, position: first + i, token: *token })
            .collect();
        self.append(&rows)
    }

    /// Checks that `ids` can be appended to the sequence at `place`, and makes room for them and for the logits of
    /// `n_logits` rows; the length of the sequence so far.
    pub(super) fn start(&mut self, place: usize, ids: &[u32], n_logits: usize) -> Result<usize> {
        let start = self.sequences.cache(place).len();
        self.check_ids(ids)?;
        self.check_context(start, ids.len())?;
        self.make_room(ids.len().min(self.batch), (n_logits, 1), &[(place, start + ids.len())])?;
        Ok(start)
    }

    pub(super) fn check_ids(&self, ids: &[u32]) -> Result<()> {
        let n_vocab = self.config().n_vocab;
        if ids.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "token ids: expected at least one, found none",
            ));
        }
        match ids.iter().find(|id| **id as usize >= n_vocab) {
            None => Ok(()),
            Some(id) => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("token id: expected below the vocabulary's {n_vocab}, found {id}"),
            )),
        }
    }

    pub(super) fn check_context(&self, had: usize, more: usize) -> Result<()> {
        if more <= self.n_ctx - had {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::ContextExceeded,
            format!(
                "context: {had} tokens are in it and {more} more were given, expected at most {} together; shorten the \
                 prompt or generate less",
                self.n_ctx
            ),
        ))
    }

    /// Allocates what a pass of `n_rows` with `n_logits` rows of logits needs, `n_looks` of which may be found by bounds, and
    /// sequences, by place, of these lengths.
    pub(super) fn make_room(
        &mut self,
        n_rows: usize,
        (n_logits, n_looks): (usize, usize),
        lens: &[(usize, usize)],
    ) -> Result<()> {
        if self.on_device.is_some()
            && self.make_room_on_device(n_rows, (n_logits, n_looks), lens)?
        {
            return Ok(());
        }
        let longest = lens.iter().map(|(_, len)| *len).max().unwrap_or(0);
        let n_logits = n_logits * self.config().n_vocab;
        if let Some(limit) = self.memory_limit {
            let held = self.memory().session();
            let buffers = self.widths.bytes(n_rows).saturating_sub(self.buffers.bytes());
            let logits = n_logits.saturating_sub(self.logits.capacity()) * size_of::<f32>();
            let looks = self.looks_bytes(n_looks).saturating_sub(self.looks.bytes());
            let scores = self.widths.n_scores(longest) * size_of::<f32>();
            let scores = scores.saturating_sub(self.buffers.scores_bytes());
            let more = buffers + scores + logits + looks + self.sequences.growth(lens);
            if more > 0 && held.saturating_add(more) > limit {
                let kv = self.kv.name();
                return Err(Error::new(
                    ErrorKind::OutOfMemory,
                    format!(
                        "memory: the session holds {held} bytes and needs {more} more, expected at most {limit} together; \
                         raise the limit, shorten the context, or store keys and values in fewer bits than {kv}"
                    ),
                ));
            }
        }
        self.sequences.reserve(lens)?;
        self.buffers.reserve(&self.widths, n_rows, longest)?;
        if self.screen.is_some() {
            let (threads, config) = (self.threads(), self.config());
            self.looks.reserve(threads, (config.n_vocab, config.n_embd), n_looks)?;
        }
        reserve(&mut self.logits, n_logits)
    }

    fn looks_bytes(&self, n_looks: usize) -> usize {
        let config = self.config();
        self.screen.map_or(0, |_| Looks::bytes_of(config.n_vocab, config.n_embd, n_looks))
    }

    /// Where the logits are no numbers, the sequences, by place, go back to these lengths.
    pub(super) fn finite(&mut self, starts: &[(usize, usize)]) -> Result<()> {
        if all_finite(&self.logits) {
            return Ok(());
        }
        for (place, len) in starts {
            self.sequences.cache_mut(*place).truncate(*len);
        }
        let kv = match self.kv {
            KvFormat::F16 => ", or its keys and values are beyond what f16 holds",
            KvFormat::F32 | KvFormat::Int8 => "",
        };
        Err(Error::new(
            ErrorKind::NonFinite,
            format!(
                "logits: expected finite numbers, found NaN or infinity; the model's weights or scales are damaged{kv}"
            ),
        ))
    }
}
