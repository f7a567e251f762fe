"""What a comparison ran on: the machine, the compilers, the versions. A fact that this system does not tell is null."""

import hashlib
import os
import platform
import re
import subprocess
from pathlib import Path


def facts():
    return {
        "cpu": cpu_model(),
        "n_cpus": len(os.sched_getaffinity(0)),
        "isa_flags": isa_flags(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "transparent_huge_pages": read("/sys/kernel/mm/transparent_hugepage/enabled"),
        "governor": read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "load_average_before": os.getloadavg(),
    }


def versions(checkout, rates, llama_bench, llama_version, models):
    """`checkout` is where this script is; binaries that the caller named may be older, so each has its digest."""
    return {
        "checkout": first_line("git", "-C", checkout, "rev-parse", "HEAD"),
        "checkout_changed": bool(output("git", "-C", checkout, "status", "--porcelain")),
        "llama_cpp": llama_version,
        "c_compiler": first_line("cc", "--version"),
        "cxx_compiler": first_line("c++", "--version"),
        "rustc": first_line("rustc", "--version"),
        "sha256": {name: sha256(path) for name, path in {"rates": rates, "llama-bench": llama_bench, **models}.items()},
    }


def busy_s():
    """CPU seconds, over all CPUs, that anything has used since the start of the system, or that the host kept back (proc(5), stat)."""
    numbers = re.findall(r"\d+", (read("/proc/stat") or "").partition("\n")[0])
    if len(numbers) < 8:
        return None
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, numbers[:8])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def children_s():
    """CPU seconds of all processes started here that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def cpu_model():
    return next(iter(cpuinfo("model name")), None)


def isa_flags():
    """The instruction sets that matter to a kernel, as the system names them."""
    flags = next(iter(cpuinfo("flags") or cpuinfo("Features")), "").split()
    return [flag for flag in flags if re.match(r"avx|fma|f16c|amx|asimd|sve|i8mm|bf16", flag)]


def cpuinfo(key):
    text = read("/proc/cpuinfo") or ""
    return re.findall(rf"^{key}\s*: (.*)$", text, re.MULTILINE)


def read(path):
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return None


def output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def first_line(*command):
    lines = (output(*command) or "").splitlines()
    return lines[0] if lines else None


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
