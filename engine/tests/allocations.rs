//! The counting allocator in a program of its own, where nobody else asks: exact counts, and none while counting is off.

use std::hint::black_box;

use engine::{Allocations, CountingAllocator, allocations, set_counting};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// What `work` asks for. The test thread is alone but for the harness' own, which waits.
fn counted(work: impl FnOnce()) -> Allocations {
    let before = allocations();
    set_counting(true);
    work();
    set_counting(false);
    allocations().since(&before)
}

#[test]
fn requests_are_counted_with_what_they_grow_by() {
    let before = allocations();
    drop(black_box(vec![1_u8; 64]));
    assert_eq!(allocations(), before, "counting is off");

    let asked = counted(|| drop(black_box(Vec::<u8>::with_capacity(1_000))));
    assert_eq!(asked, Allocations { requests: 1, bytes: 1_000, freed: 1_000 });
    let asked = counted(|| drop(black_box(vec![0_u64; 100])));
    assert_eq!(asked, Allocations { requests: 1, bytes: 800, freed: 800 }, "zeroed");
    let mut bytes: Vec<u8> = Vec::with_capacity(1_000);
    bytes.push(1);
    let asked = counted(|| bytes.reserve_exact(1_499));
    assert_eq!(asked, Allocations { requests: 1, bytes: 500, freed: 0 }, "grown");
    let asked = counted(|| bytes.shrink_to(100));
    assert_eq!(asked, Allocations { requests: 1, bytes: 0, freed: 1_400 }, "shrunk");
    assert_eq!(bytes, [1], "what was in it is still there");
    assert_eq!(counted(|| drop(bytes)).live(), -100, "what was there before is given back");

    let asked = counted(|| {
        std::thread::spawn(|| drop(black_box(Vec::<u8>::with_capacity(5_000))))
            .join()
            .expect("it ends");
    });
    assert!(asked.requests > 1 && asked.bytes >= 5_000, "of all threads: {asked:?}");
}
