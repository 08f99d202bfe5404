"""The tokenizer.ggml.* keys that llama.cpp's converter makes of a tokenizer.json.
Standard library only."""

from gguf_file import ARRAY, BOOL, FLOAT32, INT32, STRING, UINT8, UINT32

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)


def stages(stage, key):
    """A stage, or the stages of a sequence of them."""
    if stage and stage["type"] == "Sequence":
        return [s for inner in stage[key] for s in stages(inner, key)]
    return [stage] if stage else []


def tokens_and_types(document, is_pieces):
    model, added = document["model"], document["added_tokens"]
    names = {i: name for name, i in model["vocab"].items()}
    types = dict.fromkeys(names, NORMAL)
    if is_pieces:
        for i, name in names.items():
            if len(name) == 6 and name.startswith("<0x"):
                types[i] = BYTE
    for token in added:
        names[token["id"]] = token["content"]
        types[token["id"]] = CONTROL if token["special"] else USER_DEFINED
        if token["content"] == model["unk_token"]:
            types[token["id"]] = UNKNOWN
    ids = range(max(names) + 1)
    names = [names.get(i, f"[PAD{i}]") for i in ids]
    return names, [types.get(i, UNUSED) for i in ids]


def pairs(model):
    for merge in model["merges"]:
        yield merge.split(" ") if isinstance(merge, str) else merge


def scores(model, names):
    """As SentencePiece trains them: what is merged first is the likeliest."""
    made = {}
    for rank, (left, right) in enumerate(pairs(model)):
        made.setdefault(left + right, -float(rank))
    return [made.get(name, -1e6) for name in names]


def tokenizer_keys(document, pre):
    """`pre` names what splits words, where the vocabulary is byte-level."""
    is_pieces = document["model"]["byte_fallback"]
    names, types = tokens_and_types(document, is_pieces)
    keys = {
        "model": (STRING, "llama" if is_pieces else "gpt2"),
        "tokens": (ARRAY, (STRING, names)),
        "token_type": (ARRAY, (INT32, types)),
    }
    if is_pieces:
        values = scores(document["model"], names)
        keys["scores"] = (ARRAY, (FLOAT32, values))
        kinds = stages(document["normalizer"], "normalizers")
        prefix = any(kind["type"] == "Prepend" for kind in kinds)
        keys["add_space_prefix"] = (BOOL, prefix)
    else:
        keys["pre"] = (STRING, pre)
        merges = [f"{left} {right}" for left, right in pairs(document["model"])]
        keys["merges"] = (ARRAY, (STRING, merges))
    starts = []
    for stage in stages(document["post_processor"], "processors"):
        if stage["type"] == "TemplateProcessing":
            tokens = [part.get("SpecialToken") for part in stage["single"]]
            starts = [token["id"] for token in tokens if token]
    keys["add_bos_token"] = (BOOL, bool(starts))
    if starts:
        keys["bos_token_id"] = (UINT32, names.index(starts[0]))
    unknown = document["model"]["unk_token"]
    if unknown is not None:
        keys["unknown_token_id"] = (UINT32, names.index(unknown))
    return {f"tokenizer.ggml.{name}": value for name, value in keys.items()}


def vocabulary_keys(vocabulary):
    """Of a vocabulary as runtime/tokenizer/GgufVocabulary.cpp writes it: members
    have the names of the keys."""
    keys = {}
    for name, value in vocabulary.items():
        if value in (None, "") or (value == [] and name != "merges"):
            continue
        if name == "precompiled_charsmap":
            value = (ARRAY, (UINT8, bytes.fromhex(value)))
        elif isinstance(value, list):
            kinds = {"token_type": INT32, "scores": FLOAT32}
            value = (ARRAY, (kinds.get(name, STRING), value))
        elif isinstance(value, bool):
            value = (BOOL, value)
        else:
            value = (STRING if isinstance(value, str) else UINT32, value)
        keys[f"tokenizer.ggml.{name}"] = value
    return keys
