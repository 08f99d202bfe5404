#!/usr/bin/env bash
# Has 50 clients come and go at a server for ten minutes, or as many seconds as
# are given. The last line is `N passed, M failed`: M counts requests that failed
# and growth of memory.
#
#   tools/soak.sh [SECONDS [CLIENTS]]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
"$here/setup.sh"
"$here/build.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
exec python3 "$root/test/tools/soak_server.py" "$root/build/bin/marimba" \
  "$root/examples/stories-jamba" "$work/run" "${1:-600}" "${2:-50}"
