//! A synthetic model as a stream of bytes: threads draw blocks, one hashes them in order, and the caller's writes them.
//!
//! Every block has a stream of random numbers of its own, named by tensor, run and block: the bytes don't depend on the number
//! of threads, nor on which of them draws what. In memory are the head of the file (keys, vocabulary, directory) and a few blocks.

use std::{
    io::{self, Write},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use sha2::{Digest as _, Sha256};

use super::fill::Fill;
use super::tensors::{Tensor, tensors};
use super::{FORMAT_VERSION, Shape};
use crate::{Drawing, Result, gguf::Writer};

/// Bytes that are drawn together.
const BLOCK_SIZE: usize = 1 << 20;
/// Blocks that a thread may be ahead of the one who writes.
const AHEAD: usize = 2;
/// Tensors begin at multiples of this.
const ALIGNMENT: usize = 32;

/// A synthetic model, ready to be written.
#[derive(Debug)]
pub struct Synthetic {
    name: &'static str,
    seed: u64,
    pub(super) head: Vec<u8>,
    pub(super) tensors: Vec<Tensor>,
}

/// Bytes that one thread draws.
#[derive(Clone, Copy, Debug)]
struct Block<'a> {
    tensor: &'a str,
    run: usize,
    idx: usize,
    fill: Fill,
    size: usize,
}

impl Synthetic {
    /// The model of this shape and seed: its head is made, nothing is drawn yet.
    ///
    /// # Errors
    /// As [`Shape::check`].
    pub fn new(shape: &Shape, seed: u64) -> Result<Self> {
        shape.check()?;
        let tensors = tensors(shape);
        let mut writer = Writer::new();
        shape.keys(seed, &mut writer);
        shape.vocabulary.keys(shape, seed, &mut writer);
        for tensor in &tensors {
            writer.keep_tiles(tensor.format, tensor.shape);
            writer.announce(&tensor.name, &tensor.dims, tensor.format.id(), tensor.size());
        }
        Ok(Self { name: shape.name, seed, head: writer.preamble(), tensors })
    }

    /// Bytes of the file.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        let padded = |tensor: &Tensor| tensor.size().next_multiple_of(ALIGNMENT as u64);
        self.head.len() as u64 + self.tensors.iter().map(padded).sum::<u64>()
    }

    /// Writes the file to `out`, drawn by `threads` threads (at least one) beside the one that hashes and this one, which
    /// writes; returns its SHA-256.
    ///
    /// # Errors
    /// Those of `out`, which then has a part of the file.
    pub fn write(&self, threads: usize, out: &mut dyn Write) -> io::Result<[u8; 32]> {
        out.write_all(&self.head)?;
        let blocks: Vec<Block<'_>> = self.tensors.iter().flat_map(blocks).collect();
        let threads = threads.max(1);
        thread::scope(|scope| {
            let mut drawn = Vec::new();
            let mut hands = Vec::new();
            for first in 0..threads {
                let (to, from) = sync_channel(AHEAD);
                let (back, empty) = sync_channel(2 * AHEAD);
                let mine = blocks.iter().skip(first).step_by(threads);
                scope.spawn(move || self.draw_all(mine, &empty, &to));
                drawn.push(from);
                hands.push(back);
            }
            let (to, hashed) = sync_channel(AHEAD);
            let n_blocks = blocks.len();
            let hash = scope.spawn(move || self.hash_all(n_blocks, &drawn, &to));
            for i in 0..n_blocks {
                // Nobody sends any more only if one of the others has panicked; the scope raises it again.
                let Ok(bytes) = hashed.recv() else { break };
                out.write_all(&bytes)?;
                // A buffer that finds no place is one that nobody needs.
                let _ = hands[i % threads].try_send(bytes);
            }
            hash.join().map_err(|_| io::Error::other("a thread that draws or hashes has died"))
        })
    }

    /// Draws these blocks in order, into buffers that came back where there are any.
    fn draw_all<'b>(
        &self,
        blocks: impl Iterator<Item = &'b Block<'b>>,
        empty: &Receiver<Vec<u8>>,
        to: &SyncSender<Vec<u8>>,
    ) {
        for block in blocks {
            let bytes = self.draw(block, empty.try_recv().unwrap_or_default());
            // Nobody takes it if writing has failed.
            if to.send(bytes).is_err() {
                return;
            }
        }
    }

    /// Hashes the head and all blocks, which come from the threads by turns, and passes them on.
    fn hash_all(
        &self,
        n_blocks: usize,
        drawn: &[Receiver<Vec<u8>>],
        to: &SyncSender<Vec<u8>>,
    ) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(&self.head);
        for i in 0..n_blocks {
            let Ok(bytes) = drawn[i % drawn.len()].recv() else { break };
            hash.update(&bytes);
            if to.send(bytes).is_err() {
                break;
            }
        }
        hash.finalize().into()
    }

    fn draw(&self, block: &Block<'_>, mut bytes: Vec<u8>) -> Vec<u8> {
        let Block { tensor, run, idx, fill, size } = *block;
        let label = format!("synthetic:{}/{FORMAT_VERSION}/{tensor}/{run}/{idx}", self.name);
        bytes.resize(size, 0);
        fill.fill(&mut Drawing::new(self.seed, &label), &mut bytes);
        bytes
    }
}

/// The blocks of all runs of a tensor, and of the zeros up to the next one.
fn blocks(tensor: &Tensor) -> Vec<Block<'_>> {
    let size = usize::try_from(tensor.size()).expect("a tensor's size is one of this machine");
    let padding = size.next_multiple_of(ALIGNMENT) - size;
    let runs = tensor.runs.iter().map(|run| (run.fill, run.size));
    let mut all = Vec::new();
    for (run, (fill, size)) in runs.chain([(Fill::Zeros, padding)]).enumerate() {
        let starts = (0..size).step_by(BLOCK_SIZE).enumerate();
        all.extend(starts.map(|(idx, start)| Block {
            tensor: &tensor.name,
            run,
            idx,
            fill,
            size: BLOCK_SIZE.min(size - start),
        }));
    }
    all
}
