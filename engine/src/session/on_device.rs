//! A session whose passes a device computes. The tokens of all sequences are kept here, so that the CPU can take over at any step, with
//! the same results: keys and values are computed again from them.

use super::{Session, SessionOptions, buffers::reserve};
use crate::{
    Error, ErrorKind, Model, Result,
    device::{DeviceMemory, Executor, Probe, Reason, Room, Row, Traffic},
    kernels::Kernels,
};

/// Names of the products that a device carries out, in counts.
const TERNARY: &str = "ternary_i8.cuda";
const HEAD: &str = "dense_f32.cuda";

#[derive(Debug)]
pub(super) struct OnDevice {
    executor: Box<dyn Executor>,
    /// Tokens of each sequence, by place; those behind its length were taken back.
    tokens: Vec<Vec<u32>>,
    /// The rows of the last pass.
    last: Vec<Row>,
    /// Rows of logits that the last pass was to put out, and how many of them may be found by bounds.
    room: (usize, usize),
    /// Whether its failure is an error.
    is_strict: bool,
    /// Why it computes no more, where that is one.
    refused: Option<Reason>,
}

impl OnDevice {
    pub(super) fn join(&mut self) {
        self.executor.join();
        self.tokens.push(Vec::new());
    }

    pub(super) fn leave(&mut self, place: usize) {
        self.executor.leave(place);
        self.tokens.swap_remove(place);
        self.last.clear();
    }
}

impl<'m> Session<'m> {
    /// A session of one empty sequence that `executor` computes, with the results of [`Session::new`]. Where the executor fails the CPU
    /// goes on, and [`Session::device_lost`] says why; if `strict`, that is an error.
    ///
    /// # Errors
    /// As [`Session::new`].
    pub fn on_device(
        model: &'m Model,
        options: &SessionOptions,
        executor: Box<dyn Executor>,
        strict: bool,
    ) -> Result<Self> {
        let mut session = Self::without_weights(model, options, Kernels::of(options.isa)?)?;
        session.on_device = Some(OnDevice {
            executor,
            tokens: vec![Vec::new()],
            last: Vec::new(),
            room: (1, 1),
            is_strict: strict,
            refused: None,
        });
        Ok(session)
    }

    /// Why the CPU computes although a device did before.
    #[must_use]
    pub const fn device_lost(&self) -> Option<&Reason> {
        self.lost.as_ref()
    }

    /// Whether a device computes.
    #[must_use]
    pub const fn is_on_device(&self) -> bool {
        self.on_device.is_some()
    }

    /// What the device holds and what moved, if one computes.
    #[must_use]
    pub fn device_use(&self) -> Option<(DeviceMemory, Traffic)> {
        let executor = &self.on_device.as_ref()?.executor;
        Some((executor.memory(), executor.traffic()))
    }

    /// Times parts of a pass on the device, `repeat` times each: see [`Probe`]. The sequences are not to be used after it.
    ///
    /// # Errors
    /// [`ErrorKind::Device`] if it fails.
    pub fn probe_device(&mut self, repeat: usize) -> Result<Vec<Probe>> {
        let Some(on_device) = &mut self.on_device else { return Ok(Vec::new()) };
        let failed = |reason: Reason| Error::new(ErrorKind::Device, reason.to_string());
        on_device.executor.probe(repeat).map_err(failed)
    }

    /// Room on the device; false where the CPU took over.
    pub(super) fn make_room_on_device(
        &mut self,
        n_rows: usize,
        room: (usize, usize),
        lens: &[(usize, usize)],
    ) -> Result<bool> {
        let Some(on_device) = &mut self.on_device else { return Ok(false) };
        on_device.check()?;
        on_device.room = room;
        let n_logits = room.0.max(room.1);
        match on_device.executor.reserve(Room { n_rows, n_logits, lens }) {
            Ok(()) => {
                reserve(&mut self.logits, n_logits * self.model.config().n_vocab)?;
                Ok(true)
            }
            Err(reason) => self.fall_back(reason, true).map(|()| false),
        }
    }

    /// The pass, or the same on the CPU where it fails.
    pub(super) fn append_on_device(&mut self, rows: &[Row]) -> Result<()> {
        let Some(on_device) = &mut self.on_device else { return Ok(()) };
        on_device.check()?;
        on_device.last = rows.to_vec();
        for row in rows {
            let tokens = &mut on_device.tokens[row.place];
            tokens.truncate(row.position);
            tokens.push(row.token);
        }
        if let Err(reason) = on_device.executor.append(rows) {
            return self.fall_back(reason, false);
        }
        for layer in &self.model.weights().layers {
            for linear in layer.linears() {
                self.dispatcher.count_on_device(linear, rows.len(), TERNARY);
            }
        }
        Ok(())
    }

    /// The logits; false where the CPU took over and is to compute them.
    pub(super) fn head_on_device(&mut self, first: usize, n: usize) -> Result<bool> {
        let Some(on_device) = &mut self.on_device else { return Ok(false) };
        on_device.check()?;
        let output = &self.model.weights().output;
        self.logits.resize(n * output.shape.rows, 0.0);
        match on_device.executor.logits(first, n, &mut self.logits) {
            Ok(()) => {
                self.dispatcher.count_on_device(output, n, HEAD);
                Ok(true)
            }
            Err(reason) => self.fall_back(reason, true).map(|()| false),
        }
    }

    /// The likeliest tokens; false where all logits have to be looked at, or the CPU took over.
    pub(super) fn find_on_device(&mut self, n: usize, k: usize) -> Result<bool> {
        let Some(on_device) = &mut self.on_device else { return Ok(false) };
        on_device.check()?;
        let output = &self.model.weights().output;
        let k = k.min(output.shape.rows);
        if k > on_device.executor.most_likeliest() {
            return Ok(false);
        }
        match on_device.executor.likeliest(n, k, &mut self.likeliest) {
            // The logits tell what is wrong with them.
            Ok(false) => Ok(false),
            Ok(true) => {
                self.logits.clear();
                self.dispatcher.count_on_device(output, n, HEAD);
                Ok(true)
            }
            Err(reason) => self.fall_back(reason, true).map(|()| false),
        }
    }

    /// Gives the device up and computes on the CPU what it held: all sequences, the rows of the last pass as the last pass. What is computed
    /// a second time is counted once: the last pass only if it was not counted yet.
    fn fall_back(&mut self, reason: Reason, is_counted: bool) -> Result<()> {
        if let Some(strict) = self.on_device.as_mut().filter(|on_device| on_device.is_strict) {
            strict.refused = Some(reason);
            return strict.check();
        }
        let Some(OnDevice { tokens, last, room, .. }) = self.on_device.take() else {
            return Ok(());
        };
        self.lost = Some(reason);
        self.take_weights()?;
        let counts = self.dispatcher.counts();
        let lens: Vec<usize> =
            (0..self.sequences.len()).map(|place| self.sequences.cache(place).len()).collect();
        // The last pass is the last one only where nothing of it was taken back.
        let mut ends = vec![0; lens.len()];
        for row in &last {
            ends[row.place] = row.position + 1;
        }
        let is_whole = last.iter().all(|row| ends[row.place] == lens[row.place]);
        let last = if is_whole { last } else { Vec::new() };
        for (place, len) in lens.iter().enumerate() {
            let n = len - last.iter().filter(|row| row.place == place).count();
            self.sequences.cache_mut(place).truncate(0);
            for batch in tokens[place][..n].chunks(self.batch) {
                let had = self.sequences.cache(place).len();
                self.make_room(batch.len(), (1, 1), &[(place, had + batch.len())])?;
                self.append_to(place, batch)?;
            }
        }
        self.dispatcher.set_counts(counts);
        if last.is_empty() {
            return Ok(());
        }
        let lens: Vec<(usize, usize)> = lens.into_iter().enumerate().collect();
        self.make_room(last.len(), room, &lens)?;
        self.append(&last)?;
        if is_counted {
            self.dispatcher.set_counts(counts);
        }
        Ok(())
    }
}

impl OnDevice {
    /// An error where it failed and nothing else may compute.
    fn check(&self) -> Result<()> {
        let Some(reason) = &self.refused else { return Ok(()) };
        let text = format!("device: expected a pass, without a fallback, found: {reason}");
        Err(Error::new(ErrorKind::Device, text))
    }
}
