//! Copies of what every token reads, in huge pages: the matrices of the layers at once, the output matrix only where it is
//! multiplied as a whole (a screened head reads a few rows of it). The file stays mapped for all else.

use std::sync::OnceLock;

use super::Weights;
use crate::{HugePages, Result, gguf::File};

/// See the file's door.
#[derive(Debug)]
pub(super) struct Copies {
    layers: HugePages,
    output: OnceLock<HugePages>,
}

impl Copies {
    /// Copies the matrices of all layers, and notes in each where its copy starts.
    pub(super) fn of_layers(file: &File, weights: &mut Weights) -> Result<Self> {
        let all = weights.layers.iter_mut().flat_map(super::Layer::linears_mut);
        let mut linears: Vec<_> = all.collect();
        // As in the file, where neighbours in the graph mostly are neighbours, too.
        linears.sort_by_key(|linear| linear.range.start);
        let parts: Vec<&[u8]> =
            linears.iter().map(|linear| &file.bytes()[linear.range.clone()]).collect();
        let (layers, starts) = HugePages::copy_of(&parts, n_threads())?;
        for (linear, start) in linears.into_iter().zip(starts) {
            file.release(linear.range.clone());
            linear.copied = Some(start);
        }
        Ok(Self { layers, output: OnceLock::new() })
    }

    /// Copies the output matrix as well, if nobody has.
    pub(super) fn copy_output(&self, bytes: &[u8]) -> Result<()> {
        if self.output.get().is_none() {
            let (copy, _) = HugePages::copy_of(&[bytes], n_threads())?;
            // Another session may have been faster.
            let _ = self.output.set(copy);
        }
        Ok(())
    }

    pub(super) fn layers(&self) -> &[u8] {
        &self.layers
    }

    pub(super) fn output(&self) -> Option<&[u8]> {
        self.output.get().map(|output| &output[..])
    }

    pub(super) fn size(&self) -> usize {
        self.all().map(|copy| copy.len()).sum()
    }

    /// How many bytes lie in huge pages; `None` where the system does not say.
    pub(super) fn huge_size(&self) -> Option<usize> {
        self.all().map(HugePages::huge_size).sum()
    }

    fn all(&self) -> impl Iterator<Item = &HugePages> {
        [&self.layers].into_iter().chain(self.output.get())
    }
}

fn n_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Head, Model, Session, SessionOptions};

    fn logits(model: &Model, head: Head) -> Vec<u32> {
        let mut session =
            Session::new(model, &SessionOptions { head, ..SessionOptions::default() }).unwrap();
        session.prefill(&[1, 5, 9]).unwrap();
        let likeliest = session.step_likeliest(7, 3).unwrap().to_vec();
        let all = session.step(likeliest[0].id).unwrap().iter().map(|logit| logit.to_bits());
        all.chain(likeliest.iter().map(|likely| likely.logit.to_bits())).collect()
    }

    #[test]
    fn copies_change_no_bit_and_are_made_as_they_are_needed() {
        let plain = Model::builtin("stories").unwrap();
        let mut model = Model::builtin("stories").unwrap();
        let layers = Copies::of_layers(&model.file, &mut model.weights).unwrap();
        model.copies = Some(layers);
        let size = |model: &Model| model.copied_size();
        let linears = plain.linears().into_iter().filter(|linear| !linear.once_per_sequence);
        let in_layers = linears.map(|linear| linear.n * linear.bytes);
        let (in_layers, output) = (in_layers.sum::<usize>(), plain.weights.output.range.len());
        let gaps = 64 * 7 * plain.config().n_layers;
        assert!((in_layers..in_layers + gaps).contains(&size(&model)), "{}", size(&model));
        for head in [Head::Screened, Head::Full, Head::Screened] {
            assert_eq!(logits(&model, head), logits(&plain, head), "{}", head.name());
        }
        assert!(size(&model) >= in_layers + output, "the full head made a copy of the output");
        assert!(model.huge_size().is_none_or(|huge| huge <= size(&model)));
        // Nothing of it reads where the weights came from.
        for linear in model.weights.layers.iter_mut().flat_map(super::super::Layer::linears_mut) {
            linear.range = 0..linear.range.len();
        }
        assert_eq!(logits(&model, Head::Full), logits(&plain, Head::Full));
    }
}
