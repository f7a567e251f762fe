//! What is asked for: `auto`, `cpu`, `gpu`, or a device by its id.

use std::{fmt, str::FromStr};

use crate::{Error, ErrorKind};

/// Backends of GPUs that a build of this engine may have: a name of another build is a known one.
const GPU_BACKENDS: &[&str] = &["cuda"];

/// Which devices may be taken. What asks for a GPU falls back to the CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceRequest {
    /// A GPU where there is one, else the CPU.
    Auto,
    /// The CPU.
    #[default]
    Cpu,
    /// Any GPU.
    Gpu,
    /// A GPU of one backend, or that one of it.
    Of {
        /// The backend's name.
        backend: &'static str,
        /// Which of its devices (0-based); `None` for any.
        idx: Option<usize>,
    },
}

impl DeviceRequest {
    /// Names to choose from.
    pub const NAMES: &[&str] = &["auto", "cpu", "gpu", "cuda", "cuda:0", "cuda:1"];

    /// Whether a GPU of `backend` may be taken.
    pub(super) fn takes_gpu_of(self, backend: &str) -> bool {
        match self {
            Self::Auto | Self::Gpu => true,
            Self::Cpu => false,
            Self::Of { backend: wanted, .. } => wanted == backend,
        }
    }

    /// The only device of a backend that may be taken.
    pub(super) const fn idx(self) -> Option<usize> {
        match self {
            Self::Of { idx, .. } => idx,
            Self::Auto | Self::Cpu | Self::Gpu => None,
        }
    }
}

impl fmt::Display for DeviceRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Gpu => f.write_str("gpu"),
            Self::Of { backend, idx: None } => f.write_str(backend),
            Self::Of { backend, idx: Some(idx) } => write!(f, "{backend}:{idx}"),
        }
    }
}

impl FromStr for DeviceRequest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let of = |name: &str, idx| {
            let backend = GPU_BACKENDS.iter().find(|backend| **backend == name);
            backend.map(|backend| Self::Of { backend, idx })
        };
        let known = match text.split_once(':') {
            None => match text {
                "auto" => Some(Self::Auto),
                "cpu" => Some(Self::Cpu),
                "gpu" => Some(Self::Gpu),
                backend => of(backend, None),
            },
            // `+1` is a number to the standard library.
            Some((backend, idx)) if idx.bytes().all(|b| b.is_ascii_digit()) => {
                idx.parse().ok().and_then(|idx| of(backend, Some(idx)))
            }
            Some(_) => None,
        };
        known.ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "device {text:?}: expected `auto`, `cpu`, `gpu`, or a GPU by its backend and number, as `cuda:0`"
                ),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_and_prints_back() {
        for name in DeviceRequest::NAMES.iter().chain(&["cuda:17"]) {
            assert_eq!(name.parse::<DeviceRequest>().unwrap().to_string(), *name);
        }
    }

    #[test]
    fn what_names_no_device_says_what_would() {
        let huge = format!("cuda:{}0", usize::MAX);
        for text in
            ["", "GPU", "cpu:0", "gpu:1", "cuda:", "cuda:-1", "cuda:+1", "cuda:1:2", "tpu:0", &huge]
        {
            let error = text.parse::<DeviceRequest>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{text}");
            assert!(
                error.to_string().contains("`gpu`") && error.to_string().contains(text),
                "{error}"
            );
        }
    }
}
