//! The program itself: what `build.rs` saw when it was built.

use baselines::record::Tool;

/// This build.
pub(crate) fn tool() -> Tool {
    Tool {
        name: "tritgate".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: Some(env!("TRITGATE_COMMIT").to_owned()).filter(|commit| !commit.is_empty()),
        dirty: match env!("TRITGATE_DIRTY") {
            "clean" => Some(false),
            "dirty" => Some(true),
            _ => None,
        },
        tree: Some(env!("TRITGATE_TREE").to_owned()).filter(|tree| !tree.is_empty()),
        toolchain: env!("TRITGATE_TOOLCHAIN").to_owned(),
        profile: env!("TRITGATE_PROFILE").to_owned(),
        target: env!("TRITGATE_TARGET").to_owned(),
        features: env!("TRITGATE_FEATURES")
            .split(',')
            .filter(|feature| !feature.is_empty())
            .map(str::to_owned)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_knows_its_toolchain_and_target() {
        let tool = tool();
        assert!(tool.toolchain.starts_with("rustc "), "{tool:?}");
        assert!(tool.target.contains('-'), "{tool:?}");
        assert_eq!(tool.commit.is_some(), tool.tree.is_some());
        assert!([tool.commit, tool.tree].into_iter().flatten().all(|name| name.len() == 40));
    }
}
