#!/usr/bin/env bash
# From a fresh checkout to a story: installs what is missing, builds, compiles
# the bundled model and runs it. Arguments go to `marimba run`, so
# `tools/demo.sh --temperature 0.8 --seed 7` tells another story.
# The story goes to stdout, everything else to stderr.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

"$here/setup.sh"
"$here/build.sh" marimba

cat >&2 <<'HEADER'

Marimba compiles stories-jamba (6.7 M parameters; 7 state-space layers, one of
attention, mixtures of experts) and lets it tell a story.

HEADER
# What the caller gives replaces what stands here.
defaults=()
[[ " $*" == *" --prompt"* || " $*" == *" --ids"* ]] ||
  defaults+=(--prompt "Once upon a time, there was a little girl named Lily. She")
[[ " $*" == *" --max-tokens"* ]] || defaults+=(--max-tokens 200)
exec "$here/../build/bin/marimba" run "$here/../examples/stories-jamba" \
  "${defaults[@]}" "$@"
