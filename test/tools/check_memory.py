#!/usr/bin/env python3
"""check_memory.py SHORT LONG: holds the memory of two `marimba bench --json` of one model and chunk against each other."""

import json
import math
import sys

with open(sys.argv[1]) as file:
    short = json.load(file)
with open(sys.argv[2]) as file:
    long = json.load(file)


def tokens(answer):
    return answer["prefill"]["tokens"] + answer["decode"]["tokens"]


def check(condition, what):
    if not condition:
        sys.exit(f"check_memory.py: {what}: {short} and {long}")


check(tokens(short) < tokens(long), "the second prompt is not longer")
check(0 < short["arena_peak_mib"] == long["arena_peak_mib"], "scratch memory grows with the prompt")
check(0 < short["state_mib"] == long["state_mib"], "states grow with the prompt")
ratio = long["kv_mib"] / short["kv_mib"]
check(math.isclose(ratio, tokens(long) / tokens(short)), "keys and values do not grow with the tokens")
