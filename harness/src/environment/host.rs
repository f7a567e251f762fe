//! Host facts from `/proc` and `/sys`: those that change what a time means, and nothing that changes by itself.

use std::thread;

use baselines::{Digest, record::Host};

use super::machine::{Machine, field};

/// Flags that decide which kernels can run and how fast they are.
const FLAGS: &[&str] = &[
    "amx_int8",
    "avx",
    "avx2",
    "avx512_bf16",
    "avx512_bitalg",
    "avx512_vbmi2",
    "avx512_vnni",
    "avx512_vpopcntdq",
    "avx512bw",
    "avx512cd",
    "avx512dq",
    "avx512f",
    "avx512ifma",
    "avx512vbmi",
    "avx512vl",
    "avx_vnni",
    "bmi2",
    "f16c",
    "fma",
    "gfni",
    "hypervisor",
    "sha_ni",
];

/// Caches of a CPU that are looked at: more than any CPU has.
const MOST_CACHES: usize = 8;
/// From this level on a cache belongs to several cores, whatever a guest is told of who shares it.
const SHARED_LEVEL: u64 = 3;

/// This machine.
pub(crate) fn host() -> Host {
    let machine = Machine::here();
    let read = |path: &str| machine.text(path).unwrap_or_default();
    let cpus = thread::available_parallelism().map_or(1, |cpus| cpus.get() as u64);
    facts(&Files {
        cpuinfo: read("/proc/cpuinfo"),
        meminfo: read("/proc/meminfo"),
        os_type: read("/proc/sys/kernel/ostype"),
        os_release: read("/proc/sys/kernel/osrelease"),
        governor: read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        vendor: read("/sys/class/dmi/id/sys_vendor"),
        caches: (0..MOST_CACHES)
            .map(|idx| {
                ["level", "type", "size"].map(|name| {
                    read(&format!("/sys/devices/system/cpu/cpu0/cache/index{idx}/{name}"))
                })
            })
            .collect(),
        cpus,
    })
}

/// The texts that the facts are read from.
#[derive(Clone, Debug, Default)]
struct Files {
    cpuinfo: String,
    meminfo: String,
    os_type: String,
    os_release: String,
    governor: String,
    vendor: String,
    /// Level, type and size of each cache of the first CPU.
    caches: Vec<[String; 3]>,
    cpus: u64,
}

fn facts(files: &Files) -> Host {
    let cpu = |name: &str| field(&files.cpuinfo, name);
    let known =
        |text: Option<&str>| text.filter(|text| !text.is_empty()).unwrap_or("unknown").to_owned();
    let all_flags: Vec<&str> = cpu("flags").unwrap_or_default().split_whitespace().collect();
    let cpu_flags = FLAGS
        .iter()
        .filter(|flag| all_flags.contains(flag))
        .map(|flag| (*flag).to_owned())
        .collect();
    let signature: Vec<&str> =
        ["cpu family", "model", "stepping"].iter().map(|name| cpu(name).unwrap_or("?")).collect();
    let memory_kib: u64 = field(&files.meminfo, "MemTotal")
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .unwrap_or(0);
    let [core_cache_bytes, shared_cache_bytes] = caches(&files.caches);
    let mut host = Host {
        fingerprint: Digest::of(b""),
        cpu_model: known(cpu("model name")),
        cpu_signature: signature.join("/"),
        microcode: known(cpu("microcode")),
        cpu_flags,
        cpus: files.cpus,
        memory_gib: (memory_kib + (1 << 19)) >> 20,
        os: format!(
            "{} {}",
            known(Some(files.os_type.trim())),
            known(Some(files.os_release.trim()))
        ),
        governor: known(Some(files.governor.trim())),
        virtualization: virtualization(&files.cpuinfo, &files.vendor).unwrap_or("none").to_owned(),
        core_cache_bytes,
        shared_cache_bytes,
    };
    host.fingerprint = host.computed_fingerprint();
    host
}

/// Bytes of the largest cache of a core, and of the last one that cores share.
fn caches(files: &[[String; 3]]) -> [Option<u64>; 2] {
    let mut largest = [None; 2];
    for [level, kind, size] in files {
        let (Ok(level), Some(bytes)) = (level.trim().parse::<u64>(), bytes(size.trim())) else {
            continue;
        };
        if kind.trim() != "Instruction" {
            let of = &mut largest[usize::from(level >= SHARED_LEVEL)];
            *of = (*of).max(Some(bytes));
        }
    }
    largest
}

/// `1024K` in bytes.
fn bytes(size: &str) -> Option<u64> {
    let unit = size.find(|c: char| !c.is_ascii_digit()).unwrap_or(size.len());
    let (number, unit) = size.split_at(unit);
    let factor = match unit {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// Whose guest this is by the machine's `sys_vendor`: `none` on the machine itself, `unknown` for a guest of somebody;
/// `None` where the CPU's flags are not told.
pub(crate) fn virtualization<'a>(cpuinfo: &str, vendor: &'a str) -> Option<&'a str> {
    let is_guest = field(cpuinfo, "flags")?.split_whitespace().any(|flag| flag == "hypervisor");
    let vendor = Some(vendor.trim()).filter(|vendor| !vendor.is_empty()).unwrap_or("unknown");
    Some(if is_guest { vendor } else { "none" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        Files {
            cpuinfo: "processor\t: 0\ncpu family\t: 6\nmodel\t\t: 106\nmodel name\t: Some CPU @ 2.80GHz\n\
                      stepping\t: 6\nmicrocode\t: 0x1\nflags\t\t: fpu avx2 sse fma hypervisor\n\n\
                      processor\t: 1\nmodel name\t: Another\n"
                .to_owned(),
            meminfo: "MemTotal:       16302748 kB\nMemFree: 1 kB\n".to_owned(),
            os_type: "Linux\n".to_owned(),
            os_release: "6.1.0\n".to_owned(),
            governor: String::new(),
            vendor: "ACME\n".to_owned(),
            caches: [["1", "Data", "32K"], ["1", "Instruction", "64K"], ["2", "Unified", "1024K"], ["3", "Unified", "32M"], ["", "", ""]]
                .map(|cache| cache.map(|text| format!("{text}\n")))
                .to_vec(),
            cpus: 2,
        }
    }

    #[test]
    fn facts_are_read_from_the_systems_own_files() {
        let host = facts(&files());
        assert_eq!(host.cpu_model, "Some CPU @ 2.80GHz");
        assert_eq!(host.cpu_signature, "6/106/6");
        assert_eq!(host.cpu_flags, ["avx2", "fma", "hypervisor"]);
        assert_eq!(host.core_cache_bytes, Some(1 << 20));
        assert_eq!(host.shared_cache_bytes, Some(32 << 20));
        assert_eq!((host.memory_gib, host.os.as_str()), (16, "Linux 6.1.0"));
        assert_eq!((host.governor.as_str(), host.virtualization.as_str()), ("unknown", "ACME"));
    }

    #[test]
    fn another_cpu_is_another_fingerprint_and_less_free_memory_is_not() {
        let mut other = files();
        other.meminfo = "MemTotal:       16302748 kB\nMemFree: 2 kB\n".to_owned();
        assert_eq!(facts(&files()).fingerprint, facts(&other).fingerprint);
        other.cpuinfo = other.cpuinfo.replace("2.80", "2.90");
        assert_ne!(facts(&files()).fingerprint, facts(&other).fingerprint);
    }

    #[test]
    fn a_system_without_these_files_still_has_a_fingerprint() {
        let host = facts(&Files { cpus: 1, ..Files::default() });
        assert_eq!(host.cpu_model, "unknown");
        assert_eq!(host.fingerprint, host.computed_fingerprint());
    }

    #[test]
    fn the_flags_are_sorted() {
        assert!(FLAGS.is_sorted());
    }
}
