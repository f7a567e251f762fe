#!/usr/bin/env bash
# Runs one module of this folder with what it needs: the driver (Playwright), the judge of accessibility (axe), and a browser.
# In: a module's name and its arguments; ci/browser/package-lock.json. Out: the module's exit code, or 1 and what is missing.
# Paths among the arguments stay relative to the caller's folder. The tools are kept in the build folder until the lock changes.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here

if [ "$#" -eq 0 ]; then
  echo "ci/browser/node.sh: expected the name of a module in ci/browser, such as check.mjs, found nothing" >&2
  exit 1
fi
for tool in node npm; do
  if ! command -v "$tool" >/dev/null; then
    echo "missing: $tool: what drives the browser runs on Node.js 20 or later" >&2
    exit 1
  fi
done
if ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
  echo "node: expected 20 or later for what drives the browser, found $(node --version)" >&2
  exit 1
fi

found_browser() {
  local name
  for name in chromium chromium-browser google-chrome; do
    command -v "$name" && return
  done
  return 1
}
if ! browser=$(found_browser); then
  if [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null; then
    echo "no browser here: installing chromium and fonts-dejavu-core by apt-get"
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    # A machine without a font draws no text, and then nothing of it can be out of place.
    if ! { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core; } >"$log" 2>&1; then
      tail -n 20 "$log" >&2
    fi
    rm -f "$log"
  fi
  if ! browser=$(found_browser); then
    echo "missing: a browser: expected chromium, chromium-browser or google-chrome in PATH, found none (Debian: apt-get install chromium fonts-dejavu-core)" >&2
    exit 1
  fi
fi

# A folder of its own for each state of the lock: one that exists is complete.
digest=$(sha256sum <"$here/package-lock.json")
build=${CARGO_TARGET_DIR:-$here/../../target}/browser
mkdir -p "$build"
build=$(cd "$build" && pwd)
tools=$build/${digest:0:16}
if [ ! -d "$tools" ]; then
  fresh=$(mktemp -d "$build/fresh.XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  cp "$here/package.json" "$here/package-lock.json" "$fresh"
  npm ci --prefix "$fresh" --ignore-scripts --no-audit --no-fund --loglevel=error
  # Another run may have been faster; its folder is as good.
  mv -T "$fresh" "$tools" 2>/dev/null || [ -d "$tools" ]
fi

module=$1
shift
BROWSER=$browser BROWSER_TOOLS=$tools BROWSER_OUT=$build node "$here/$module" "$@"
