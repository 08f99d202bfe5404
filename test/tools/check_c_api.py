#!/usr/bin/env python3
"""check_c_api.py TOGETHER RUN...: holds the lines of one file against the outputs of `marimba run`, which begin with the prompt."""

import sys

with open(sys.argv[1], encoding="utf-8") as file:
    lines = file.read().splitlines()
if len(lines) != len(sys.argv) - 2:
    sys.exit(f"check_c_api.py: {len(lines)} lines")
for line, path in zip(lines, sys.argv[2:]):
    with open(path, encoding="utf-8") as file:
        whole = file.read().rstrip("\n")
    if len(line) < 10 or not whole.endswith(line):
        sys.exit(f"check_c_api.py: {path}: {line!r} is not the end of {whole!r}")
    print("ok", path)
