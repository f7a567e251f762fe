//! One line for each exact metric: how many places, and what became of them. In: judged places. Out: [`Summary`].

use super::{Exact, State};

/// The places of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary<'a> {
    /// Name of the metric.
    pub metric: &'static str,
    /// Its places.
    pub places: &'a [Exact],
}

/// A summary for each metric, in the order given.
#[must_use]
pub fn summaries(exact: &[Exact]) -> Vec<Summary<'_>> {
    let of_metric = |places: &'_ [Exact]| places.first().map(|first| first.metric);
    exact
        .chunk_by(|a, b| a.metric == b.metric)
        .filter_map(|places| Some(Summary { metric: of_metric(places)?, places }))
        .collect()
}

impl Summary<'_> {
    /// How many places are in `state`.
    #[must_use]
    pub fn count(&self, state: State) -> usize {
        self.places.iter().filter(|place| place.state == state).count()
    }

    /// Places that are not the same in both arms, each with its sentence.
    pub fn changed(&self) -> impl Iterator<Item = &Exact> {
        self.places.iter().filter(|place| place.state != State::Same)
    }

    /// Whether it neither fails nor leaves a hole.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.places.iter().any(|place| place.state == State::Broken || place.is_hole())
    }

    /// In one line: the sentence of a single place, else the counts.
    #[must_use]
    pub fn text(&self) -> String {
        if let [only] = self.places {
            return only.text.clone();
        }
        let counts =
            [State::Same, State::Less, State::Allowed, State::Broken, State::NotComparable]
                .map(|state| (self.count(state), state.name()));
        let said: Vec<String> =
            counts.iter().filter(|(n, _)| *n > 0).map(|(n, name)| format!("{n} {name}")).collect();
        format!("{}: {} places: {}", self.metric, self.places.len(), said.join(", "))
    }
}
