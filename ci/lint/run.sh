#!/usr/bin/env bash
# Lints every workflow and the action, without a network once the two linters are there.
# In: ci/lint/requirements.txt. Out: exit 0, or what is wrong. The linters are kept in the build folder until that file changes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly REQUIREMENTS=ci/lint/requirements.txt

if ! command -v python3 >/dev/null; then
  echo "missing: python3, 3.11 or later, with venv: zizmor and check-jsonschema lint the workflows (apt-get install python3-venv)" >&2
  exit 1
fi
if ! found=$(python3 -c 'import sys; print(sys.implementation.cache_tag); sys.exit(sys.version_info < (3, 11))'); then
  echo "python3: expected 3.11 or later for the linters of the workflows, found $(python3 --version 2>&1)" >&2
  exit 1
fi

# A folder of its own for each state of the list and each Python: one that exists is complete.
digest=$(sha256sum <"$REQUIREMENTS")
build=${CARGO_TARGET_DIR:-target}
tools=$build/lint/$found-${digest:0:16}
if [ ! -d "$tools" ]; then
  mkdir -p "$build/lint"
  fresh=$(mktemp -d "$build/lint/fresh.XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  if ! python3 -m venv "$fresh"; then
    echo "missing: the module venv of python3 (apt-get install python3-venv)" >&2
    exit 1
  fi
  "$fresh/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
    --requirement "$REQUIREMENTS"
  # Another run may have been faster; its folder is as good.
  mv -T "$fresh" "$tools" 2>/dev/null || [ -d "$tools" ]
fi

# By the interpreter: the starters that pip writes name the folder they were made in.
schema() {
  "$tools/bin/python" -m check_jsonschema --builtin-schema "$@"
}

workflows=(.github/workflows/*.yml ci/workflows/*.yml)
echo "zizmor --offline --strict-collection --pedantic"
"$tools/bin/zizmor" --offline --no-progress --strict-collection --pedantic "${workflows[@]}" ci/action.yml
echo "check-jsonschema: workflows, time limits of their jobs, the action"
schema vendor.github-workflows "${workflows[@]}"
schema custom.github-workflows-require-timeout "${workflows[@]}"
schema vendor.github-actions ci/action.yml
