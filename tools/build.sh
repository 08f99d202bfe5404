#!/usr/bin/env bash
# Configures, where that was not done yet, and builds into build/. To be run,
# or sourced for its functions. Prints to stderr only.
#
#   tools/build.sh [TARGET...]
set -euo pipefail

marimba_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
marimba_build="$marimba_root/build"

# Configures unless build.ninja is there: ninja itself runs cmake again where a
# CMakeLists.txt changed.
marimba_configure() {
  [[ -e "$marimba_build/build.ninja" ]] && return
  local options=(
    -G Ninja
    -DCMAKE_BUILD_TYPE=Release
    -DCMAKE_C_COMPILER=clang-22
    -DCMAKE_CXX_COMPILER=clang++-22
    -DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld
    -DCMAKE_SHARED_LINKER_FLAGS=-fuse-ld=lld
    -DCMAKE_MODULE_LINKER_FLAGS=-fuse-ld=lld
  )
  if command -v ccache >/dev/null; then
    options+=(
      -DCMAKE_C_COMPILER_LAUNCHER=ccache
      -DCMAKE_CXX_COMPILER_LAUNCHER=ccache
    )
  fi
  cmake -S "$marimba_root" -B "$marimba_build" "${options[@]}" >&2
}

# Builds the named targets, or everything.
marimba_build() {
  marimba_configure
  ninja -C "$marimba_build" "$@" >&2
}

# Configures the preset in its folder, unless that was done, and builds the named
# targets there: NAME, that is build-NAME/, and TARGET...
marimba_build_preset() {
  local build="$marimba_root/build-$1" launcher=()
  if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  if [[ ! -e "$build/build.ninja" ]]; then
    (cd "$marimba_root" && cmake --preset "$1" "${launcher[@]}" >&2) || return
  fi
  shift
  ninja -C "$build" "$@" >&2
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  marimba_build "$@"
fi
