# shellcheck shell=bash
# What install.sh, measure.sh and gate.sh share; sourced, never run.

# By these an earlier step could make a shell that is started from here run or find something else.
unset BASH_ENV ENV CDPATH GLOBIGNORE

# Ends the step with an annotation. Its text may hold what somebody else wrote, so the runner has to read it as data.
# To stderr: a caller may be in a command substitution, and the runner reads both.
fail() {
  local text=$1
  text=${text//'%'/%25}
  text=${text//$'\r'/%0D}
  text=${text//$'\n'/%0A}
  printf '::error title=tritgate::%s\n' "$text" >&2
  exit 1
}

# Where this job's copy of `bench` and what it writes lie. The runner empties RUNNER_TEMP before and after each job.
# shellcheck disable=SC2034 # those that source this file use it
home=${RUNNER_TEMP:?is set by the runner}/tritgate
