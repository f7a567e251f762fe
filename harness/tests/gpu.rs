//! `bench` on a GPU that is none: a CPU session behind the engine's seam, which fails as it is told. What it puts out is the CPU's, what
//! went wrong stands in the record, and with `--strict-device` it is a failure.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::{Folder, Run};
use engine::device::Fault;
use serde_json::{Value, json};

/// The test build. It is built beside the binary by every `cargo test` and `cargo nextest run`.
fn test_build() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_bench")).with_file_name("examples").join("gpu_faults")
}

fn bench(here: &Folder, args: &[&str], fault: Option<Fault>) -> Run {
    let fault = fault.map(|fault| fault.to_string());
    let fault = fault.as_ref().map(|fault| ("BENCH_FAULT", fault.as_str()));
    let vars: Vec<(&str, &str)> = [("BENCH_SIMULATED_GPU", "1")].into_iter().chain(fault).collect();
    here.run(&test_build(), args, &vars)
}

fn read(here: &Folder, name: &str) -> Value {
    let text = fs::read_to_string(here.path(name)).expect("the file was written");
    serde_json::from_str(&text).expect("the file is JSON")
}

const RUN: [&str; 6] = ["run", "--processes", "1", "--without-accuracy", "--json", "r.json"];
const ON_GPU: [&str; 2] = ["--device", "cuda"];

/// The kernels that a run's decoding is said to have used.
fn kernels(document: &Value) -> Vec<&str> {
    let counts = document["record"]["processes"][0]["counts"].as_array().expect("counts");
    let kernels = counts.iter().map(|counts| counts["kernel"].as_str().expect("a name"));
    kernels.collect()
}

/// Requirement: M2, H3.
#[test]
fn a_run_on_a_gpu_puts_out_what_the_cpu_does_and_says_what_it_took() {
    let here = Folder::new();
    let run = bench(&here, &[&RUN[..], &ON_GPU].concat(), None).expect(0, &[]);
    assert!(!run.stderr.contains("warning: device"), "{}", run.stderr);
    assert!(run.stdout.contains("on Simulated GPU (cuda:0), "), "{}", run.stdout);
    let gpu = read(&here, "r.json");
    assert_eq!(gpu["device"], "cuda:0");
    let used = &gpu["record"]["processes"][0]["device"];
    assert_eq!(json!([used["id"], used["name"]]), json!(["cuda:0", "Simulated GPU"]));
    assert_eq!(used["lost"], Value::Null);
    for name in ["peak_bytes", "launches", "to_device_bytes", "to_host_bytes"] {
        assert!(used[name].as_u64().is_some_and(|n| n > 0), "{name}: {used}");
    }
    assert!(kernels(&gpu).iter().all(|kernel| kernel.ends_with(".cuda")), "{:?}", kernels(&gpu));
    let probes = gpu["record"]["probes"].as_array().expect("probes");
    let of_gpu =
        |probe: &&Value| probe["kind"].as_str().is_some_and(|kind| kind.contains("device"));
    assert_eq!(probes.iter().filter(of_gpu).count(), 6);
    here.bench(&["verify", "r.json"]).expect(0, &[]);

    let run = here.bench(&RUN).expect(0, &[]);
    assert!(!run.stdout.contains("cuda"), "{}", run.stdout);
    let cpu = read(&here, "r.json");
    assert_eq!(cpu["ids"], gpu["ids"]);
    let outputs = |document: &Value| document["record"]["processes"][0]["outputs"].clone();
    assert_eq!(outputs(&cpu), outputs(&gpu), "digests of ids and of all logits");
    assert!(cpu["record"]["processes"][0].get("device").is_none());
}

/// Requirement: M2, H3.
#[test]
fn whatever_goes_wrong_the_ids_are_the_cpus_and_the_record_says_why() {
    let here = Folder::new();
    here.bench(&RUN).expect(0, &[]);
    let cpu = read(&here, "r.json");
    for fault in Fault::ALL {
        // The manager finds that it is too small, all else the device itself.
        let found = if *fault == Fault::TooSmall { "65536 free" } else { "simulated: " };
        bench(&here, &[&RUN[..], &ON_GPU].concat(), Some(*fault))
            .expect(0, &["warning: device `cuda", found]);
        let document = read(&here, "r.json");
        assert_eq!(document["ids"], cpu["ids"], "{fault}");
        let settings = &document["record"]["subject"]["settings"];
        let lost = &document["record"]["processes"][0]["device"]["lost"];
        let is_lost_later = fault.to_string().contains("@pass");
        let selected = if is_lost_later { "cuda:0" } else { "cpu" };
        assert_eq!(settings["device_selected"], selected, "{fault}");
        let why = if is_lost_later { lost } else { &settings["fallback"] };
        assert!(why.as_str().is_some_and(|why| why.contains("(")), "{fault}: {why}");
        here.bench(&["verify", "r.json"]).expect(0, &[]);

        bench(&here, &[&RUN[..], &ON_GPU, &["--strict-device"]].concat(), Some(*fault))
            .expect(1, &[found]);
        assert_eq!(read(&here, "r.json")["success"], false, "{fault}");
    }
}

/// Requirement: F1–F4, G1, M2.
#[test]
fn a_gate_on_a_gpu_has_its_figures_and_verifies_where_there_is_none() {
    let here = Folder::new();
    let run = bench(&here, &[&["gate", "--pairs", "2"][..], &ON_GPU].concat(), None);
    // An A/A run: whatever the times say, the evidence is complete.
    assert!([0, 2, 3].contains(&run.code), "{}\n{}", run.stdout, run.stderr);
    let gate = fs::read_to_string(here.path("ci/benchmarks_gate.json")).expect("written");
    let ran = "cuda was asked for, cuda:0 ran (Simulated GPU, cpu): ";
    assert!(gate.contains(ran), "{gate}");
    let (cpu, gpu) = (read(&here, "ci/inference.json"), read(&here, "ci/inference_gpu.json"));
    assert_eq!(json!([gpu["success"], gpu["device"]]), json!([true, "cuda:0"]));
    assert!(gpu["timing"]["ms_per_token"].is_number(), "{gpu}");
    assert_eq!(json!([cpu["success"], cpu["skipped"], cpu["timing"]]), json!([false, true, null]));
    here.bench(&["verify", "ci"]).expect(0, &[]);
}

#[test]
fn a_generation_on_a_gpu_is_that_of_the_cpu() {
    let here = Folder::new();
    let args = ["--format", "json", "model", "generate", "--prompt", "Once", "--tokens", "8"];
    let cpu: Value = serde_json::from_str(&here.bench(&args).expect(0, &[]).stdout).expect("JSON");
    for fault in [None, Some(Fault::LostAtPass(4))] {
        let run = bench(&here, &[&args[..], &ON_GPU].concat(), fault).expect(0, &[]);
        let gpu: Value = serde_json::from_str(&run.stdout).expect("JSON");
        assert_eq!(gpu["ids"], cpu["ids"]);
        assert_eq!(gpu["device"]["selected"], "cuda:0");
        assert_eq!(gpu["device"]["lost"].is_string(), fault.is_some(), "{}", gpu["device"]);
    }
}

#[test]
fn a_fault_of_another_name_is_none() {
    let here = Folder::new();
    let vars = [("BENCH_FAULT", "cuda-oom")];
    here.run(&test_build(), &["--version"], &vars).expect(1, &["BENCH_FAULT", "`cuda-oom@layer2`"]);
}
