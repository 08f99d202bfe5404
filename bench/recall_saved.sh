#!/usr/bin/env bash
# Reads each text of recall.jsonl once, saves the session, and asks for its secret
# word in a fresh process: how many answers are right, and how long one takes
# from the saved state (restoring, the question, the word; wall clock of the
# whole process as well).
#
#   bench/recall_saved.sh [FLAGS OF marimba run...]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
exec python3 - "$root" "$@" <<'PYTHON'
import json, os, statistics, subprocess, sys, tempfile, time

root, *flags = sys.argv[1:]
marimba = os.environ.get("MARIMBA", os.path.join(root, "build/bin/marimba"))
model = os.path.join(root, "examples/stories-jamba")
QUESTION = " What was the secret word"


def run(*arguments):
    start = time.monotonic()
    done = subprocess.run([marimba, "run", model, "--json", "--quiet", *arguments, *flags],
                          check=True, capture_output=True, text=True)
    return json.loads(done.stdout), time.monotonic() - start


cases = {}
with open(os.path.join(model, "recall.jsonl")) as file:
    for line in file:
        case = json.loads(line)
        cases.setdefault(case["context_tokens_about"], []).append(case)
print("| tokens | right | answer, s: median (longest) | whole process, s: median (longest) |\n|---|---|---|---|")
with tempfile.TemporaryDirectory() as work:
    book, state = os.path.join(work, "book.txt"), os.path.join(work, "book.state")
    for tokens, group in sorted(cases.items()):
        right, answers, processes = 0, [], []
        for case in group:
            text, question = case["text"].rsplit(QUESTION, 1)
            with open(book, "w") as file:
                file.write(text)
            run("--prompt-file", book, "--save-state", state)
            answer, seconds = run("--load-state", state, "--prompt", QUESTION + question,
                                  "--max-tokens", "4", "--temperature", "0")
            timing = answer["timing"]
            right += answer["text"].startswith(case["answer"])
            answers.append(timing["restore_seconds"] + timing["prefill_seconds"] + timing["decode_seconds"])
            processes.append(seconds)
        spans = " | ".join(f"{statistics.median(s):.3f} ({max(s):.3f})" for s in (answers, processes))
        print(f"| {tokens} | {right} of {len(group)} | {spans} |", flush=True)
PYTHON
