#!/usr/bin/env bash
# Publishes through the built `bench` while a server that nobody here wrote (Prism) holds every request to GitHub's own description.
# In: gates/tests/data/github/requests.json, ci/mock/package-lock.json. Out: exit 0, and how many requests of each kind were taken.
# The server listens on this machine alone, and ends with this script.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly DESCRIPTION=gates/tests/data/github/requests.json
readonly LOCK=ci/mock/package-lock.json

for tool in node npm; do
  if ! command -v "$tool" >/dev/null; then
    echo "missing: $tool: Prism, which holds requests to GitHub's description, runs on Node.js 20 or later" >&2
    exit 1
  fi
done

# A folder of its own for each state of the lock: one that exists is complete.
digest=$(sha256sum <"$LOCK")
build=${CARGO_TARGET_DIR:-target}
tools=$build/mock/${digest:0:16}
if [ ! -d "$tools" ]; then
  mkdir -p "$build/mock"
  fresh=$(mktemp -d "$build/mock/fresh.XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  cp ci/mock/package.json "$LOCK" "$fresh"
  npm ci --prefix "$fresh" --ignore-scripts --no-audit --no-fund --loglevel=error
  # Another run may have been faster; its folder is as good.
  mv -T "$fresh" "$tools" 2>/dev/null || [ -d "$tools" ]
fi

# A port that nothing listens on now.
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
mock=127.0.0.1:$port
log=$(mktemp)
node "$tools/node_modules/@stoplight/prism-cli/dist/index.js" mock -h 127.0.0.1 -p "$port" "$DESCRIPTION" >"$log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; rm -f "$log" "${taken:-}"' EXIT
status() {
  curl --silent --output /dev/null --write-out '%{http_code}' --max-time 10 --header 'authorization: Bearer x' "$@" || true
}
for _ in {1..120}; do
  [ "$(status "http://$mock/repos/o/r/pulls")" != 200 ] || break
  if ! kill -0 "$server" 2>/dev/null; then
    cat "$log" >&2
    echo "Prism ended before it answered" >&2
    exit 1
  fi
  sleep 0.5
done

# It must be able to say no.
create() {
  status --header 'content-type: application/json' --data "$1" "http://$mock/repos/o/r/check-runs"
}
for body in '{"name": "x"}' '{"name": "x", "head_sha": "y", "status": "completed", "conclusion": "green"}'; do
  found=$(create "$body")
  if [ "$found" != 422 ]; then
    echo "Prism: expected 422 for the body $body, found $found" >&2
    exit 1
  fi
done

taken=$(mktemp)
# As the whole workspace is tested: nothing is built twice.
TRITGATE_API_MOCK=$mock cargo test --workspace --test publish -- --nocapture </dev/null | tee "$taken" |
  { grep -v '^described: ' || true; }
echo "requests that GitHub's description takes:"
sed -n 's/^described: \([A-Z]*\) .*: \([0-9]*\)$/\1 \2/p' "$taken" | sort | uniq -c
for wanted in 'POST /repos/octo-org/octo-repo/check-runs: 201' 'GET /repos/octo-org/octo-repo/contents/'; do
  if ! grep -qF "described: $wanted" "$taken"; then
    echo "expected a request \`$wanted\`, found none: the tests did not ask this server" >&2
    exit 1
  fi
done
