#!/usr/bin/env bash
# What an NVIDIA GPU has to show, from binaries that were carried there: the CPU's bits, the table of speeds, every fault, a gate; and
# that compute-sanitizer finds nothing.
# In: a folder with `bench`, `gpu` and `gpu_faults`, a folder for what they write, and parts, all of them by default; CUDA's libraries
# where the loader finds them. Out: a line for each check, with what was found; exit 1 if one does not hold.
#   cargo build --release --features gpu -p tritgate-harness --bin bench --example gpu_faults
#   cargo build --release --features gpu -p tritgate-engine --example gpu
set -uo pipefail
bin=$(realpath "$1") out=$(realpath -m "$2")
shift 2
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(correctness speed faults gate sanitizer)
readonly MODEL=synthetic:bitnet-2b-4t
mkdir -p "$out"
export XDG_CACHE_HOME=$out/cache BENCH_STORE=$out/store
failed=0

# check WHAT FOUND OP BOUND: a number against its bound. No number is a failure.
check() {
  if [ -n "$2" ] && awk "BEGIN { exit !($2 $3 $4) }"; then verdict=ok; else verdict=FAIL failed=1; fi
  printf '%-4s %-58s %14s   (%s %s)\n' "$verdict" "$1" "${2:-none}" "$3" "$4"
}

# same WHAT EXPECTED FOUND: the same text, and some.
same() {
  if [ -n "$2" ] && [ "$2" = "$3" ]; then verdict=ok; else verdict=FAIL failed=1; fi
  printf '%-4s %s\n' "$verdict" "$1"
  [ $verdict = ok ] || printf '     expected %s\n     found    %s\n' "$2" "$3"
}

# number FILE PATTERN: what stands in the first group of the first line that has it.
number() {
  sed -nE "s/.*$2.*/\1/p" "$1" | head -1
}

# bits FILE: every row and every step as on the CPU.
bits() {
  for what in scored 'several sequences'; do
    rows=$(number "$1" "^$what: ([0-9]+) rows")
    check "$2: $what: rows of ${rows:-0} with the CPU's bits" "$(number "$1" "^$what: .*, ([0-9]+) with the same bits")" '==' "${rows:-1}"
  done
  same "$2: twice the same bits" true "$(number "$1" '^scored again: same bits (true|false)')"
  steps=$(number "$1" '^greedy: [0-9]+ of ([0-9]+) steps')
  check "$2: greedy steps of ${steps:-0} with the CPU's likeliest" "$(number "$1" '^greedy: ([0-9]+) of')" '==' "${steps:-1}"
}

correctness() {
  "$bin/gpu" stories score=500 greedy=64 speed=0 kernels="$out/kernels" >"$out/stories.txt" 2>&1
  bits "$out/stories.txt" stories
}

speed() {
  "$bin/gpu" $MODEL score=2000 greedy=8 kernels="$out/kernels-of-speed" >"$out/2b.txt" 2>&1
  cat "$out/2b.txt"
  bits "$out/2b.txt" 2B
  step='^device: step .*, +([0-9.]+) % of a copy'
  check '2B: decode, batch 1, behind 128: tokens/s' "$(number "$out/2b.txt" '^decode behind 128: ([0-9.]+) tokens')" '>=' 700
  check '2B: decode: % of the floor, by events' "$(number "$out/2b.txt" "$step")" '>=' 30
  check '2B: decode, batch 16: tokens/s' "$(number "$out/2b.txt" '^batch of 16: ([0-9]+) tokens')" '>=' 5000
  check '2B: prefill-512: tokens/s' "$(number "$out/2b.txt" '^prefill of 512: ([0-9]+) tokens')" '>=' 15000
  check '2B: ternary products, 210 matrices in a graph: % of a copy' \
    "$(number "$out/2b.txt" '^device: ternary products .*, +([0-9.]+) % of a copy')" '>=' 50
  check '2B: open to first logits, warm: s' "$(number "$out/2b.txt" '^open to first logits, again: ([0-9.]+) s')" '<=' 2.5
  check '2B: open to first logits, kernels compiled: s' "$(number "$out/2b.txt" '^open to first logits, first: ([0-9.]+) s')" '<=' 6
}

# ids FILE: those that a generation put out.
ids() {
  grep -o '"ids":\[[^]]*\]' "$1"
}

# generate PROGRAM FILE [OPTION...]: 64 tokens; its exit code.
generate() {
  program=$1 file=$2
  shift 2
  "$program" --format json model generate --prompt 'Once upon a time' --tokens 64 --temperature 0 "$@" >"$file" 2>"$file.err"
}

# one_fault NAME: the CPU's ids and a warning; with --strict-device exit 1. Variables are the caller's.
one_fault() {
  generate "$program_of_fault" "$out/fault.json" --device cuda
  same "$1: exit 0" 0 $?
  same "$1: the CPU's ids" "$(ids "$out/cpu.json")" "$(ids "$out/fault.json")"
  grep -h -m 1 'warning: device' "$out/fault.json.err" || { echo "FAIL $1: no warning" && failed=1; }
  generate "$program_of_fault" "$out/strict.json" --device cuda --strict-device
  same "$1: exit 1 with --strict-device" 1 $?
}

faults() {
  generate "$bin/bench" "$out/cpu.json"
  generate "$bin/bench" "$out/gpu.json" --device cuda --strict-device
  same 'no fault: exit 0 with --strict-device' 0 $?
  same "no fault: the CPU's ids" "$(ids "$out/cpu.json")" "$(ids "$out/gpu.json")"
  program_of_fault=$bin/gpu_faults
  for fault in cuda-no-driver cuda-no-nvrtc cuda-no-device cuda-too-small cuda-nan@self-test cuda-oom@layer2 cuda-oom@pass3 \
    cuda-kernel@pass3 cuda-lost@pass3; do
    export BENCH_FAULT=$fault
    one_fault "$fault"
    "$bin/gpu_faults" run --processes 1 --without-accuracy --device cuda --json "$out/run.json" >"$out/run.txt" 2>&1
    same "$fault: a run ends with exit 0" 0 $?
    "$bin/bench" verify "$out/run.json" >"$out/verify.txt" 2>&1
    same "$fault: its record holds" 0 $?
    grep -hE '"(lost|fallback)": "' "$out/run.json" | head -1
    unset BENCH_FAULT
  done
  # The driver's own word, without anything planted.
  program_of_fault=$bin/bench
  export CUDA_VISIBLE_DEVICES=
  one_fault 'no device is visible'
  unset CUDA_VISIBLE_DEVICES
}

gate() {
  mkdir -p "$out/gate"
  cd "$out/gate" || return
  "$bin/bench" gate --device cuda --strict-device >gate.txt 2>&1
  code=$?
  tail -40 gate.txt
  # An A/A run: whatever the times say.
  same 'gate: a verdict' yes "$(case $code in 0 | 2 | 3) echo yes ;; *) echo "exit $code" ;; esac)"
  "$bin/bench" verify ci >verify.txt 2>&1
  same 'gate: its files hold' 0 $?
  grep -o '"gpu_fallback": "[^"]*"' ci/benchmarks_gate.json || { echo 'FAIL gate: no gpu_fallback' && failed=1; }
  "$bin/bench" run --device cuda --strict-device --suite gpu --model $MODEL --processes 3 --without-accuracy \
    --json run-2b.json >run-2b.txt 2>&1
  same 'run of the 2B shape: exit 0' 0 $?
  cat run-2b.txt
  "$bin/bench" verify run-2b.json >verify-2b.txt 2>&1
  same 'run of the 2B shape: its record holds' 0 $?
}

sanitizer() {
  tool=$(command -v compute-sanitizer || ls /usr/local/cuda*/bin/compute-sanitizer 2>/dev/null | head -1)
  for check in memcheck racecheck; do
    timeout 250 "$tool" --tool $check "$bin/gpu" stories score=12 prompts=3 greedy=2 speed=0 probe=0 kernels="$out/kernels" >"$out/$check.txt" 2>&1
    found=$(grep -E 'ERROR SUMMARY|RACECHECK SUMMARY' "$out/$check.txt" | tail -1)
    check "compute-sanitizer $check, stories: findings" "$(sed -nE 's/.*SUMMARY: ([0-9]+) .*/\1/p' <<<"$found")" '==' 0
  done
}

date -u +%Y-%m-%d
nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.mem --format=csv,noheader
for part in "${parts[@]}"; do
  printf '\n== %s\n' "$part"
  "$part"
done
exit $failed
