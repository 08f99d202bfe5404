#!/usr/bin/env python3
"""Compares the frequencies, and the factor of cosines and sines, that the importer
makes of a config with transformers' own.

  check_rotations.py MARIMBA OPS WORK

OPS is the folder of ops2_golden: its rope_table cases become configs of a llama
in both spellings, of which `marimba compile --stop-after=import` shows the table.
"""

import json
import os
import re
import subprocess
import sys

import compare

FREQUENCY_TOLERANCE = 5e-7  # relative: f32 in another order
FACTOR_TOLERANCE = 1e-12


def read_table(marimba, directory, config):
    """The frequencies and the factor of a model's positions."""
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)
    command = [marimba, "compile", directory, "--emit=mlir", "--stop-after=import"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    table = re.search(r"(%\w+):2 = marimba.rotary_table .*array<f32: ([^>]*)>", text)
    frequencies = [float(number) for number in table.group(2).split(",")]
    scale = rf"marimba.scale {table.group(1)}#\d by\(([^)]*)\)"
    factors = [float(number) for number in re.findall(scale, text)] or [1.0, 1.0]
    return frequencies, factors


def configs(facts):
    """The case in the spelling of transformers 5, and in that of before."""
    model = {
        "model_type": "llama",
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "head_dim": facts["rotary_dim"],
    }
    scaling = {"rope_type": facts["rope_type"], **facts["parameters"]}
    theta = facts["rope_theta"]
    yield "new", {**model, "rope_parameters": {"rope_theta": theta, **scaling}}
    yield "old", {**model, "rope_theta": theta, "rope_scaling": scaling}


def main():
    marimba, ops, work = sys.argv[1:]
    golden = compare.load(os.path.join(ops, "ops2_golden.safetensors"))
    with open(os.path.join(ops, "ops2_golden.json"), encoding="utf-8") as file:
        cases = json.load(file)
    report = compare.Report()
    for name, facts in cases.items():
        if not name.startswith("rope_table."):
            continue
        expected = golden[f"{name}.out.inv_freq"].values
        for spelling, config in configs(facts):
            directory = os.path.join(work, f"{name}.{spelling}")
            found, factors = read_table(marimba, directory, config)
            good = len(found) == len(expected) and len(factors) == 2
            worst = max((abs(a - b) / a for a, b in zip(expected, found)), default=1)
            good = good and worst <= FREQUENCY_TOLERANCE
            label = f"{name} {spelling}"
            report.row(f"{label}: frequencies", f"{worst:.3e}", good)
            factor = facts["factor_on_cos_sin"]
            off = max(abs(factor - other) for other in factors)
            report.row(f"{label}: factor", f"{off:.3e}", off <= FACTOR_TOLERANCE)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
