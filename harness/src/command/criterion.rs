//! What Criterion left of one run of a bench target: the samples of every benchmark.
//!
//! In: the folder that was its `CRITERION_HOME`. Out: by benchmark, the time of an iteration in each sample and how many were
//! timed together. Source: criterion 0.8.2, `analysis/mod.rs`: `…/new/benchmark.json` says which benchmark it is,
//! `…/new/sample.json` holds its times; a test runs the library and reads what it wrote.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, de::DeserializeOwned};

/// Folders below the home that a benchmark may lie in: group, function, value, `new`.
const DEPTH_MAX: usize = 8;
/// Most bytes of one file: Criterion takes 100 samples unless told otherwise.
const BYTES_MAX: u64 = 4 << 20;

/// One benchmark of a run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Benchmark {
    /// As Criterion prints it: `group/function/value`.
    pub(super) id: String,
    /// Time of one iteration, one for each sample, in the order taken.
    pub(super) iteration_ns: Vec<f64>,
    /// Iterations that a sample was timed over.
    pub(super) iterations: Vec<u64>,
}

#[derive(Debug, Deserialize)]
struct Identity {
    full_id: String,
}

#[derive(Debug, Deserialize)]
struct Sample {
    iters: Vec<f64>,
    times: Vec<f64>,
}

/// All benchmarks below `home`, in the order of their ids.
pub(super) fn read(home: &Path) -> Result<Vec<Benchmark>> {
    let mut folders = Vec::new();
    walk(home, DEPTH_MAX, &mut folders)
        .with_context(|| format!("failed to read `{}`", home.display()))?;
    let mut found =
        folders.iter().map(|folder| benchmark(folder)).collect::<Result<Vec<Benchmark>>>()?;
    found.sort_by(|a, b| a.id.cmp(&b.id));
    for two in found.windows(2) {
        ensure!(
            two[0].id != two[1].id,
            "failed to read the benchmarks: expected each name once, found {:?} twice",
            two[0].id
        );
    }
    Ok(found)
}

/// Folders called `new` that hold a benchmark.
fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // No links: what they lead to was not written by this run.
        if !entry.file_type()?.is_dir() {
            continue;
        }
        let path = entry.path();
        if entry.file_name() == "new" && path.join("benchmark.json").is_file() {
            found.push(path);
        } else if depth > 1 {
            walk(&path, depth - 1, found)?;
        }
    }
    Ok(())
}

fn benchmark(folder: &Path) -> Result<Benchmark> {
    let Identity { full_id: id } = json(&folder.join("benchmark.json"))?;
    let Sample { iters, times } = json(&folder.join("sample.json"))?;
    let failed = |expected: &str, found: String| {
        format!(
            "failed to read the samples of benchmark {id:?}: expected {expected}, found {found}"
        )
    };
    ensure!(
        !id.is_empty() && !id.chars().any(char::is_control),
        failed("a name", format!("{id:?}"))
    );
    ensure!(
        !times.is_empty() && iters.len() == times.len(),
        failed(
            "a number of iterations to each time",
            format!("{} and {}", iters.len(), times.len())
        )
    );
    let mut taken = Benchmark { id: id.clone(), iteration_ns: Vec::new(), iterations: Vec::new() };
    for (n, ns) in iters.iter().zip(&times) {
        let whole = n.fract() == 0.0 && (1.0..=9e15).contains(n);
        ensure!(whole, failed("whole numbers of iterations", n.to_string()));
        ensure!(ns.is_finite() && *ns > 0.0, failed("positive times", ns.to_string()));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "1 ≤ n ≤ 9e15"
        )]
        taken.iterations.push(*n as u64);
        taken.iteration_ns.push(ns / n);
    }
    Ok(taken)
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let failed = || format!("failed to read `{}`, which Criterion wrote", path.display());
    let size = fs::metadata(path).with_context(failed)?.len();
    ensure!(size <= BYTES_MAX, "{}: expected at most {BYTES_MAX} bytes, found {size}", failed());
    serde_json::from_slice(&fs::read(path).with_context(failed)?).with_context(failed)
}

#[cfg(test)]
mod tests {
    use std::{hint::black_box, time::Duration};

    use super::*;

    /// The real library, told to be quick.
    #[test]
    fn what_the_library_writes_is_read_with_every_sample() {
        let home = tempfile::tempdir().unwrap();
        let mut criterion = ::criterion::Criterion::default()
            .output_directory(home.path())
            .without_plots()
            .sample_size(10)
            .nresamples(100)
            .warm_up_time(Duration::from_millis(5))
            .measurement_time(Duration::from_millis(20));
        criterion.bench_function("alone", |b| b.iter(|| black_box(1_u64) + black_box(2)));
        let mut group = criterion.benchmark_group("group of/two");
        for n in [100_u64, 1_000] {
            let id = ::criterion::BenchmarkId::new("sum", n);
            group.bench_with_input(id, &n, |b, n| b.iter(|| (0..*n).map(black_box).sum::<u64>()));
        }
        group.finish();
        let found = read(home.path()).unwrap();
        let ids: Vec<&str> = found.iter().map(|benchmark| benchmark.id.as_str()).collect();
        assert_eq!(ids, ["alone", "group of/two/sum/100", "group of/two/sum/1000"]);
        for benchmark in &found {
            assert_eq!((benchmark.iterations.len(), benchmark.iteration_ns.len()), (10, 10));
            assert!(benchmark.iteration_ns.iter().all(|ns| *ns > 0.0), "{benchmark:?}");
        }
        // Ten times the work takes longer, whatever else this machine does.
        let least = |benchmark: &Benchmark| {
            benchmark.iteration_ns.iter().copied().fold(f64::INFINITY, f64::min)
        };
        assert!(least(&found[2]) > least(&found[1]), "{found:?}");
    }

    fn home_of(benchmark: &str, sample: &str) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("a/new");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("benchmark.json"), benchmark).unwrap();
        fs::write(folder.join("sample.json"), sample).unwrap();
        home
    }

    #[test]
    fn samples_that_are_none_are_errors_that_name_the_benchmark() {
        let good = r#"{"full_id":"a"}"#;
        let times = home_of(good, r#"{"iters":[2.0,4.0],"times":[10.0,30.0]}"#);
        let expected =
            Benchmark { id: "a".to_owned(), iteration_ns: vec![5.0, 7.5], iterations: vec![2, 4] };
        assert_eq!(read(times.path()).unwrap(), [expected]);
        for (benchmark, sample, part) in [
            (good, r#"{"iters":[1.0],"times":[]}"#, "1 and 0"),
            (good, r#"{"iters":[],"times":[]}"#, "0 and 0"),
            (good, r#"{"iters":[1.5],"times":[1.0]}"#, "found 1.5"),
            (good, r#"{"iters":[0.0],"times":[1.0]}"#, "found 0"),
            (good, r#"{"iters":[1.0],"times":[-1.0]}"#, "found -1"),
            (good, r#"{"iters":[1.0],"times":[0.0]}"#, "found 0"),
            (good, r#"{"iters":[1.0]}"#, "times"),
            (good, "", "sample.json"),
            (r#"{"full_id":"a\n"}"#, r#"{"iters":[1.0],"times":[1.0]}"#, "expected a name"),
            ("[]", r#"{"iters":[1.0],"times":[1.0]}"#, "benchmark.json"),
        ] {
            let error = format!("{:#}", read(home_of(benchmark, sample).path()).unwrap_err());
            assert!(error.contains(part), "{benchmark} {sample}: {error}");
        }
    }

    #[test]
    fn a_home_without_benchmarks_has_none_and_two_of_one_name_are_an_error() {
        assert_eq!(read(tempfile::tempdir().unwrap().path()).unwrap(), []);
        let home = home_of(r#"{"full_id":"a"}"#, r#"{"iters":[1.0],"times":[1.0]}"#);
        let again = home.path().join("b/c/new");
        fs::create_dir_all(&again).unwrap();
        for name in ["benchmark.json", "sample.json"] {
            fs::copy(home.path().join("a/new").join(name), again.join(name)).unwrap();
        }
        assert!(read(home.path()).unwrap_err().to_string().contains("found \"a\" twice"));
        assert!(read(Path::new("no-such-folder")).is_err());
    }
}
