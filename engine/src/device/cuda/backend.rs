//! The backend: devices of the driver, whether a model fits, and a model opened on one of them.

use std::path::PathBuf;

use super::{
    cache::Cache,
    driver::{self, Device},
    launch::Kernels,
    passes::Passes,
    program::Program,
    self_test,
    weights::{self, DeviceWeights},
};
use crate::{
    Activations, KvFormat, Model, SessionOptions,
    device::{Backend, DeviceInfo, Executor, Host, Reason, ReasonKind},
};

/// GPUs that CUDA's driver knows.
#[derive(Clone, Debug)]
pub struct Cuda {
    folder: Option<PathBuf>,
}

impl Cuda {
    /// Looks at nothing yet.
    #[must_use]
    pub fn new(host: &Host) -> Self {
        Self { folder: host.kernels_folder.clone() }
    }

    fn kernels(&self, info: &DeviceInfo) -> Result<(Device, Kernels), Reason> {
        let device = Device::open(info.id.idx.unwrap_or(0))?;
        let program = Program::load(&device, &info.capability, self.folder.as_deref())?;
        let kernels = Kernels::load(&device, &program)?;
        Ok((device, kernels))
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
        driver::devices()
    }

    fn self_test(&self, info: &DeviceInfo) -> Result<(), Reason> {
        let (device, kernels) = self.kernels(info)?;
        self_test::run(&device, &kernels)
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
        let (device, kernels) = self.kernels(info)?;
        let (free, _) = device.context.mem_get_info().map_err(driver::failed("memory"))?;
        let needed = DeviceWeights::n_bytes(model);
        if needed > free {
            return Err(Reason::new(
                ReasonKind::OutOfMemory,
                format!("CUDA: expected {needed} bytes free for the weights, found {free}"),
            ));
        }
        let weights = DeviceWeights::upload(&device, model)?;
        let config = model.config();
        let n_ctx = options.n_ctx.unwrap_or(config.n_ctx);
        let cache = Cache::new(&device, config, model.weights().rope_factors.as_deref(), n_ctx)?;
        Ok(Box::new(Passes::new(device, kernels, weights, config, cache)?))
    }
}
