//! Keys and values on the device, in pages of positions, and the angles of all positions so far.

use cudarc::driver::{CudaSlice, DevicePtr as _};

use super::driver::{Device, failed};
use crate::{
    device::{Reason, ReasonKind},
    kernels::ATTENTION_CHUNK,
    model::Config,
    session::Angles,
};

/// Positions of a page: `PAGE` of `common.cuh`.
pub(super) const PAGE: usize = 64;

/// Sequences that there is room for at first.
const PLACES: usize = 16;

#[derive(Debug)]
pub(super) struct Cache {
    device: Device,
    page_len: usize,
    /// Pages of each sequence, by place.
    pages: Vec<Vec<CudaSlice<f32>>>,
    spare: Vec<CudaSlice<f32>>,
    /// `[places, table_len]`, here and there.
    table: Vec<u64>,
    tables: CudaSlice<u64>,
    table_len: usize,
    is_stale: bool,
    angles: Angles,
    half: usize,
    cos: CudaSlice<f32>,
    sin: CudaSlice<f32>,
    n_angles: usize,
}

impl Cache {
    pub(super) fn new(
        device: &Device,
        config: &Config,
        factors: Option<&[f32]>,
        n_ctx: usize,
    ) -> Result<Self, Reason> {
        let table_len = n_ctx.div_ceil(PAGE);
        let table = vec![0; PLACES * table_len];
        Ok(Self {
            page_len: 2 * config.n_layers * config.kv_width() * PAGE,
            pages: vec![Vec::new()],
            spare: Vec::new(),
            tables: device.alloc("page tables", table.len())?,
            table,
            table_len,
            is_stale: true,
            angles: Angles::new(config, factors),
            half: config.head_dim / 2,
            cos: device.alloc("angles", 0)?,
            sin: device.alloc("angles", 0)?,
            n_angles: 0,
            device: device.clone(),
        })
    }

    /// Has pages for sequences, by place, of these lengths, and their angles. True if an address changed that a graph may hold.
    pub(super) fn reserve(&mut self, lens: &[(usize, usize)]) -> Result<bool, Reason> {
        let mut moved = false;
        for (place, len) in lens {
            for _ in self.pages[*place].len()..len.div_ceil(PAGE) {
                let page = match self.spare.pop() {
                    Some(page) => page,
                    None => self.device.alloc("keys and values", self.page_len)?,
                };
                self.pages[*place].push(page);
                self.is_stale = true;
            }
        }
        if self.pages.len() * self.table_len > self.table.len() {
            self.table = vec![0; self.pages.len().next_power_of_two() * self.table_len];
            self.tables = self.device.alloc("page tables", self.table.len())?;
            (self.is_stale, moved) = (true, true);
        }
        if self.is_stale {
            for (place, pages) in self.pages.iter().enumerate() {
                let at = &mut self.table[place * self.table_len..][..pages.len()];
                for (at, page) in at.iter_mut().zip(pages) {
                    *at = page.device_ptr(&self.device.stream).0;
                }
            }
            let copied = self.device.stream.memcpy_htod(&self.table, &mut self.tables);
            copied.map_err(failed("page tables"))?;
            self.is_stale = false;
        }
        let longest = lens.iter().map(|(_, len)| *len).max().unwrap_or(0);
        if longest > self.n_angles {
            self.extend_angles(longest)?;
            moved = true;
        }
        Ok(moved)
    }

    fn extend_angles(&mut self, len: usize) -> Result<(), Reason> {
        // Twice as many each time, so that a long answer does not upload them for every page.
        let n = len.next_power_of_two().min(self.table_len * PAGE).max(len);
        let n = n.next_multiple_of(ATTENTION_CHUNK);
        self.angles
            .extend(n)
            .map_err(|error| Reason::new(ReasonKind::OutOfMemory, error.to_string()))?;
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        for position in 0..n {
            let (c, s) = self.angles.of(position);
            cos.extend_from_slice(c);
            sin.extend_from_slice(s);
        }
        let upload =
            |values: &[f32]| self.device.stream.clone_htod(values).map_err(failed("angles"));
        (self.cos, self.sin, self.n_angles) = (upload(&cos)?, upload(&sin)?, n);
        Ok(())
    }

    /// Addresses of cosines, sines and tables, and the length of one table.
    pub(super) fn addresses(&self) -> ([u64; 3], usize) {
        let stream = &self.device.stream;
        let at = [self.cos.device_ptr(stream).0, self.sin.device_ptr(stream).0];
        ([at[0], at[1], self.tables.device_ptr(stream).0], self.table_len)
    }

    pub(super) fn n_places(&self) -> usize {
        self.pages.len()
    }

    pub(super) fn join(&mut self) {
        self.pages.push(Vec::new());
    }

    pub(super) fn leave(&mut self, place: usize) {
        self.spare.extend(self.pages.swap_remove(place));
        self.is_stale = true;
    }

    pub(super) fn n_bytes(&self) -> usize {
        let pages = self.spare.len() + self.pages.iter().map(Vec::len).sum::<usize>();
        (pages * self.page_len + 2 * self.n_angles * self.half) * size_of::<f32>()
            + self.table.len() * size_of::<u64>()
    }
}
