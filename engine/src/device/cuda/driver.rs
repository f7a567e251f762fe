//! The driver: whether it is there, what its errors mean, one device with its stream.

#![expect(unsafe_code, reason = "calls into the driver: each states what it relies on")]

use std::{ops::Range, ptr::NonNull, sync::Arc};

use cudarc::driver::{CudaContext, CudaSlice, CudaStream, DriverError, result, sys};

use crate::device::{DeviceId, DeviceInfo, Reason, ReasonKind};

/// The oldest driver whose functions are called.
const DRIVER_MIN: i32 = 12_000;

/// Devices of the driver, as it orders them.
pub(super) fn devices() -> Result<Vec<DeviceInfo>, Reason> {
    check_present()?;
    let failed = |error: DriverError| reason(ReasonKind::EnumerationFailed, "devices", error);
    let n = match CudaContext::device_count() {
        Ok(n) => n,
        Err(DriverError(sys::CUresult::CUDA_ERROR_NO_DEVICE)) => 0,
        Err(error) => return Err(failed(error)),
    };
    if n == 0 {
        return Err(Reason::new(ReasonKind::NoDevice, "CUDA: the driver has no device"));
    }
    (0..n).map(|idx| info(idx).map_err(failed)).collect()
}

fn info(idx: i32) -> Result<DeviceInfo, DriverError> {
    let device = result::device::get(idx)?;
    let name = result::device::get_name(device)?;
    let context = CudaContext::new(usize::try_from(idx).unwrap_or(0))?;
    let (major, minor) = context.compute_capability()?;
    let (free, total) = context.mem_get_info()?;
    Ok(DeviceInfo {
        id: DeviceId { backend: "cuda", idx: usize::try_from(idx).ok() },
        name,
        total_bytes: Some(total as u64),
        free_bytes: Some(free as u64),
        capability: format!("sm_{major}{minor}"),
        driver: Some(format!("CUDA {}", shown(driver_version()?))),
    })
}

/// Whether driver and compiler can be loaded.
fn check_present() -> Result<(), Reason> {
    // SAFETY: opens a library of the system's and closes it again; it has no initialiser that touches this program.
    let driver = unsafe { sys::is_culib_present() };
    // SAFETY: likewise.
    let nvrtc = unsafe { cudarc::nvrtc::sys::is_culib_present() };
    let missing = |text: &str| Err(Reason::new(ReasonKind::DriverMissing, text));
    if !driver {
        return missing("CUDA: libcuda.so was not found: the NVIDIA driver is not installed");
    }
    if !nvrtc {
        return missing(
            "CUDA: libnvrtc.so was not found: install CUDA's runtime compiler, or name its folder in LD_LIBRARY_PATH",
        );
    }
    let version = driver_version()
        .map_err(|error| reason(ReasonKind::EnumerationFailed, "driver version", error))?;
    if version < DRIVER_MIN {
        return missing(&format!(
            "CUDA: expected a driver for CUDA {} or newer, found one for {}",
            shown(DRIVER_MIN),
            shown(version)
        ));
    }
    Ok(())
}

/// As the driver counts: 12040 is 12.4.
pub(super) fn driver_version() -> Result<i32, DriverError> {
    let mut version = 0;
    // SAFETY: writes one int to the address it is given.
    unsafe { sys::cuDriverGetVersion(&raw mut version) }.result()?;
    Ok(version)
}

fn shown(version: i32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}

/// A driver's error as a reason: `kind`, but for memory, which has its own.
pub(super) fn reason(kind: ReasonKind, what: &str, error: DriverError) -> Reason {
    let kind = match error.0 {
        sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY => ReasonKind::OutOfMemory,
        _ => kind,
    };
    Reason::new(kind, format!("CUDA: {what}: {error}"))
}

/// A failure in use.
pub(super) fn failed(what: &str) -> impl Fn(DriverError) -> Reason + '_ {
    move |error| reason(ReasonKind::DeviceFailed, what, error)
}

/// One device in use, with the only stream that work is given to.
#[derive(Clone, Debug)]
pub(super) struct Device {
    pub(super) context: Arc<CudaContext>,
    pub(super) stream: Arc<CudaStream>,
}

impl Device {
    pub(super) fn open(idx: usize) -> Result<Self, Reason> {
        let open = || -> Result<Self, DriverError> {
            let context = CudaContext::new(idx)?;
            // SAFETY: one stream has all the work, in order, so no buffer needs events of its own; a captured graph could not have
            // them either.
            unsafe { context.disable_event_tracking() };
            let stream = context.new_stream()?;
            Ok(Self { context, stream })
        };
        open().map_err(failed("device"))
    }

    /// Memory without content: whoever reads it has written it before.
    pub(super) fn alloc<T: cudarc::driver::DeviceRepr>(
        &self,
        what: &str,
        len: usize,
    ) -> Result<CudaSlice<T>, Reason> {
        // SAFETY: plain numbers, for which any bits are a value; who reads them has had a kernel or a copy write them before.
        unsafe { self.stream.alloc(len.max(1)) }
            .map_err(failed(&format!("{what}, {} bytes", len * size_of::<T>())))
    }

    /// Asks for more than any device has: its own error of being out of memory.
    pub(super) fn exhaust(&self, what: &str) -> Result<(), Reason> {
        self.alloc::<u8>(what, 1 << 46).map(drop)
    }

    /// The most bytes that were allocated at once, as the driver's own pool counts them; `None` where it has none.
    pub(super) fn peak_bytes(&self) -> Option<u64> {
        let mut pool = std::ptr::null_mut();
        // SAFETY: writes one handle to the address it is given.
        unsafe { sys::cuDeviceGetDefaultMemPool(&raw mut pool, self.context.cu_device()) }
            .result()
            .ok()?;
        let mut bytes = 0_u64;
        let attribute = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_USED_MEM_HIGH;
        // SAFETY: the pool found above; this attribute is a number of 64 bits.
        unsafe { sys::cuMemPoolGetAttribute(pool, attribute, (&raw mut bytes).cast()) }
            .result()
            .ok()?;
        Some(bytes)
    }

    /// Waits for all that was given to the device; what failed since is told here.
    pub(super) fn wait(&self, what: &str) -> Result<(), Reason> {
        self.stream.synchronize().map_err(failed(what))
    }
}

/// Words of the host's memory that the device reads and writes by itself: what a graph takes and gives at each step.
#[derive(Debug)]
pub(super) struct Mailbox {
    words: NonNull<u32>,
    len: usize,
}

impl Mailbox {
    pub(super) fn new(device: &Device, len: usize) -> Result<Self, Reason> {
        device.context.bind_to_thread().map_err(failed("mailbox"))?;
        // SAFETY: memory of `len` words, aligned to a page, freed once, below.
        let words = unsafe { result::malloc_host(len * size_of::<u32>(), 0) };
        let words = NonNull::new(words.map_err(failed("mailbox"))?.cast::<u32>());
        let none = || Reason::new(ReasonKind::DeviceFailed, "CUDA: mailbox: found no memory");
        let mut mailbox = Self { words: words.ok_or_else(none)?, len };
        mailbox.words_mut().fill(0);
        Ok(mailbox)
    }

    /// Its words. Nothing may be under way: the caller has waited for the last graph.
    pub(super) fn words(&self) -> &[u32] {
        // SAFETY: as many words as were allocated, written when it was made; the device does not touch them now.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr(), self.len) }
    }

    /// The same to be written.
    pub(super) fn words_mut(&mut self) -> &mut [u32] {
        // SAFETY: as above, and borrowed for writing by one.
        unsafe { std::slice::from_raw_parts_mut(self.words.as_ptr(), self.len) }
    }

    /// Puts a copy of these words to the device into the stream.
    pub(super) fn send(&self, device: &Device, words: Range<usize>, to: u64) -> Result<(), Reason> {
        // SAFETY: `to` has room for them; the mailbox outlives the graphs that hold its address.
        unsafe { result::memcpy_htod_async(to, &self.words()[words], device.stream.cu_stream()) }
            .map_err(failed("mailbox"))
    }

    /// And from the device.
    pub(super) fn fetch(
        &mut self,
        device: &Device,
        words: Range<usize>,
        from: u64,
    ) -> Result<(), Reason> {
        let stream = device.stream.cu_stream();
        // SAFETY: likewise; nothing reads them before it has waited for the stream.
        unsafe { result::memcpy_dtoh_async(&mut self.words_mut()[words], from, stream) }
            .map_err(failed("mailbox"))
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        // SAFETY: allocated above; the stream was waited for, or is being given up with its context.
        let _ = unsafe { result::free_host(self.words.as_ptr().cast()) };
    }
}
