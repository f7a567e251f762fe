//! One root seed, many named streams: a workload's draws do not shift when another one is added.

use engine::Drawing;

/// The stream for `purpose` within workloads of `kind`.
pub(super) fn stream(root: u64, kind: &str, purpose: &str) -> Drawing {
    Drawing::new(root, &format!("{kind}/{purpose}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_one_root_differ_by_kind_and_purpose() {
        let first = |root, kind, purpose| stream(root, kind, purpose).next_u64();
        assert_eq!(first(42, "decode", "prompt"), first(42, "decode", "prompt"));
        assert_ne!(first(42, "decode", "prompt"), first(42, "prefill", "prompt"));
        assert_ne!(first(42, "decode", "prompt"), first(43, "decode", "prompt"));
        assert_ne!(first(42, "decode", "prompt"), first(42, "decode", "weights"));
    }
}
