//! The bundles that faults of the hostile corpus are planted in, and their bytes with the fault.

use std::{fs, path::Path};

use baselines::{
    Evidence,
    testing::{BENCHMARK, OWN_METRIC, WORKLOAD, benchmarks, commands, evidence, hostile::Case},
};

/// The bundle called `of`, without a fault, under the policy that ships for it: it passes.
pub(crate) fn clean(of: &str) -> Evidence {
    let (mut bundle, policy) = match of {
        "session" => (evidence(42, 1.0), gates::DEFAULT_POLICY.to_owned()),
        "commands" => {
            let gated = [(WORKLOAD, "wall_ns"), (WORKLOAD, OWN_METRIC)];
            (commands(42, 1.0), gates::command_policy(&gated))
        }
        "benchmarks" => {
            (benchmarks(42, 1.0), gates::command_policy(&[(BENCHMARK, "iteration_ns")]))
        }
        other => panic!("no bundle is called {other:?}"),
    };
    bundle.policy = policy;
    bundle
}

/// The bytes of `case`.
pub(crate) fn bytes(folder: &Path, case: &Case) -> Vec<u8> {
    match &case.raw {
        Some(name) => fs::read(folder.join(name)).expect("a raw case has its file"),
        None => case.bytes(&clean(&case.of)),
    }
}
