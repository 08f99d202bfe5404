#!/usr/bin/env python3
"""check_needs.py MARIMBA MODEL: holds `inspect --context` against itself and against the peak of a run."""

import json
import os
import subprocess
import sys

MARIMBA, MODEL = sys.argv[1:]
FLAGS = ["--dtype=f32", "--threads=1"]
TOKENS = 2048


def inspect(context):
    command = [MARIMBA, "inspect", MODEL, *FLAGS, "--context", str(context), "--json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["context"]


def check(condition, what):
    print("ok  " if condition else "FAIL", what)
    if not condition:
        sys.exit(1)


inspect(8)  # what is compiled and packed from now on is there
short, long = inspect(TOKENS), inspect(262144)
for name in ("weight_bytes", "packed_bytes", "state_bytes", "scratch_bytes"):
    check(short[name] == long[name], f"{name} does not grow: {short[name]} and {long[name]}")
check(0 < short["kv_bytes"] * (262144 // TOKENS) == long["kv_bytes"], "keys and values grow with the tokens")
for needs in (short, long):
    parts = [needs[n + "_bytes"] for n in ("weight", "packed", "state", "kv", "scratch", "rest")]
    check(sum(parts) == needs["total_bytes"] and min(parts) >= 0, f"the parts give the total: {parts}")

ids = ",".join(str(3 + i % 1000) for i in range(TOKENS))
command = [MARIMBA, "run", MODEL, *FLAGS, "--ids", ids, "--max-tokens", "2", "--quiet"]
process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
peak = usage.ru_maxrss * 1024
check(status == 0, "the run succeeds")
off = peak / short["total_bytes"]
check(0.9 < off < 1.1, f"a run takes {peak} bytes, {off:.3f} of {short['total_bytes']}")
