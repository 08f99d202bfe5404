#!/usr/bin/env bash
# Formats the C and C++ sources, or says which are not formatted. (.td files are
# left alone: clang-format breaks their code blocks.)
#
#   tools/format.sh [--check] [FILE...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mode=(-i)
if [[ ${1:-} == --check ]]; then
  mode=(--dry-run -Werror)
  shift
fi
if [[ $# -gt 0 ]]; then
  exec clang-format-22 "${mode[@]}" "$@"
fi
find bench dialects examples importer lowering passes runtime test tools \
  \( -name '*.c' -o -name '*.cpp' -o -name '*.h' \) -print0 |
  xargs -0 -n 50 -P "$(nproc)" clang-format-22 "${mode[@]}"
