#!/usr/bin/env bash
# Puts `bench` on the PATH of the steps that follow.
# In: INPUT_MODE, INPUT_VERSION, and versions.tsv beside this file. Out: $RUNNER_TEMP/tritgate/bin/bench, a line in GITHUB_PATH.
set -euo pipefail
# shellcheck source=ci/action/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

bin=$home/bin
table=${GITHUB_ACTION_PATH:?is set by the runner}/action/versions.tsv

# Targets whose binary runs here, the best first: a static one needs no particular C library.
targets() {
  local machine
  machine=$(uname -s)-$(uname -m)
  case $machine in
    Linux-x86_64) echo "x86_64-unknown-linux-musl x86_64-unknown-linux-gnu" ;;
    Linux-aarch64 | Linux-arm64) echo "aarch64-unknown-linux-musl aarch64-unknown-linux-gnu" ;;
    *) fail "failed to install bench: no prebuilt binary runs on $machine; leave input \`version\` out to build it from source" ;;
  esac
}

# The columns of the table, one row a line; its first line names them.
rows() {
  sed -e 1d -e '/^[[:space:]]*$/d' "$table"
}

# A binary of the table. Its digest is checked before anything runs it.
from_table() {
  local version=$1 wanted target row="" has found=""
  [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "failed to install bench: input \`version\`: expected X.Y.Z, found \`$version\`"
  wanted=$(targets)
  for target in $wanted; do
    row=$(rows | awk -F '\t' -v version="$version" -v target="$target" '$1 == version && $2 == target')
    [ -z "$row" ] || break
  done
  if [ -z "$row" ]; then
    has=$(rows | awk -F '\t' '{ printf "%s%s for %s", (NR > 1 ? ", " : ""), $1, $2 }')
    fail "failed to install bench $version for one of $wanted: the table of this revision of the action has ${has:-no release yet}; \
leave input \`version\` out to build bench from the action's own source, or use a revision that has it"
  fi
  local digest path
  IFS=$'\t' read -r _ target digest path <<<"$row"
  [[ $digest =~ ^[0-9a-f]{64}$ && $path =~ ^[A-Za-z0-9._/-]+$ ]] ||
    fail "failed to install bench $version: versions.tsv: expected 64 hex digits and a path for $target, found \`$digest\` and \`$path\`"

  mkdir -p "$bin"
  curl --proto '=https' --proto-redir '=https' --tlsv1.2 --fail --location --silent --show-error --retry 5 --max-time 300 \
    --output "$home/download" "https://github.com/$path" ||
    fail "failed to install bench $version: no answer for https://github.com/$path"
  found=$(sha256sum <"$home/download")
  found=${found%% *}
  if [ "$found" != "$digest" ]; then
    rm -f "$home/download"
    fail "failed to install bench $version for $target: SHA-256 of https://github.com/$path: expected $digest, found $found"
  fi
  chmod 755 "$home/download"
  mv -f "$home/download" "$bin/bench"
}

# The source that this revision of the action came with.
from_source() {
  command -v cargo >/dev/null || fail "failed to build bench: no \`cargo\` on the PATH; install Rust before this step, or set input \`version\`"
  # In the action's folder: a toolchain file or a .cargo/config.toml of the repository that is measured is not about this
  # build, and a pull request could edit it. Flags meant for that repository (`-D warnings`) are not about it either.
  (
    cd "$GITHUB_ACTION_PATH/.."
    env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u CARGO_BUILD_RUSTFLAGS -u CARGO_BUILD_TARGET \
      cargo install --locked --path "$GITHUB_ACTION_PATH/../harness" --root "$home" --target-dir "$home/target"
  ) || fail "failed to build bench from the source of this action"
}

# This is the first step in every mode, so it is here that a mode nobody knows ends.
case ${INPUT_MODE:-} in
  install | measure | gate) ;;
  *) fail "input \`mode\`: expected install, measure or gate, found \`${INPUT_MODE:-}\`" ;;
esac
if [ -n "${INPUT_VERSION:-}" ]; then
  from_table "$INPUT_VERSION"
else
  from_source
fi
"$bin/bench" --version
printf '%s\n' "$bin" >>"${GITHUB_PATH:?is set by the runner}"
