#!/usr/bin/env bash
# Publishes the verdict of a measuring run as check runs: `bench publish`, in a job that runs nothing of the change.
# In: INPUT_WORKFLOW, INPUT_ARTIFACT_NAME, INPUT_POLICY, INPUT_ANNOTATIONS, INPUT_COMMENT, INPUT_GITHUB_TOKEN,
# INPUT_GITHUB_API_URL, and the event. Out: the outputs that `bench publish` writes; exit 0 once published, whatever the verdict.
set -euo pipefail
# shellcheck source=ci/action/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[ -n "${INPUT_GITHUB_TOKEN:-}" ] || fail "failed to publish: input \`github-token\` is empty"
export GITHUB_TOKEN=$INPUT_GITHUB_TOKEN
if [ -n "${INPUT_GITHUB_API_URL:-}" ]; then
  export GITHUB_API_URL=$INPUT_GITHUB_API_URL
fi
options=(
  "--workflow=${INPUT_WORKFLOW:-.github/workflows/perf-measure.yml}"
  "--artifact=${INPUT_ARTIFACT_NAME:-tritgate-evidence}"
  "--policy=${INPUT_POLICY:-ci/policy.toml}"
  "--annotations=${INPUT_ANNOTATIONS:-10}"
  "--comment=${INPUT_COMMENT:-never}"
)
unset "${!INPUT_@}"
exec bench publish "${options[@]}" </dev/null
