#!/usr/bin/env bash
# Configures, where that was not done yet, and builds into build/. To be run,
# or sourced for its functions. Prints to stderr only.
#
#   tools/build.sh [TARGET...]
set -euo pipefail

marimba_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
marimba_build="$marimba_root/build"

# Configures the preset NAME (CMakePresets.json) in the folder BUILD, unless
# build.ninja is there: ninja itself runs cmake again where a CMakeLists.txt
# changed. With ccache, unless CCACHE_DISABLE is set: then with precompiled
# headers (dialects/cmake/Precompiled.cmake).
marimba_configure() {
  local preset=$1 build=$2 launcher=()
  [[ -e "$build/build.ninja" ]] && return
  if command -v ccache >/dev/null && [[ -z ${CCACHE_DISABLE:-} ]]; then
    launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  (cd "$marimba_root" && cmake --preset "$preset" "${launcher[@]}" >&2)
}

# Builds the named targets, or everything.
marimba_build() {
  marimba_configure default "$marimba_build"
  ninja -C "$marimba_build" "$@" >&2
}

# Builds the targets of another preset in its folder: NAME, that is build-NAME/,
# and TARGET...
marimba_build_preset() {
  local build="$marimba_root/build-$1"
  marimba_configure "$1" "$build" || return
  shift
  ninja -C "$build" "$@" >&2
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  marimba_build "$@"
fi
