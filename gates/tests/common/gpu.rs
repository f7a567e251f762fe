//! The scripted session as one that a GPU computed.

use baselines::{
    Evidence,
    record::{DeviceUse, Probe, ProbeKind, ProbeWhen, Process},
};

use crate::common::arms;

/// Has a GPU compute what both arms generate, and says so everywhere.
pub(crate) fn on_gpu(evidence: &mut Evidence) {
    for record in arms(evidence) {
        let settings = &mut record.subject.engine_mut().expect("a session of the engine").settings;
        settings.device_requested = "cuda".to_owned();
        settings.device_selected = "cuda:0".to_owned();
        for process in &mut record.processes {
            compute(process);
        }
        for when in [ProbeWhen::Before, ProbeWhen::After] {
            for (kind, work, working_set_bytes) in [
                (ProbeKind::DeviceBandwidth, 3 << 30, 3 << 30),
                (ProbeKind::DeviceCacheBandwidth, 6 << 30, 8 << 20),
                (ProbeKind::DeviceInt8Peak, 500_000_000_000, 0),
            ] {
                let samples_ns = vec![1e6, 1.01e6, 1.02e6];
                let threads = 0;
                record.probes.push(Probe {
                    kind,
                    when,
                    threads,
                    work,
                    working_set_bytes,
                    samples_ns,
                });
            }
        }
    }
}

fn compute(process: &mut Process) {
    for counts in &mut process.counts {
        if process.outputs.iter().any(|output| output.workload == counts.workload) {
            let is_head = counts.linear == "output";
            let kernel = if is_head { "dense_f32.cuda" } else { "ternary_i8.cuda" };
            counts.kernel = kernel.to_owned();
        }
    }
    process.device = Some(DeviceUse {
        id: "cuda:0".to_owned(),
        name: "Scripted GPU".to_owned(),
        capability: "sm_90".to_owned(),
        driver: Some("CUDA 13.0".to_owned()),
        total_bytes: Some(80 << 30),
        peak_bytes: Some(100 << 20),
        clock_before_mhz: Some(1_980),
        clock_after_mhz: Some(1_965),
        launches: 100_000,
        graphs: 1_000,
        to_device_bytes: 100 << 20,
        to_host_bytes: 1 << 20,
        lost: None,
    });
}
