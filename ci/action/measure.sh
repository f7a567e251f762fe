#!/usr/bin/env bash
# Measures the commit that is checked out against its base: `bench gate --base … --head …`.
# In: INPUT_ARGS, INPUT_BASE, INPUT_POLICY, INPUT_WORKING_DIRECTORY, and what the runner says about the event.
# Out: the gate's files in $RUNNER_TEMP/tritgate/evidence, the outputs `evidence-path` and `evidence-digest`; `verdict` and
# `conclusion` are written by `bench` itself. A verdict ends the step green, red ones too: the check run carries it.
set -euo pipefail
# shellcheck source=ci/action/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

policy=${INPUT_POLICY:-ci/policy.toml}
out=$home/evidence

# The commit that a name stands for. It is never taken as an option, whatever it looks like.
commit_of() {
  git rev-parse --verify --quiet --end-of-options "$1^{commit}"
}

absent() {
  local way_out="is it fetched?"
  if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
    way_out="the clone is shallow: say \`fetch-depth: 0\` in the checkout step"
  fi
  fail "failed to find the base: $1 is not in this clone; $way_out"
}

# Where this change left the branch that it is for. The full name of the ref: a tag may be called `origin/main` too.
fork_point() {
  git merge-base "refs/remotes/origin/$1" "$head" 2>/dev/null ||
    absent "branch \`$1\` of the remote, or a commit that it and the head share,"
}

base_of_queue() {
  local ref
  command -v jq >/dev/null || fail "failed to read the event: no \`jq\` on the PATH; install it on this runner, or set input \`base\`"
  ref=$(jq --exit-status --raw-output '.merge_group.base_ref | strings' "${GITHUB_EVENT_PATH:?is set by the runner}") ||
    fail "failed to read the event: expected a text in \`merge_group.base_ref\`, found none"
  fork_point "${ref#refs/heads/}"
}

find_base() {
  if [ -n "${INPUT_BASE:-}" ]; then
    commit_of "$INPUT_BASE" || absent "\`$INPUT_BASE\`"
    return
  fi
  case ${GITHUB_EVENT_NAME:-} in
    pull_request) fork_point "${GITHUB_BASE_REF:?is set by the runner}" ;;
    merge_group) base_of_queue ;;
    *) commit_of HEAD~1 || absent "the commit before the head" ;;
  esac
}

# Options that make `$base` the judge. Of its own engine `bench` takes the base's policy by itself, and then also notes what
# the head edits; of a bench target it has to be told. Never the head's: a change would be judged by what it wrote itself.
policy_options=()
choose_policy() {
  local arg of_target=0
  for arg in ${args[@]+"${args[@]}"}; do
    case $arg in --bench | --bench=*) of_target=1 ;; esac
  done
  if [ "$of_target" = 0 ] && [ "$policy" = ci/policy.toml ]; then
    return
  fi
  if ! git cat-file -e "$base:$policy" 2>/dev/null; then
    echo "the base has no $policy: judged by the policy that ships"
    return
  fi
  git cat-file blob "$base:$policy" >"$home/policy.toml" || fail "failed to read the policy: \`$policy\` of the base is no file"
  policy_options=(--policy "$home/policy.toml")
}

# Names that the code under test should not see. Hygiene, no boundary: it runs as the same user. By awk, as the shell can
# neither list nor unset names like INPUT_WORKING-DIRECTORY, yet hands them on.
hidden=()
hide_names() {
  local names name
  names=$(awk 'BEGIN { for (name in ENVIRON) print name }')
  while IFS= read -r name; do
    case $name in
      GITHUB_*TOKEN | GH_*TOKEN | ACTIONS_*TOKEN* | GITHUB_ENV | GITHUB_PATH | GITHUB_STATE | INPUT_*)
        hidden+=(-u "$name")
        ;;
    esac
  done <<<"$names"
}

# Runs `bench gate` so that nothing it prints is a command to the runner; its exit code in `code`.
code=0
measure() {
  local token pipe reader
  # Not in the environment, and unlike anything that a benchmark can print.
  token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  [ "${#token}" = 32 ] || fail "failed to draw a random token"
  printf '::stop-commands::%s\n' "$token"
  # One stream: the runner reads stdout and stderr apart, and a late line of stderr could come after the end of the fence.
  exec {pipe}> >(exec cat)
  reader=$!
  env ${hidden[@]+"${hidden[@]}"} bench gate --base "$base" --head "$head" --out "$out" \
    ${policy_options[@]+"${policy_options[@]}"} ${args[@]+"${args[@]}"} \
    </dev/null >&"$pipe" 2>&1 {pipe}>&- || code=$?
  exec {pipe}>&-
  # A process that outlives `bench` may hold the pipe open. What it still says is lost, rather than said after the fence.
  for _ in {1..50}; do
    kill -0 "$reader" 2>/dev/null || break
    sleep 0.1
  done
  kill "$reader" 2>/dev/null || true
  # On a line of its own, whatever the last one lacked.
  printf '\n::%s::\n' "$token"
}

case ${GITHUB_EVENT_NAME:-} in
  pull_request_target | workflow_run)
    fail "failed to measure: event $GITHUB_EVENT_NAME gives a job that runs a change's code the rights of the default branch; measure on pull_request"
    ;;
esac
# At white space, and nothing more: no quotes, no globs, no `$(…)`.
IFS=$' \t\n' read -r -d '' -a args <<<"${INPUT_ARGS:-}" || true
cd -- "${INPUT_WORKING_DIRECTORY:-.}" || fail "failed to measure: input \`working-directory\`: no folder \`$INPUT_WORKING_DIRECTORY\`"
head=$(commit_of HEAD) || fail "failed to measure: no commit is checked out in \`$PWD\`"
base=$(find_base)
mkdir -p "$out"
# What an earlier measurement of this job left is not this one's.
rm -f "$out/evidence.json" "$out/route.json"
choose_policy
hide_names
printf 'base %s, head %s\n' "$base" "$head"
measure

evidence=$out/evidence.json
if [ -f "$evidence" ]; then
  digest=$(sha256sum <"$evidence")
  # After an empty line: a benchmark that wrote to this file may have left its last line open.
  printf '\nevidence-path=%s\nevidence-digest=%s\n' "$evidence" "${digest%% *}" >>"${GITHUB_OUTPUT:?is set by the runner}"
fi
case $code in
  0 | 2 | 3) [ -f "$evidence" ] || fail "bench gate came to a verdict (exit $code) and left no evidence" ;;
  *)
    printf '::error title=tritgate::%s\n' "bench gate: exit $code, no verdict; the reason is above and in the summary of this job"
    exit "$code"
    ;;
esac
