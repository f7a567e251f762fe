//! The kernels: compiled by NVRTC for the device's own architecture, kept on disk by a digest of all that goes into it.

#![expect(unsafe_code, reason = "calls into the driver: each states what it relies on")]

use std::{
    ffi::CString,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use cudarc::{
    driver::{CudaFunction, CudaModule},
    nvrtc::{Ptx, result, sys},
};
use sha2::{Digest as _, Sha256};

use super::driver::{self, Device, failed};
use crate::device::{Reason, ReasonKind};

/// The sources, in the order in which they are compiled as one.
pub(super) const SOURCES: &[(&str, &str)] = &[
    ("common.cuh", include_str!("kernels/common.cuh")),
    ("embed.cu", include_str!("kernels/embed.cu")),
    ("quantize.cu", include_str!("kernels/quantize.cu")),
    ("ternary_one.cu", include_str!("kernels/ternary_one.cu")),
    ("ternary_many.cu", include_str!("kernels/ternary_many.cu")),
    ("gate.cu", include_str!("kernels/gate.cu")),
    ("attend.cu", include_str!("kernels/attend.cu")),
    ("head.cu", include_str!("kernels/head.cu")),
    ("likeliest.cu", include_str!("kernels/likeliest.cu")),
    ("copy.cu", include_str!("kernels/copy.cu")),
    ("reread.cu", include_str!("kernels/reread.cu")),
    ("int8_peak.cu", include_str!("kernels/int8_peak.cu")),
    ("clocks.cu", include_str!("kernels/clocks.cu")),
    ("lost.cu", include_str!("kernels/lost.cu")),
];

/// Without contraction, so that a fused multiply-add is one only where the source says so.
const OPTIONS: &[&str] = &["--fmad=false", "--std=c++17"];

/// The kernels of one device.
#[derive(Clone, Debug)]
pub(super) struct Program(Arc<CudaModule>);

impl Program {
    /// Loads them, compiled now or before.
    pub(super) fn load(device: &Device, arch: &str, folder: Option<&Path>) -> Result<Self, Reason> {
        let file = folder.map(|folder| file_of(folder, arch)).transpose()?;
        if let Some(binary) = file.as_ref().and_then(|file| fs::read(file).ok())
            && let Ok(module) = device.context.load_module(Ptx::from_binary(binary))
        {
            return Ok(Self(module));
        }
        let binary = compile(arch)?;
        if let Some(file) = &file {
            // A folder that can't be written to costs time, not results.
            let _ = keep(file, &binary);
        }
        let module = device.context.load_module(Ptx::from_binary(binary));
        module.map(Self).map_err(failed("kernels"))
    }

    pub(super) fn function(&self, name: &str) -> Result<CudaFunction, Reason> {
        self.0.load_function(name).map_err(failed(name))
    }
}

fn source() -> String {
    SOURCES.iter().map(|(name, text)| format!("#line 1 \"{name}\"\n{text}")).collect()
}

fn file_of(folder: &Path, arch: &str) -> Result<PathBuf, Reason> {
    let driver = driver::driver_version().map_err(failed("driver version"))?;
    let mut digest = Sha256::new();
    for part in [&source(), arch, &OPTIONS.join(" "), &driver.to_string(), &version()?] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    let name: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(folder.join(format!("{name}.cubin")))
}

/// Whole or not at all: another process may read it at the same time.
fn keep(file: &Path, binary: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let part = folder.join(format!("{}.part", std::process::id()));
    fs::write(&part, binary)?;
    fs::File::open(&part)?.sync_all()?;
    fs::rename(part, file)
}

fn nvrtc_failed(what: &str, error: impl std::fmt::Debug) -> Reason {
    Reason::new(ReasonKind::DeviceFailed, format!("CUDA: NVRTC: {what}: {error:?}"))
}

/// The compiler's own version, as `13.0`.
fn version() -> Result<String, Reason> {
    let (mut major, mut minor) = (0, 0);
    // SAFETY: writes two ints to the addresses it is given.
    unsafe { sys::nvrtcVersion(&raw mut major, &raw mut minor) }
        .result()
        .map_err(|error| nvrtc_failed("version", error))?;
    Ok(format!("{major}.{minor}"))
}

/// Machine code for `arch`, as `sm_90`.
pub(super) fn compile(arch: &str) -> Result<Vec<u8>, Reason> {
    let text = |text: String| CString::new(text).map_err(|error| nvrtc_failed("source", error));
    let (source, name) = (text(source())?, text("kernels.cu".to_owned())?);
    let program = result::create_program(&source, Some(&name))
        .map_err(|error| nvrtc_failed("program", error))?;
    let options: Vec<String> = OPTIONS
        .iter()
        .map(|option| (*option).to_owned())
        .chain([format!("--gpu-architecture={arch}")])
        .collect();
    // SAFETY: the program made above.
    let compiled = unsafe { result::compile_program(program, &options) };
    let binary = match compiled {
        Ok(()) => machine_code(program),
        Err(error) => Err(nvrtc_failed(
            &format!("expected kernels that compile for {arch}, found {error:?}"),
            log_of(program),
        )),
    };
    // SAFETY: the same, which nothing uses any more.
    let _ = unsafe { result::destroy_program(program) };
    binary
}

/// What the compiler said.
fn log_of(program: sys::nvrtcProgram) -> String {
    // SAFETY: a program that was not destroyed.
    let log = unsafe { result::get_program_log(program) }.unwrap_or_default();
    let log: Vec<u8> = log.iter().map(|c| c.cast_unsigned()).take_while(|c| *c != 0).collect();
    String::from_utf8_lossy(&log).into_owned()
}

fn machine_code(program: sys::nvrtcProgram) -> Result<Vec<u8>, Reason> {
    let failed = |error| nvrtc_failed("machine code", error);
    let mut size = 0;
    // SAFETY: a program that was not destroyed; writes one number to the address it is given.
    unsafe { sys::nvrtcGetCUBINSize(program, &raw mut size) }.result().map_err(failed)?;
    let mut binary = vec![0_u8; size];
    // SAFETY: likewise; the buffer has the size that NVRTC asked for.
    unsafe { sys::nvrtcGetCUBIN(program, binary.as_mut_ptr().cast()) }.result().map_err(failed)?;
    Ok(binary)
}

#[cfg(test)]
mod tests {
    use super::compile;

    /// Names of the kernels that are loaded, from the source that loads them.
    fn loaded() -> Vec<&'static str> {
        let source = include_str!("launch.rs");
        let behind = |call| source.split(call).skip(1).filter_map(|rest| rest.split('"').next());
        behind("get(\"").chain(behind("wide(\"")).collect()
    }

    #[test]
    #[ignore = "needs NVRTC: ci/gpu/kernels.sh has it"]
    fn kernels_compile_for_every_architecture() {
        let loaded = loaded();
        assert!(loaded.len() > 20 && loaded.contains(&"copy"), "{loaded:?}");
        for arch in ["sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"] {
            let binary = compile(arch).unwrap_or_else(|reason| panic!("{arch}: {reason}"));
            for kernel in &loaded {
                let section = format!(".text.{kernel}\0");
                let found = binary.windows(section.len()).any(|bytes| bytes == section.as_bytes());
                assert!(found, "{arch}: no kernel {kernel}");
            }
        }
    }
}
