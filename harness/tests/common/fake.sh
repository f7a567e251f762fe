#!/usr/bin/env bash
# Stands in for a program on a test's PATH, by a link of that program's name: keeps what it was given beside the link, then does
# what the test wrote there.
# In: arguments and environment. Out: NAME.args and NAME.env, each entry ended by a zero; then whatever NAME.does does.
set -euo pipefail
printf '%s\0' "$@" >"$0.args"
env --null >"$0.env"
if [ -e "$0.does" ]; then
  # shellcheck disable=SC1090 # what the test wrote
  source "$0.does"
fi
