#!/usr/bin/env bash
# Measures the bundled models on all of their texts and prints the table of
# docs/results.md: perplexity per token and bits per byte of both held-out
# texts, and how many secret words of recall.jsonl are continued right, by
# distance. Takes minutes; what it took goes to stderr, row by row.
#
#   bench/eval_table.sh [FLAGS OF marimba eval...]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
marimba=${MARIMBA:-$root/build/bin/marimba}
jamba="$root/examples/stories-jamba"
mamba="$root/examples/stories-mamba"
[[ -x $marimba ]] || { echo "eval_table.sh: build first: tools/build.sh" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fields FILE FORMAT NAME...: fields of an answer.
fields() {
  python3 -c 'import json, sys
answer = json.load(open(sys.argv[1]))
print(sys.argv[2].format(*(answer[name] for name in sys.argv[3:])))' "$@"
}

# perplexity MODEL TEXT
perplexity() {
  "$marimba" eval "$1" --text "$jamba/$2" --json "${flags[@]}" >"$work/answer.json"
  fields "$work/answer.json" '{:.4f} ({:.4f})' perplexity bits_per_byte
}

# recall MODEL TOKENS
recall() {
  grep -F "\"context_tokens_about\": $2," "$jamba/recall.jsonl" >"$work/recall.jsonl"
  "$marimba" eval "$1" --recall "$work/recall.jsonl" --json "${flags[@]}" >"$work/answer.json"
  fields "$work/answer.json" '{} of {}' right cases
}

# row LABEL FUNCTION ARGUMENT
row() {
  local before=$SECONDS with without
  with=$("$2" "$jamba" "$3")
  without=$("$2" "$mamba" "$3")
  printf '| %s | %s | %s |\n' "$1" "$with" "$without"
  echo "eval_table.sh: $1: $((SECONDS - before)) s" >&2
}

flags=("$@")
echo "| | stories-jamba | stories-mamba |"
echo "|---|---|---|"
for text in heldout.tiny.txt heldout.tale.txt; do
  row "perplexity per token (bits per byte), $text" perplexity "$text"
done
for tokens in 512 2048 8192; do
  row "recall at $tokens tokens" recall "$tokens"
done
