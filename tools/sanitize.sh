#!/usr/bin/env bash
# Builds with sanitizers and runs the tests of runtime, importer and tools, and
# those that load broken files. The last line is `N passed, M failed`: every
# report of a sanitizer is a failure, whether or not a test noticed.
#
#   tools/sanitize.sh address|thread [LIT'S ARGUMENTS...]
#
# address: AddressSanitizer and UndefinedBehaviorSanitizer, in build-asan/.
# thread: ThreadSanitizer over a team of std::threads, in build-tsan/.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")

case ${1:-} in
address) preset=asan ;;
thread) preset=tsan ;;
*)
  echo "sanitize.sh: expected address or thread, found '${1:-}'" >&2
  exit 1
  ;;
esac
shift
build="$root/build-$preset"

fail() {
  echo "sanitize.sh: $1" >&2
  echo "0 passed, 1 failed"
  exit 1
}

"$here/setup.sh" || fail "packages are missing"
source "$here/build.sh"
marimba_build_preset "$preset" marimba marimba-serve marimba-opt marimba-lsp-server \
  marimba-generate marimba-generate-package marimba-runtime-tests \
  marimba-tools-tests || fail "the build failed"

# Reports go to files: a test may take a report for the message that it wants.
# Who makes one is ended by a signal, which no test takes for an exit code.
reports="$build/reports"
rm -rf "$reports"
mkdir -p "$reports"
common="abort_on_error=1:log_path=$reports/report:log_exe_name=1"
common+=":symbolize=1:external_symbolizer_path=/usr/lib/llvm-22/bin/llvm-symbolizer"
# LLVM's containers and arenas are annotated in our code only, not in its
# libraries. Tests ask for more memory than there is.
export ASAN_OPTIONS="$common:detect_container_overflow=0:allow_user_poisoning=0"
ASAN_OPTIONS+=":allocator_may_return_null=1"
export UBSAN_OPTIONS="$common:print_stacktrace=1"
# What the libraries do between their own threads is not seen.
export TSAN_OPTIONS="$common:halt_on_error=1:ignore_noninstrumented_modules=1"
TSAN_OPTIONS+=":allocator_may_return_null=1:die_after_fork=0"

watched='runtime-tests|importer/|tools/|tools-tests'
watched+='|e2e/(bad-input|bad-gguf|cut-file|odd-places|mutations|saved-state)'
results="$build/test-results.json"
rm -f "$results"
/usr/lib/llvm-22/bin/lit -v --order=lexical --show-unsupported -o "$results" \
  --filter "$watched" "$@" "$build/test" </dev/null ||
  echo "sanitize.sh: lit reports failures" >&2
[[ -s $results ]] || fail "lit wrote no results"

count=$(find "$reports" -type f | wc -l)
if [[ $count -gt 0 ]]; then
  echo "sanitize.sh: $count reports in $reports, of which" >&2
  grep -h '^SUMMARY: \|runtime error: ' -r "$reports" | sort | uniq -c >&2 || true
fi
exec python3 "$here/count_results.py" "$results" "$count"
