#!/usr/bin/env python3
"""check_matrix.py ANSWER TABLE: holds `marimba bench --matrix --json` and the table that it wrote against a count by hand."""

import json
import math
import sys

with open(sys.argv[1]) as file:
    answer = json.load(file)
with open(sys.argv[2]) as file:
    table = [line.split() for line in file if not line.startswith("#")]

TYPES, ROWS, SHAPES = ["f32", "int4:64", "q8_0"], [1, 3, 40], [(128, 192), (100, 72)]
TABLE_TYPES = {"f32": "f32", "int4:64": "int4:64", "q8_0": "int8:32"}


def check(condition, what):
    if not condition:
        sys.exit(f"check_matrix.py: {what}\n{json.dumps(answer, indent=1)}")


def near(a, b, what):
    check(math.isclose(a, b, rel_tol=1e-6), f"{what}: {a}, expected {b}")


def stored(type, inputs, channels):
    """Bytes of a weight: blocks of 64 channels, a multiple of 64 inputs."""
    if type == "f32":
        return 4 * inputs * channels
    blocks, depth = (channels + 63) // 64, (inputs + 63) // 64 * 64
    bits, group = (4, 64) if type == "int4:64" else (8, 32)
    return blocks * 64 * (depth * bits // 8 + depth // group * 2)


limits = answer["limits"]
check(answer["threads"] == 1 and answer["unit"], "no word on the machine")
cells = answer["cells"]
wanted = [(type, rows, *shape) for type in TYPES for shape in SHAPES for rows in ROWS]
found = [(cell["type"], cell["rows"], cell["inputs"], cell["channels"]) for cell in cells]
check(found == wanted, f"cells: {found}")
for cell in cells:
    what = f"{cell['type']} {cell['inputs']}x{cell['channels']}, {cell['rows']} rows"
    near(cell["flops"], 2 * cell["rows"] * cell["inputs"] * cell["channels"], f"{what}: flops")
    near(cell["bytes"], stored(cell["type"], cell["inputs"], cell["channels"]), f"{what}: bytes")
    memory = cell["bytes"] / limits["dram_read_gbps"]["max"]
    # The type in which it is multiplied is one of these.
    allowed = [
        max(cell["flops"] / limits[peak]["max"], memory) for peak in ("f32_gflops", "bf16_gflops", "int8_gops", "int4_gops")
    ]
    check(any(math.isclose(cell["allowed_s"] * 1e9, time, rel_tol=1e-6) for time in allowed), f"{what}: allowed time")
    if cell["type"] == "f32":
        near(cell["allowed_s"] * 1e9, allowed[0], f"{what}: allowed time")
    check([run["route"] for run in cell["runs"]] == ["generated", "onednn"], f"{what}: routes")
    for run in cell["runs"]:
        check(run["seconds"] > 0 and run["ran"], f"{what}: no time, or nobody ran")
        check("ref" not in run["ran"], f"{what}: a reference implementation")
        near(run["gflops"] * run["seconds"] * 1e9, cell["flops"], f"{what}: rate")
        near(run["gbps"] * run["seconds"] * 1e9, cell["bytes"], f"{what}: bandwidth")
        near(run["efficiency"] * run["seconds"], cell["allowed_s"], f"{what}: efficiency")
    generated, library = cell["runs"]
    check(generated["ran"] == "generated", f"{what}: the generated route called the library")
    near(cell["generated_over_onednn"], library["seconds"] / generated["seconds"], f"{what}: ratio")

# The library computes many rows of f32.
names = {cell["runs"][1]["ran"] for cell in cells if cell["type"] == "f32" and cell["rows"] == 40}
check(names and "generated" not in names, f"the library's route was generated: {names}")

chosen = [cell for cell in cells if cell["runs"][1]["ran"] != "generated"]
check(len(table) == len(chosen) > 0, "the table has not a line for each cell that the library computed")
for line, cell in zip(table, chosen):
    sizes = [str(cell[name]) for name in ("rows", "inputs", "channels")]
    check(line[:5] == [answer["unit"], TABLE_TYPES[cell["type"]], *sizes], f"the table: {line}")
    ratio = cell["generated_over_onednn"]
    check(line[5] == ("generated" if ratio >= 1 else "library"), f"the table: {line}")
    check(math.isclose(float(line[6]), ratio, rel_tol=1e-2), f"the table: {line}")
