#!/usr/bin/env python3
"""Encodes and decodes the cases of a tokenizer file with `marimba tokenize`.

  check_tokenizer.py MARIMBA CASES.json WORK [PRE]

Where PRE is given, the tokenizer is inside a GGUF file, and PRE the name of how
it splits words.
"""

import json
import os
import subprocess
import sys

import gguf_file
from gguf_tokenizer import tokenizer_keys


def tokenize(marimba, model, *arguments):
    command = [marimba, "tokenize", model, *arguments, "--json"]
    out = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return json.loads(out)


def main():
    marimba, cases, work, *pre = sys.argv[1:]
    with open(cases, encoding="utf-8") as file:
        document = json.load(file)
    model = os.path.join(work, "model")
    os.makedirs(model, exist_ok=True)
    if pre:
        model = os.path.join(work, "model.gguf")
        gguf_file.write_gguf(model, tokenizer_keys(document["tokenizer"], *pre), {})
    else:
        path = os.path.join(model, "tokenizer.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document["tokenizer"], file)
    text_file = os.path.join(work, "text")

    failures = 0

    def check(what, text, expected, found):
        nonlocal failures
        if expected != found:
            failures += 1
            print(f"FAIL {what} of {text!r}\n  expected {expected}\n  found    {found}")

    for case in document["cases"]:
        text = case["text"]
        # By file: a zero byte cannot be an argument.
        with open(text_file, "wb") as file:
            file.write(text.encode("utf-8"))
        found = tokenize(marimba, model, "--file", text_file)["ids"]
        check("ids", text, case["ids"], found)
        if case["ids"]:
            ids = ",".join(map(str, case["ids"]))
            found = tokenize(marimba, model, "--decode", ids)["text"]
            check("decoded text", text, case["decoded"], found)
    print(f"{len(document['cases'])} texts, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
