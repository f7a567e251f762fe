#!/usr/bin/env bash
# Opens the pages that this repository makes in a real browser, and holds each to what a reader needs of it.
# In: the pages of ci/browser/pages.mjs, made here; or pages by path: run.sh [--require sort,filter,tip] FILE.html…
# Out: exit 0, or what was expected and found where; a picture of each page in each cell in $CARGO_TARGET_DIR/browser/shots.
# The planted faults come first: a check that cannot fail shows nothing.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")

"$here/node.sh" self_test.mjs
"$here/node.sh" check.mjs "$@"
