#!/usr/bin/env bash
# clang-tidy over the C++ sources of a change: against where it left
# upstream/main or origin/main, else against the commit before. At most
# MARIMBA_TIDY_FILES of them (12), the last changed first: a file takes seconds.
#
#   tools/tidy.sh [FILE...]
#
# Needs the compile database of build/, whose precompiled headers it leaves out:
# it sees a source that lacks an include.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
cd "$root"
build=${MARIMBA_BUILD:-$root/build}
most=${MARIMBA_TIDY_FILES:-12}

# The commit to compare with; nothing where there is none.
base() {
  local branch commit
  for branch in upstream/main origin/main; do
    commit=$(git merge-base HEAD "$branch" 2>/dev/null) || continue
    [[ $commit == "$(git rev-parse HEAD)" ]] || {
      echo "$commit"
      return
    }
  done
  git rev-parse -q --verify HEAD~1 || true
}

# Changed sources, those of the newest commits first.
changed() {
  local from
  from=$(base)
  [[ -n $from ]] || return 0
  {
    git diff --name-only --diff-filter=d HEAD
    git log --name-only --format= "$from..HEAD"
  } | grep '\.cpp$' | awk '!seen[$0]++' || true
}

files=("$@")
if [[ $# -eq 0 ]]; then
  if [[ ! -e .git ]]; then
    echo "tidy.sh: not a checkout of git: nothing to compare with"
    exit 0
  fi
  mapfile -t files < <(changed)
fi

# The files that are built, and a compile database without precompiled headers.
mkdir -p "$build/tidy"
mapfile -t files < <(python3 - "$build" "${files[@]}" <<'PYTHON'
import json, os, re, sys
build, files = sys.argv[1], [os.path.realpath(file) for file in sys.argv[2:]]
with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
    entries = json.load(file)
for entry in entries:
    entry["command"] = re.sub(
        r"-Winvalid-pch |(-Xclang -include-pch|-Xclang -include) -Xclang \S+ ", "", entry["command"])
with open(os.path.join(build, "tidy", "compile_commands.json"), "w", encoding="utf-8") as file:
    json.dump(entries, file)
built = {os.path.realpath(os.path.join(entry["directory"], entry["file"])) for entry in entries}
for file in files:
    if file in built and os.path.exists(file):
        print(os.path.relpath(file))
PYTHON
)
if [[ $# -eq 0 && ${#files[@]} -gt $most ]]; then
  echo "tidy.sh: left out of ${#files[@]}: ${files[*]:$most}"
  files=("${files[@]:0:$most}")
fi
[[ ${#files[@]} -gt 0 ]] || {
  echo "tidy.sh: no sources to look at"
  exit 0
}
echo "tidy.sh: ${files[*]}"
printf '%s\0' "${files[@]}" |
  xargs -0 -n 1 -P "$(nproc)" clang-tidy-22 --config-file="$root/.clang-tidy" -p "$build/tidy" --quiet --warnings-as-errors='*'
