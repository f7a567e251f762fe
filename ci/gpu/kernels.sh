#!/usr/bin/env bash
# What can be held of CUDA where there is no GPU: the engine with the feature `gpu`, its tests of devices and fallbacks, and, with NVRTC
# from PyPI, that every kernel compiles for every architecture. With the argument `workspace` also `bench` with that feature, minutes
# more: all of it builds again.
# In: ci/gpu/requirements.txt. Out: exit 0, or what is wrong. Where the package can't be had the kernels are skipped, aloud.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly REQUIREMENTS=ci/gpu/requirements.txt
readonly FEATURES=(--no-default-features --features cpu,gpu)

cargo test -p tritgate-engine "${FEATURES[@]}" --lib -- device
cargo test -p tritgate-engine "${FEATURES[@]}" --test on_device
if [ "${1:-}" = workspace ]; then
  cargo build --workspace "${FEATURES[@]}"
  cargo test -p tritgate-harness "${FEATURES[@]}" --test device --test gpu
fi

if [ "$(uname -sm)" != "Linux x86_64" ] || ! command -v python3 >/dev/null; then
  echo "SKIPPED: kernels were not compiled: NVRTC is fetched by python3 for Linux on x86_64"
  exit 0
fi
digest=$(sha256sum <"$REQUIREMENTS")
build=${CARGO_TARGET_DIR:-target}
tools=$build/nvrtc/${digest:0:16}
if [ ! -d "$tools" ]; then
  mkdir -p "$build/nvrtc"
  fresh=$(mktemp -d "$build/nvrtc/fresh.XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  if ! python3 -m venv "$fresh" || ! "$fresh/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --only-binary=:all: --require-hashes --requirement "$REQUIREMENTS"; then
    echo "SKIPPED: kernels were not compiled: NVRTC could not be installed from PyPI"
    exit 0
  fi
  mv -T "$fresh" "$tools" 2>/dev/null || [ -d "$tools" ]
fi
library=$(find "$(realpath "$tools")" -name 'libnvrtc.so.*' -print -quit)
if [ -z "$library" ]; then
  echo "ci/gpu/kernels.sh: expected libnvrtc.so.* in $tools, found none" >&2
  exit 1
fi
LD_LIBRARY_PATH=$(dirname "$library") cargo test -p tritgate-engine "${FEATURES[@]}" --lib -- --ignored kernels_compile
