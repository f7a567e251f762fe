//! Two machines, field by field: which facts of the fingerprint differ. In: two hosts. Out: name, stored, current of each.

use baselines::record::Host;

use super::alike::Field;

/// The fields that differ, in the order of the fingerprint; of the CPU's flags only those that one of the two lacks.
#[must_use]
pub(super) fn differences(stored: &Host, current: &Host) -> Vec<Field> {
    if stored.fingerprint == current.fingerprint {
        return Vec::new();
    }
    let fields = stored.facts().into_iter().zip(current.facts());
    let differ: Vec<Field> = fields
        .filter(|(expected, found)| expected != found)
        .map(|((name, expected), (_, found))| (name, expected, found))
        .collect();
    if differ.is_empty() {
        // Two digests of the same facts: one of them is not what it says, which `fingerprint` of the rules refuses.
        return vec![("fingerprint", stored.fingerprint.short(), current.fingerprint.short())];
    }
    let of_flags = |field: Field| match field.0 {
        "cpu_flags" => {
            (field.0, only(&stored.cpu_flags, current), only(&current.cpu_flags, stored))
        }
        _ => field,
    };
    differ.into_iter().map(of_flags).collect()
}

/// The flags that `other` lacks.
fn only(flags: &[String], other: &Host) -> String {
    let own: Vec<_> =
        flags.iter().filter(|flag| !other.cpu_flags.contains(flag)).cloned().collect();
    if own.is_empty() { "none of its own".to_owned() } else { format!("with {}", own.join(" ")) }
}
