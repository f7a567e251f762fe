//! Sessions on the device that was chosen for a process, and what they cost there.
//!
//! In: a model, options, what was asked for. Out: sessions, on a GPU or on the CPU; of a GPU, what the record says about it. Whatever
//! fails on the GPU later, the engine goes on on the CPU, and it is kept here why.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use anyhow::{Context as _, Result};
use baselines::record::{DeviceUse, ProbeKind, ProbeWhen};
use engine::{
    DeviceManager, DeviceRequest, Model, Session, SessionOptions,
    device::{
        DeviceMemory, Executor, Gauges, Limit, LimitKind, Needs, Probe, Reason, Room, Row,
        Selected, Selection, Traffic,
    },
    kernels::Kernels,
    sample::Likely,
};

use super::device::{self, Asked, Size};

/// Where the sessions of a process run.
#[derive(Debug)]
pub(crate) struct Lane {
    manager: RefCell<DeviceManager>,
    selection: Selection,
    is_strict: bool,
    /// Keeps the model's weights on the GPU while sessions come and go; `None` where the CPU computes.
    weights: Option<Box<dyn Executor>>,
    before: Gauges,
    spent: Rc<Spent>,
}

/// What all sessions have cost so far.
#[derive(Debug, Default)]
struct Spent {
    traffic: Cell<Traffic>,
    /// The first reason why the CPU went on.
    lost: RefCell<Option<String>>,
}

impl Lane {
    /// The CPU, whatever else there is.
    pub(crate) fn cpu() -> Result<Self> {
        let kernels = Kernels::of(engine::Isa::best())?;
        let manager = device::manager(kernels);
        let selection = manager.select(DeviceRequest::Cpu, &Needs::default(), false)?;
        Ok(Self::of(manager, (None, selection), false))
    }

    /// Chooses for sequences of this size, and opens what is chosen.
    pub(crate) fn open(
        model: &Model,
        options: &SessionOptions,
        asked: Asked,
        size: Size,
    ) -> Result<Self> {
        let kernels = Kernels::of(options.isa)?;
        let needs = Needs::of(model, options, size.n_positions, size.n_sequences)?;
        let mut manager = device::manager(kernels);
        let with = (model, options);
        let selected = manager.executor(asked.device, &needs, asked.is_strict, with);
        let selected = selected.with_context(|| failed(asked.is_strict))?;
        Ok(Self::of(manager, selected, asked.is_strict))
    }

    fn of(manager: DeviceManager, (weights, selection): Selected, is_strict: bool) -> Self {
        // What the device does not say of itself is left out of the record.
        let before = manager.gauges(&selection.selected).unwrap_or_default();
        let (manager, spent) = (RefCell::new(manager), Rc::default());
        Self { manager, selection, is_strict, weights, before, spent }
    }

    /// What was chosen, and why.
    pub(crate) const fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Whether a GPU was chosen.
    pub(crate) const fn is_gpu(&self) -> bool {
        self.weights.is_some()
    }

    /// A session; on the CPU it computes with `kernels`.
    pub(crate) fn session<'m>(
        &self,
        model: &'m Model,
        options: &SessionOptions,
        kernels: Kernels,
    ) -> Result<Session<'m>> {
        if let Some(executor) = self.executor(model, options)? {
            return Ok(Session::on_device(model, options, executor, self.is_strict)?);
        }
        Session::with_kernels(model, options, kernels).context("failed to set up the engine")
    }

    /// Another executor on the device that was chosen; the CPU where that is lost meanwhile.
    fn executor(
        &self,
        model: &Model,
        options: &SessionOptions,
    ) -> Result<Option<Box<dyn Executor>>> {
        if !self.is_gpu() {
            return Ok(None);
        }
        let id = self.selection.selected.id;
        let request = DeviceRequest::Of { backend: id.backend, idx: id.idx };
        // Its size was checked when it was chosen, and the weights are there.
        let needs = Needs::default();
        let opened =
            self.manager.borrow_mut().executor(request, &needs, self.is_strict, (model, options));
        let (executor, selection) = opened.with_context(|| failed(self.is_strict))?;
        if let Some(fallback) = selection.fallback {
            self.spent.lose(&fallback.to_string());
        }
        let spent = Rc::clone(&self.spent);
        Ok(executor.map(|executor| -> Box<dyn Executor> { Box::new(Watched { executor, spent }) }))
    }

    /// Why the CPU went on in the GPU's place, if it did.
    pub(crate) fn lost(&self) -> Option<String> {
        self.spent.lost.borrow().clone()
    }

    /// What the record says of the GPU, now that the sessions are over; `None` where the CPU was chosen.
    pub(crate) fn usage(&self) -> Option<DeviceUse> {
        let weights = self.weights.as_ref()?;
        let device = &self.selection.selected;
        let after = self.manager.borrow().gauges(device).unwrap_or_default();
        let traffic = sum(self.spent.traffic.get(), weights.traffic());
        Some(DeviceUse {
            id: device.id.to_string(),
            name: device.name.clone(),
            capability: device.capability.clone(),
            driver: device.driver.clone(),
            total_bytes: device.total_bytes,
            peak_bytes: after.peak_bytes,
            clock_before_mhz: self.before.clock_mhz,
            clock_after_mhz: after.clock_mhz,
            launches: traffic.launches,
            graphs: traffic.graphs,
            to_device_bytes: traffic.to_device_bytes,
            to_host_bytes: traffic.to_host_bytes,
            lost: self.lost(),
        })
    }
}

/// Repetitions of each limit of a GPU; the best one counts.
const REPETITIONS: usize = 20;

/// What the GPU that would be chosen can reach, by its own clock; nothing where the CPU would be, or where it does not tell.
pub(crate) fn probes(asked: Asked, when: ProbeWhen) -> Result<Vec<baselines::record::Probe>> {
    if asked.device == DeviceRequest::Cpu {
        return Ok(Vec::new());
    }
    let manager = device::manager(Kernels::of(engine::Isa::best())?);
    let selection = manager.select(asked.device, &Needs::default(), false)?;
    let limits = manager.limits(&selection.selected, REPETITIONS).unwrap_or_default();
    let probe = |limit: Limit| baselines::record::Probe {
        kind: match limit.kind {
            LimitKind::Bandwidth => ProbeKind::DeviceBandwidth,
            LimitKind::CacheBandwidth => ProbeKind::DeviceCacheBandwidth,
            LimitKind::Int8Peak => ProbeKind::DeviceInt8Peak,
        },
        when,
        // None of the CPU's.
        threads: 0,
        work: limit.work,
        working_set_bytes: limit.working_set_bytes,
        #[expect(clippy::cast_precision_loss, reason = "a probe takes milliseconds")]
        samples_ns: limit.ns.into_iter().map(|ns| ns as f64).collect(),
    };
    Ok(limits.into_iter().map(probe).collect())
}

fn failed(is_strict: bool) -> String {
    let strict = if is_strict { " under `--strict-device`" } else { "" };
    format!("failed to choose the device{strict}")
}

const fn sum(a: Traffic, b: Traffic) -> Traffic {
    Traffic {
        launches: a.launches + b.launches,
        graphs: a.graphs + b.graphs,
        to_device_bytes: a.to_device_bytes + b.to_device_bytes,
        to_host_bytes: a.to_host_bytes + b.to_host_bytes,
    }
}

impl Spent {
    fn lose(&self, why: &str) {
        self.lost.borrow_mut().get_or_insert_with(|| why.to_owned());
    }
}

/// An executor whose work is added up, and whose first failure is kept.
#[derive(Debug)]
struct Watched {
    executor: Box<dyn Executor>,
    spent: Rc<Spent>,
}

impl Watched {
    fn kept<T>(&self, done: Result<T, Reason>) -> Result<T, Reason> {
        done.inspect_err(|reason| self.spent.lose(&reason.to_string()))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.spent.traffic.set(sum(self.spent.traffic.get(), self.executor.traffic()));
    }
}

impl Executor for Watched {
    fn reserve(&mut self, room: Room<'_>) -> Result<(), Reason> {
        let done = self.executor.reserve(room);
        self.kept(done)
    }

    fn append(&mut self, rows: &[Row]) -> Result<(), Reason> {
        let done = self.executor.append(rows);
        self.kept(done)
    }

    fn logits(&mut self, first: usize, n: usize, out: &mut [f32]) -> Result<(), Reason> {
        let done = self.executor.logits(first, n, out);
        self.kept(done)
    }

    fn likeliest(&mut self, n: usize, k: usize, out: &mut Vec<Likely>) -> Result<bool, Reason> {
        let done = self.executor.likeliest(n, k, out);
        self.kept(done)
    }

    fn most_likeliest(&self) -> usize {
        self.executor.most_likeliest()
    }

    fn join(&mut self) {
        self.executor.join();
    }

    fn leave(&mut self, place: usize) {
        self.executor.leave(place);
    }

    fn memory(&self) -> DeviceMemory {
        self.executor.memory()
    }

    fn traffic(&self) -> Traffic {
        self.executor.traffic()
    }

    fn probe(&mut self, repeat: usize) -> Result<Vec<Probe>, Reason> {
        self.executor.probe(repeat)
    }
}

#[cfg(test)]
mod tests {
    use engine::Isa;

    use super::*;

    #[test]
    fn a_fallback_is_a_selection_unless_it_is_strict() {
        let model = Model::builtin("stories").unwrap();
        let options = SessionOptions::default();
        // No machine has that many.
        let device = DeviceRequest::Of { backend: "cuda", idx: Some(4096) };
        let asked = Asked { device, is_strict: true };
        let size = Size { n_positions: 8, n_sequences: 1 };
        let error = format!("{:#}", Lane::open(&model, &options, asked, size).unwrap_err());
        assert!(error.contains("`--strict-device`") && error.contains("cuda"), "{error}");
        let asked = Asked { is_strict: false, ..asked };
        let lane = Lane::open(&model, &options, asked, size).unwrap();
        assert_eq!(lane.selection().selected.capability, Isa::best().name());
        assert!(!lane.is_gpu() && lane.usage().is_none());
        let kernels = Kernels::of(Isa::Scalar).unwrap();
        assert!(!lane.session(&model, &options, kernels).unwrap().is_on_device());
    }
}
