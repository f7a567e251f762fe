//! Seeds of code layouts: from one root seed, the same list for both arms, so that neither gets the better draw.
//! In: the root seed, how many. Out: that many different numbers that the linker takes as seeds.

use engine::Drawing;

/// `n` seeds under `root`. A longer list starts with the shorter one.
pub(crate) fn seeds(root: u64, n: usize) -> Vec<u32> {
    let mut stream = Drawing::new(root, "build/layout");
    let mut seeds = Vec::new();
    while seeds.len() < n {
        let seed = stream.next_u32();
        // lld reads 0 as "at random" and -1 as "in reverse".
        if seed != 0 && seed != u32::MAX && !seeds.contains(&seed) {
            seeds.push(seed);
        }
    }
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_differ_from_each_other_and_follow_from_the_root() {
        let eight = seeds(42, 8);
        let distinct: std::collections::BTreeSet<u32> = eight.iter().copied().collect();
        assert_eq!(distinct.len(), 8);
        assert_eq!(seeds(42, 4), eight[..4]);
        assert_ne!(seeds(43, 8), eight);
        assert!(seeds(42, 0).is_empty());
    }
}
