"""Operators of rotary positions, as goldens have them (op_cases.py)."""

import array
import math

from op_entry import Entry, tensor, tensor_type


def rotary_frequencies(theta, size):
    """theta^(-2j/size), rounded to float32 after every step."""

    def f32(value):
        return array.array("f", [value])[0]

    powers = [f32(theta ** f32(2 * j / size)) for j in range(size // 2)]
    return [f32(1.0 / power) for power in powers]



def position_table(entry, rows, frequencies, sizes):
    """Cosines and sines of `sizes` tokens from `rows` on, and their type."""
    type = tensor_type([1, 1, len(frequencies)], dynamic=2)
    empty = entry.op(f"tensor.empty({', '.join(sizes)}) : {type}", "table")
    listed = ", ".join(f"{frequency:.9e}" for frequency in frequencies)
    values = entry.op(
        f"marimba.rotary_table {rows} outs({empty}, {empty} : {type}, {type})"
        f" {{frequencies = array<f32: {listed}>}} : tensor<?xi32> -> {type}, {type}",
        "cos, sin",
    )
    return values, type



def sizes_of(entry, value, type, count):
    """The first `count` sizes of a value."""
    names = []
    for at in range(count):
        index = entry.op(f"arith.constant {at} : index", f"c{at}")
        names.append(entry.op(f"tensor.dim {value}, {index} : {type}", f"size{at}"))
    return names



def rope_table(name, parameters, inputs, outputs):
    """Each position as a row of one token. The golden's angles are float64's,
    ours and transformers' float32's, which differ where they are large: there
    only the cosine of the rounded angle can be expected."""
    entry = Entry(name)
    count = inputs["positions"].shape[0]
    past = tensor([count], inputs["positions"].values, "i")
    rows = entry.input("past", past, "tensor<?xi32>")
    sizes = sizes_of(entry, rows, "tensor<?xi32>", 1)
    sizes.append(entry.op("arith.constant 1 : index", "one"))
    frequencies = outputs["inv_freq"].values
    values, type = position_table(entry, rows, frequencies, sizes)
    shape = [count, 1, len(frequencies)]
    factor = parameters["factor_on_cos_sin"]
    angles = array.array("f", [p * f for p in past.values for f in frequencies])
    small = sum(position < 256 for position in past.values)

    def first_rows(found, _):
        return found.rows(0, small)

    for part, value in zip(("cos", "sin"), values):
        text = f"marimba.scale {value} by({factor:.17e}) : {type}"
        value = entry.op(text, f"{part}_scaled")
        out, golden = f"{part}_out", outputs[part].reshape(*shape)
        entry.result(out, value, shape, type)
        entry.expect(out, golden.rows(0, small), convert=first_rows)
        rounded = [factor * getattr(math, part)(angle) for angle in angles]
        entry.expect(out, tensor(shape, rounded, "d"), 1e-6)
    return entry



def partial_rope(name, parameters, inputs, outputs):
    entry = Entry(name)
    x, y = inputs["x"], outputs["y"]
    positions = inputs["positions"]
    batch, time = x.shape[:2]
    own = tensor_type(x.shape, dynamic=2)
    value = entry.input("x", x, own)
    starts = [positions.values[row * time] for row in range(batch)]
    rows = entry.input("past", tensor([batch], starts, "i"), "tensor<?xi32>")
    sizes = sizes_of(entry, value, own, 2)
    frequencies = inputs["inv_freq"].values
    (cos, sin), type = position_table(entry, rows, frequencies, sizes)
    memory = entry.output("out", x.shape, own)
    result = entry.op(
        f"marimba.rotary_embedding {value}, {cos}, {sin} outs({memory} : {own})"
        f" : {own}, {type}, {type} -> {own}",
        "turned",
    )
    entry.returns(result, own)
    entry.expect("out", y)
    return entry



def mrope(name, parameters, inputs, outputs):
    """Of text the three positions of a token are one."""
    positions = inputs["positions"]
    time, height, width = (
        list(positions.rows(axis, axis + 1).values) for axis in range(3)
    )
    if time != height or time != width:
        return "positions of images"
    inputs = {**inputs, "positions": positions.rows(0, 1)}
    return partial_rope(name, parameters, inputs, outputs)



def rotate(entry, parameters, rows, values):
    """Query and key, as (value, tensor, type), turned by their positions; also
    written to the outputs q_rot and k_rot."""
    pairs = parameters["rotary_dim"] // 2
    frequencies = rotary_frequencies(parameters["rope_theta"], 2 * pairs)
    value, _, own = values[0]
    sizes = sizes_of(entry, value, own, 2)
    (cos, sin), type = position_table(entry, rows, frequencies, sizes)
    turned = []
    for name, (value, golden, own) in zip(("q_rot", "k_rot"), values):
        memory = entry.output(name, golden.shape, own)
        result = entry.op(
            f"marimba.rotary_embedding {value}, {cos}, {sin} outs({memory} : {own})"
            f" : {own}, {type}, {type} -> {own}",
            f"{name}_after",
        )
        entry.returns(result, own)
        turned.append(result)
    return turned
