//! The machine's fingerprint: one digest over the facts that change what a time means.

use super::Host;
use crate::Digest;

impl Host {
    /// The fingerprint that belongs to the other fields, whatever `self.fingerprint` says: SHA-256 over one
    /// `name=value` a line, in the order of the struct, flags joined by a space.
    #[must_use]
    pub fn computed_fingerprint(&self) -> Digest {
        let line = |(name, value)| format!("{name}={value}\n");
        let text: String = self.facts().into_iter().map(line).collect();
        Digest::of(text.as_bytes())
    }

    /// Every fact that the fingerprint covers, in its order: name and value.
    #[must_use]
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        // Every field is named, so that a new one cannot be left out unnoticed.
        let Self {
            fingerprint: _,
            cpu_model,
            cpu_signature,
            microcode,
            cpu_flags,
            cpus,
            memory_gib,
            os,
            governor,
            virtualization,
            // The model of the CPU says them; records from before 1.5 have none, of the same machine.
            core_cache_bytes: _,
            shared_cache_bytes: _,
        } = self;
        vec![
            ("cpu_model", cpu_model.clone()),
            ("cpu_signature", cpu_signature.clone()),
            ("microcode", microcode.clone()),
            ("cpu_flags", cpu_flags.join(" ")),
            ("cpus", cpus.to_string()),
            ("memory_gib", memory_gib.to_string()),
            ("os", os.clone()),
            ("governor", governor.clone()),
            ("virtualization", virtualization.clone()),
        ]
    }
}
