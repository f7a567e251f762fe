//! A GPU that is none: a CPU session behind the seam of [`Executor`], which fails where it is told to. For tests of this crate and of its
//! siblings; never on in a shipped program.

#![expect(clippy::unwrap_used, reason = "tests: what a session of the CPU can't do ends them")]

use std::{
    cell::{Cell, RefCell},
    fmt,
    hint::black_box,
    rc::Rc,
    time::Instant,
};

use crate::{
    Isa, Likely, Model, Pool, SequenceId, Session, SessionOptions,
    device::{
        Backend, DeviceId, DeviceInfo, DeviceMemory, Executor, Fault, Gauges, Host, Limit,
        LimitKind, Reason, ReasonKind, Room, Row, Traffic,
    },
    probe,
};

/// What one call of an executor is, asked before it is carried out: why it fails, if it does.
pub type Fails = Box<dyn FnMut(&'static str) -> Option<Reason>>;

/// An executor that computes what the CPU does.
pub struct SimulatedExecutor {
    session: Session<'static>,
    sequences: Vec<SequenceId>,
    /// Logits of all rows of the last pass.
    logits: Vec<f32>,
    n_vocab: usize,
    memory: DeviceMemory,
    traffic: Traffic,
    fails: Fails,
}

impl fmt::Debug for SimulatedExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedExecutor").finish_non_exhaustive()
    }
}

impl SimulatedExecutor {
    /// Of this model; `fails` is asked at each call.
    ///
    /// # Panics
    /// If the CPU can't open the session either.
    #[must_use]
    pub fn new(model: &'static Model, options: &SessionOptions, fails: Fails) -> Self {
        let weights = model.bytes().len() as u64;
        Self {
            session: Session::new(model, options).unwrap(),
            sequences: vec![SequenceId::FIRST],
            logits: Vec::new(),
            n_vocab: model.config().n_vocab,
            memory: DeviceMemory { weights, ..DeviceMemory::default() },
            traffic: Traffic::default(),
            fails,
        }
    }

    fn call(&mut self, what: &'static str) -> Result<(), Reason> {
        (self.fails)(what).map_or(Ok(()), Err)
    }
}

impl Executor for SimulatedExecutor {
    fn reserve(&mut self, _: Room<'_>) -> Result<(), Reason> {
        self.call("reserve")
    }

    fn append(&mut self, rows: &[Row]) -> Result<(), Reason> {
        self.call("append")?;
        let mut steps = Vec::new();
        for row in rows {
            let sequence = self.sequences[row.place];
            if !steps.iter().any(|(known, _)| *known == sequence) {
                self.session.rewind_of(sequence, row.position).unwrap();
            }
            steps.push((sequence, row.token));
        }
        self.logits = self.session.step_all(&steps).unwrap().to_vec();
        self.traffic.launches += 1;
        self.traffic.to_device_bytes += size_of_val(rows) as u64;
        Ok(())
    }

    fn logits(&mut self, first: usize, n: usize, out: &mut [f32]) -> Result<(), Reason> {
        self.call("logits")?;
        out.copy_from_slice(&self.logits[first * self.n_vocab..][..n * self.n_vocab]);
        self.traffic.to_host_bytes += size_of_val(out) as u64;
        Ok(())
    }

    fn likeliest(&mut self, n: usize, k: usize, out: &mut Vec<Likely>) -> Result<bool, Reason> {
        self.call("likeliest")?;
        out.clear();
        for row in self.logits.chunks_exact(self.n_vocab).take(n) {
            let mut all: Vec<Likely> =
                (0..).zip(row).map(|(id, logit)| Likely { id, logit: *logit }).collect();
            all.sort_by(|a, b| b.logit.total_cmp(&a.logit).then(a.id.cmp(&b.id)));
            out.extend(&all[..k]);
        }
        self.traffic.to_host_bytes += size_of_val(&out[..]) as u64;
        Ok(true)
    }

    fn most_likeliest(&self) -> usize {
        8
    }

    fn join(&mut self) {
        self.sequences.push(self.session.join());
    }

    fn leave(&mut self, place: usize) {
        self.session.leave(self.sequences.swap_remove(place)).unwrap();
    }

    fn memory(&self) -> DeviceMemory {
        self.memory
    }

    fn traffic(&self) -> Traffic {
        self.traffic
    }
}

/// A model that sessions were opened of: its bytes' address, and a copy that outlives it.
type Copied = (*const [u8], &'static Model);

/// A GPU's backend whose only device computes as the CPU does, with the faults of [`Fault`].
#[derive(Debug)]
pub struct SimulatedGpu {
    fault: Option<Fault>,
    models: RefCell<Vec<Copied>>,
    peak_bytes: Cell<u64>,
}

impl SimulatedGpu {
    /// With the fault of this host.
    #[must_use]
    pub fn new(host: &Host) -> Self {
        Self { fault: host.fault, models: RefCell::default(), peak_bytes: Cell::new(0) }
    }

    /// A copy for the rest of the process, and whether it was made now.
    fn copy_of(&self, model: &Model) -> (&'static Model, bool) {
        let bytes = std::ptr::from_ref(model.bytes());
        let mut models = self.models.borrow_mut();
        if let Some((_, copy)) = models.iter().find(|(known, _)| std::ptr::eq(*known, bytes)) {
            return (copy, false);
        }
        let copy = Model::from_bytes(model.bytes().to_vec().into()).unwrap();
        let copy: &'static Model = Box::leak(Box::new(copy));
        models.push((bytes, copy));
        (copy, true)
    }
}

fn planted(kind: ReasonKind, text: &str) -> Reason {
    Reason::new(kind, format!("simulated: {text}"))
}

impl Backend for SimulatedGpu {
    fn name(&self) -> &'static str {
        "cuda"
    }

    fn is_gpu(&self) -> bool {
        true
    }

    fn devices(&self) -> Result<Vec<DeviceInfo>, Reason> {
        match self.fault {
            Some(Fault::NoDriver) => Err(planted(ReasonKind::DriverMissing, "no driver")),
            Some(Fault::NoCompiler) => Err(planted(ReasonKind::DriverMissing, "no NVRTC")),
            Some(Fault::NoDevice) => Err(planted(ReasonKind::NoDevice, "no device")),
            fault => Ok(vec![DeviceInfo {
                id: DeviceId { backend: self.name(), idx: Some(0) },
                name: "Simulated GPU".to_owned(),
                total_bytes: Some(1 << 33),
                free_bytes: Some(if fault == Some(Fault::TooSmall) { 1 << 16 } else { 1 << 33 }),
                capability: "cpu".to_owned(),
                driver: None,
            }]),
        }
    }

    fn self_test(&self, _: &DeviceInfo) -> Result<(), Reason> {
        match self.fault {
            Some(Fault::SelfTest) => {
                let text = "self-test: row 0, token 0: expected 1, found NaN";
                Err(planted(ReasonKind::SelfTestFailed, text))
            }
            _ => Ok(()),
        }
    }

    fn open(
        &self,
        _: &DeviceInfo,
        model: &Model,
        options: &SessionOptions,
    ) -> Result<Box<dyn Executor>, Reason> {
        if let Some(Fault::OutOfMemoryAtLayer(layer)) = self.fault {
            let text = format!("weights of layer {layer}: out of memory");
            return Err(planted(ReasonKind::OutOfMemory, &text));
        }
        let (copy, is_new) = self.copy_of(model);
        let fault = self.fault;
        let (mut pass, is_lost) = (0, Rc::new(Cell::new(false)));
        let fails = move |what: &'static str| {
            if is_lost.get() {
                return Some(planted(ReasonKind::DeviceFailed, "the device is lost"));
            }
            if what != "append" {
                return None;
            }
            pass += 1;
            let at = pass - 1;
            match fault {
                Some(Fault::OutOfMemoryAtPass(pass)) if pass == at => {
                    Some(planted(ReasonKind::OutOfMemory, "activations: out of memory"))
                }
                Some(Fault::KernelAtPass(pass)) if pass == at => {
                    Some(planted(ReasonKind::DeviceFailed, "a kernel could not be launched"))
                }
                Some(Fault::LostAtPass(pass)) if pass == at => {
                    is_lost.set(true);
                    Some(planted(ReasonKind::DeviceFailed, "the device is lost"))
                }
                _ => None,
            }
        };
        let mut executor = SimulatedExecutor::new(copy, options, Box::new(fails));
        if is_new {
            executor.traffic.to_device_bytes = executor.memory.weights;
            self.peak_bytes.set(self.peak_bytes.get() + executor.memory.weights);
        }
        Ok(Box::new(executor))
    }

    /// Those of one of the CPU's threads.
    fn limits(&self, _: &DeviceInfo, repeat: usize) -> Result<Vec<Limit>, Reason> {
        let pool = Pool::new(1);
        let (mut from, mut to) = (vec![1_u8; 32 << 20], vec![0_u8; 32 << 20]);
        let small = vec![1_u8; 64 << 10];
        let isa = Isa::best();
        let limit = |kind, work, working_set_bytes, ns| Limit { kind, work, working_set_bytes, ns };
        let copied = times(repeat, || {
            to.copy_from_slice(black_box(&from));
            std::mem::swap(&mut from, &mut to);
        });
        let read = times(repeat, || drop(black_box(probe::read(&pool, isa, &small, 1000))));
        let mut macs = 0;
        let multiplied = times(repeat, || macs = probe::int8_peak(&pool, isa, 50_000).unwrap().0);
        Ok(vec![
            limit(LimitKind::Bandwidth, 64 << 20, 64 << 20, copied),
            limit(LimitKind::CacheBandwidth, 64_000 << 10, 64 << 10, read),
            limit(LimitKind::Int8Peak, macs, 0, multiplied),
        ])
    }

    fn gauges(&self, _: &DeviceInfo) -> Result<Gauges, Reason> {
        Ok(Gauges { clock_mhz: None, peak_bytes: Some(self.peak_bytes.get()) })
    }
}

/// By its own clock, as a device has one.
#[expect(clippy::disallowed_methods, reason = "the clock of a device that is none")]
fn times(repeat: usize, mut work: impl FnMut()) -> Vec<u64> {
    let once = |_| {
        let start = Instant::now();
        work();
        u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    };
    (0..repeat).map(once).collect()
}
