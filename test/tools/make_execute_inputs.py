#!/usr/bin/env python3
"""make_execute_inputs.py FOLDER: tensors for examples/ssm-layer.mlir, good and
bad, and what comes out. A is 0 and dt so that delta is 1: the state counts the
tokens, and y = (count * N + 1) * silu(1)."""

import math
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
import compare
from op_entry import tensor, zeros

CHANNELS, STATES = 64, 16


def filled(shape, value):
    return tensor(shape, [value] * len(zeros(shape).values))


def inputs(batch, time):
    step = math.log(math.e - 1)  # softplus of it is 1
    return {
        "A": zeros([STATES, CHANNELS]),
        "D": filled([CHANNELS], 1),
        "u": filled([batch, time, CHANNELS], 1),
        "dt": filled([batch, time, CHANNELS], step),
        "B": filled([batch, time, STATES], 1),
        "C": filled([batch, time, STATES], 1),
        "z": filled([batch, time, CHANNELS], 1),
        "valid": tensor([batch], [time] * batch, "i"),
    }


def outputs(batch, time, before):
    gate = 1 / (1 + math.exp(-1))
    y = [
        ((before + t + 1) * STATES + 1) * gate
        for _ in range(batch)
        for t in range(time)
        for _ in range(CHANNELS)
    ]
    return {
        "y": tensor([batch, time, CHANNELS], y),
        "ssm": filled([batch, STATES, CHANNELS], before + time),
    }


def named(prefix, tensors):
    return {prefix + name: tensor for name, tensor in tensors.items()}


def main():
    good = inputs(2, 3)
    one = {**inputs(2, 1), "ssm": filled([2, STATES, CHANNELS], 5)}
    files = {
        "in": good,  # no state: zeros
        "expected": outputs(2, 3, 0),
        "one": one,
        "one.expected": outputs(2, 1, 5),
        "cases": {
            **{name: good[name] for name in "AD"},
            **named("prefill@a.", good),
            **named("prefill@b.", inputs(1, 7)),
            **named("decode.", one),
        },
        "cases.expected": {
            **named("prefill@a.", outputs(2, 3, 0)),
            **named("prefill@b.", outputs(1, 7, 0)),
            **named("decode.", outputs(2, 1, 5)),
        },
        "uncalled": {
            **{name: good[name] for name in "AD"},
            **named("prefill@a.", good),
        },
        "weights": {name: good[name] for name in "AD"},
        "shape": {**good, "u": zeros([2, 3, 63])},
        "dtype": {**good, "u": zeros([2, 3, CHANNELS], "i")},
    }
    for name, tensors in files.items():
        path = os.path.join(sys.argv[1], name + ".safetensors")
        compare.save(path, tensors)


if __name__ == "__main__":
    main()
