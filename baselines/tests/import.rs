//! Importers: the register walked over its sample files, and hostile bytes that must end in an error, never a panic.

use baselines::import::{IMPORTERS, import};
use proptest::prelude::*;

/// The sample file of each importer, named like it.
const SAMPLES: [(&str, &[u8]); 2] = [
    ("csv", include_bytes!("data/import/csv.csv")),
    ("gobench", include_bytes!("data/import/gobench.txt")),
];

#[test]
fn importers_are_sorted_explained_and_each_reads_its_sample_alone() {
    assert!(IMPORTERS.is_sorted_by(|a, b| a.name < b.name));
    assert_eq!(IMPORTERS.len(), SAMPLES.len(), "every importer has a sample file");
    for (importer, (name, sample)) in IMPORTERS.iter().zip(SAMPLES) {
        assert_eq!(importer.name, name);
        assert!(importer.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
        assert!(importer.about.ends_with('.') && importer.about.len() > 20, "{name}");
        for other in IMPORTERS {
            assert_eq!((other.sniff)(sample), other.name == name, "{} on {name}", other.name);
        }
        let imported = import(sample).expect("its own sample");
        assert_eq!(imported.importer, name);
        assert_eq!(imported, (importer.parse)(sample).expect("the same way"));
        assert!(imported.series.is_sorted_by(|a, b| (&a.name, &a.unit) < (&b.name, &b.unit)));
        for point in imported.series.iter().flat_map(|series| &series.points) {
            assert!(point.value.is_finite() && point.context < imported.contexts.len());
            assert!((1..=imported.n_lines).contains(&point.line));
        }
    }
}

#[test]
fn the_go_sample_holds_what_its_lines_say() {
    let imported = import(SAMPLES[1].1).expect("the sample");
    // `PASS` alone is other text: `panic: interrupted` has the form of a configuration line, so it is one.
    assert_eq!((imported.n_lines, imported.n_other_lines, imported.n_broken_results), (13, 1, 1));
    assert_eq!(
        imported.first_broken.as_deref(),
        Some("line 10: \"BenchmarkParse/large-8\" without iterations")
    );
    let small = imported.series.iter().filter(|series| series.name == "BenchmarkParse/small-8");
    let units: Vec<&str> = small.map(|series| series.unit.as_str()).collect();
    assert_eq!(units, ["B/op", "MB/s", "allocs/op", "ns/op"]);
}

#[test]
fn hostile_bytes_are_errors_with_a_line() {
    let table: [&[u8]; 12] = [
        b"",
        b"\0",
        b"\xff\xfe",
        b"\x1f\x8b",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
        b"\xef\xbb\xbf",
        b"Benchmark",
        b"Benchmark\n\n\n",
        b"Benchmark\xff 1 1 ns/op",
        b"metric,value",
        b"\"metric\",\"value\"\"",
        b"timestamp_s,revision,cpu,metric,value,unit\n\"\"\"",
    ];
    for bytes in table {
        let error = import(bytes).expect_err("nothing to import").to_string();
        assert!(
            error.starts_with("line ") && error.contains("expected") && error.contains("; "),
            "{error}"
        );
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = import(&bytes);
        for importer in IMPORTERS {
            let _ = (importer.parse)(&bytes);
        }
    }

    #[test]
    fn no_edit_of_a_sample_makes_it_panic(
        which in 0_usize..2,
        place in 0_usize..400,
        inserted in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b','), Just(b'"'), Just(b':'), Just(b' '), any::<u8>()], 0..6),
        removed in 0_usize..6,
    ) {
        let mut bytes = SAMPLES[which].1.to_vec();
        let start = place.min(bytes.len());
        let end = (start + removed).min(bytes.len());
        bytes.splice(start..end, inserted);
        if let Ok(imported) = import(&bytes) {
            for point in imported.series.iter().flat_map(|series| &series.points) {
                prop_assert!(point.value.is_finite() && point.context < imported.contexts.len());
                prop_assert!((1..=imported.n_lines).contains(&point.line));
            }
        }
    }
}
