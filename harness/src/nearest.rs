//! "Did you mean": the known name nearest to one that is not.

/// The entry of `known` with the smallest edit distance to `name`, if the distance is at most half the longer length.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|entry| (distance(name, entry), entry))
        .filter(|(distance, entry)| 2 * distance <= name.chars().count().max(entry.chars().count()))
        .min()
        .map(|(_, entry)| entry)
}

/// "nearest: `x`", or all names where none is near.
pub(crate) fn suggestion(name: &str, known: &[&str]) -> String {
    nearest(name, known.iter().copied()).map_or_else(
        || {
            format!(
                "known: {}",
                known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ")
            )
        },
        |near| format!("nearest: `{near}`"),
    )
}

/// Levenshtein distance in characters, one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_of_the_keyboard_finds_the_name() {
        assert_eq!(nearest("procesess", ["pairs", "processes", "store"]), Some("processes"));
        assert_eq!(nearest("sote", ["pairs", "processes", "store"]), Some("store"));
    }

    #[test]
    fn nothing_is_near_a_different_word() {
        assert_eq!(nearest("zebra", ["pairs", "processes"]), None);
        assert_eq!(suggestion("zebra", &["pairs", "processes"]), "known: `pairs`, `processes`");
    }

    #[test]
    fn distance_counts_insert_delete_and_replace() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
