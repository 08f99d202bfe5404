#!/usr/bin/env bash
# Builds the fuzz targets (test/fuzz/) into build-fuzz/ and runs each for some
# seconds, from its seeds and from what earlier runs have found of interest. The
# last line is `N passed, M failed`; an input that a target failed on is in
# build-fuzz/findings/.
#
#   tools/fuzz.sh [SECONDS [TARGET...]]      60, all of them
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
build="$root/build-fuzz"

seconds=${1:-60}
if [[ ! $seconds =~ ^[1-9][0-9]*$ ]]; then
  echo "fuzz.sh: expected a number of seconds, found '$seconds'" >&2
  exit 1
fi
shift || true
targets=("$@")
[[ ${#targets[@]} -gt 0 ]] ||
  targets=(safetensors gguf config tokenizer grammar state packed package module request)

"$here/setup.sh"
source "$here/build.sh"
marimba_build_preset fuzz "${targets[@]/#/fuzz-}"

# LLVM's containers and arenas are annotated in our code, not in its libraries.
export ASAN_OPTIONS="detect_container_overflow=0:allow_user_poisoning=0:${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}"
mkdir -p "$build/findings"

# More seeds for `module`: the inputs of lit's tests, cut where they are split.
more="$build/seeds-module"
rm -rf "$more"
mkdir -p "$more"
find "$root"/test/{dialects,passes,lowering} -name '*.mlir' | sort |
  while read -r file; do
    base="$more/$(basename "$(dirname "$file")")-$(basename "$file" .mlir)"
    awk -v base="$base" '/^\/\/ -----/ { part++ } !/^ *\/\// { print > (base "-" part + 0) }' "$file"
  done
passed=0 failed=0
for target in "${targets[@]}"; do
  corpus="$build/corpus/$target"
  log="$build/findings/$target.log"
  mkdir -p "$corpus"
  echo "fuzz.sh: $target, $seconds s" >&2
  if "$build/bin/fuzz-$target" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=4096 -max_len=8192 -print_final_stats=1 \
    -artifact_prefix="$build/findings/$target-" \
    "$corpus" "$root/test/fuzz/seeds/$target" \
    $([[ $target == module ]] && echo "$more") >"$log" 2>&1; then
    echo "ok   $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs"
    passed=$((passed + 1))
  else
    echo "FAIL $target: see $log"
    failed=$((failed + 1))
  fi
done
echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
