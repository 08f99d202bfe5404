#!/usr/bin/env bash
# Installs what Marimba is built from. This is the one list of packages: the
# README, demo.sh, check.sh and .ci/run all come here. Does nothing, and calls
# no apt, where everything is installed.
#
#   tools/setup.sh            install what is missing
#   tools/setup.sh --list     print the list
#   tools/setup.sh --clients  install what page.test and the tests of OpenAI's
#                             client need: chromium, and packages of npm
set -euo pipefail

packages=(
  # To build.
  cmake ninja-build
  clang-22 lld-22                  # brings libstdc++-12-dev and libgcc-12-dev (libgomp)
  # The compiler: LLVM and MLIR 22. libmlir-22-dev alone is not enough.
  llvm-22 llvm-22-dev libmlir-22-dev
  mlir-22-tools                    # mlir-tblgen
  zlib1g-dev libzstd-dev           # what LLVM's archives call
  libjemalloc-dev                  # malloc for the compiler
  # The runtime.
  libdnnl-dev                      # oneDNN, with OpenMP through libgomp
  libicu-dev                       # Unicode, for the tokenizers
  libonig-dev                      # regular expressions of tokenizer.json
  libsentencepiece-dev             # tokenizer.model
  nlohmann-json3-dev
  libcpp-httplib-dev pkg-config    # the server
  libxxhash-dev                    # checksums of the packed weights on disk
  # The module for Python (tools/python).
  python3-dev python3-numpy pybind11-dev
  # The tests.
  llvm-22-tools                    # lit, FileCheck, not
  libgtest-dev python3
  python3-jsonschema               # a validator that is not ours
  locales                          # definitions of locales with a decimal comma
  libclang-rt-22-dev               # sanitizers and libFuzzer: docs/contributing.md
  clang-format-22 clang-tidy-22 codespell
  # The benchmarks of single ops (bench/).
  libbenchmark-dev
  # To make packages (cpack).
  dpkg-dev file
  # To fetch.
  git ca-certificates
)

if [[ ${1:-} == --list ]]; then
  printf '%s\n' "${packages[@]}"
  exit 0
fi
if [[ ${1:-} == --clients ]]; then
  # Those need Node 20; Debian 12 has 18.
  if ! command -v npm >/dev/null; then
    echo "setup.sh: --clients: expected npm and node (20 or newer) in PATH" >&2
    exit 1
  fi
  npm ci --ignore-scripts --no-audit --no-fund \
    --prefix "$(dirname "${BASH_SOURCE[0]}")/../test/tools/npm" >&2
  packages=(chromium)
  shift
fi
if [[ $# -gt 0 ]]; then
  echo "setup.sh: unknown argument '$1' (--list and --clients are known)" >&2
  exit 1
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  {
    echo "setup.sh: this is not a Debian system. Install these by hand, or what"
    echo "your system calls them, and start again:"
    printf '  %s\n' "${packages[@]}"
  } >&2
  exit 1
fi

missing=()
installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' \
  "${packages[@]}" 2>/dev/null || true)
for package in "${packages[@]}"; do
  grep -qFx "$package installed" <<<"$installed" || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    {
      echo "setup.sh: packages are missing, and this user may not install them. As root:"
      echo "  apt-get install --no-install-recommends ${missing[*]}"
    } >&2
    exit 1
  fi
  as_root=(sudo)
fi

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
    "${apt_options[@]}" "$@" </dev/null
}
apt_options=()

# The missing packages that no package source offers.
find_absent() {
  absent=()
  local package candidate
  for package in "${missing[@]}"; do
    candidate=$(LC_ALL=C apt-cache "${apt_options[@]}" policy "$package" |
      sed -n 's/^  Candidate: //p')
    [[ -n $candidate && $candidate != '(none)' ]] || absent+=("$package")
  done
}

echo "setup.sh: installing ${missing[*]}" >&2
# A source that has nothing to do with these packages may be out of reach:
# whether what is needed can be had is asked right after.
apt update -q >&2 || echo "setup.sh: warning: apt-get update had errors" >&2
find_absent

# Debian 12 has LLVM 22 in bookworm-security, which every installer enables but
# a bare debootstrap does not. Then it is used for this installation only: the
# machine's own list of sources stays as it is.
# Mirrors keep it beside the main archive.
mirror=$(apt-get indextargets --format '$(SITE)' 2>/dev/null | grep -m 1 '/debian$' || true)
security="deb ${mirror:-MIRROR/debian}-security bookworm-security main"
if [[ ${#absent[@]} -gt 0 ]] && grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; then
  echo "setup.sh: using bookworm-security, once, for ${absent[*]}" >&2
  sources=$(mktemp -d)
  trap 'rm -rf "$sources"' EXIT
  chmod 755 "$sources" # apt reads it as its own user
  find /etc/apt/sources.list.d -maxdepth 1 -type f -exec cp -t "$sources" {} + 2>/dev/null || true
  echo "$security" >"$sources/zz-marimba-security.list"
  apt_options=(-o "Dir::Etc::SourceParts=$sources")
  apt update -q >&2 || echo "setup.sh: warning: apt-get update had errors" >&2
  find_absent
fi

if [[ ${#absent[@]} -gt 0 ]]; then
  cat >&2 <<MESSAGE
setup.sh: the package sources of this machine do not offer
  ${absent[*]}
On Debian 12 they are in the suites bookworm and bookworm-security. Enable
both, for example in /etc/apt/sources.list.d/marimba.list, and start again:
  deb ${mirror:-MIRROR/debian} bookworm main
  $security
MESSAGE
  exit 1
fi

apt install -q -y --no-install-recommends "${missing[@]}" >&2
