//! The backend: devices of the driver, whether a model fits, and a model opened on one of them.

use std::{
    cell::RefCell,
    path::PathBuf,
    rc::{Rc, Weak},
};

use super::{
    cache::Cache,
    driver::{self, Device},
    launch::Kernels,
    passes::Passes,
    probe,
    program::Program,
    self_test,
    weights::{self, DeviceWeights},
};
use crate::{
    Activations, KvFormat, Model, SessionOptions,
    device::{Backend, DeviceInfo, Executor, Fault, Gauges, Host, Limit, Reason, ReasonKind},
};

/// Bytes that are free on a device which is too small, on purpose.
const NEXT_TO_NOTHING: u64 = 1 << 16;

/// GPUs that CUDA's driver knows.
#[derive(Debug)]
pub struct Cuda {
    folder: Option<PathBuf>,
    fault: Option<Fault>,
    /// Devices in use, by number.
    units: RefCell<Vec<(usize, Rc<Unit>)>>,
    /// Weights that sessions have on them.
    weights: RefCell<Vec<Held>>,
}

/// A device with its kernels.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) device: Device,
    pub(super) kernels: Kernels,
}

/// Weights on a device, as long as a session uses them: the model of that session lives, so its bytes' address is its own.
#[derive(Debug)]
struct Held {
    idx: usize,
    bytes: *const [u8],
    weights: Weak<DeviceWeights>,
}

impl Cuda {
    /// Looks at nothing yet.
    #[must_use]
    pub fn new(host: &Host) -> Self {
        let (folder, fault) = (host.kernels_folder.clone(), host.fault);
        Self { folder, fault, units: RefCell::default(), weights: RefCell::default() }
    }

    /// The device, opened now or before.
    fn unit(&self, info: &DeviceInfo) -> Result<Rc<Unit>, Reason> {
        let idx = info.id.idx.unwrap_or(0);
        if let Some((_, unit)) = self.units.borrow().iter().find(|(known, _)| *known == idx) {
            return Ok(Rc::clone(unit));
        }
        let device = Device::open(idx)?;
        let program = Program::load(&device, &info.capability, self.folder.as_deref())?;
        let kernels = Kernels::load(&device, &program)?;
        let unit = Rc::new(Unit { device, kernels });
        self.units.borrow_mut().push((idx, Rc::clone(&unit)));
        Ok(unit)
    }

    /// The model's weights, which another session has there already or which are loaded now.
    fn weights(
        &self,
        info: &DeviceInfo,
        device: &Device,
        model: &Model,
    ) -> Result<(Rc<DeviceWeights>, u64), Reason> {
        let (idx, bytes) = (info.id.idx.unwrap_or(0), std::ptr::from_ref(model.bytes()));
        let mut held = self.weights.borrow_mut();
        held.retain(|held| held.weights.strong_count() > 0);
        let there = held.iter().find(|held| held.idx == idx && std::ptr::eq(held.bytes, bytes));
        if let Some(weights) = there.and_then(|held| held.weights.upgrade()) {
            return Ok((weights, 0));
        }
        let (free, _) = device.context.mem_get_info().map_err(driver::failed("memory"))?;
        let needed = DeviceWeights::n_bytes(model);
        if needed > free {
            return Err(Reason::new(
                ReasonKind::OutOfMemory,
                format!("CUDA: expected {needed} bytes free for the weights, found {free}"),
            ));
        }
        let weights = Rc::new(DeviceWeights::upload(device, model, self.fault)?);
        held.push(Held { idx, bytes, weights: Rc::downgrade(&weights) });
        let loaded = weights.n_bytes as u64;
        Ok((weights, loaded))
    }
}

impl Backend for Cuda {
    fn name(&self) -> &'static str {
        "cuda"
    }

    fn is_gpu(&self) -> bool {
        true
    }

    fn devices(&self) -> Result<Vec<DeviceInfo>, Reason> {
        let reason = |kind, text: &str| Err(Reason::new(kind, format!("CUDA: {text} (planted)")));
        match self.fault {
            Some(Fault::NoDriver) => reason(ReasonKind::DriverMissing, "no driver"),
            Some(Fault::NoCompiler) => reason(ReasonKind::DriverMissing, "no NVRTC"),
            Some(Fault::NoDevice) => reason(ReasonKind::NoDevice, "no device"),
            Some(Fault::TooSmall) => {
                let mut devices = driver::devices()?;
                devices.iter_mut().for_each(|device| device.free_bytes = Some(NEXT_TO_NOTHING));
                Ok(devices)
            }
            _ => driver::devices(),
        }
    }

    fn self_test(&self, info: &DeviceInfo) -> Result<(), Reason> {
        let unit = self.unit(info)?;
        self_test::run(&unit.device, &unit.kernels, self.fault)
    }

    fn open(
        &self,
        info: &DeviceInfo,
        model: &Model,
        options: &SessionOptions,
    ) -> Result<Box<dyn Executor>, Reason> {
        let refused = |text: String| Err(Reason::new(ReasonKind::Unsupported, text));
        if options.activations != Activations::Int8 {
            return refused("CUDA: expected int8 activations, found float ones".to_owned());
        }
        if options.kv != KvFormat::F32 {
            let name = options.kv.name();
            return refused(format!("CUDA: expected keys and values in f32, found {name}"));
        }
        if let Some(reason) = weights::unsupported(model) {
            return Err(reason);
        }
        let unit = self.unit(info)?;
        let (weights, loaded) = self.weights(info, &unit.device, model)?;
        let config = model.config();
        let n_ctx = options.n_ctx.unwrap_or(config.n_ctx);
        let factors = model.weights().rope_factors.as_deref();
        let cache = Cache::new(&unit.device, config, factors, n_ctx)?;
        Ok(Box::new(Passes::new(unit, weights, loaded, config, cache, self.fault)?))
    }

    fn limits(&self, info: &DeviceInfo, repeat: usize) -> Result<Vec<Limit>, Reason> {
        let unit = self.unit(info)?;
        probe::limits(&unit, repeat)
    }

    fn gauges(&self, info: &DeviceInfo) -> Result<Gauges, Reason> {
        let unit = self.unit(info)?;
        let clock_mhz = Some(probe::clock_mhz(&unit)?);
        Ok(Gauges { clock_mhz, peak_bytes: unit.device.peak_bytes() })
    }
}
