#!/usr/bin/env bash
# Measures the bundled models on all of their texts and prints the table of
# docs/results.md: perplexity per token of both held-out texts, and how many
# secret words of recall.jsonl are continued right, by distance. Takes minutes.
#
#   bench/eval_table.sh [FLAGS OF marimba eval...]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
marimba="$root/build/bin/marimba"
jamba="$root/examples/stories-jamba"
mamba="$root/examples/stories-mamba"
[[ -x $marimba ]] || { echo "eval_table.sh: build first: tools/build.sh" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# field FILE NAME: one field of an answer.
field() {
  python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"
}

# perplexity MODEL TEXT
perplexity() {
  "$marimba" eval "$1" --text "$jamba/$2" --json "${flags[@]}" >"$work/answer.json"
  printf '%.4f' "$(field "$work/answer.json" perplexity)"
}

# recall MODEL TOKENS
recall() {
  grep -F "\"context_tokens_about\": $2," "$jamba/recall.jsonl" >"$work/recall.jsonl"
  "$marimba" eval "$1" --recall "$work/recall.jsonl" --json "${flags[@]}" >"$work/answer.json"
  echo "$(field "$work/answer.json" right) of $(field "$work/answer.json" cases)"
}

# row LABEL FUNCTION ARGUMENT
row() {
  printf '| %s | %s | %s |\n' "$1" "$("$2" "$jamba" "$3")" "$("$2" "$mamba" "$3")"
}

flags=("$@")
echo "| | stories-jamba | stories-mamba |"
echo "|---|---|---|"
row "perplexity per token, heldout.tiny.txt" perplexity heldout.tiny.txt
row "perplexity per token, heldout.tale.txt" perplexity heldout.tale.txt
for tokens in 512 2048 8192; do
  row "recall at $tokens tokens" recall "$tokens"
done
