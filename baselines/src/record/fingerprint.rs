//! The machine's fingerprint: one digest over the facts that change what a time means.

use super::Host;
use crate::Digest;

impl Host {
    /// The fingerprint that belongs to the other fields, whatever `self.fingerprint` says: SHA-256 over one
    /// `name=value` a line, in the order of the struct, flags joined by a space.
    #[must_use]
    pub fn computed_fingerprint(&self) -> Digest {
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
        } = self;
        let cpu_flags = cpu_flags.join(" ");
        let text = format!(
            "cpu_model={cpu_model}\ncpu_signature={cpu_signature}\nmicrocode={microcode}\ncpu_flags={cpu_flags}\n\
             cpus={cpus}\nmemory_gib={memory_gib}\nos={os}\ngovernor={governor}\nvirtualization={virtualization}\n"
        );
        Digest::of(text.as_bytes())
    }
}
