//! Spans: where the time of a pass goes, stretch by stretch of the graph. In: a clock, which the caller gives; without one
//! nothing is read and nothing is kept. Out: nanoseconds by [`Span`], and how often the clock was read for them.
//!
//! One reading ends a span and begins the next, so that spans leave no gaps between them: what is missing from the time of a
//! pass lies before its first span or behind its last one.

use crate::Clock;

/// One stretch of the graph; those of all layers are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Rows of the embedding.
    Embed,
    /// Norm before attention, and packing for the products with it.
    AttnNorm,
    /// Queries, keys and values.
    AttnQkv,
    /// Rotation of queries and keys; keys and values into the cache.
    Rope,
    /// Scores, softmax and the weighted sum of values.
    Attend,
    /// Norm behind attention, where there is one, and packing.
    AttnSubNorm,
    /// The product behind attention, added to the residual stream.
    AttnOutput,
    /// Norm before the feed-forward part, and packing.
    FfnNorm,
    /// Gate and up, and the activation function.
    FfnGateUp,
    /// Norm of gate times up, where there is one, and packing.
    FfnSubNorm,
    /// Down, added to the residual stream.
    FfnDown,
    /// The last norm.
    OutputNorm,
    /// The output matrix: all logits, or the likeliest tokens.
    Output,
}

impl Span {
    /// All of them, in the order of a pass.
    pub const ALL: [Self; 13] = [
        Self::Embed,
        Self::AttnNorm,
        Self::AttnQkv,
        Self::Rope,
        Self::Attend,
        Self::AttnSubNorm,
        Self::AttnOutput,
        Self::FfnNorm,
        Self::FfnGateUp,
        Self::FfnSubNorm,
        Self::FfnDown,
        Self::OutputNorm,
        Self::Output,
    ];

    /// `attn_qkv`, as records name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Embed => "embed",
            Self::AttnNorm => "attn_norm",
            Self::AttnQkv => "attn_qkv",
            Self::Rope => "rope",
            Self::Attend => "attend",
            Self::AttnSubNorm => "attn_sub_norm",
            Self::AttnOutput => "attn_output",
            Self::FfnNorm => "ffn_norm",
            Self::FfnGateUp => "ffn_gate_up",
            Self::FfnSubNorm => "ffn_sub_norm",
            Self::FfnDown => "ffn_down",
            Self::OutputNorm => "output_norm",
            Self::Output => "output",
        }
    }
}

/// What was stamped since it was last taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanTimes {
    ns: [u64; Span::ALL.len()],
    /// Readings of the clock.
    pub stamps: u64,
}

impl SpanTimes {
    /// Nanoseconds of one span, all layers and passes together.
    #[must_use]
    pub const fn ns(&self, span: Span) -> u64 {
        self.ns[span as usize]
    }
}

/// Stamps the spans of a session.
#[derive(Debug, Default)]
pub(super) struct Spans<'m> {
    clock: Option<&'m dyn Clock>,
    since_ns: u64,
    times: SpanTimes,
}

impl<'m> Spans<'m> {
    pub(super) fn on(clock: &'m dyn Clock) -> Self {
        Self { clock: Some(clock), ..Self::default() }
    }

    /// The next span begins here.
    #[inline]
    pub(super) fn begin(&mut self) {
        if let Some(clock) = self.clock {
            self.since_ns = clock.now_ns();
            self.times.stamps += 1;
        }
    }

    /// This span ends here, and the next begins.
    #[inline]
    pub(super) fn end(&mut self, span: Span) {
        if let Some(clock) = self.clock {
            let now_ns = clock.now_ns();
            self.times.ns[span as usize] += now_ns - self.since_ns;
            self.times.stamps += 1;
            self.since_ns = now_ns;
        }
    }

    pub(super) fn take(&mut self) -> SpanTimes {
        std::mem::take(&mut self.times)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::{Model, Session, SessionOptions};

    /// Each reading is one nanosecond after the one before.
    #[derive(Debug, Default)]
    struct Ticks(Cell<u64>);

    impl Clock for Ticks {
        fn now_ns(&self) -> u64 {
            self.0.set(self.0.get() + 1);
            self.0.get()
        }
    }

    #[test]
    fn the_list_is_in_the_order_of_the_enum_and_every_name_is_another() {
        let mut names = Vec::new();
        for (i, span) in Span::ALL.into_iter().enumerate() {
            assert_eq!(span as usize, i, "{span:?}");
            assert!(!names.contains(&span.name()), "{span:?}");
            names.push(span.name());
        }
    }

    /// On a clock that ticks with every reading each span takes one nanosecond a layer, and all spans one less than readings.
    #[test]
    fn every_span_of_every_layer_is_stamped_once_in_a_pass_and_none_without_a_clock() {
        let model = Model::builtin("stories").unwrap();
        let mut session = Session::new(&model, &SessionOptions::default()).unwrap();
        session.step(1).unwrap();
        assert_eq!(session.take_spans(), SpanTimes::default());

        let ticks = Ticks::default();
        session.time_spans(&ticks);
        check_pass(
            &model,
            &mut session,
            |session| {
                session.step(2).unwrap();
            },
            1,
        );
        check_pass(
            &model,
            &mut session,
            |session| {
                session.step_likeliest(3, 1).unwrap();
            },
            1,
        );
        // Two batches: the head looks at the last token of the last.
        let ids = vec![4; session.batch + 1];
        check_pass(
            &model,
            &mut session,
            |session| {
                session.prefill(&ids).unwrap();
            },
            2,
        );
        assert_eq!(session.take_spans(), SpanTimes::default(), "taken is taken");
    }

    #[test]
    fn a_step_packs_a_row_for_each_of_four_inputs_a_layer_and_all_logits_count_none() {
        let model = Model::builtin("stories").unwrap();
        let mut session = Session::new(&model, &SessionOptions::default()).unwrap();
        let per_step = 4 * model.config().n_layers as u64;
        session.step_likeliest(1, 1).unwrap();
        assert_eq!(session.packed_rows(), per_step, "the screened head packs nothing by itself");
        session.all_logits().unwrap();
        assert_eq!(session.packed_rows(), per_step, "not counted, as its products are not");
        session.prefill(&[2; 3]).unwrap();
        assert_eq!(session.packed_rows(), 4 * per_step);
        session.reset_counters();
        assert_eq!(session.packed_rows(), 0);
    }

    #[track_caller]
    fn check_pass<'m>(
        model: &Model,
        session: &mut Session<'m>,
        pass: impl FnOnce(&mut Session<'m>),
        n_passes: u64,
    ) {
        pass(session);
        let times = session.take_spans();
        let n_layers = model.config().n_layers as u64;
        for span in Span::ALL {
            let want = match span {
                Span::Embed => n_passes,
                Span::OutputNorm | Span::Output => 1,
                _ => n_layers * n_passes,
            };
            assert_eq!(times.ns(span), want, "{span:?}");
        }
        let all: u64 = Span::ALL.into_iter().map(|span| times.ns(span)).sum();
        // One reading begins each pass, and one the head.
        assert_eq!(times.stamps, all + n_passes + 1);
    }
}
