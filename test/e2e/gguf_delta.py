"""How llama.cpp's converter orders the projections of gated delta nets: the heads
of Qwen3-Next and Qwen3.5.
"""

import array

import compare
from gguf_file import f32


def take_rows(tensor, rows):
    """A matrix of these rows of it."""
    width = len(tensor.values) // tensor.shape[0]
    values = array.array("f")
    for row in rows:
        values.extend(tensor.values[row * width : (row + 1) * width])
    return compare.Tensor([len(rows), *tensor.shape[1:]], values)


def split_by_key_head(config, tensors):
    """Qwen3-Next: of in_proj_qkvz, q, k, v, z of one key head after the other,
    the rows of q, k and v of all heads, and those of z."""
    result = {}
    for name, tensor in tensors.items():
        if not name.endswith(".in_proj_qkvz.weight"):
            result[name] = tensor
            continue
        heads, keys = config["linear_num_key_heads"], config["linear_key_head_dim"]
        values = config["linear_num_value_heads"] // heads
        values *= config["linear_value_head_dim"]
        begins, parts = (0, keys, 2 * keys, 2 * keys + values), []
        for begin, size in zip(begins, (keys, keys, values, values)):
            parts.append(
                [
                    head * 2 * (keys + values) + begin + i
                    for head in range(heads)
                    for i in range(size)
                ]
            )
        own = name.replace("in_proj_qkvz", "in_proj_qkv")
        result[own] = take_rows(tensor, parts[0] + parts[1] + parts[2])
        own = name.replace("in_proj_qkvz", "in_proj_z")
        result[own] = take_rows(tensor, parts[3])
    return result


def tile_value_heads(config, name, tensor):
    """Qwen3.5: value head j becomes one of key head j % hk, not j / (hv/hk)."""
    part = name.rpartition("linear_attn.")[2].removesuffix(".weight")
    key_heads = config["linear_num_key_heads"]
    each = config["linear_num_value_heads"] // key_heads
    size = 1 if part in ("in_proj_a", "in_proj_b", "A_log", "dt_bias") else 0
    if part in ("in_proj_qkv", "in_proj_z", "conv1d", "out_proj"):
        size = config["linear_value_head_dim"]
    if not size or "linear_attn." not in name:
        return tensor
    order = [
        (head * each + i) * size + element
        for i in range(each)
        for head in range(key_heads)
        for element in range(size)
    ]
    if part == "out_proj":
        width = tensor.shape[1]
        columns = (row + c for row in range(0, len(tensor.values), width) for c in order)
        return compare.Tensor(tensor.shape, f32(tensor.values[c] for c in columns))
    before = tensor.shape[0] - len(order)
    rows = [*range(before), *(before + row for row in order)]
    return take_rows(tensor, rows)
