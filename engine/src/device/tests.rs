//! Selection over an inventory of devices that are not there: each way a GPU can be missing or at fault, strict or not.

use super::*;
use crate::{ErrorKind, Isa, kernels::Kernels};

/// GPUs as a driver would tell them.
#[derive(Clone, Debug)]
struct Fake {
    devices: Result<Vec<DeviceInfo>, Reason>,
    /// Those that compute wrongly.
    wrong: Vec<usize>,
}

impl Backend for Fake {
    fn name(&self) -> &'static str {
        "cuda"
    }

    fn is_gpu(&self) -> bool {
        true
    }

    fn devices(&self) -> Result<Vec<DeviceInfo>, Reason> {
        self.devices.clone()
    }

    fn self_test(&self, device: &DeviceInfo) -> Result<(), Reason> {
        let is_wrong = device.id.idx.is_some_and(|idx| self.wrong.contains(&idx));
        let text = "self-test of kernel `i2_s.cuda`: row 3, token 0: expected 7, found -7";
        if is_wrong { Err(Reason::new(ReasonKind::SelfTestFailed, text)) } else { Ok(()) }
    }
}

const NEEDS: Needs = Needs { weights_bytes: 1000, kv_bytes: 200, activations_bytes: 30 };

fn host(free_bytes: Option<u64>) -> Host {
    let kernels = Kernels::of(Isa::Scalar).unwrap();
    Host {
        kernels,
        name: "Some CPU".to_owned(),
        total_bytes: Some(1 << 30),
        free_bytes,
        kernels_folder: None,
        fault: None,
    }
}

/// GPUs with so many bytes free.
fn gpus(free: &[u64]) -> Fake {
    let device = |(idx, free): (usize, &u64)| DeviceInfo {
        id: DeviceId { backend: "cuda", idx: Some(idx) },
        name: "Some GPU".to_owned(),
        total_bytes: Some(2000),
        free_bytes: Some(*free),
        capability: "9.0".to_owned(),
        driver: None,
    };
    Fake { devices: Ok(free.iter().enumerate().map(device).collect()), wrong: Vec::new() }
}

fn fails(kind: ReasonKind, text: &str) -> Fake {
    Fake { devices: Err(Reason::new(kind, text)), wrong: Vec::new() }
}

/// The CPU is put first: the manager sorts it behind the GPUs.
fn manager(fake: Fake) -> DeviceManager {
    DeviceManager::with_backends(vec![Box::new(Cpu::new(&host(None))), Box::new(fake)])
}

fn select(manager: &DeviceManager, request: &str) -> Selection {
    manager.select(request.parse().unwrap(), &NEEDS, false).unwrap()
}

#[track_caller]
fn assert_falls_back(manager: &DeviceManager, requests: &[&str], kind: ReasonKind, reason: &str) {
    for request in requests {
        let selection = select(manager, request);
        assert_eq!(selection.selected.id.to_string(), "cpu", "{request}");
        let fallback = selection.fallback.unwrap();
        assert_eq!((fallback.kind, fallback.reason.as_str()), (kind, reason), "{request}");
        let error = manager.select(request.parse().unwrap(), &NEEDS, true).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Device);
        let text = error.to_string();
        for part in [&format!("device `{request}`: expected a GPU"), kind.name(), "ask for `cpu`"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

#[test]
fn a_gpu_that_fits_and_computes_rightly_is_taken_and_nothing_falls_back() {
    let manager = manager(gpus(&[1230]));
    for request in ["auto", "gpu", "cuda", "cuda:0"] {
        let strict = manager.select(request.parse().unwrap(), &NEEDS, true).unwrap();
        assert_eq!(strict, select(&manager, request));
        assert_eq!(strict.selected.id.to_string(), "cuda:0");
        assert_eq!(strict.requested.to_string(), request);
        assert_eq!(strict.fallback, None);
        assert_eq!(
            strict.explain(),
            "cuda:0 (Some GPU, 9.0): taken\ncpu (Some CPU, scalar): not tried, another was taken\n"
        );
    }
}

#[test]
fn the_cpu_asked_for_is_taken_and_no_gpu_is_looked_at() {
    let manager = manager(gpus(&[1230]));
    let selection = manager.select(DeviceRequest::Cpu, &NEEDS, true).unwrap();
    assert_eq!(selection.fallback, None);
    assert_eq!(selection.explain(), "cpu (Some CPU, scalar): taken\n");
    let Selection { selected, .. } = selection;
    assert_eq!((selected.total_bytes, selected.capability.as_str()), (Some(1 << 30), "scalar"));
}

#[test]
fn without_a_gpu_auto_is_the_cpu_and_a_gpu_asked_for_is_a_fallback() {
    use ReasonKind::{DriverMissing, NoDevice};
    for (fake, kind, text) in [
        (gpus(&[]), NoDevice, "there is no device"),
        (
            fails(DriverMissing, "libcuda.so.1 is not here"),
            DriverMissing,
            "libcuda.so.1 is not here",
        ),
    ] {
        let manager = manager(fake);
        let auto = manager.select(DeviceRequest::Auto, &NEEDS, true).unwrap();
        assert_eq!((auto.selected.id.to_string().as_str(), &auto.fallback), ("cpu", &None));
        assert_eq!(auto.considered[0].refusal().unwrap().kind, kind);
        assert_falls_back(&manager, &["gpu", "cuda"], kind, &format!("cuda: {text}"));
    }
}

/// What this machine has is not known: a GPU that is taken, or a reason.
#[cfg(feature = "gpu")]
#[test]
fn a_build_with_gpus_says_what_is_missing_and_takes_the_cpu() {
    let manager = DeviceManager::new(&host(None));
    let selection = select(&manager, "cuda");
    match selection.fallback {
        Some(fallback) => {
            assert_eq!(selection.selected.id.to_string(), "cpu");
            assert_ne!(fallback.kind, ReasonKind::NoBackend, "{fallback}");
            assert!(fallback.reason.contains("CUDA: "), "{fallback}");
        }
        None => assert_eq!(selection.selected.id.backend, "cuda"),
    }
}

#[cfg(not(feature = "gpu"))]
#[test]
fn this_build_has_the_cpu_only_and_says_so() {
    let manager = DeviceManager::new(&host(None));
    let auto = manager.select(DeviceRequest::Auto, &NEEDS, true).unwrap();
    assert_eq!(auto.fallback, None);
    assert_eq!(
        auto.explain(),
        "gpu: this build has no GPU backend (no_backend)\ncpu (Some CPU, scalar): taken\n"
    );
    let kind = ReasonKind::NoBackend;
    assert_falls_back(&manager, &["gpu"], kind, "this build has no GPU backend");
    assert_falls_back(&manager, &["cuda:1"], kind, "this build has no cuda backend");
}

#[test]
fn a_gpu_without_room_falls_back_and_one_byte_more_is_enough() {
    // Weights too: a GPU needs a copy of them.
    let reason = "cuda:0: out of memory: expected 1230 bytes, found 1229 free";
    let requests = ["auto", "gpu", "cuda", "cuda:0"];
    assert_falls_back(&manager(gpus(&[1229])), &requests, ReasonKind::OutOfMemory, reason);
    assert_eq!(select(&manager(gpus(&[1230])), "auto").fallback, None);
}

#[test]
fn a_gpu_that_computes_wrongly_falls_back_with_expected_and_found() {
    let fake = Fake { wrong: vec![0], ..gpus(&[2000]) };
    let reason = "cuda:0: self-test of kernel `i2_s.cuda`: row 3, token 0: expected 7, found -7";
    assert_falls_back(&manager(fake), &["auto", "gpu"], ReasonKind::SelfTestFailed, reason);
}

#[test]
fn a_driver_that_tells_no_devices_falls_back() {
    let fake = fails(ReasonKind::EnumerationFailed, "cuInit: error 999");
    let (kind, reason) = (ReasonKind::EnumerationFailed, "cuda: cuInit: error 999");
    assert_falls_back(&manager(fake), &["auto", "gpu", "cuda:0"], kind, reason);
}

#[test]
fn of_two_gpus_the_one_that_fits_is_taken_and_one_by_its_number_alone() {
    let manager = manager(gpus(&[5, 2000]));
    for request in ["auto", "gpu", "cuda", "cuda:1"] {
        let selection = manager.select(request.parse().unwrap(), &NEEDS, true).unwrap();
        assert_eq!(selection.selected.id.to_string(), "cuda:1", "{request}");
        assert_eq!(selection.fallback, None);
    }
    let lines = select(&manager, "gpu").explain();
    assert!(lines.starts_with("cuda:0 (Some GPU, 9.0): out of memory: expected"), "{lines}");
    let reason = "cuda:0: out of memory: expected 1230 bytes, found 5 free";
    assert_falls_back(&manager, &["cuda:0"], ReasonKind::OutOfMemory, reason);
    let reason = "cuda:7: there is no such device; there are: cuda:0, cuda:1";
    assert_falls_back(&manager, &["cuda:7"], ReasonKind::NoDevice, reason);
}

#[test]
fn a_device_that_failed_in_use_is_not_taken_again() {
    let mut manager = manager(gpus(&[2000, 2000]));
    let lost = |idx| Reason::new(ReasonKind::DeviceFailed, format!("layer 7: error {idx}"));
    let first = select(&manager, "gpu").selected.id;
    manager.give_up(first, lost(0));
    let second = select(&manager, "gpu").selected.id;
    assert_eq!(second.to_string(), "cuda:1");
    manager.give_up(second, lost(1));
    let reason = "cuda:0: layer 7: error 0; cuda:1: layer 7: error 1";
    assert_falls_back(&manager, &["auto", "gpu"], ReasonKind::DeviceFailed, reason);
}

#[test]
fn where_not_even_the_cpu_can_run_it_there_is_nothing_to_select() {
    // Weights are not counted: the CPU reads them where they lie.
    let small = DeviceManager::new(&host(Some(229)));
    for request in ["auto", "cpu", "gpu"] {
        let error = small.select(request.parse().unwrap(), &NEEDS, false).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Device, "{request}");
        assert!(error.to_string().contains("expected 230 bytes, found 229 free"), "{error}");
    }
    assert!(DeviceManager::new(&host(Some(230))).select(DeviceRequest::Cpu, &NEEDS, false).is_ok());

    let mut kernels = Kernels::of(Isa::Scalar).unwrap();
    kernels.dot = |_, _| f32::NAN;
    let wrong = DeviceManager::new(&Host { kernels, ..host(None) });
    let error = wrong.select(DeviceRequest::Cpu, &NEEDS, false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Device);
    assert!(error.to_string().contains("(self_test_failed)"), "{error}");
}

#[test]
fn the_register_ends_with_the_cpu_and_its_names_are_those_of_requests() {
    let backends: Vec<_> = BACKENDS.iter().map(|backend| backend(&host(None))).collect();
    let (cpu, gpus) = backends.split_last().unwrap();
    assert_eq!((cpu.name(), cpu.is_gpu()), ("cpu", false));
    for backend in gpus {
        assert!(backend.is_gpu(), "{}", backend.name());
    }
    for backend in &backends {
        assert!(DeviceRequest::NAMES.contains(&backend.name()), "{}", backend.name());
    }
}

/// A GPU that takes no model.
#[test]
fn a_device_that_cannot_be_opened_is_given_up_and_the_cpu_runs() {
    let model = Model::builtin("stories").unwrap();
    let options = SessionOptions { threads: 1, ..SessionOptions::default() };
    let mut manager = manager(gpus(&[5000, 5000]));
    let request = "gpu".parse().unwrap();
    let (session, selection) = manager.open(request, &NEEDS, false, (&model, &options)).unwrap();
    assert!(!session.is_on_device());
    assert_eq!(selection.selected.id.to_string(), "cpu");
    let fallback = selection.fallback.unwrap();
    assert_eq!(fallback.kind, ReasonKind::Unsupported);
    for device in ["cuda:0", "cuda:1"] {
        let said = format!("{device}: this backend computes nothing");
        assert!(fallback.reason.contains(&said), "{}", fallback.reason);
    }
    let error = manager.open(request, &NEEDS, true, (&model, &options)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Device);
    let cpu = "cpu".parse().unwrap();
    let (_, selection) = manager.open(cpu, &NEEDS, true, (&model, &options)).unwrap();
    assert!(selection.fallback.is_none());
}
