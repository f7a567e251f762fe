//! The seven products of one layer of a model, with the same dispatcher and the same counters as in the graph.

use crate::{Count, Model, Result, Session, SessionOptions};

/// One token through the seven linears of the first layer, at the model's shapes.
#[derive(Debug)]
pub struct LayerMatmul<'m> {
    session: Session<'m>,
}

impl<'m> LayerMatmul<'m> {
    /// Prepares the inputs: a fixed residual stream.
    ///
    /// # Errors
    /// As [`Session::new`].
    pub fn new(model: &'m Model, options: &SessionOptions) -> Result<Self> {
        let mut session = Session::new(model, options)?;
        session.prepare_layer();
        Ok(Self { session })
    }

    /// Runs the seven products once and returns the sum of the bits of their outputs: the same in every run.
    pub fn run(&mut self) -> u64 {
        self.session.run_layer()
    }

    /// What the dispatcher counted.
    #[must_use]
    pub fn counters(&self) -> Vec<Count> {
        self.session.counters()
    }

    /// Sets all counts to zero.
    pub fn reset_counters(&mut self) {
        self.session.reset_counters();
    }
}
