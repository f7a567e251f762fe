//! Several requests at once: one pass over the weights for all that are being answered, each joining and leaving by itself.

use std::{collections::VecDeque, ops::ControlFlow};

use super::{Generated, InferenceEngine, Logits, Request, Stop, Token, running::Running};
use crate::{Likely, Result, SequenceId, Session};

/// One of those being answered.
struct Seat<'r> {
    /// Which request.
    idx: usize,
    sequence: SequenceId,
    running: Running<'r>,
    /// The token to step on with.
    next: u32,
}

impl<'m> InferenceEngine<'m> {
    /// Answers all `requests`, at most `at_once` of them in one batch: the next one joins as soon as another has ended. Each
    /// answer is the one that [`InferenceEngine::generate`] gives alone. `each` gets every token with the number of its
    /// request; where it says to break, that answer ends.
    ///
    /// A prompt is read in one go when its request joins, and those that are being answered wait for it: their steps' times
    /// show it. Prefixes are not reused, and the sequence of [`InferenceEngine::generate`] stays as it is. Passes are shared,
    /// so that an answer's metrics have no counts of its own.
    ///
    /// Results come in the order of the requests, each an answer or why there is none, as of [`InferenceEngine::generate`]; a
    /// pass that fails ends all that were in it.
    pub fn generate_all<'r>(
        &mut self,
        requests: &'r [Request],
        at_once: usize,
        mut each: impl FnMut(usize, Token<'_>) -> ControlFlow<()>,
    ) -> Vec<Result<Generated>>
    where
        'm: 'r,
    {
        let mut answers: Vec<Option<Result<Generated>>> = requests.iter().map(|_| None).collect();
        let mut waiting: VecDeque<usize> = (0..requests.len()).collect();
        let mut seats: Vec<Seat<'r>> = Vec::new();
        while !(waiting.is_empty() && seats.is_empty()) {
            while seats.len() < at_once.max(1) {
                let Some(idx) = waiting.pop_front() else { break };
                match self.sit_down(idx, &requests[idx], &mut each) {
                    Ok((seat, None)) => seats.push(seat),
                    Ok((seat, Some(stop))) => answers[idx] = Some(self.stand_up(seat, stop)),
                    Err(error) => answers[idx] = Some(Err(error)),
                }
            }
            for (seat, end) in self.step_seats(&mut seats, &mut each) {
                let idx = seat.idx;
                answers[idx] = Some(match end {
                    Ok(stop) => self.stand_up(seat, stop),
                    Err(error) => self.session_mut().leave(seat.sequence).and(Err(error)),
                });
            }
        }
        answers.into_iter().flatten().collect()
    }

    /// Reads a prompt into a new sequence and chooses the first token.
    fn sit_down<'r>(
        &mut self,
        idx: usize,
        request: &'r Request,
        each: &mut impl FnMut(usize, Token<'_>) -> ControlFlow<()>,
    ) -> Result<(Seat<'r>, Option<Stop>)>
    where
        'm: 'r,
    {
        let running = self.start(request)?;
        let session = self.session_mut();
        let sequence = session.join();
        let mut seat = Seat { idx, sequence, running, next: 0 };
        let first = seat.first(session, each);
        if first.is_err() {
            session.leave(sequence)?;
        }
        Ok((seat, first?))
    }

    /// One pass for all; those that ended, with the reason.
    fn step_seats<'r>(
        &mut self,
        seats: &mut Vec<Seat<'r>>,
        each: &mut impl FnMut(usize, Token<'_>) -> ControlFlow<()>,
    ) -> Vec<(Seat<'r>, Result<Stop>)> {
        if seats.is_empty() {
            return Vec::new();
        }
        let session = self.session_mut();
        let rows: Vec<(SequenceId, u32)> =
            seats.iter().map(|seat| (seat.sequence, seat.next)).collect();
        // Where each looks at some of the likeliest, as many as the one that looks at most.
        let looks_at: Option<Vec<usize>> =
            seats.iter().map(|seat| seat.running.looks_at()).collect();
        let k = looks_at.and_then(|k| k.into_iter().max());
        let stepped = match k {
            Some(k) => session.step_all_likeliest(&rows, k).map(<[Likely]>::to_vec),
            None => session.step_all(&rows).map(|_| Vec::new()),
        };
        if let Err(error) = &stepped {
            let same = || crate::Error::new(error.kind(), error.to_string());
            return seats.drain(..).map(|seat| (seat, Err(same()))).collect();
        }
        let likeliest = stepped.unwrap_or_default();
        let n_found = if k.is_some() { likeliest.len() } else { session.logits().len() };
        let n_each = n_found / rows.len();
        let mut ended = Vec::new();
        let mut going = Vec::with_capacity(seats.len());
        for (row, mut seat) in seats.drain(..).enumerate() {
            let of_row = row * n_each..(row + 1) * n_each;
            let logits = match k {
                Some(_) => Logits::Likeliest(&likeliest[of_row]),
                None => Logits::All(&session.logits()[of_row]),
            };
            match seat.choose(session, logits, each) {
                Ok(None) => going.push(seat),
                Ok(Some(stop)) => ended.push((seat, Ok(stop))),
                Err(error) => ended.push((seat, Err(error))),
            }
        }
        *seats = going;
        ended
    }

    fn stand_up(&mut self, seat: Seat<'_>, stop: Stop) -> Result<Generated> {
        let session = self.session_mut();
        session.leave(seat.sequence)?;
        seat.running.finish(stop, Vec::new(), session.memory())
    }
}

impl Seat<'_> {
    fn first(
        &mut self,
        session: &mut Session<'_>,
        each: &mut impl FnMut(usize, Token<'_>) -> ControlFlow<()>,
    ) -> Result<Option<Stop>> {
        let sequence = self.sequence;
        let read = self.running.read(|running| {
            session.read(sequence, &running.prompt, || running.reason_to_end().is_none())
        })?;
        if read.is_some() {
            return Ok(read);
        }
        self.choose(session, Logits::All(session.logits()), each)
    }

    fn choose(
        &mut self,
        session: &Session<'_>,
        logits: Logits<'_>,
        each: &mut impl FnMut(usize, Token<'_>) -> ControlFlow<()>,
    ) -> Result<Option<Stop>> {
        let Self { idx, sequence, running, next } = self;
        let has_room = session.len_of(*sequence)? < session.n_ctx();
        let (id, stop) = running.choose(logits, has_room, &mut |token| each(*idx, token))?;
        *next = id;
        Ok(stop)
    }
}
