//! What `bench gate` compares between two commits. These benchmarks only show the form: replace them by work that your users
//! wait for, and name yours in ci/policy.toml.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

/// 0 to 9999, each once, in an order that sorting has to undo.
fn numbers() -> Vec<u64> {
    (0..10_000).map(|n| n * 7_919 % 10_000).collect()
}

fn sum(c: &mut Criterion) {
    let numbers = numbers();
    // A benchmark of a wrong result is worth nothing.
    assert_eq!(numbers.iter().sum::<u64>(), 49_995_000);
    // `black_box` hides what the numbers are, or the compiler could add them up beforehand.
    c.bench_function("sum", |b| b.iter(|| black_box(&numbers).iter().sum::<u64>()));
}

fn sort(c: &mut Criterion) {
    let numbers = numbers();
    // The copy is made outside of what is timed.
    c.bench_function("sort", |b| {
        b.iter_batched_ref(
            || numbers.clone(),
            |numbers| black_box(numbers).sort_unstable(),
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, sum, sort);
criterion_main!(benches);
