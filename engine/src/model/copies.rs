//! Copies of what every token reads, in huge pages. The file stays mapped for all else.
//!
//! Of the layers' matrices there are two, each made when a session first needs it: in fewer bits, for steps of one token where
//! the instruction set has a product for them and all matrices have the form; and as they are, for all others. A prefill reads
//! them once for many tokens, wherever they lie. Of the output matrix there is one where it is multiplied as a whole (a screened
//! head reads a few rows of it).

use std::sync::OnceLock;

use super::{Layer, Linear, Weights};
use crate::{HugePages, Result, gguf::File, kernels::PackedKernel};

/// Rows that a thread packs before it sees to others.
const ROWS: usize = 256;

/// See the file's door.
#[derive(Debug)]
pub(super) struct Copies {
    layers: OnceLock<HugePages>,
    packed: OnceLock<HugePages>,
    output: OnceLock<HugePages>,
    /// Bytes of the first two once they are there; the second is 0 where the matrices can't be packed.
    layers_size: usize,
    packed_size: usize,
}

impl Copies {
    /// Notes in every matrix of the layers where its copies will start.
    pub(super) fn plan(weights: &mut Weights) -> Self {
        let all = weights.layers.iter_mut().flat_map(Layer::linears_mut);
        let mut linears: Vec<_> = all.collect();
        // As in the file, where neighbours in the graph mostly are neighbours, too.
        linears.sort_by_key(|linear| linear.range.start);
        let (starts, layers_size) =
            HugePages::places(linears.iter().map(|linear| linear.range.len()));
        let packed_lens: Option<Vec<_>> = linears.iter().map(|linear| packed_len(linear)).collect();
        let (packed_starts, packed_size) = HugePages::places(packed_lens.iter().flatten().copied());
        for (i, linear) in linears.into_iter().enumerate() {
            linear.copied = Some(starts[i]);
            linear.packed = packed_lens.as_ref().map(|lens| {
                let start = packed_starts[i];
                start..start + lens[i]
            });
        }
        let (layers, packed, output) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Self { layers, packed, output, layers_size, packed_size }
    }

    /// Makes the copy of the layers that `kernel` multiplies, or the one for all others, if nobody has.
    pub(super) fn copy_layers(
        &self,
        file: &File,
        weights: &Weights,
        kernel: Option<&PackedKernel>,
    ) -> Result<()> {
        let kernel = kernel.filter(|_| self.packed_size > 0);
        let copy = if kernel.is_some() { &self.packed } else { &self.layers };
        if copy.get().is_some() {
            return Ok(());
        }
        let mut linears: Vec<_> = weights.layers.iter().flat_map(Layer::linears).collect();
        linears.sort_by_key(|linear| linear.range.start);
        let bytes = |linear: &Linear| &file.bytes()[linear.range.clone()];
        let made = match kernel {
            Some(kernel) => {
                let parts = linears.iter().flat_map(|linear| {
                    let (cols, codes) = (linear.shape.cols, &bytes(linear)[..codes_len(linear)]);
                    let len = PackedKernel::row_len(cols).unwrap_or(0);
                    let rows = codes.chunks(ROWS * cols / 4);
                    rows.map(move |rows| (rows.len() / (cols / 4) * len, (rows, cols)))
                });
                let pack = |(rows, cols), out: &mut [u8]| (kernel.pack)(rows, cols, out);
                HugePages::filled(parts.collect(), n_threads(), pack)?
            }
            None => {
                let parts: Vec<&[u8]> = linears.iter().map(|linear| bytes(linear)).collect();
                HugePages::copy_of(&parts, n_threads())?
            }
        };
        linears.iter().for_each(|linear| file.release(linear.range.clone()));
        // Another session may have been faster.
        let _ = copy.set(made);
        Ok(())
    }

    /// Copies the output matrix as well, if nobody has.
    pub(super) fn copy_output(&self, bytes: &[u8]) -> Result<()> {
        if self.output.get().is_none() {
            let copy = HugePages::copy_of(&[bytes], n_threads())?;
            // Another session may have been faster.
            let _ = self.output.set(copy);
        }
        Ok(())
    }

    pub(super) fn layers(&self) -> Option<&[u8]> {
        self.layers.get().map(|layers| &layers[..])
    }

    pub(super) fn packed(&self) -> Option<&[u8]> {
        self.packed.get().map(|packed| &packed[..])
    }

    pub(super) fn output(&self) -> Option<&[u8]> {
        self.output.get().map(|output| &output[..])
    }

    pub(super) fn size(&self) -> usize {
        self.all().map(|copy| copy.len()).sum()
    }

    /// Bytes that sessions of one sequence or of several will add, with a kernel for packed matrices or without.
    pub(super) fn size_to_come(&self, is_packed: bool, for_several: bool) -> usize {
        let is_packed = is_packed && self.packed_size > 0;
        let packed = self.packed_size * usize::from(is_packed && self.packed.get().is_none());
        let needs_layers = for_several || !is_packed;
        packed + self.layers_size * usize::from(needs_layers && self.layers.get().is_none())
    }

    /// How many bytes lie in huge pages; `None` where the system does not say.
    pub(super) fn huge_size(&self) -> Option<usize> {
        self.all().map(HugePages::huge_size).sum()
    }

    fn all(&self) -> impl Iterator<Item = &HugePages> {
        [&self.layers, &self.packed, &self.output].into_iter().filter_map(OnceLock::get)
    }
}

/// Bytes of a matrix in fewer bits, if it has the form.
fn packed_len(linear: &Linear) -> Option<usize> {
    let row_len = PackedKernel::row_len(linear.shape.cols)?;
    (linear.format.name() == PackedKernel::FORMAT).then(|| linear.shape.rows * row_len)
}

fn codes_len(linear: &Linear) -> usize {
    linear.shape.rows * linear.shape.cols / 4
}

fn n_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Activations, Bytes, Head, Isa, Model, SequenceId, Session, SessionOptions,
        kernels::Kernels,
        synthetic::{SHAPES, Synthetic},
    };

    /// Its matrices can be packed; those of `stories` can't.
    fn tiny() -> Model {
        let shape = SHAPES.iter().find(|shape| shape.name == "tiny").unwrap();
        let mut bytes = Vec::new();
        Synthetic::new(shape, 42).unwrap().write(1, &mut bytes).unwrap();
        Model::from_bytes(Bytes::Owned(bytes)).unwrap()
    }

    /// Plans copies, however small the model is.
    fn planned(mut model: Model) -> Model {
        model.copies = Some(Copies::plan(&mut model.weights));
        model
    }

    fn options(isa: Isa, head: Head) -> SessionOptions {
        SessionOptions { isa, head, ..SessionOptions::default() }
    }

    /// Logits of steps of one token and of several, and the kernels that made them.
    fn run(model: &Model, options: &SessionOptions) -> (Vec<u32>, Vec<&'static str>) {
        let mut session = Session::new(model, options).unwrap();
        session.prefill(&[1, 5, 9]).unwrap();
        session.reset_counters();
        let likeliest = session.step_likeliest(7, 3).unwrap().to_vec();
        let mut bits: Vec<u32> = likeliest.iter().map(|likely| likely.logit.to_bits()).collect();
        let one = session.step(likeliest[0].id).unwrap();
        bits.extend(one.iter().map(|logit| logit.to_bits()));
        let kernels = session.counters().iter().map(|count| count.kernel).collect();
        let second = session.join();
        let both = session.step_all(&[(SequenceId::FIRST, 3), (second, 4)]).unwrap();
        bits.extend(both.iter().map(|logit| logit.to_bits()));
        (bits, kernels)
    }

    fn bytes_in_layers(model: &Model) -> usize {
        let linears = model.linears().into_iter().filter(|linear| !linear.once_per_sequence);
        linears.map(|linear| linear.n * linear.bytes).sum()
    }

    #[test]
    fn copies_change_no_bit_and_are_made_as_they_are_needed() {
        for isa in Isa::available() {
            for head in [Head::Screened, Head::Full] {
                let (plain, mut model) = (
                    Model::builtin("stories").unwrap(),
                    planned(Model::builtin("stories").unwrap()),
                );
                assert_eq!(model.copied_size(), 0);
                let options = options(isa, head);
                let to_come = options.memory_of(&model, 10, 2).unwrap().weights_heap;
                assert_eq!(run(&model, &options), run(&plain, &options), "{isa}, {}", head.name());
                let output = if head == Head::Full { plain.weights.output.range.len() } else { 0 };
                let layers = bytes_in_layers(&plain);
                let gaps = 64 * 7 * plain.config().n_layers;
                let size = model.copied_size();
                assert!((layers + output..layers + output + gaps).contains(&size), "{size}");
                assert_eq!(model.heap_size() - output, to_come, "was foretold");
                assert!(model.huge_size().is_none_or(|huge| huge <= size));
                // Nothing of it reads where the weights came from.
                let linears = model.weights.layers.iter_mut().flat_map(Layer::linears_mut);
                linears.for_each(|linear| linear.range = 0..linear.range.len());
                assert_eq!(run(&model, &options).0, run(&plain, &options).0);
            }
        }
    }

    /// Of a model whose matrices allow it, a step of one token reads the packed ones, and a step of several those of the file.
    #[test]
    fn packed_copies_change_no_bit_and_are_of_fewer_bytes() {
        let plain = tiny();
        for isa in Isa::available() {
            let kernels = Kernels::of(isa).unwrap();
            for activations in [Activations::Int8, Activations::Float] {
                let mut model = planned(tiny());
                let options = SessionOptions { activations, ..options(isa, Head::Screened) };
                let foretold = |n| options.memory_of(&model, 10, n).unwrap().weights_heap;
                let (for_one, for_several) = (foretold(1), foretold(2));
                let is_packed = kernels.packed.is_some() && activations == Activations::Int8;
                drop(Session::new(&model, &options).unwrap());
                assert_eq!(model.heap_size(), for_one, "was foretold");
                let (copied, layers) = (model.copied_size(), bytes_in_layers(&model));
                assert_eq!(copied < layers, is_packed, "{isa}: {copied} of {layers}");
                let (bits, names) = run(&model, &options);
                let (want, want_names) = run(&plain, &options);
                assert_eq!(bits, want, "{isa}");
                let packed = names.iter().filter(|name| name.contains("_packed")).count();
                assert_eq!(packed, if is_packed { 7 } else { 0 }, "{names:?}");
                assert!(is_packed || names == want_names, "{names:?}");
                assert_eq!(model.heap_size(), for_several, "two sequences need the others as well");
                let linears = model.weights.layers.iter_mut().flat_map(Layer::linears_mut);
                linears.for_each(|linear| linear.range = 0..linear.range.len());
                assert_eq!(run(&model, &options).0, want, "nothing reads the file's");
            }
        }
    }
}
