#!/usr/bin/env python3
"""Encodes and decodes with `marimba tokenize FILE.gguf` for each vocabulary of
test/runtime/Inputs/gguf-vocabularies.json.

  check_gguf_tokenizers.py MARIMBA CASES.json WORK
"""

import json
import os
import sys

import gguf_file
from check_tokenizer import tokenize
from gguf_tokenizer import vocabulary_keys


def main():
    marimba, cases, work = sys.argv[1:]
    with open(cases, encoding="utf-8") as file:
        vocabularies = json.load(file)
    failures = 0
    for name, item in vocabularies.items():
        model = os.path.join(work, f"{name}.gguf")
        gguf_file.write_gguf(model, vocabulary_keys(item["vocabulary"]), {})
        # All texts in one: GgufGoldensTest.cpp has them one by one.
        text, ids, decoded = item["cases"][-1]
        text_file = os.path.join(work, "text")
        with open(text_file, "wb") as file:
            file.write(text.encode("utf-8"))
        found = tokenize(marimba, model, "--file", text_file)["ids"]
        listed = ",".join(map(str, ids))
        shown = tokenize(marimba, model, "--decode", listed)["text"]
        if found != ids or shown != decoded:
            failures += 1
            print(f"FAIL {name}: {found} {shown!r}, expected {ids} {decoded!r}")
        print(f"{name}: {len(ids)} tokens")
    return 1 if failures or len(vocabularies) < 9 else 0


if __name__ == "__main__":
    sys.exit(main())
