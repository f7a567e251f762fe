//! Names of functions that two builds share: nothing in them depends on the build, its compiler or its linker's order.
//! In: a name as callgrind wrote it. Out: the name without hashes, counters and levels of recursion.
//!
//! Two functions may come to share a name: generic ones that differ in their types alone (legacy mangling does not keep
//! these). Their costs are then added up.

/// How the name of a function begins that has none: the file that it is in follows.
pub(crate) const UNNAMED: &str = "unnamed in ";

/// The name of `raw` in every build.
pub(super) fn comparable(raw: &str) -> String {
    if let Some(object) = without_symbol(raw) {
        return format!("{UNNAMED}{object}");
    }
    let name = without_llvm(without_recursion(raw));
    // The alternate form leaves out hashes: those of legacy names and the crates' of v0.
    let name = rustc_demangle::try_demangle(name)
        .map_or_else(|_| name.to_owned(), |demangled| format!("{demangled:#}"));
    without_hash(&name).to_owned()
}

/// `0x102f0 in /usr/lib/libm.so.6`: an address is another one in the next build.
fn without_symbol(raw: &str) -> Option<&str> {
    let (address, object) = raw.strip_prefix("0x")?.split_once(" in ")?;
    let is_address = address.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_address.then(|| object.rsplit('/').next().unwrap_or(object))
}

/// `f'2`, the second level of a recursion.
fn without_recursion(name: &str) -> &str {
    match name.rsplit_once('\'') {
        Some((stem, level)) if !stem.is_empty() && is_number(level) => stem,
        _ => name,
    }
}

/// `f.llvm.1234`: thin LTO made a local function visible.
fn without_llvm(name: &str) -> &str {
    match name.rsplit_once(".llvm.") {
        Some((stem, number)) if number.bytes().all(|byte| byte.is_ascii_hexdigit()) => stem,
        _ => name,
    }
}

/// `f::h0123456789abcdef`.
fn without_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((stem, hash))
            if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            stem
        }
        _ => name,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_depends_on_the_build_is_taken_off() {
        for (raw, want) in [
            ("engine::forward::h0123456789abcdef", "engine::forward"),
            ("engine::forward::h0123456789abcdef'2", "engine::forward"),
            ("engine::forward.llvm.12345678901234567890", "engine::forward"),
            ("_ZN6engine7forward17h0123456789abcdefE.llvm.77'3", "engine::forward"),
            (
                "_ZN4core3ptr42drop_in_place$LT$alloc..string..String$GT$17h0123456789abcdefE",
                "core::ptr::drop_in_place<alloc::string::String>",
            ),
            ("_RNvCskwGfYPst2Cb_6engine7forward", "engine::forward"),
            ("0x00000000000102f0 in /usr/lib/x86_64-linux-gnu/libm.so.6", "unnamed in libm.so.6"),
        ] {
            assert_eq!(comparable(raw), want, "{raw}");
        }
    }

    #[test]
    fn what_only_looks_like_it_stays() {
        for name in [
            "main",
            "engine::h0123",
            "engine::hzzzzzzzzzzzzzzzz",
            "'2",
            "it's",
            "f'",
            "init_cpu_features.constprop.0",
            "_RNot a name",
            "_ZN3foo3barEv",
            "0xyz in here",
            "",
            "operator'ü'",
        ] {
            assert_eq!(comparable(name), name);
        }
    }

    #[test]
    fn two_builds_of_a_v0_name_are_one() {
        let of = |hash: &str| comparable(&format!("_RNvC{hash}_6engine7forward"));
        assert_eq!(of("skwGfYPst2Cb"), of("s1234567890a"));
    }
}
