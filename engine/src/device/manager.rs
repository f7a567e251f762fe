//! The choice itself: GPUs that the request takes, one after the other, then the CPU.

use std::cell::RefCell;

use super::{
    BACKENDS, Backend, Considered, DeviceId, DeviceInfo, DeviceRequest, Executor, Fallback, Gauges,
    Host, Limit, Needs, Outcome, Reason, ReasonKind, Selection,
};
use crate::{Error, ErrorKind, Model, Result, Session, SessionOptions};

/// Chooses devices. What failed in use is kept in mind, so that the next choice is another; what passed its self-test is not tested again.
#[derive(Debug)]
pub struct DeviceManager {
    /// GPUs first.
    backends: Vec<Box<dyn Backend>>,
    failed: Vec<(DeviceId, Reason)>,
    passed: RefCell<Vec<DeviceId>>,
}

/// What computes the passes of a session, and why it does; the CPU where there is no executor.
pub type Selected = (Option<Box<dyn Executor>>, Selection);

impl DeviceManager {
    /// Over the backends of this build.
    #[must_use]
    pub fn new(host: &Host) -> Self {
        Self::with_backends(BACKENDS.iter().map(|backend| backend(host)).collect())
    }

    /// Over these backends: for a caller with a device layer of its own, and for tests.
    #[must_use]
    pub fn with_backends(mut backends: Vec<Box<dyn Backend>>) -> Self {
        backends.sort_by_key(|backend| !backend.is_gpu());
        Self { backends, failed: Vec::new(), passed: RefCell::default() }
    }

    /// Keeps a device that failed in use from being taken again.
    pub fn give_up(&mut self, device: DeviceId, reason: Reason) {
        self.failed.push((device, reason));
    }

    /// The first device that `request` takes, has room for `needs` and computes rightly.
    ///
    /// # Errors
    /// [`ErrorKind::Device`] if there is none, not even the CPU; and if `strict` and it is the CPU in place of a GPU.
    pub fn select(&self, request: DeviceRequest, needs: &Needs, strict: bool) -> Result<Selection> {
        let mut considered = Vec::new();
        let mut taken = None;
        for backend in &self.backends {
            if backend.is_gpu() && request.takes_gpu_of(backend.name()) {
                self.consider(backend.as_ref(), request.idx(), needs, &mut taken, &mut considered);
            }
        }
        if considered.is_empty() && request != DeviceRequest::Cpu {
            considered.push(no_backend(request));
        }
        let gpu = taken.is_some();
        for backend in self.backends.iter().filter(|backend| !backend.is_gpu()) {
            self.consider(backend.as_ref(), None, needs, &mut taken, &mut considered);
        }
        let Some(selected) = taken else {
            return Err(none(request, "a device that can run this", &considered, ""));
        };
        let fallback = if gpu { None } else { fallback(request, &considered) };
        if strict && fallback.is_some() {
            let way_out = "; mend it, or allow the fallback, or ask for `cpu`";
            return Err(none(request, "a GPU, without a fallback", &considered, way_out));
        }
        Ok(Selection { requested: request, selected, fallback, considered })
    }

    /// A session of `options` on the device that [`DeviceManager::select`] takes. Where that can't be opened the next one is, the CPU last.
    ///
    /// # Errors
    /// As [`DeviceManager::select`] and [`Session::new`].
    pub fn open<'m>(
        &mut self,
        request: DeviceRequest,
        needs: &Needs,
        strict: bool,
        (model, options): (&'m Model, &SessionOptions),
    ) -> Result<(Session<'m>, Selection)> {
        let (executor, selection) = self.executor(request, needs, strict, (model, options))?;
        let session = match executor {
            Some(executor) => Session::on_device(model, options, executor, strict)?,
            None => Session::new(model, options)?,
        };
        Ok((session, selection))
    }

    /// The same without the session: for a caller who looks at the device's work.
    ///
    /// # Errors
    /// As [`DeviceManager::select`].
    pub fn executor(
        &mut self,
        request: DeviceRequest,
        needs: &Needs,
        strict: bool,
        (model, options): (&Model, &SessionOptions),
    ) -> Result<Selected> {
        loop {
            let selection = self.select(request, needs, strict)?;
            let device = &selection.selected;
            let Some(backend) = self.gpu_backend(device.id) else {
                return Ok((None, selection));
            };
            match backend.open(device, model, options) {
                Ok(executor) => return Ok((Some(executor), selection)),
                Err(reason) => self.give_up(device.id, reason),
            }
        }
    }

    /// [`Backend::limits`] of a device that was selected; nothing of the CPU.
    ///
    /// # Errors
    /// What failed.
    pub fn limits(
        &self,
        device: &DeviceInfo,
        repeat: usize,
    ) -> std::result::Result<Vec<Limit>, Reason> {
        let backend = self.gpu_backend(device.id);
        backend.map_or_else(|| Ok(Vec::new()), |backend| backend.limits(device, repeat))
    }

    /// [`Backend::gauges`] of a device that was selected; nothing of the CPU.
    ///
    /// # Errors
    /// What failed.
    pub fn gauges(&self, device: &DeviceInfo) -> std::result::Result<Gauges, Reason> {
        let backend = self.gpu_backend(device.id);
        backend.map_or_else(|| Ok(Gauges::default()), |backend| backend.gauges(device))
    }

    fn gpu_backend(&self, id: DeviceId) -> Option<&dyn Backend> {
        let mut gpus = self
            .backends
            .iter()
            .map(AsRef::as_ref)
            .filter(|backend: &&dyn Backend| backend.is_gpu());
        gpus.find(|backend| backend.name() == id.backend)
    }

    /// Looks at the devices of one backend until one is taken.
    fn consider(
        &self,
        backend: &dyn Backend,
        idx: Option<usize>,
        needs: &Needs,
        taken: &mut Option<DeviceInfo>,
        considered: &mut Vec<Considered>,
    ) {
        let refused =
            |device, reason| Considered { device, info: None, outcome: Outcome::Refused(reason) };
        let devices = match backend.devices() {
            Ok(devices) => devices,
            Err(reason) => return considered.push(refused(backend.name().to_owned(), reason)),
        };
        let n_before = considered.len();
        for device in devices.iter().filter(|device| idx.is_none() || device.id.idx == idx) {
            let outcome = match taken {
                Some(_) => Outcome::PassedOver,
                None => match self.examine(backend, device, needs) {
                    Err(reason) => Outcome::Refused(reason),
                    Ok(()) => {
                        *taken = Some(device.clone());
                        Outcome::Taken
                    }
                },
            };
            let info = Some(device.clone());
            considered.push(Considered { device: device.id.to_string(), info, outcome });
        }
        if considered.len() == n_before {
            let wanted = idx.map_or_else(
                || backend.name().to_owned(),
                |_| DeviceId { backend: backend.name(), idx }.to_string(),
            );
            considered.push(refused(wanted, no_device(&devices)));
        }
    }

    /// Memory, then what it computes.
    fn examine(
        &self,
        backend: &dyn Backend,
        device: &DeviceInfo,
        needs: &Needs,
    ) -> Result<(), Reason> {
        if let Some((_, reason)) = self.failed.iter().find(|(id, _)| *id == device.id) {
            return Err(reason.clone());
        }
        let needed = backend.bytes_needed(needs);
        if let Some(free) = device.free_bytes.filter(|free| *free < needed) {
            let text = format!("out of memory: expected {needed} bytes, found {free} free");
            return Err(Reason::new(ReasonKind::OutOfMemory, text));
        }
        if self.passed.borrow().contains(&device.id) {
            return Ok(());
        }
        backend.self_test(device)?;
        self.passed.borrow_mut().push(device.id);
        Ok(())
    }
}

/// Why the CPU runs in place of a GPU, if that is what happened.
fn fallback(request: DeviceRequest, considered: &[Considered]) -> Option<Fallback> {
    let refused = || considered.iter().filter_map(|one| Some((&one.device, one.refusal()?)));
    let (_, first) = match request {
        DeviceRequest::Cpu => return None,
        // A machine without a GPU is no machine with a fault.
        DeviceRequest::Auto => refused().find(|(_, reason)| reason.kind.is_fault())?,
        DeviceRequest::Gpu | DeviceRequest::Of { .. } => refused().next()?,
    };
    let text = |(device, Reason { kind, text }): (&String, &Reason)| match kind {
        ReasonKind::NoBackend => text.clone(),
        _ => format!("{device}: {text}"),
    };
    let texts: Vec<String> = refused().map(text).collect();
    Some(Fallback { kind: first.kind, reason: texts.join("; ") })
}

fn no_backend(request: DeviceRequest) -> Considered {
    let (device, text) = match request {
        DeviceRequest::Of { backend, .. } => {
            (request.to_string(), format!("this build has no {backend} backend"))
        }
        _ => ("gpu".to_owned(), "this build has no GPU backend".to_owned()),
    };
    let reason = Reason::new(ReasonKind::NoBackend, text);
    Considered { device, info: None, outcome: Outcome::Refused(reason) }
}

fn no_device(devices: &[DeviceInfo]) -> Reason {
    let there: Vec<String> = devices.iter().map(|device| device.id.to_string()).collect();
    let text = match there.as_slice() {
        [] => "there is no device".to_owned(),
        there => format!("there is no such device; there are: {}", there.join(", ")),
    };
    Reason::new(ReasonKind::NoDevice, text)
}

fn none(request: DeviceRequest, expected: &str, considered: &[Considered], way_out: &str) -> Error {
    let found: Vec<String> = considered.iter().map(ToString::to_string).collect();
    let found = found.join("; ");
    Error::new(
        ErrorKind::Device,
        format!("device `{request}`: expected {expected}, found: {found}{way_out}"),
    )
}
