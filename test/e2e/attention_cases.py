"""The attention operators of Inputs/ops: see op_cases.py."""

import math

from op_entry import Entry, tensor, tensor_type, zeros
from rotary_cases import rotary_frequencies, rotate


def unpad(value, mask):
    """Rows of [B, T, ...] padded on the left as rows padded on the right."""
    rows, length = mask.shape
    size = len(value.values) // (rows * length)
    values = []
    for row in range(rows):
        real = list(mask.rows(row, row + 1).values)
        for t in [t for t in range(length) if real[t]]:
            at = (row * length + t) * size
            values.extend(value.values[at : at + size])
        values.extend([0] * (size * real.count(0)))
    return tensor(value.shape, values, value.values.typecode)


def cached(value, past, capacity):
    """The first `past` tokens of [B, T, Hkv, dh] as a cache [B, Hkv, C, dh]."""
    batch, _, heads, size = value.shape
    cache = zeros([batch, capacity, heads, size])
    for row in range(batch):
        own = value.rows(row, row + 1).take(1, 0, past).values
        at = row * capacity * heads * size
        cache.values[at : at + len(own)] = own if past else own[:0]
    return cache.transpose(0, 2, 1, 3)


def attention(name, parameters, inputs, outputs):
    entry = Entry(name)
    past, rope = parameters["past"], parameters["rope_theta"] is not None
    q, k, v, y = inputs["q"], inputs["k"], inputs["v"], outputs["y"]
    batch, time = q.shape[:2]
    q_rot, k_rot = outputs.get("q_rot"), outputs.get("k_rot")
    valid = [time] * batch
    if "key_mask" in inputs:
        mask = inputs["key_mask"]
        valid = [sum(mask.rows(row, row + 1).values) for row in range(batch)]
        q, k, v, y = (unpad(value, mask) for value in (q, k, v, y))
        if rope:
            q_rot, k_rot = unpad(q_rot, mask), unpad(k_rot, mask)

    def new(value):
        return value.take(1, past, past + time)

    q_type = tensor_type(q.shape, dynamic=2)
    k_type = tensor_type(new(k).shape, dynamic=2)
    query = entry.input("q", q, q_type)
    key = entry.input("k", new(k), k_type)
    value = entry.input("v", new(v), k_type)
    rows = entry.input("past", tensor([batch], [past] * batch, "i"), "tensor<?xi32>")
    real = entry.input("valid", tensor([batch], valid, "i"), "tensor<?xi32>")
    if rope:
        pair = [(query, q, q_type), (key, new(k), k_type)]
        query, key = rotate(entry, parameters, rows, pair)
    out = entry.output("out", q.shape, q_type)
    capacity = past + time + 3
    kept = k_rot.cast("f") if rope else k
    caches = [cached(t, past, capacity) for t in (kept, v)]
    c_type = f"tensor<?x{k.shape[2]}x?x{k.shape[3]}xf32>"
    keys = entry.state("key", caches[0], c_type)
    values = entry.state("value", caches[1], c_type)
    attributes = [f"scale = {parameters['scale']:.17e} : f64"]
    if parameters["window"] is not None:
        attributes.append(f"window = {parameters['window']}")
    if parameters["softcap"] is not None:
        attributes.append(f"softcap = {parameters['softcap']:.17e} : f64")
    results = entry.op(
        f"marimba.attention {query}, {key}, {value} past({rows})"
        f" valid({real} : tensor<?xi32>)\n"
        f"      outs({out}, {keys}, {values} : {q_type}, {c_type}, {c_type})"
        f" {{{', '.join(attributes)}}}\n"
        f"      : {q_type}, {k_type}, {k_type}, tensor<?xi32>"
        f" -> {q_type}, {c_type}, {c_type}",
        "y, keys_after, values_after",
    )
    for result, type in zip(results, (q_type, c_type, c_type)):
        entry.returns(result, type)

    def real_rows(found, _):
        """What stands behind the real tokens of a row is unspecified."""
        result = tensor(found.shape, found.values)
        size = len(found.values) // (batch * time)
        for row, count in enumerate(valid):
            begin, end = (row * time + count) * size, (row + 1) * time * size
            result.values[begin:end] = zeros([end - begin]).values
        return result

    entry.expect("out", y, convert=real_rows)
    if rope:
        entry.expect("q_rot", q_rot, convert=real_rows)
        entry.expect("k_rot", new(k_rot), convert=real_rows)
    return entry


def tail(value, past):
    """The tokens of this call."""
    return value.take(1, past, value.shape[1])


def norm_and_turn(parameters, keys, weight):
    """Keys [1, T, Hkv, dh] as they are kept: normed by head, the factor being
    1 + w, and turned by their positions."""
    _, time, heads, size = keys.shape
    pairs, values = parameters["rotary_dim"] // 2, []
    frequencies = rotary_frequencies(parameters["rope_theta"], 2 * pairs)
    for at in range(time * heads):
        head = keys.values[at * size : (at + 1) * size]
        mean = sum(v * v for v in head) / size
        factor = 1 / math.sqrt(mean + parameters["eps"])
        head = [v * factor * (1 + w) for v, w in zip(head, weight.values)]
        for j, frequency in enumerate(frequencies):
            angle = at // heads * frequency
            a, b = head[j], head[pairs + j]
            head[j] = a * math.cos(angle) - b * math.sin(angle)
            head[pairs + j] = b * math.cos(angle) + a * math.sin(angle)
        values.extend(head)
    return tensor(keys.shape, values)


def sizes_of(entry, value, type):
    """Batch and time of a value [B, T, ...]."""
    return [
        entry.op(
            f"tensor.dim {value}, {entry.op(f'arith.constant {at} : index', f'at{at}')}"
            f" : {type}",
            name,
        )
        for at, name in enumerate(("rows_in", "tokens_in"))
    ]


def slice_heads(entry, value, shape, begin, size, sizes, name):
    """value[:, :, :, begin : begin + size] of [B, T, heads, n]."""
    own = tensor_type(shape, dynamic=2)
    type = tensor_type([*shape[:3], size], dynamic=2)
    part = entry.op(
        f"tensor.extract_slice {value}[0, 0, 0, {begin}]"
        f" [{sizes[0]}, {sizes[1]}, {shape[2]}, {size}] [1, 1, 1, 1] : {own} to {type}",
        name,
    )
    return part, type


def gated_attention(name, parameters, inputs, outputs):
    """Queries and gates in one, queries and keys normed, positions."""
    entry, past = Entry(name), parameters["past"]
    both, y = inputs["q_and_gate"], outputs["y"]
    size = parameters["head_dim"]
    both_type = tensor_type(both.shape, dynamic=2)
    value = entry.input("q_and_gate", both, both_type)
    sizes = sizes_of(entry, value, both_type)
    query, q_type = slice_heads(entry, value, both.shape, 0, size, sizes, "q")
    gate, _ = slice_heads(entry, value, both.shape, size, size, sizes, "gate")
    k, v = tail(inputs["k"], past), tail(inputs["v"], past)
    k_type = tensor_type(k.shape, dynamic=2)
    values = entry.input("v", v, k_type)
    rows = entry.input("past", tensor([1], [past], "i"), "tensor<?xi32>")
    pair = []
    for part, fed, own, type in (
        ("q", query, y, q_type),
        ("k", entry.input("k", k, k_type), k, k_type),
    ):
        weight = entry.weight(f"{part}_norm", inputs[f"{part}_norm"])
        normed = entry.op(
            f"marimba.rms_norm {fed} weight({weight} : tensor<{size}xf32>)"
            f" eps({parameters['eps']:.9e}) {{zero_centered}} : {type}",
            f"{part}_normed",
        )
        pair.append((normed, own, type))
    query, key = rotate(entry, parameters, rows, pair)
    kept = norm_and_turn(parameters, inputs["k"], inputs["k_norm"])
    states = [cached(t, past, past + k.shape[1]) for t in (kept, inputs["v"])]
    c_type = f"tensor<?x{k.shape[2]}x?x{size}xf32>"
    states = [
        entry.state(part, held, c_type) for part, held in zip(("key", "value"), states)
    ]
    memory = entry.op(
        f"tensor.empty({', '.join(sizes)}) : {q_type}", "attention_memory"
    )
    found, *after = entry.op(
        f"marimba.attention {query}, {key}, {values} past({rows})"
        f" outs({memory}, {', '.join(states)} : {q_type}, {c_type}, {c_type})"
        f" {{scale = {size**-0.5:.17e} : f64}} : {q_type}, {k_type}, {k_type},"
        f" tensor<?xi32> -> {q_type}, {c_type}, {c_type}",
        "attended, keys_after, values_after",
    )
    for state in after:
        entry.returns(state, c_type)
    opened = entry.op(f"marimba.sigmoid {gate} : {q_type}", "open")
    gated = entry.op(f"arith.mulf {found}, {opened} : {q_type}", "gated")
    entry.result("out", gated, y.shape, q_type)
    entry.expect("out", y)
    return entry


def head_products(entry, x, type, matrices, sizes, name):
    """y[b,t,h,n] = sum_k x[b,t,h,k] matrices[h,k,n], as the importer has it."""
    heads, _, size = matrices.shape
    result = f"tensor<?x?x{heads}x{size}xf32>"
    weight = entry.weight(f"{name}_matrices", matrices)
    zero = entry.op("arith.constant 0.0 : f32", f"{name}_zero")
    empty = entry.op(f"tensor.empty({', '.join(sizes)}) : {result}", f"{name}_empty")
    none = entry.op(
        f"linalg.fill ins({zero} : f32) outs({empty} : {result}) -> {result}",
        f"{name}_none",
    )
    maps = ("(b, t, h, k)", "(h, k, n)", "(b, t, h, n)")
    maps = ", ".join(f"affine_map<(b, t, h, n, k) -> {map}>" for map in maps)
    kinds = ", ".join(['"parallel"'] * 4 + ['"reduction"'])
    y = entry.op(
        f"linalg.generic {{indexing_maps = [{maps}], iterator_types = [{kinds}]}}"
        f" ins({x}, {weight} : {type}, {tensor_type(matrices.shape)})"
        f" outs({none} : {result}) {{\n"
        "  ^bb0(%a: f32, %b: f32, %c: f32):\n"
        "    %product = arith.mulf %a, %b : f32\n"
        "    %sum = arith.addf %c, %product : f32\n"
        f"    linalg.yield %sum : f32\n  }} -> {result}",
        name,
    )
    return y, result


def latent_attention(name, parameters, inputs, outputs):
    """In the latent space: kv_b's part for keys is applied to queries, that for
    values to what attention gives."""
    entry, past = Entry(name), parameters["past"]
    q, y, latent = inputs["q"], outputs["y"], inputs["latent"]
    content, shared = parameters["qk_nope"], parameters["qk_rope"]
    rank, heads, time = parameters["rank"], parameters["n_heads"], q.shape[1]
    width = rank + shared
    each = inputs["kv_b"].reshape(heads, content + parameters["v_dim"], rank)
    into = each.take(1, 0, content)
    out_of = each.take(1, content, each.shape[1]).swap_last()

    q_type = tensor_type(q.shape, dynamic=2)
    value = entry.input("q", q, q_type)
    sizes = sizes_of(entry, value, q_type)
    part, type = slice_heads(entry, value, q.shape, 0, content, sizes, "content")
    absorbed, latent_type = head_products(entry, part, type, into, sizes, "absorbed")
    rest, type = slice_heads(entry, value, q.shape, content, shared, sizes, "rest")
    query_type = f"tensor<?x?x{heads}x{width}xf32>"
    query = entry.op(f"tensor.empty({', '.join(sizes)}) : {query_type}", "query0")
    for i, (own, begin, size, from_type) in enumerate(
        ((absorbed, 0, rank, latent_type), (rest, rank, shared, type))
    ):
        query = entry.op(
            f"tensor.insert_slice {own} into {query}[0, 0, 0, {begin}]"
            f" [{sizes[0]}, {sizes[1]}, {heads}, {size}] [1, 1, 1, 1]"
            f" : {from_type} into {query_type}",
            f"query{i + 1}",
        )
    values = []
    for t in range(latent.shape[1]):
        for kept, size in ((latent, rank), (inputs["k_shared"], shared)):
            values.extend(kept.values[t * size : (t + 1) * size])
    keys = tensor([1, latent.shape[1], 1, width], values)
    key = entry.input("k", tail(keys, past), f"tensor<?x?x1x{width}xf32>")
    rows = entry.input("past", tensor([1], [past], "i"), "tensor<?xi32>")
    c_type = f"tensor<?x1x?x{width}xf32>"
    cache = entry.state("key", cached(keys, past, past + time + 2), c_type)
    memory = entry.op(f"tensor.empty({', '.join(sizes)}) : {latent_type}", "memory")
    found, after = entry.op(
        f"marimba.attention {query}, {key} past({rows})"
        f" outs({memory}, {cache} : {latent_type}, {c_type})"
        f" {{scale = {parameters['scale']:.17e} : f64}} : {query_type},"
        f" tensor<?x?x1x{width}xf32>, tensor<?xi32> -> {latent_type}, {c_type}",
        "attended, cache_after",
    )
    entry.returns(after, c_type)
    found, type = head_products(entry, found, latent_type, out_of, sizes, "values")
    entry.result("out", found, y.shape, type)
    entry.expect("out", y)
    return entry
