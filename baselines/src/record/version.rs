//! The schema version of run records and evidence bundles.

use std::fmt;

/// Version of the schema. Readers accept the same major version and any minor up to their own; a newer minor or another
/// major is refused with the way out.
///
/// Changelog: 1.0, first version. 1.1: code layouts of a subject and of its processes; pairs that were disturbed; a bundle
/// whose base is no stored baseline; external commands as subjects (`command`, with `model` and `settings` null; `runs`;
/// `metrics` of a suite). 1.2: what ties the parts of a bundle together: ids of the outputs, the challenge, digests of the samples,
/// the source tree, where the policy is from, results of other commands, earlier hops of the route. 1.3: accuracy of the model in
/// other formats. 1.4: what a screened head looked at; the head, and what memory the weights lay in. 1.5: sessions of
/// `bench triage`, and the metrics of spans. 1.6: the GPU of a process, and its probes.
pub const SCHEMA_VERSION: SchemaVersion = SchemaVersion { major: 1, minor: 6 };

/// `major.minor`: major changes break readers, minor ones add fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SchemaVersion {
    /// Breaking changes.
    pub major: u32,
    /// Additions.
    pub minor: u32,
}

impl fmt::Display for SchemaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
