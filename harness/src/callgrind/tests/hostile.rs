//! Bytes that callgrind never wrote: an error or a profile, and never a panic.

use std::path::Path;

use proptest::prelude::*;

use super::golden::{BASE, FULL};
use crate::callgrind::{Diff, Profile, flame_graph, parse};

/// What holds of every profile that is read at all, and that the road behind it bears it.
fn bear(profile: &Profile) {
    let sum: u64 = profile.functions.values().map(|costs| costs.self_ir).sum();
    assert_eq!(sum, profile.total_ir);
    let comparable = profile.comparable(Path::new("/tmp/toy"));
    assert_eq!(comparable.total_ir, profile.total_ir);
    let empty = Profile::default();
    assert_eq!(Diff::of(&empty, &comparable).delta_ir, profile.total_ir.cast_signed());
    let drawn = flame_graph(&empty, &comparable, "hostile");
    assert_eq!(drawn.is_ok(), profile.total_ir > 0, "{drawn:?}");
}

#[test]
fn a_profile_cut_anywhere_is_an_error() {
    for bytes in [BASE, FULL] {
        let whole = parse(bytes).unwrap();
        // The last line's first number is the one that counts.
        let last = b"\ntotals: 1598";
        let end = bytes.windows(last.len()).position(|window| window == last).unwrap() + last.len();
        for cut in 0..end {
            let error = format!("{:#}", parse(&bytes[..cut]).expect_err("the end is missing"));
            assert!(error.contains("line "), "{cut}: {error}");
        }
        assert_eq!(parse(&bytes[..end]).unwrap(), whole);
    }
}

/// A line of the format, right or nearly so.
fn any_line() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        "[0-9]{1,3}",
        "[0-9]{18,21}",
        "0x[0-9a-f]{1,17}",
        "[+-][0-9]{1,20}",
        Just("*".to_owned())
    ];
    let key = "(fn|fl|fi|fe|ob|cfn|cfi|cob|jfn|jump|calls|part|events|positions|summary|totals)";
    prop_oneof![
        4 => (number.clone(), number.clone()).prop_map(|(at, cost)| format!("{at} {cost}")),
        2 => "(fn|fl|cfn|cfi)=\\([1-3]\\)( [ab;<'0])?",
        2 => (number.clone(), number).prop_map(|(count, at)| format!("calls={count} {at}")),
        1 => (key, "[=:]", ".{0,6}").prop_map(|(key, sign, value)| format!("{key}{sign}{value}")),
        1 => ".{0,12}",
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_an_error_or_a_profile(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(profile) = parse(&bytes) {
            bear(&profile);
        }
    }

    #[test]
    fn a_profile_with_bytes_changed_is_an_error_or_a_profile(
        is_full in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = if is_full { FULL } else { BASE }.to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(profile) = parse(&bytes) {
            bear(&profile);
        }
    }

    #[test]
    fn lines_in_any_order_are_an_error_or_a_profile(
        lines in prop::collection::vec(any_line(), 0..30),
        total in 0_u64..2000,
    ) {
        let text = format!("events: Ir\nfn=f\n{}\n", lines.join("\n"));
        for text in [text.clone(), format!("{text}totals: {total}\n"), format!("{text}\npart: 2\n")] {
            if let Ok(profile) = parse(text.as_bytes()) {
                bear(&profile);
            }
        }
    }

    /// What is written is read back: names by number, relative lines, calls.
    #[test]
    fn a_profile_that_is_written_is_read(
        costs in prop::collection::vec((0_u8..4, 1_u64..500, 1_u64..1 << 50), 0..40),
    ) {
        let mut text = "positions: line\nevents: Dr Ir\n".to_owned();
        let (mut known, mut last, mut total) = ([false; 4], 0, 0);
        for (idx, line, ir) in &costs {
            let name = if known[usize::from(*idx)] { String::new() } else { format!(" f{idx}") };
            known[usize::from(*idx)] = true;
            let at = if *line >= last { format!("+{}", line - last) } else { format!("-{}", last - line) };
            text += &format!("fn=({idx}){name}\n{at} 1 {ir}\n");
            (last, total) = (*line, total + ir);
        }
        text += &format!("totals: {} {total}\n", costs.len());
        let profile = parse(text.as_bytes()).unwrap();
        prop_assert_eq!(profile.total_ir, total);
        for (function, of) in &profile.functions {
            let own = |(idx, _, _): &&(u8, u64, u64)| format!("f{idx}") == *function.name;
            let want: u64 = costs.iter().filter(own).map(|(_, _, ir)| ir).sum();
            prop_assert_eq!(of.self_ir, want);
            for (at, found) in &of.lines {
                let here = costs.iter().filter(own).filter(|(_, line, _)| *line == at.number);
                prop_assert_eq!(here.map(|(_, _, ir)| ir).sum::<u64>(), *found);
            }
        }
    }
}
