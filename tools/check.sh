#!/usr/bin/env bash
# Installs what is missing, builds, runs every test. The last line is
# `N passed, M failed`; the exit code is 1 if anything failed. Arguments go to
# lit: `tools/check.sh --filter e2e`. `tools/check.sh --fuzz [SECONDS]` runs the
# fuzz targets instead, each for a minute or as long; `--sanitize address|thread`
# builds with sanitizers and runs the tests of runtime, importer and tools;
# `--soak [SECONDS]` has clients come and go at a server for ten minutes.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")

if [[ ${1:-} == --fuzz ]]; then
  shift
  exec "$here/fuzz.sh" "$@"
fi
if [[ ${1:-} == --soak ]]; then
  shift
  exec "$here/soak.sh" "$@"
fi
if [[ ${1:-} == --sanitize ]]; then
  shift
  exec "$here/sanitize.sh" "$@"
fi

fail() {
  echo "check.sh: $1" >&2
  echo "0 passed, 1 failed"
  exit 1
}

"$here/setup.sh" || fail "packages are missing"
# Real clients of the server: Debian 12 has no Node for them. Their tests are
# unsupported without.
if command -v npm >/dev/null &&
  [[ $(node --version 2>/dev/null) =~ ^v([0-9]+) && ${BASH_REMATCH[1]} -ge 20 ]]; then
  "$here/setup.sh" --clients || echo "check.sh: warning: no clients of the server" >&2
fi
"$here/build.sh" || fail "the build failed"

results="$root/build/test-results.json"
rm -f "$results"
# lit itself says by its exit code whether anything failed; what counts here is
# the file, which names every test.
/usr/lib/llvm-22/bin/lit -v --order=lexical --show-unsupported \
  -o "$results" "$@" "$root/build/test" </dev/null ||
  echo "check.sh: lit reports failures" >&2
[[ -s $results ]] || fail "lit wrote no results"
exec python3 "$here/count_results.py" "$results"
